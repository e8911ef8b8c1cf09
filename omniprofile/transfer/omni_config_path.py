"""Find the config that the vendor's CLI, `omni`, reads outside of `omniprofile exec`, which hides it.

The platform is passed in, so the rules for Windows run anywhere.

On the fast path: imports only what a bare interpreter has loaded.
"""

from omniprofile.model.credential_variables import NO_CONFIG
from omniprofile.system.files import path_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def omni_config_path(*, platform: str, environ: "Mapping[str, str]", home: str) -> str:
    """Return the path of the config that `omni` reads with these variables, where they do not hide it."""
    path = path_module(platform)
    given = environ.get("OMNI_CONFIG_PATH")
    if given and given != NO_CONFIG:
        return given
    if folder := environ.get("OMNI_CONFIG_DIR"):
        return str(path.join(folder, "config.json"))
    roaming = environ.get("APPDATA") or path.join(home, "AppData", "Roaming")
    own = roaming if platform == "win32" else path.join(home, ".config")
    return str(path.join(environ.get("XDG_CONFIG_HOME") or own, "omni-cli", "config.json"))


def shell_omni_config_path(
    environ: "Mapping[str, str]", removed: "Sequence[str]", *, platform: str, home: str
) -> "str | None":
    """Return the config that plain `omni` reads in a shell without the variables `removed`; None if it is hidden."""
    left = {name: value for name, value in environ.items() if name not in removed}
    if left.get("OMNI_CONFIG_PATH") == NO_CONFIG:
        return None
    return omni_config_path(platform=platform, environ=left, home=home)
