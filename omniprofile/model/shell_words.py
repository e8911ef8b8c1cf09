"""Words of a command line: quoted for a shell that a person pastes them into, and split as a shell does."""

import sys


def quoted_word(word: str) -> str:
    """Return `word` quoted as one word for the system's shells. `cmd` knows only double quotes."""
    if sys.platform == "win32":
        plain = word and all(char.isalnum() or char in "_.:/\\+@-" for char in word)
        return word if plain else f'"{word}"'
    from shlex import quote

    return quote(word)


def quoted_place(path: str) -> str:
    """Return the whole of `path` quoted as one word, which a person can paste into a shell.

    Bytes that are unsafe to show become escapes in POSIX's `$'…'` quotes (2024, section 2.2.4).
    """
    if path.isprintable():
        return quoted_word(path)
    special = {"\\": "\\\\", "'": "\\'"}
    shown = (
        special.get(char, char)
        if char.isprintable()
        else "".join(f"\\x{byte:02x}" for byte in char.encode("utf-8", "surrogateescape"))
        for char in path
    )
    return f"$'{''.join(shown)}'"


def removal(path: str) -> str:
    """Return the command that removes a file or folder."""
    return f"{'del' if sys.platform == 'win32' else 'rm -r'} {quoted_place(path)}"


def command_words(command: str) -> list[str]:
    """Split a command line that a person wrote into words. Raises ValueError for an unclosed quote.

    Removes quotes as a shell does. On Windows a backslash is part of a path, not an escape.
    """
    import shlex

    lexer = shlex.shlex(command, posix=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    if sys.platform == "win32":
        lexer.escape = ""
    return list(lexer)


def assignment(variable: str, value: str) -> str:
    """Return the command that sets a variable for the programs that this shell starts: `export` (in `cmd`: `set`)."""
    return f"{'set' if sys.platform == 'win32' else 'export'} {variable}={quoted_word(value)}"
