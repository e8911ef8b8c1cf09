"""The command line with which Windows runs a program or a batch file."""

import os
from collections.abc import Mapping, Sequence
from shutil import which

from omniprofile.system.programs import find_program


def windows_command(argv: Sequence[str], environ: Mapping[str, str]) -> str | list[str]:
    """Return the command line with which Windows runs `argv`: the program found by `PATHEXT`, a batch file through `cmd`.

    `cmd` parses a batch file's command line by its own rules; arguments are escaped for them, so that none can run a command
    (CVE-2024-24576). Raises FileNotFoundError and OSError.
    """
    # Use a path as given. Never look for a bare name in the working directory, as Windows would: that may be someone else's
    # repository.
    program = which(argv[0]) if os.path.dirname(argv[0]) else find_program(argv[0], environ)
    if program is None:
        raise FileNotFoundError(2, "No such file or directory", argv[0])
    if not program.lower().endswith((".bat", ".cmd")):
        return [program, *argv[1:]]
    if any(character in word for word in argv for character in "\r\n\0"):
        raise OSError(22, "a line break cannot be passed to a batch file", argv[0])
    line = " ".join(_batch_argument(word) for word in (program, *argv[1:]))
    shell = environ.get("COMSPEC") or "cmd.exe"
    return f'"{shell}" /d /e:on /v:off /c "{line}"'


def _batch_argument(word: str) -> str:
    """Quote one argument of a batch file, unless it needs no quotes: a batch file sees them.

    Within quotes only `%` is special to `cmd`: `%%cd:~,%` expands to a `%` that begins no variable. Quotes are doubled, and so
    are backslashes before them, as expected by the C runtime of the program that the batch file calls.
    """
    if word and all(character.isalnum() or character in "#$*+-./:?@\\_" for character in word):
        return word
    quoted = []
    backslashes = 0
    for character in word:
        if character == '"':
            quoted.append("\\" * backslashes + '""')
        else:
            quoted.append("%%cd:~,%" if character == "%" else character)
        backslashes = backslashes + 1 if character == "\\" else 0
    return '"' + "".join(quoted) + "\\" * backslashes + '"'
