"""The interactive choice of a profile: full-screen, with `fzf` if configured, or from a plain list."""

import sys
from collections.abc import Mapping, Sequence
from typing import TextIO

from omniprofile.app import App, ProfileRequest
from omniprofile.cli.console import Console, screen_size
from omniprofile.cli.picker_entries import Chooser, Entry
from omniprofile.cli.render.tables import table
from omniprofile.errors import Error, Interrupted, OperationFailed, UsageError
from omniprofile.model.names import printable, quoted_list
from omniprofile.model.secret import masked
from omniprofile.system.exit_words import exit_words
from omniprofile.system.programs import find_program

PICKER_VARIABLE = "OMNIPROFILE_PICKER"
_PICKERS = ("screen", "fzf", "list")
_SMALLEST = (30, 6)


def pick(app: App, console: Console, *, offer_here: bool = False) -> tuple[str, bool]:
    """Let the user choose a profile; return it, and whether for this shell only, which `offer_here` enables.

    Raises UsageError without a terminal, Interrupted if the user leaves without a choice.
    """
    terminal = console.terminal
    if terminal is None:
        raise UsageError("no profile is named, and there is no terminal to choose it on", hint="`omniprofile use NAME`")
    wanted = app.environment.environ.get(PICKER_VARIABLE) or _PICKERS[0]
    if wanted not in _PICKERS:
        raise UsageError(
            f"the value of `{PICKER_VARIABLE}` is `{printable(wanted)}`", hint=f"set it to {quoted_list(_PICKERS)}"
        )
    entries = _entries(app)
    if wanted == "fzf":
        if program := find_program("fzf", app.environment.environ):
            return _pick_by_fzf(entries, program, app.environment.environ), False
        console.note("`fzf` not found on `PATH`: choose here")
    keys, output = terminal
    if wanted == "list" or not _shows_screens(app.environment.environ, output):
        return _pick_from_list(entries, console), False
    from omniprofile.cli.picker_screen import choose

    taken = choose(Chooser(entries), keys, output, emphasis=console.message_style.on, offer_here=offer_here)
    if taken is None:
        raise Interrupted("nothing was changed")
    return taken


def _shows_screens(environ: Mapping[str, str], output: TextIO) -> bool:
    """Whether this terminal can show a full screen: it is neither dumb nor too small."""
    columns, rows = screen_size(output)
    dumb = environ.get("TERM", "" if sys.platform != "win32" else "windows") in ("", "dumb", "emacs", "unknown")
    return not dumb and (columns or 80) >= _SMALLEST[0] and (rows or 24) >= _SMALLEST[1]


def _pick_by_fzf(entries: Sequence[Entry], program: str, environ: Mapping[str, str]) -> str:
    import subprocess

    rows = table([_row(entry) for entry in entries]).splitlines()
    options = [
        "--delimiter=\t",
        "--with-nth=2..",
        "--no-multi",
        "--layout=reverse",
        "--height=50%",
        "--prompt=profile> ",
    ]
    ran = subprocess.run(
        [program, *options],
        input="".join(f"{entry.name}\t{row}\n" for entry, row in zip(entries, rows, strict=True)),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=dict(environ),
        check=False,
    )
    if ran.returncode in (1, 130):  # no match, or left with Esc
        raise Interrupted("nothing was changed")
    # The user's own fzf options may print more lines before the chosen one.
    name = ran.stdout.rstrip("\n").rpartition("\n")[2].partition("\t")[0]
    if ran.returncode or all(name != entry.name for entry in entries):
        raise OperationFailed(
            f"`fzf` {exit_words(ran.returncode)} and gave no profile",
            hint=f"unset `{PICKER_VARIABLE}` to choose without it",
        )
    return name


def _pick_from_list(entries: Sequence[Entry], console: Console) -> str:
    """Ask for a number or the start of a name until it matches one profile."""
    console.say(table([[str(number), *_row(entry)] for number, entry in enumerate(entries, 1)]).rstrip("\n"))
    names = [entry.name for entry in entries]
    while True:
        answer = console.ask("profile (number or name, empty to leave): ").strip()
        if not answer:
            raise Interrupted("nothing was changed")
        if answer in names:
            return answer
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        matches = [name for name in names if name.casefold().startswith(answer.casefold())]
        if len(matches) == 1:
            return matches[0]
        console.say(f"that could be {quoted_list(matches[:5])}" if matches else "no profile matches")


def _entries(app: App) -> list[Entry]:
    try:
        current: str | None = app.select().profile
    except Error:
        current = None
    entries = []
    for name, profile in app.config.profiles.items():
        try:
            # All are https, except for local tests.
            origin = app.resolve(ProfileRequest.for_profile(name), tell=False).origin
            instance = str(origin or "").removeprefix("https://")
        except Error:
            instance = ""  # choosing the profile reports its error
        about = printable(masked(profile.description or ""), 200)
        entries.append(Entry(name, instance, about, name == current, app.is_protected(name)))
    return entries


def _row(entry: Entry) -> list[str]:
    about = ("[protected] " if entry.protected else "") + entry.description
    return ["*" if entry.active else "", entry.name, entry.instance, about]
