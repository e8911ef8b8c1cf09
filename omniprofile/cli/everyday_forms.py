"""The exact forms of the everyday command lines, which the fast path takes. The full parser takes all others.

On the fast path: imports only modules that a bare interpreter has loaded.
"""

from omniprofile.model.compiled_profile import Undecided

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from omniprofile.credentials.protection import Use

    Command = Literal["current", "token", "env", "exec"]

USES: "dict[Command, Use]" = {"current": "show", "token": "give", "env": "give", "exec": "run"}
"""The everyday commands, and what each does with a profile."""


def parse(argv: "Sequence[str]") -> "tuple[Command, str | None, str | None, list[str]]":
    """Return the command, the named profile and shell, and the words after `--`. Raises Undecided or any other error."""
    front, argv = (argv[:2], argv[2:]) if argv[0] in ("-p", "--profile") else ((), argv)
    command = next(known for known in USES if known == argv[0])
    words = [*front, *argv[1:]]
    child: list[str] = []
    if command == "exec":
        cut = words.index("--")
        words, child = words[:cut], words[cut + 1 :]
        if not child or not child[0]:
            raise Undecided
    found: dict[str, str] = {}
    while words:
        word, *words = words
        key, value = "NAME", word
        if word in ("-p", "--profile") or (word == "--shell" and command == "env"):
            key = "--shell" if word == "--shell" else "NAME"
            value, *words = words
        elif command == "current":
            raise Undecided
        if key in found or not value or value[0] == "-":
            raise Undecided
        found[key] = value
    return command, found.get("NAME"), found.get("--shell"), child
