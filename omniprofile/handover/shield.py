"""A config file for the vendor's CLI that says nothing, so that a child `omni` uses the credential that it was handed.

With its own config the CLI would not: an expired OAuth default there is refreshed, and the new access token replaces even
`OMNI_API_TOKEN` (facts of the vendor's source). So `exec` points `OMNI_CONFIG_PATH` here. The file is valid, holds no
profile, and cannot be written to: `omni config …` in the child must not leave a token in the cache.
"""

import os
import stat

CONTENT = b'{"version": 1, "profiles": {}}\n'
_NAME = "no-omni-config.json"


def shield_path(cache_folder: str) -> str:
    """Where the file is, whether it is there or not: for who looks for the user's own config."""
    return os.path.join(cache_folder, _NAME)


def is_shield(path: str) -> bool:
    """Tell whether `path` is one that `omni_config` gives, whichever the cache folder was."""
    return os.path.basename(path) == _NAME


def omni_config(cache_folder: str) -> str:
    """The path of the file, made if it is not there or not as it must be.

    Where the cache cannot be written, or others may write it, the path of a file that is not there, in a folder that cannot
    be: then the CLI has no config at all, which it takes for an empty one.
    """
    from omniprofile.system.files import foreign_write_access, make_private_folder, write_atomic

    path = shield_path(cache_folder)
    try:
        make_private_folder(cache_folder)
        if foreign_write_access(os.stat(cache_folder)):  # somebody else could put another file there
            return os.path.join(os.devnull, _NAME)
        if _is_good(path):
            return path
        write_atomic(path, CONTENT, mode=0o400)
    except OSError:
        return os.path.join(os.devnull, _NAME)
    return path


def _is_good(path: str) -> bool:
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode) or status.st_size != len(CONTENT) or status.st_mode & 0o222:
            return False
        if hasattr(os, "getuid") and status.st_uid != os.getuid():
            return False
        with open(path, "rb") as file:
            return file.read(len(CONTENT) + 1) == CONTENT
    except OSError:
        return False
