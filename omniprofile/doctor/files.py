"""The checks of `doctor` for files: profile files, permissions, leftovers, the cache."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from time import time

from omniprofile.app import App
from omniprofile.checks.lint import lint
from omniprofile.config import snapshot
from omniprofile.config.paths import profile_files
from omniprofile.credentials.file_store import SECRETS_FILE
from omniprofile.credentials.stored_index import INDEX_FILE
from omniprofile.doctor.diagnosis import Diagnosis, Health, ok, problem, skipped, warning
from omniprofile.model.effective import every_effective, gives_token, giving_token
from omniprofile.model.finding import errors_in
from omniprofile.model.names import counted, printable_place, quoted_list
from omniprofile.model.shell_words import quoted_place
from omniprofile.system.files import reason
from omniprofile.system.foreign_access import foreign_access, real_path
from omniprofile.system.locking import LockFailed
from omniprofile.system.user_lock import user_lock

_LIMITS = ("gateway", "read-only")
_MOST_NAMED = 3
_YOUNG_SECONDS = 60.0
"""A younger temporary file may belong to a running process."""


def profiles(app: App) -> Iterable[Diagnosis]:
    """Summarize lint in one line."""
    paths = profile_files(app.places)
    if not paths:
        yield skipped(f"no profile file yet (`{printable_place(app.places.config_file)}`)", "run `omniprofile init`")
        return
    findings = lint(paths, home=app.places.home)
    errors = errors_in(findings)
    if errors:
        more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        yield problem(f"{errors[0].place}: {errors[0].code} {errors[0].message}{more}", "run `omniprofile lint`")
        return
    files, defined = counted(len(paths), "file"), counted(len(app.config.profiles), "profile")
    warnings = f"{counted(len(findings), 'warning')} of `omniprofile lint`" if findings else "no findings"
    yield ok(f"{files}, {defined}, {warnings}, in `{printable_place(app.places.config_folder)}`")


def permissions(app: App) -> Iterable[Diagnosis]:
    """Report files whose writers could redirect credentials, and secrets that others can read."""
    windows, home = app.environment.platform == "win32", app.places.home
    paths = [(path, private) for path, private in _watched(app) if os.path.lexists(path)]
    found = [_open_to_groups(path) if windows else _open_to_others(path, private, home) for path, private in paths]
    if not windows:
        try:
            with user_lock(app.lock_folders, "doctor.lock", 0, shared=True):
                pass
        except LockFailed as trouble:
            found.append(problem(str(trouble), trouble.hint))
    bad = list(dict.fromkeys(filter(None, found)))
    yield from bad or [
        ok(f"{len(paths)} files and folders, none that {'everybody' if windows else 'others'} can change")
    ]


def _watched(app: App) -> Iterator[tuple[str, int]]:
    """Yield each path to check, with the mode bits beside others' write bit that it must not have."""
    places, files = app.places, profile_files(app.places)
    # Private groups are common and make files group-writable, so the group may write profile files.
    for path in dict.fromkeys((places.config_folder, *map(os.path.dirname, files), *files)):
        yield path, 0
    for path in (
        places.state_folder,
        app.state.path,
        os.path.join(places.state_folder, INDEX_FILE),
        places.cache_folder,
    ):
        yield path, stat.S_IWGRP
    yield os.path.join(places.state_folder, SECRETS_FILE), stat.S_IRWXG | stat.S_IRWXO


def _open_to_others(path: str, private: int, home: str) -> Diagnosis | None:
    """Return who else can change a file or folder, or may do what the mode bits `private` allow."""
    if (found := foreign_access(path, home)) is not None:
        return problem(*found.refusal("decide where your credentials go"))
    shown, word = f"`{printable_place(path)}`", quoted_place(path)
    try:
        mode = os.stat(path).st_mode
    except OSError as trouble:
        return problem(f"{shown} cannot be examined: {reason(trouble)}", "check its folders' permissions")
    if not mode & private:
        return None
    if private & stat.S_IRGRP:
        return problem(f"{shown} can be read or written by others, and holds secrets", f"run `chmod go-rwx {word}`")
    return problem(f"{shown} can be written by its group", f"run `chmod g-w {word}`")


def _open_to_groups(path: str) -> Diagnosis | None:
    """Return which groups can change a file or folder by its access list, which Windows has in place of a mode."""
    from omniprofile.system.windows.access_lists import groups_with_write_access

    shown = f"`{printable_place(path)}`"
    try:
        groups = groups_with_write_access(path)
    except OSError as trouble:
        return skipped(f"the access list of {shown} cannot be read: {reason(trouble)}")
    own = "(OI)(CI)F" if os.path.isdir(path) else "F"
    remedy = f'run `icacls {quoted_place(path)} /inheritance:r /grant:r "%USERNAME%:{own}"` in cmd, or move it home'
    return warning(f"{shown} can be changed by {' and '.join(groups)}", remedy) if groups else None


def leftovers(app: App) -> Iterable[Diagnosis]:
    """Report what killed commands left: the journal of a rename or removal, and temporary files."""
    old = list(_temporary_files(app))
    for path in old:
        yield warning(
            f"`{printable_place(path)}` was left by a command that was killed",
            "remove it; what it was to replace is as it was",
        )
    unfinished = app.journal.read()
    if unfinished is not None:
        yield warning(str(unfinished), f"run it again, and it goes on where it was: `{unfinished.command}`")
    elif not old:
        yield ok("nothing was left by a command that was killed")


def _temporary_files(app: App) -> Iterator[str]:
    """Yield the temporary files of `write_atomic`: in our folders all, elsewhere those of files that we write."""
    state = app.places.state_folder
    starts: dict[str, list[str]] = {state: ["."], app.places.cache_folder: ["."]}
    for path in (*profile_files(app.places), app.omni_config_path(), os.path.join(state, SECRETS_FILE)):
        folder, name = os.path.split(real_path(path))
        starts.setdefault(folder, []).append(f".{name}.")
    for folder in sorted(starts):
        with suppress(OSError):  # missing, or `permissions` reports it
            for entry in sorted(os.listdir(folder)):
                path = os.path.join(folder, entry)
                if entry.startswith(tuple(starts[folder])) and entry.endswith(".tmp"):
                    with suppress(OSError):
                        if time() - os.lstat(path).st_mtime > _YOUNG_SECONDS:
                            yield path


def access(app: App) -> Iterable[Diagnosis]:
    """Report which profiles give programs a gateway in place of their token."""
    profiles = every_effective(app.config)
    limited = {limit: [name for name, each in profiles.items() if each.access.value == limit] for limit in _LIMITS}
    said = [f"{limit}: {quoted_list(names, 'and')}" for limit, names in limited.items() if names]
    yield ok("; ".join(said) or "every profile gives programs its token")
    for name in [name for name, each in profiles.items() if gives_token(each)][:_MOST_NAMED]:
        yield Diagnosis(Health.OK, *giving_token(name))


def cache(app: App) -> Iterable[Diagnosis]:
    """Report whether the cache makes the everyday commands fast."""
    folder = app.places.cache_folder
    if os.path.isdir(folder) and not os.access(folder, os.W_OK | os.X_OK):
        yield warning(
            f"`{printable_place(folder)}` cannot be written, so every command reads the profile files again",
            "make it a folder that you can write to",
        )
        return
    files = profile_files(app.places)
    fresh = bool(files) and snapshot.read(app.places, files) is not None
    state = "the snapshot of the profile files is fresh" if fresh else "no fresh snapshot; the next command makes one"
    yield ok(f"{state} (`{printable_place(folder)}`; deleting it costs only time)")
