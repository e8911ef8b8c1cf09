"""The key of a profile, or a secret of its `env`, from a command such as a password manager's."""

import os
from collections.abc import Mapping

from omniprofile.credentials.key_check import LONGEST_INPUT, checked_bytes, source_failed
from omniprofile.errors import Interrupted
from omniprofile.model.declaration import KeySource
from omniprofile.model.names import printable, printable_place
from omniprofile.model.secret import LONGEST_KEY, Secret
from omniprofile.system.capture import Captured, capture
from omniprofile.system.exit_words import exit_words
from omniprofile.system.files import reason
from omniprofile.system.programs import find_program

CHAIN_VARIABLE = "OMNIPROFILE_COMMAND_CHAIN"
"""Names the profiles whose key commands are running, outermost first, joined by commas, which no profile's name contains."""


def key_from_command(
    source: KeySource, what: str, link: str, *, environ: Mapping[str, str], interactive: bool, of_env: bool
) -> Secret:
    """Return what the command of `source` prints, checked. `what` names the key or secret of `env` in messages.

    `link` stands for it in `CHAIN_VARIABLE`. `environ` is the command's; `interactive` lets it ask the user on the terminal.
    Raises KeySourceFailed, and Interrupted if the user interrupts a command that asks.
    """
    chain = [name for name in environ.get(CHAIN_VARIABLE, "").split(",") if name]
    if link in chain:
        raise source_failed(
            f"the command for {what} asks for it again",
            "let the command name another profile, or ask a program that is not omniprofile",
        )
    place = printable_place(str(source))
    failed = f"{what} cannot be read from {place}"
    program, *arguments = source.argv
    if os.path.dirname(program) and not os.path.isabs(program):
        # The working directory would decide which program runs: in a cloned repository, one by someone else.
        hint = "write its absolute path, or a name that is found on `PATH`"
        raise source_failed(f"{failed}: its path is relative", hint)
    found = find_program(program, environ)
    if found is None:
        raise source_failed(f"{failed}: it is not found on `PATH`", "install it, or write its absolute path")
    try:
        captured = capture(
            [found, *arguments],
            {**environ, CHAIN_VARIABLE: ",".join([*chain, link])},
            timeout=source.timeout,
            limit=LONGEST_INPUT,
            terminal=interactive,
        )
    except (OSError, ValueError) as problem:
        hint = "install it, or fix its path"
        raise source_failed(f"{failed}: it cannot be started: {reason(problem)}", hint) from problem
    if captured.how == "interrupted":
        raise Interrupted(f"{what} from {place}: interrupted")
    if why := _why_not(captured, source):
        hint = f"run `{printable(program)}` with the same arguments by hand to see what is wrong"
        raise source_failed(f"{failed}: {why}", hint)
    return checked_bytes(captured.stdout, f"what {place} printed as {what}", computed=True, of_env=of_env)


def _why_not(captured: Captured, source: KeySource) -> str | None:
    """Return how the command failed; None if it did not."""
    if captured.how == "too-slow":
        return f"it did not end within {source.timeout:g} s (`timeout`), and was ended with its children"
    if captured.how == "too-much":
        return f"it printed more than {LONGEST_KEY // 1024} KiB, and was ended with its children"
    return f"it {exit_words(captured.status)}" if captured.status else None
