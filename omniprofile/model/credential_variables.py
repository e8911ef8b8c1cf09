"""The variables that carry a credential, including those of a profile's `env`.

The value of a variable is a text, or an alias: a part of the credential (`token`, `base_url`, `host`, `organization`) and a
text to append to it. Secrets of `env` are texts here: `credentials.obtain` or `credentials.fast_obtain` has read them.

On the fast path: imports only what a bare interpreter has loaded, and `errors` to raise one.
"""

import os
import sys

from omniprofile.model.export_mark import mark_of
from omniprofile.model.variable_names import BASE_URL, MARKER, ORGANIZATION, OWN, PROFILE, TOKEN, TOKEN_FOR_SDK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Protocol, TypeAlias

    class _Handed(Protocol):
        @property
        def profile(self) -> str: ...
        @property
        def of_profile(self) -> bool: ...
        @property
        def auth(self) -> str: ...
        @property
        def base_url(self) -> str: ...
        @property
        def token(self) -> str: ...
        @property
        def organization_name(self) -> str | None: ...
        @property
        def expires_at(self) -> datetime | None: ...
        @property
        def env(self) -> tuple[tuple[str, str | tuple[str, str]], ...]: ...

    Handed: TypeAlias = _Handed
    """The credential to hand over: a `Credential`, or the fast path's `CompiledProfile`."""


NO_CONFIG = r"C:\omniprofile?\config.json" if sys.platform == "win32" else "/dev/null/omniprofile/config.json"
"""The config file that `exec` sets for the vendor's CLI: one that nobody can create or write, not even root.

With its own config the CLI might not use the credential it was given: it renews an expired OAuth default there, and the
new token replaces even `OMNI_API_TOKEN` (exploreomni/cli). It treats a missing file as no config. `omni config …` cannot save:
a device has no files below it, and Windows allows no `?` in file names.
"""
HIDDEN = f"`OMNI_CONFIG_PATH` is `{NO_CONFIG}`, which nobody can make or write"
"""A message saying why the CLI can neither read nor save its config."""


def credential_variables(handed: "Handed", base_url: str, token: str) -> dict[str, str]:
    """Return every variable to set: the credential, its mark `OMNIPROFILE_EXPORTED`, then the profile's `env`.

    In that order, a shell that stops at a name it reserves (`status` in zsh) already has the mark of what it has set.

    `base_url` and `token` are what the consumer gets: the credential's own, or those of a gateway to it, which has no
    organization. If the base URL and token are the environment's own, no profile is named, and they get no mark.
    Raises UsageError for a NUL in a value.
    """
    organization = handed.organization_name if base_url == handed.base_url else None
    parts = {"token": token, "base_url": base_url, "host": base_url.partition("://")[2], "organization": organization}
    pair = {BASE_URL: base_url, TOKEN: token, TOKEN_FOR_SDK: token}
    variables: dict[str, str | None] = {**pair, ORGANIZATION: organization}
    if handed.of_profile:
        variables[PROFILE] = handed.profile
    for name, value in handed.env:
        if isinstance(value, str):
            variables[name] = None if name in OWN else value
        else:
            part = parts[value[0]]
            variables[name] = None if part is None else part + value[1]
    given = {name: value for name, value in variables.items() if value is not None}
    refuse_nul(given)
    ours = given if handed.of_profile else {name: value for name, value in given.items() if name not in pair}
    mark = {MARKER: mark_of(handed.profile, ours, base_url)} if ours else {}
    own = {name: value for name, value in given.items() if name in OWN}
    return own | mark | given


def encodable(variables: "Mapping[str, str]") -> dict[str, str]:
    """Return `variables` so that a child process can be given them: what the locale cannot encode becomes UTF-8."""

    def encoded(value: str) -> str:
        try:
            os.fsencode(value)
        except UnicodeEncodeError:
            return os.fsdecode(value.encode("utf-8", "surrogateescape"))
        return value

    return {name: value if value.isascii() else encoded(value) for name, value in variables.items()}


def refuse_nul(variables: "Mapping[str, str]") -> None:
    """Raise UsageError for a value with a NUL, which no environment can carry."""
    for name, value in variables.items():
        if "\0" in value:
            from omniprofile.errors import UsageError

            raise UsageError(f"the value of `{name}` holds a NUL, which no environment can carry")
