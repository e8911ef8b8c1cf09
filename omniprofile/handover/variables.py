"""The environment that carries a credential, and the variables that must not accompany it.

On the fast path: imports only what a bare interpreter has loaded, and the errors when there is one.
"""

import os
import sys

from omniprofile.model.credential_variables import NO_CONFIG, credential_variables, encodable
from omniprofile.model.export_mark import own_values, read_mark
from omniprofile.model.variable_names import CHILD, MARKER, OWN, STEERING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from omniprofile.model.credential_variables import Handed

SHIM = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "shim")
"""The folder that contains our `omni` (`handover.real_omni`) and no other program."""
PYTHON = "OMNIPROFILE_PYTHON"
"""Names omniprofile's interpreter for our `omni`, a `sh` script."""

RIVALS = (
    *OWN,
    "OMNI_HOST",  # embed apps build a URL from it
    "OMNI_VANITY_DOMAIN",  # so do they and omni-analytics-sdk from this
    "OMNI_EMBED_SECRET",  # they sign with it: another instance's secret
    *STEERING,
)
"""Variables that would make a consumer use another credential, or this one elsewhere: removed before ours are set."""

_OF_THIS_SHELL = (
    "OMNIPROFILE_PREVIOUS",  # this shell's `use -`, meaningless in a child
    "OMNIPROFILE_HOOK",  # says that this shell has loaded the hook; a shell started by the child has not
    "OMNIPROFILE_EVAL",
    "OMNIPROFILE_PROMPT",
    MARKER,
    CHILD,
)
"""Variables that omniprofile keeps in a shell for its own use: removed for a child."""


def exports(credential: "Handed", environ: "Mapping[str, str]") -> tuple[dict[str, str], list[str]]:
    """Return the variables that `env` sets in a shell with `environ`, and those that it removes.

    It removes unchanged variables from an earlier `env`, and rivals, except the vendor CLI config that `exec` gave to its
    child. Raises as `credential_variables` does.
    """
    assign = credential_variables(credential, credential.base_url, credential.token)
    rivals = [name for name in (*RIVALS, MARKER, CHILD) if name in environ]
    if environ.get("OMNI_CONFIG_PATH") == NO_CONFIG:
        rivals.remove("OMNI_CONFIG_PATH")
    return assign, [name for name in dict.fromkeys([*sorted(own_values(environ)), *rivals]) if name not in assign]


def removals(environ: "Mapping[str, str]") -> list[str]:
    """Return what `env --unset` removes: all that `env` sets, except values that the user has since set or changed."""
    mark = read_mark(environ)
    names = dict.fromkeys([*OWN, *(mark.variables if mark else ())])
    ours = own_values(environ)
    return [*(name for name in names if name in ours or not environ.get(name)), MARKER]


def behind_gateway(environ: "Mapping[str, str]", tokens: "Collection[str]") -> dict[str, str]:
    """Return the environment of a child that uses a gateway: without the tokens, and bypassing proxies for loopback."""
    kept = {name: value for name, value in environ.items() if not any(token in value for token in tokens)}
    if any(kept.get(name) for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")):
        for name in ("no_proxy", "NO_PROXY"):
            kept[name] = ",".join(filter(None, [kept.get(name), "127.0.0.1,localhost,::1"]))
    return kept


def child_environment(
    variables: "Mapping[str, str]", environ: "Mapping[str, str]", *, key_variables: "Collection[str | None]" = ()
) -> dict[str, str]:
    """Return the environment of a command run by `exec`: `environ` without rivals, plus `variables`, which carry the credential.

    Also removes unchanged variables from an earlier `omniprofile env`, and `key_variables`, from which the profile takes its
    key and secrets. Profiles' own variables (`OMNI_PROFILE_<NAME>_TOKEN`, other key sources') stay: only omniprofile reads
    them, and a script run by `exec` may call it for another profile. The folder of our `omni` comes first on `PATH`.
    """
    same = str.upper if sys.platform == "win32" else str  # only on Windows do names ignore case
    names = (*RIVALS, *_OF_THIS_SHELL, *own_values(environ), *key_variables, *variables)
    removed = {same(name) for name in names if name}
    kept = {name: value for name, value in environ.items() if same(name) not in removed}
    path = variables.get("PATH") or environ.get("PATH") or os.defpath  # a profile's `env` may set it too
    path = os.pathsep.join([SHIM, *(folder for folder in path.split(os.pathsep) if folder != SHIM)])
    ours = {"PATH": path, PYTHON: sys.executable, "OMNI_CONFIG_PATH": NO_CONFIG}
    return {**kept, **encodable({**variables, **ours})}
