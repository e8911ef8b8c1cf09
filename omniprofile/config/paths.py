"""The paths of omniprofile's files, on every platform.

The platform and the environment are passed in, so the rules for Windows and macOS run anywhere. Sources: XDG Base Directory
Specification 0.8 (an unset, empty or relative variable means the default), Microsoft's known folders for Windows.

On the fast path: imports only what a bare interpreter has loaded, and `errors` to raise one.
"""

import os

from omniprofile.system.files import NO_HOME, path_module, reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PROFILES_FILE = "profiles.toml"
DROP_IN_FOLDER = "profiles.d"


class Places:
    """Absolute paths. `config_given` says which flag or variable named the profile file, or is None for the default."""

    def __init__(
        self, config_file: str, config_given: "str | None", state_folder: str, cache_folder: str, home: str
    ) -> None:
        self.config_file = config_file
        self.config_given = config_given
        self.state_folder = state_folder
        self.cache_folder = cache_folder
        self.home = home

    @property
    def config_folder(self) -> str:
        """The folder of the profile file as given: for a symbolic link, the link's own folder, not its target's."""
        return os.path.dirname(self.config_file)


def find_places(
    *,
    platform: str,
    environ: "Mapping[str, str]",
    cwd: str,
    user_home: "Callable[[], str | None]",
    config_flag: str | None = None,
) -> Places:
    """Find all paths. `platform` is the value of `sys.platform`; `user_home` is called only if no variable names the home.

    Without a home, the paths are in a folder that does not exist, so that whatever needs no home works. A relative home is
    ignored: it would differ in each working directory, and in a cloned repository others would control it.
    """
    windows = platform == "win32"
    path = path_module(platform)
    given = environ.get("USERPROFILE" if windows else "HOME")
    home = (given if given and path.isabs(given) else user_home()) or ("C:\\" if windows else "/") + NO_HOME

    def own(xdg: str, posix_default: str, windows_variable: str, windows_default: str, *kind: str) -> str:
        given = environ.get(xdg)
        # A path without a drive, as in Git Bash, is a different one on each drive.
        if given and path.isabs(given) and (path.splitdrive(given)[0] or not windows):
            return str(path.join(given, "omniprofile"))
        if windows:
            above = environ.get(windows_variable) or path.join(home, windows_default)
            return str(path.join(above, "omniprofile", *kind))
        return str(path.join(home, posix_default, "omniprofile"))

    def absolute(given: str) -> str:
        if given.startswith("~") and home and (len(given) == 1 or given[1] in "/\\"):
            given = home + given[1:]
        return str(path.normpath(path.join(cwd, given)))

    config_given = "--config" if config_flag else "OMNIPROFILE_CONFIG" if environ.get("OMNIPROFILE_CONFIG") else None
    if config_given:
        config_file = absolute(config_flag or environ["OMNIPROFILE_CONFIG"])
    else:
        folder = own("XDG_CONFIG_HOME", ".config", "APPDATA", r"AppData\Roaming")
        config_file = path.join(folder, PROFILES_FILE)
    local = "LOCALAPPDATA", r"AppData\Local"
    state_given = environ.get("OMNIPROFILE_STATE_DIR")
    state_folder = absolute(state_given) if state_given else own("XDG_STATE_HOME", ".local/state", *local, "state")
    cache_folder = own("XDG_CACHE_HOME", ".cache", *local, "cache")
    return Places(config_file, config_given, state_folder, cache_folder, home)


def profile_files(places: Places, *, may_be_new: bool = False) -> list[str]:
    """Return the existing profile files in reading order: the main file, then `profiles.d/*.toml` by name.

    Raises ConfigUnreadable, also if no file exists although one was named, unless it `may_be_new`. Without a named file, that is
    no error: nothing is set up yet.
    """
    files = []
    if os.path.lexists(places.config_file):
        files.append(places.config_file)
    folder = os.path.join(places.config_folder, DROP_IN_FOLDER)
    try:
        files += drop_ins(folder)
    except FileNotFoundError:
        pass
    except OSError as problem:
        from omniprofile.errors import ConfigUnreadable

        raise ConfigUnreadable(
            f"`{folder}` cannot be read: {reason(problem)}", hint="make it a folder that you can read"
        ) from problem
    if not files and places.config_given and not may_be_new:
        from omniprofile.errors import ConfigUnreadable
        from omniprofile.model.shell_words import quoted_place

        # The library has no `--config`, but is given the file in the same way.
        flag, named = f"--config {quoted_place(places.config_file)} ", ""
        if places.config_given != "--config":
            flag, named = "", f", named by `{places.config_given}`,"
        raise ConfigUnreadable(
            f"profile file `{places.config_file}`{named} not found",
            hint=f"check the path, or create the file with `omniprofile {flag}init`",
        )
    return files


def drop_ins(folder: str) -> list[str]:
    """Return the profile files in a `profiles.d`, sorted by name, without hidden files. Raises OSError."""
    names = sorted(
        name for name in os.listdir(folder) if os.path.normcase(name).endswith(".toml") and not name.startswith(".")
    )
    return [os.path.join(folder, name) for name in names]
