"""The short path: the exact everyday command lines, answered from the snapshot with no parser, no schema and no resolver.

It decides nothing of its own. What the files decide is in the snapshot, made by the full path; which profile is in use is
`config.choosing`'s order; keys, variables and quoting are the functions that the full path calls too. Whatever is not
exactly one of these forms, is overridden, protected, missing or broken is declined, and so goes to the full path, which
also says every sentence that there is to say. `tests/cli/test_short.py` holds both paths equal.
"""

import os
import sys

from omniprofile.config import snapshot
from omniprofile.config.choosing import LARGEST_PIN, ORDER, VARIABLE, plain_pin
from omniprofile.config.paths import Places, find_pin, find_places, profile_files
from omniprofile.config.state import StateFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from omniprofile.credentials.protection import Use
    from omniprofile.model.decided import Decided
    from omniprofile.model.stored import StoredSecret
    from omniprofile.system.files import ForeignAccess

    Answer = str | tuple[list[str], dict[str, str]]
    """What to print, or the command and the environment to become."""

FORMS = {
    # command: the options with a value that are known here, whether it takes NAME, whether `-- COMMAND` follows
    "current": (("-p", "--profile"), False, False),
    "token": (("-p", "--profile"), True, False),
    "env": (("-p", "--profile", "--shell"), True, False),
    "exec": (("-p", "--profile"), True, True),
}

COMPLETE = ["__complete", "profiles"]


class Declined(Exception):
    """This is for the full path."""


class Ended(Exception):
    """This ends with its cause, as it would in the full path."""


def run() -> int:
    """Run this process's command line; return the exit status."""
    failed: BaseException | None = None
    try:
        given = answer(sys.argv[1:], os.environ, sys.platform, compiling=True)
        if isinstance(given, str):
            from omniprofile.cli.stream import write_out

            write_out(sys.stdout, given)
            return 0
        if given is not None:
            from omniprofile.handover.process import run_command

            return run_command(*given)
    except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - `main` knows how each of them ends
        failed = problem
    from omniprofile.cli.main import run as run_in_full

    return run_in_full(failed)


def answer(
    argv: "Sequence[str]",
    environ: "Mapping[str, str]",
    platform: str,
    cwd: str | None = None,
    *,
    compiling: bool = False,
) -> "Answer | None":
    """What the full path would do for this command line, or None: ask the full path.

    `compiling` lets it read files that have changed, and keep the new snapshot.
    """
    try:
        return _answer(argv, environ, platform, cwd or os.getcwd(), compiling)
    except Ended as ended:
        raise ended.__cause__ or ended from None
    except Exception:  # noqa: BLE001 - whatever is wrong, the full path finds it too and says so
        return None


def _answer(argv: "Sequence[str]", environ: "Mapping[str, str]", platform: str, cwd: str, compiling: bool) -> "Answer":
    if environ.get("OMNIPROFILE_PROMPT"):  # the full path renews what this shell's prompt knows
        _decline()
    places = find_places(platform=platform, environ=environ, cwd=cwd, user_home=_decline)
    if list(argv) == COMPLETE:
        names: str = _kept(places, snapshot.NAMES, compiling)
        return names
    command, named, shell, child = _parsed(argv)
    default, store, profiles = _kept(places, snapshot.QUICK, compiling)
    profile, by_pin = _selected(named, environ, places, cwd, default, profiles)
    decided = _decided(profile, profiles)
    if decided.protected:
        from omniprofile.credentials import protection as allowed

        use: Use = allowed.RUN if command == "exec" else allowed.SHOW if command == "current" else allowed.GIVE
        if allowed.decide(use, protected=True, pinned=by_pin) != allowed.ALLOW:
            raise Declined
    if command == "current":
        if not named and (environ.get("OMNI_API_TOKEN") or environ.get("OMNI_API_KEY")):
            from omniprofile.credentials.names import environment_pair

            if environment_pair(profile, environ):  # which the full path says
                raise Declined
        return profile + "\n"
    if decided.source == "stored":
        store = environ.get("OMNIPROFILE_SECRET_STORE") or store or "keyring"
        _obtain_stored(decided, environ, platform, places, store)
    else:
        _obtain(decided, environ)
    if command == "token":
        return decided.token + "\n"
    if command == "env":
        return _exports(decided, environ, shell)
    from omniprofile.handover.shield import omni_config
    from omniprofile.handover.variables import child_environment

    config = omni_config(places.cache_folder)
    variable = decided.key if decided.source == "env" else None
    return child, child_environment(decided, environ, omni_config=config, key_variable=variable)


def _kept(places: Places, section: int, compiling: bool) -> "Any":
    files = profile_files(places)
    kept = snapshot.read(places, files, section)
    if kept is None and compiling and files:
        from omniprofile.compiled import compile_files

        return compile_files(places, files)[1][section]
    if kept is None:
        raise Declined
    return kept


def _parsed(argv: "Sequence[str]") -> tuple[str, str | None, str | None, list[str]]:
    """The command, the profile and the shell that are named, and what follows `--`."""
    front, argv = (argv[:2], argv[2:]) if argv[0] in ("-p", "--profile") else ((), argv)
    command, *words = argv
    words = [*front, *words]
    options, takes_name, takes_child = FORMS[command]
    child: list[str] = []
    if takes_child:
        cut = words.index("--")
        words, child = words[:cut], words[cut + 1 :]
        if not child:
            raise Declined
    found: dict[str, str] = {}
    while words:
        word, *words = words
        key, value = ("NAME", word) if takes_name else ("", "")
        if word in options:
            value, *words = words
            key = "--shell" if word == "--shell" else "NAME"
        if not key or key in found or not value or value[0] == "-":
            raise Declined
        found[key] = value
    return command, found.get("NAME"), found.get("--shell"), child


def _selected(
    named: str | None,
    environ: "Mapping[str, str]",
    places: Places,
    cwd: str,
    default: str | None,
    profiles: "Mapping[str, object]",
) -> tuple[str, bool]:
    """The profile in use, and whether a project pin says so."""
    layers: dict[str, Callable[[], str | None]] = {
        "named": lambda: named,
        "environment": lambda: environ.get(VARIABLE) or None,
        "pin": lambda: _pinned(cwd, places),
        "state": lambda: _active(places),
        "default": lambda: default,
        "only": lambda: next(iter(profiles)) if len(profiles) == 1 else None,
    }
    for layer in ORDER:
        if (profile := layers[layer]()) is not None:
            return profile, layer == "pin"
    raise Declined


def _pinned(cwd: str, places: Places) -> str | None:
    from omniprofile.system.files import read_regular

    ignored: list[tuple[str, ForeignAccess]] = []
    path = find_pin(cwd, places.home, ignored=ignored)
    if ignored:
        raise Declined
    if path is None:
        return None
    profile = plain_pin(read_regular(path, LARGEST_PIN))
    if profile is None:
        raise Declined
    return profile


def _active(places: Places) -> str | None:
    return StateFile(places.state_folder, places.home).read().active


def _decided(profile: str, profiles: "Mapping[str, bytes]") -> "Decided":
    import marshal

    from omniprofile.model.decided import Decided

    return Decided(profile, marshal.loads(profiles[profile]))  # noqa: S302 - `snapshot` has checked whose it is


def _obtain(decided: "Decided", environ: "Mapping[str, str]") -> None:
    """Ask the key source of the profile."""
    from omniprofile.credentials.names import nothing_overrides
    from omniprofile.credentials.sources import checked_key, key_in_file
    from omniprofile.model.exported import key_in_environment

    if not nothing_overrides(decided.profile, environ):
        raise Declined
    if decided.source == "env" and decided.key:
        decided.token = checked_key(
            key_in_environment(environ, decided.key, decided.profile, decided.base_url), ""
        ).reveal()
    elif decided.source == "file" and decided.key:
        decided.token = key_in_file(decided.key, "").reveal()
    if not decided.token:
        raise Declined


def _obtain_stored(decided: "Decided", environ: "Mapping[str, str]", platform: str, places: Places, store: str) -> None:
    """Ask the secret store, unless a session must be refreshed. What a keyring raises is final: it is not asked again."""
    from omniprofile.credentials.names import nothing_overrides
    from omniprofile.model.origin import Origin
    from omniprofile.model.stored import Account

    session = decided.auth == "oauth"
    if not nothing_overrides(decided.profile, environ):
        raise Declined
    account = Account(decided.profile, Origin.parse(decided.base_url))
    if store == "file":
        from omniprofile.credentials.file_store import FileStore

        found = FileStore(places.state_folder, home=places.home).get(account)
        if found is not None and found.is_session == session:
            decided.token = _fresh_token(found)
    elif store == "keyring" and not session and not environ.get("OMNIPROFILE_KEYRING_TIMEOUT"):
        from omniprofile.credentials.keyring_store import KeyringStore
        from omniprofile.errors import StoreUnavailable
        from omniprofile.system.locking import user_lock_folders

        lock_folders = user_lock_folders(platform, environ, os.getuid() if hasattr(os, "getuid") else None)
        try:
            found = KeyringStore(places.state_folder, lock_folders=lock_folders).get(account)
        except (StoreUnavailable, KeyboardInterrupt) as problem:
            raise Ended from problem
        if found is not None and not found.is_session:
            decided.token = found.token.reveal()
    if not decided.token:
        raise Declined


def _fresh_token(found: "StoredSecret") -> str:
    if found.is_session:
        from datetime import UTC, datetime

        from omniprofile.credentials.session import is_fresh

        if not is_fresh(found, datetime.now(UTC)):
            raise Declined
    return found.token.reveal()


def _exports(decided: "Decided", environ: "Mapping[str, str]", shell: str | None) -> str:
    from omniprofile.handover.process import parent_command
    from omniprofile.handover.shells import calling_shell, render
    from omniprofile.handover.variables import exports

    return render(shell or calling_shell(environ, parent_command()), *exports(decided, environ))


def _decline() -> None:
    raise Declined
