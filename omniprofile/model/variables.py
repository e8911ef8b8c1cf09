"""The variables that carry a credential, made of what a profile's `env` says.

The value of a variable is a text, or an alias: a part of the credential (`token`, `base_url`, `host`, `organization`) and a
text to append to it. Secrets of `env` are texts here; who reads them is `credentials.resolver`.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

import os
import sys

from omniprofile.model.exported import BASE_URL, MARKER, ORGANIZATION, OWN, PROFILE, TOKEN, TOKEN_FOR_SDK, marker

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from omniprofile.model.compiled_profile import CompiledProfile
    from omniprofile.model.credential import Credential

    Value = str | tuple[str, str]
    """A text, or an alias: the part's name and what is appended to it."""

    Handed: TypeAlias = "Credential | CompiledProfile"
    """What is handed over, in full or as the fast path knows it."""


NO_CONFIG = r"C:\omniprofile?\config.json" if sys.platform == "win32" else "/dev/null/omniprofile/config.json"
"""The config file that `exec` names to the vendor's CLI: one that nobody can make or write, root included.

With a config of its own the CLI would not use what it was handed: an expired OAuth default there is renewed, and the new token
replaces even `OMNI_API_TOKEN` (exploreomni/cli). A missing file is not a config to it. What `omni config …` saves fails: nothing
is below a device, and no Windows file system has a `?` in a name.
"""
HIDDEN = f"`OMNI_CONFIG_PATH` is `{NO_CONFIG}`, which nobody can make or write"
"""Why the CLI neither sees its config nor saves one, in words."""


def credential_variables(handed: "Handed", base_url: str, token: str) -> dict[str, str]:
    """Return every variable to set: the credential, its mark `OMNIPROFILE_EXPORTED`, then the profile's `env`.

    A shell that stops at a name that it keeps for itself (`status` in zsh) has the mark of what it has by then.

    `base_url` and `token` are what the consumer gets: the credential's own, or those of a gateway to it, which has no
    organization. A base URL and token that are the environment's own stay so: no profile is named, and they get no mark.
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
    mark = {MARKER: marker(handed.profile, ours, base_url)} if ours else {}
    own = {name: value for name, value in given.items() if name in OWN}
    return own | mark | given


def encodable(variables: "Mapping[str, str]") -> dict[str, str]:
    """Return `variables` as a child process can be given them: what the locale cannot encode becomes UTF-8."""

    def encoded(value: str) -> str:
        try:
            os.fsencode(value)
        except UnicodeEncodeError:
            return os.fsdecode(value.encode("utf-8", "surrogateescape"))
        return value

    return {name: value if value.isascii() else encoded(value) for name, value in variables.items()}


def refuse_nul(variables: "Mapping[str, str]") -> None:
    """Raise UsageError for a value that no environment can carry."""
    for name, value in variables.items():
        if "\0" in value:
            from omniprofile.errors import UsageError

            raise UsageError(f"the value of `{name}` holds a NUL, which no environment can carry")
