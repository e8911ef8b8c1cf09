"""The fast path: the exact everyday command lines, answered from the snapshot with no parser, no schema and no resolver.

It decides nothing of its own. What the files decide is in the snapshot, made by the full path; which profile is in use is
`config.choosing`; keys, variables and quoting are the functions that the full path calls too. Whatever is not
exactly one of these forms, is overridden, protected, missing or broken is declined, and so goes to the full path, which
also says every sentence that there is to say. `tests/cli/test_fast_path.py` holds both paths equal.
"""

import marshal
import os
import sys

from omniprofile.config import snapshot
from omniprofile.config.choosing import LARGEST_PIN, VARIABLE, first_answer, in_order, plain_pin
from omniprofile.config.paths import Places, find_pin, find_places, own_omni_config, profile_files
from omniprofile.config.state import StateFile
from omniprofile.model.compiled_profile import CompiledProfile
from omniprofile.model.exported import TOKENS
from omniprofile.model.names import account_name
from omniprofile.system.files import home_in_database, read_regular

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from omniprofile.credentials.protection import Use
    from omniprofile.model.freshness import Stored
    from omniprofile.system.access import ForeignAccess

    Answer = str | tuple[list[str], dict[str, str]]
    """What to print, or the command and the environment to become."""

FORMS = {
    # command: the options with a value that are known here, whether it takes NAME, whether `-- COMMAND` follows
    "current": (("-p", "--profile"), False, False),
    "token": (("-p", "--profile"), True, False),
    "env": (("-p", "--profile", "--shell"), True, False),
    "exec": (("-p", "--profile"), True, True),
}

COMPLETE = (["__complete", "profiles"], ["__complete", "patterns"])


class Declined(Exception):
    """This is for the full path."""


class Ended(Exception):
    """This ends with its cause, as it would in the full path."""


def run() -> int:
    """Run this process's command line; return the exit status."""
    failed: BaseException | None = None
    try:
        if sys.argv[1:2] in (["__omni"], ["__shim"]):
            from omniprofile.cli.omni import shim, wrapped

            ours = shim(sys.argv[2:]) if sys.argv[1] == "__shim" else wrapped(sys.argv[2:])
            if isinstance(ours, int):
                return ours
            sys.argv[1:] = ours
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
        raise Declined
    uid = os.getuid() if hasattr(os, "getuid") else None
    places = find_places(platform=platform, environ=environ, cwd=cwd, user_home=lambda: home_in_database(uid))
    if list(argv) in COMPLETE:
        words, tags = _kept(places, snapshot.NAMES, compiling)
        return str(words + tags if argv[1] == "patterns" else words)
    command, named, shell, child = _parsed(argv)
    default, store, trusted, profiles = _kept(places, snapshot.QUICK, compiling)
    chosen: tuple[str, bool] | None = first_answer(
        in_order(
            named=lambda: (named, False) if named else None,
            environment=lambda: (environ[VARIABLE], False) if environ.get(VARIABLE) else None,
            pin=lambda: _pinned(cwd, places, trusted),
            active=lambda: (active, False) if (active := _active(places)) else None,
            default=lambda: (default, False) if default else None,
            only=lambda: (next(iter(profiles)), False) if len(profiles) == 1 else None,
        )
    )
    if chosen is None:
        raise Declined
    name, by_pin = chosen
    profile = CompiledProfile(name, marshal.loads(profiles[name]))  # noqa: S302 - `snapshot` has checked whose it is
    if profile.protected:
        from omniprofile.credentials import protection as allowed

        use: Use = allowed.RUN if command == "exec" else allowed.SHOW if command == "current" else allowed.GIVE
        if allowed.decide(use, protected=True, pinned=by_pin) != allowed.ALLOW:
            raise Declined
    if command == "current":
        if not named and (environ.get("OMNI_API_TOKEN") or environ.get("OMNI_API_KEY")):
            from omniprofile.credentials.env_variables import environment_pair

            if environment_pair(name, environ):  # which the full path says
                raise Declined
        return name + "\n"
    from omniprofile.credentials.env_variables import nothing_overrides

    if not nothing_overrides(name, environ):
        raise Declined
    if profile.kind == "stored":
        store = environ.get("OMNIPROFILE_SECRET_STORE") or store or "keyring"
        found = _stored(profile, environ, platform, places, store, for_child=command == "exec")
        profile.token, profile.expires_at = found.token.reveal(), found.expires_at
    else:
        profile.token = _read(profile.kind, profile.where, profile, environ, *TOKENS)
    if command == "token":
        return profile.token + "\n"
    profile.env = tuple(_environment(profile, environ))
    if command == "env":
        from omniprofile.handover.process import parent_command
        from omniprofile.handover.shells import calling_shell, render
        from omniprofile.handover.variables import exports

        assign, remove = exports(profile, environ)
        if _has_session(own_omni_config(environ, remove, platform=platform, home=places.home), cwd):
            raise Declined
        return render(shell or calling_shell(environ, parent_command()), assign, remove)
    from omniprofile.handover.omni import handed_over, is_omni, planned
    from omniprofile.handover.variables import child_environment, find_dotenv

    if (dotenv := find_dotenv(cwd)) is not None:
        from omniprofile.handover.dotenv_file import other_instance

        if other_instance(dotenv, profile.base_url):
            raise Declined
    from omniprofile.model.variables import credential_variables

    variables = credential_variables(profile, profile.base_url, profile.token)
    variables |= handed_over(profile, profile.base_url, profile.token)
    given = child_environment(variables, environ, key_variables=profile.key_variables())
    return planned(child, given, lambda _: None) if is_omni(child[0]) else (child, given)


def _has_session(omni_config: str | None, cwd: str) -> bool:
    """Whether the config of the vendor's CLI may have a session as its default, of which the full path knows more."""
    try:
        return omni_config is not None and b'"oauth"' in read_regular(os.path.join(cwd, omni_config))
    except FileNotFoundError:
        return False


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


def _pinned(cwd: str, places: Places, trusted: "Sequence[str]") -> tuple[str, bool] | None:
    ignored: list[tuple[str, ForeignAccess]] = []
    path = find_pin(cwd, places.home, trusted, ignored)
    if ignored:
        raise Declined
    if path is None:
        return None
    profile = plain_pin(read_regular(path, LARGEST_PIN))
    if profile is None:
        raise Declined
    return profile, True


def _active(places: Places) -> str | None:
    return StateFile(places.state_folder, places.home).read().active


def _read(kind: str | None, where: str, profile: CompiledProfile, environ: "Mapping[str, str]", *names: str) -> str:
    """Ask a key source that is no command; `names` are the variables that omniprofile exports what it holds as."""
    from omniprofile.credentials.sources import checked_key, key_in_file
    from omniprofile.model.exported import key_in_environment

    if kind == "env":
        return checked_key(key_in_environment(environ, where, profile.profile, profile.base_url, names), "").reveal()
    if kind == "file":
        return key_in_file(where, "").reveal()
    raise Declined


def _environment(
    profile: CompiledProfile, environ: "Mapping[str, str]"
) -> "Iterator[tuple[str, str | tuple[str, str]]]":
    """Yield the profile's `env` with its secrets read."""
    if profile.declared_env is None:
        raise Declined
    for name, value in profile.declared_env:
        if isinstance(value, tuple) and value[0] in ("env", "file"):
            yield name, _read(*value, profile, environ, name)
        else:
            yield name, value


def _stored(
    profile: CompiledProfile,
    environ: "Mapping[str, str]",
    platform: str,
    places: Places,
    store: str,
    *,
    for_child: bool,
) -> "Stored":
    """Ask the secret store, unless a session must be refreshed."""
    session = profile.auth == "oauth"
    name = account_name(profile.profile, profile.base_url)
    if store == "file":
        from omniprofile.credentials.envelope import check
        from omniprofile.credentials.secrets_file import SecretsFile

        found: Stored | None = check(SecretsFile(places.state_folder, places.home).read()[name], name)
    elif store == "keyring" and not environ.get("OMNIPROFILE_KEYRING_TIMEOUT"):
        found = _in_keyring(name, environ, platform, places, session=session)
    else:
        raise Declined
    from omniprofile.model.freshness import is_fresh, is_session

    if found is None or is_session(found) != session:
        raise Declined
    if session:
        from datetime import UTC, datetime, timedelta

        if not is_fresh(found, datetime.now(UTC), timedelta(0) if for_child else None):
            raise Declined
    return found


def _in_keyring(
    name: str, environ: "Mapping[str, str]", platform: str, places: Places, *, session: bool
) -> "Stored | None":
    """Return what the keyring holds for the account `name`. What the keyring package raises is final: it is not asked again."""
    from omniprofile.credentials import light_keyring
    from omniprofile.system.locking import user_lock_folders

    lock_folders = user_lock_folders(platform, environ, os.getuid() if hasattr(os, "getuid") else None)
    try:
        return light_keyring.get(name, places.state_folder, places.home, lock_folders, environ)
    except Exception:  # whatever is wrong, the keyring package finds it too, and says so
        if session:  # which may have to be refreshed: the full path asks
            raise
    from omniprofile.credentials.keyring_store import KeyringStore
    from omniprofile.errors import StoreUnavailable
    from omniprofile.model.stored import Account

    try:
        return KeyringStore(places.state_folder, lock_folders=lock_folders, home=places.home).get(Account.parse(name))
    except (StoreUnavailable, KeyboardInterrupt) as problem:
        raise Ended from problem
