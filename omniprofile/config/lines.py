"""The lines of keys in a file whose every line is a statement of its own, without a parser that knows columns.

Most profile files are such. A file with anything else in it (values over lines, quoted or dotted keys, escapes) is for
`document`'s positions, which take twenty times as long. Pure.
"""

import re

# Possessive throughout: what no repeat can give back is never looked at twice, whatever the line.
_KEY = r"[A-Za-z0-9_-]++"
_SCALAR = r"""(?>"[^"\\]*+"|'[^']*+'|true|false|[+-]?+[0-9][0-9_]*+(?:\.[0-9_]++)?+)"""
_ARRAY = rf"\[[ \t]*+(?:{_SCALAR}(?:[ \t]*+,[ \t]*+{_SCALAR})*+)?+[ \t]*+,?+[ \t]*+\]"
_INNER = rf"{_KEY}[ \t]*+=[ \t]*+(?>{_SCALAR}|{_ARRAY})"
_TABLE = rf"\{{[ \t]*+(?:{_INNER}(?:[ \t]*+,[ \t]*+{_INNER})*+)?+[ \t]*+\}}"
_STATEMENT = re.compile(
    rf"[ \t]*+(?>\[[ \t]*+(?P<header>{_KEY}(?:\.{_KEY}){{0,9}}+)[ \t]*+\]"
    rf"|(?P<key>{_KEY})[ \t]*+=[ \t]*+(?>{_SCALAR}|{_ARRAY}|{_TABLE}))?+"
    r"[ \t]*+(?:\#[^\n\r]*+)?+\r?"
)


def plain_lines(text: str) -> dict[tuple[str | int, ...], int] | None:
    """The line, from 1, of every table and key, by path, or None where a line is not a whole statement by itself.

    `text` is TOML that `tomllib` accepts. Keys within an inline table are not there: they stand where it stands.
    """
    found: dict[tuple[str | int, ...], int] = {}
    base: tuple[str | int, ...] = ()
    match = _STATEMENT.fullmatch
    for number, line in enumerate(text.split("\n"), 1):
        statement = match(line)
        if statement is None:
            return None
        header, key = statement.group("header", "key")
        if key:
            found[(*base, key)] = number
        elif header:
            base = tuple(header.split("."))
            for length in range(1, len(base)):
                found.setdefault(base[:length], number)
            found[base] = number
    return found
