"""`omniprofile edit`: run the user's editor on a copy, which replaces the file once it lints.

A copy with errors replaces the file only after a confirmation. An unsaved copy is kept, and a message says where.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from shutil import rmtree

from omniprofile.app import App
from omniprofile.cli.arguments import Help
from omniprofile.cli.console import Console
from omniprofile.cli.edit_target import profile_file
from omniprofile.cli.editing import write_changes
from omniprofile.cli.editor import find_editor, run_editor
from omniprofile.errors import ConfigUnreadable, Interrupted, OperationFailed, Refused
from omniprofile.model.finding import Finding, errors_in
from omniprofile.model.names import counted, unbroken
from omniprofile.system.atomic_write import write_atomic
from omniprofile.system.files import Unreadable, make_private_folder, read_regular
from omniprofile.system.foreign_access import refuse_foreign
from omniprofile.system.locking import lock
from omniprofile.system.os_errors import reported_as

_NEW_FILE = b"""\
version = 1

# [profiles.prod]
# base_url = "https://acme.omniapp.co"
"""

HELP = Help(
    description="Opens a copy of the profile file in `VISUAL` or `EDITOR`, and saves it once it passes `lint`; until then it "
    "offers to let you continue editing. Unsaved changes are kept, and omniprofile says where.\n\n"
    "Without these variables, the editor is the first of `editor`, `nano`, `vim` and `vi` that is installed (on Windows "
    "`notepad`).",
    examples=(
        ("omniprofile edit", "your editor"),
        ("EDITOR='code --wait' omniprofile edit", "another one; one with a window must be told to wait"),
        ("omniprofile edit staging", "the file of `profiles.d` that defines `staging`"),
    ),
    exits=((3, "the result does not lint: the file is as it was"),),
    see=("lint", "set"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="edit the file that defines this profile (default: the main file)"
    )


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    with app.editing() as draft:
        path = draft.main if args.name is None else profile_file(draft, args.name)
        before = draft.content(path)
    editor = find_editor(app.environment.environ, terminal=console.interactive)
    start = _NEW_FILE if before is None else before
    with _copied(app, path, start, console) as copy:
        while True:
            run_editor(editor, copy, app.environment.environ)
            after = _read_copy(copy)
            if after == start or not (after.strip() or (before or b"").strip()):
                console.note("nothing was changed")
                return
            _confirm_empty(console, path, after)
            errors = _saved(app, console, path, before, after)
            if errors and _goes_on(console, path, errors):
                continue
            if errors:
                _saved(app, console, path, before, after, with_errors=True)
                console.warn(f"`{path}` was saved with {counted(len(errors), 'error')} in it")
            console.note(f"`{path}` was saved")
            return


@contextmanager
def _copied(app: App, path: str, content: bytes, console: Console) -> Iterator[str]:
    """Yield a copy to edit, and remove it afterwards. If the body fails after a change, keep it and print its path."""
    drafts = os.path.join(app.places.state_folder, "drafts")
    with ExitStack() as editing:
        hint = "make room, or set `OMNIPROFILE_STATE_DIR` to another folder"
        with reported_as(OperationFailed, f"the copy to edit cannot be created in `{drafts}`", hint):
            make_private_folder(drafts)
            refuse_foreign(drafts, app.places.home, "change what you edit")
            _clear_interrupted(drafts, content, console)
            folder = tempfile.mkdtemp(dir=drafts)
            held = os.path.join(folder, _LOCK)
            editing.enter_context(lock(held, 0))
            copy = os.path.join(folder, os.path.basename(path))
            write_atomic(copy, content, durable=False)
        written = content
        try:
            yield copy
        except BaseException:
            with suppress(ConfigUnreadable):
                written = _read_copy(copy)
            raise
        finally:
            editing.close()  # Windows cannot remove an open file
            if written.strip() and written != content:
                console.say(f"omniprofile: what you wrote is in `{copy}`")
                os.unlink(held)
            else:
                with suppress(OSError):  # if the editor left other files in the folder, it stays
                    os.unlink(copy)
                    os.unlink(held)
                    os.rmdir(folder)


_LOCK = "lock"
"""The lock file next to a copy, locked during the edit. Unlocked: the edit was killed. Missing: the copy is kept."""


def _clear_interrupted(drafts: str, content: bytes, console: Console) -> None:
    """Remove the copies of killed edits, but keep those with unsaved changes and print where they are."""
    for folder in [os.path.join(drafts, name) for name in os.listdir(drafts)]:
        held = os.path.join(folder, _LOCK)
        if not os.path.exists(held):
            continue
        with suppress(OSError, Unreadable):  # being edited, or just removed
            with lock(held, 0):
                pass
            copies = [os.path.join(folder, name) for name in os.listdir(folder) if name != _LOCK]
            if all(read_regular(copy) in (content, _NEW_FILE) for copy in copies):
                rmtree(folder)
            else:
                os.unlink(held)
                console.note(f"an edit was interrupted: what it had written is in `{folder}`")


def _saved(
    app: App, console: Console, path: str, before: bytes | None, after: bytes, *, with_errors: bool = False
) -> list[Finding]:
    """Replace the file with `after` if it lints, or regardless if `with_errors`; return the errors in it."""
    with app.editing() as draft:
        if draft.content(path) != before:
            raise OperationFailed.changed_meanwhile(path)
        draft.set_content(path, after)
        errors = errors_in(draft.findings())
        if with_errors or not errors:
            write_changes(draft.changes(), console)
        return errors


def _confirm_empty(console: Console, path: str, after: bytes) -> None:
    """Ask before saving an empty file, which an editor may leave when it fails. Raises Refused."""
    if after.strip():
        return
    what = f"the editor left `{path}` empty"
    if not console.interactive or not console.confirm(f"{what}. Really save an empty file?"):
        raise Refused(what, hint="nothing was saved; delete the file if you want none of its profiles")


def _goes_on(console: Console, path: str, errors: list[Finding]) -> bool:
    """Show the errors and ask; return whether to edit again (False: save with errors). Raises ConfigInvalid, Interrupted."""
    if not console.interactive:
        raise errors[0].as_error(" (nothing was written)")
    for finding in errors:
        console.say(unbroken(f"{finding.place}: {finding.code} {finding.message}"))
        if finding.suggestion:
            console.say(f"    {finding.suggestion}")
    while True:
        answer = console.ask(f"edit again, save `{path}` as it is, or leave? [E/s/l] ").strip().lower()
        if answer in ("", "e", "edit"):
            return True
        if answer in ("s", "save"):
            return not console.confirm("No command can read it then. Really save it with errors?")
        if answer in ("l", "leave"):
            raise Interrupted("nothing was saved")


def _read_copy(copy: str) -> bytes:
    try:
        return read_regular(copy)
    except (FileNotFoundError, Unreadable) as problem:
        raise ConfigUnreadable("the editor left no file that can be read", hint="nothing was saved") from problem
