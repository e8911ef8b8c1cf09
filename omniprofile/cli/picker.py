"""Choosing a profile by hand, on a terminal."""

from omniprofile.app import App, Call
from omniprofile.cli.console import Console
from omniprofile.cli.render.tables import table
from omniprofile.errors import Error, Interrupted, UsageError
from omniprofile.model.names import quoted_list


def pick(app: App, console: Console) -> str:
    """Let the person choose a profile by its number or the beginning of its name; ask again until it is one.

    Raises UsageError without a terminal, Interrupted on an empty answer.
    """
    if not console.interactive:
        raise UsageError("no profile is named, and there is no terminal to choose on", hint="`omniprofile use NAME`")
    names = list(app.config.profiles)
    try:
        active: str | None = app.select().profile
    except Error:
        active = None
    console.say(table([_row(app, number, name, active) for number, name in enumerate(names, 1)]).rstrip("\n"))
    while True:
        answer = console.ask("profile (number or name, empty to leave): ").strip()
        if not answer:
            raise Interrupted("nothing was changed")
        matches = _matches(answer, names)
        if len(matches) == 1:
            return matches[0]
        console.say(f"that could be {quoted_list(matches)}" if matches else "that is none of them")


def _row(app: App, number: int, name: str, active: str | None) -> list[str]:
    origin = app.resolve(Call.for_profile(name), tell=False).origin
    mark = "*" if name == active else ""
    return [mark, str(number), name, str(origin or ""), "[protected]" if app.is_protected(name) else ""]


def _matches(answer: str, names: list[str]) -> list[str]:
    if answer in names:
        return [answer]
    if answer.isdecimal() and 1 <= int(answer) <= len(names):
        return [names[int(answer) - 1]]
    return [name for name in names if name.casefold().startswith(answer.casefold())]
