"""The fast path: answers the everyday command lines from the snapshot, without parser, schema or resolver.

It parses and connects, and decides nothing. The full path writes the snapshot of the profile files; `config.selection`
selects the current profile, `credentials.fast_obtain` gets its token, and variables and quoting use the full path's functions.
Command lines of any other form, and profiles that are overridden, protected, missing or broken, go to the full path, which also
prints all messages. `tests/cli/test_fast_path.py` checks that both paths agree.
"""

import marshal
import os
import sys

from omniprofile.cli.everyday_forms import USES, parse
from omniprofile.config import snapshot
from omniprofile.config.paths import Places, find_places, profile_files
from omniprofile.config.selection import choose
from omniprofile.model.compiled_profile import CompiledProfile, Undecided
from omniprofile.system.files import home_in_database, user_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Answer = str | tuple[list[str], dict[str, str]]
    """What to print, or the command and environment to run."""

COMPLETE = (["__complete", "profiles"], ["__complete", "patterns"])


def run() -> int:
    """Run this process's command line; return the exit status."""
    failed: BaseException | None = None
    try:
        if sys.argv[1:2] in (["__omni"], ["__shim"]):
            from omniprofile.cli.shim import shim, wrapped

            ours = (shim if sys.argv[1] == "__shim" else wrapped)(sys.argv[2:])
            if isinstance(ours, int):
                return ours
            sys.argv[1:] = ours
        given = answer(sys.argv[1:], os.environ, sys.platform, acting=True)
        if isinstance(given, str):
            from omniprofile.cli.stream import write_out

            write_out(sys.stdout, given)
            return 0
        if given is not None:
            from omniprofile.handover.run_in_place import run_command

            return run_command(*given)
    except (Exception, KeyboardInterrupt) as problem:  # noqa: BLE001 - `main` maps each of them to an exit status
        failed = problem
    from omniprofile.cli.main import run as run_in_full

    return run_in_full(failed)


def answer(
    argv: "Sequence[str]", environ: "Mapping[str, str]", platform: str, cwd: str | None = None, *, acting: bool = False
) -> "Answer | None":
    """Return the full path's result for this command line, or None if the full path must run.

    `acting` allows reading changed files, saving a new snapshot, and writing to the audit log.
    """
    try:
        return _answer(argv, environ, platform, cwd or os.getcwd(), acting)
    except Exception:  # noqa: BLE001 - the full path finds the same error and reports it
        return None


def _answer(argv: "Sequence[str]", environ: "Mapping[str, str]", platform: str, cwd: str, acting: bool) -> "Answer":
    if environ.get("OMNIPROFILE_PROMPT"):  # the full path renews this shell's prompt data
        raise Undecided
    places = find_places(platform=platform, environ=environ, cwd=cwd, user_home=lambda: home_in_database(user_id()))
    if list(argv) in COMPLETE:
        words, tags = _kept(places, snapshot.NAMES, acting)
        return str(words + tags if argv[1] == "patterns" else words)
    command, named, shell, child = parse(argv)
    default, store, trusted, audit, profiles = _kept(places, snapshot.QUICK, acting)
    name, layer = choose(
        named, environ=environ, cwd=cwd, places=places, default=default, trusted=trusted, profiles=profiles
    )
    if child and child[0] in profiles:
        from omniprofile.system.programs import find_program

        if find_program(child[0], environ) is None:  # probably a profile in the place of the command
            raise Undecided
    profile = CompiledProfile(name, marshal.loads(profiles[name]))  # noqa: S302 - `snapshot` has checked the owner
    if profile.protected:
        from omniprofile.credentials.protection import decide

        if decide(USES[command], protected=True, pinned=layer == "project") != "allow":
            raise Undecided
    if command == "current":
        if not named and (environ.get("OMNI_API_TOKEN") or environ.get("OMNI_API_KEY")):
            from omniprofile.credentials.env_variables import environment_pair

            if environment_pair(name, environ):  # the full path prints a note
                raise Undecided
        return name + "\n"
    from omniprofile.credentials.fast_obtain import obtain, variables

    folders = places.state_folder, places.home
    obtain(profile, environ, store, folders, for_child=command == "exec")
    given: Answer = profile.token + "\n"
    if command != "token":
        profile.env = tuple(variables(profile, environ))
        from omniprofile.cli.fast_handover import command_for, exports_for

        given = (
            command_for(profile, child, environ, cwd)
            if child
            else exports_for(profile, shell, environ, platform, cwd, places.home)
        )
    # Text printed instead of running `omni` hands no credential over.
    if audit and acting and not (child and isinstance(given, str)):
        from omniprofile.system.audit import record

        program = child[0] if child else None
        record(*folders, command, profile=name, base_url=profile.base_url, layer=layer, command=program)
    return given


def _kept(places: Places, section: int, acting: bool) -> "Any":
    files = profile_files(places)
    kept = snapshot.read(places, files, section)
    if kept is None and acting and files:
        import gc

        gc.disable()  # everything made here lives until the process ends, soon
        from omniprofile.configuration import renew_snapshot

        kept = renew_snapshot(places, files)[1][section]
    if kept is None:
        raise Undecided
    return kept
