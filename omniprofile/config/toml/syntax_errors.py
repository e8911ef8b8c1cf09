"""Messages for a text that is not TOML: tomllib's without Python's terms, and what the line was probably meant to be.

Imported only for such a text.
"""

import re

_SUGGESTIONS = (
    # (part of tomllib's message, pattern in the line, hint)
    ("", re.compile(r"\r."), "the lines end in carriage returns alone: save the file with the line ends of Unix or Windows"),
    ("", re.compile(r"^(<{7}|={7}|>{7})"), "a merge conflict was left here: resolve it"),
    ("", re.compile("[\u201c\u201d\u2018\u2019]"), "replace the curly quotes with straight ones"),
    ("", re.compile(r"^\s*[\w.\"'-]+\s*:(?!/)"), "TOML writes `key = value`, with `=`"),
    ("Invalid value", re.compile(r"=\s*(True|False|yes|no|on|off)\b"), "write `true` or `false`"),
    ("Invalid value", re.compile(r"=\s*(None|null|nil)\b"), "TOML has no null: leave the key out"),
    ("Invalid value", re.compile(r"=\s*(#|$)"), "give the key a value, or remove it"),
    ("Invalid value", None, 'put text into quotes: key = "text"'),
    ("Unescaped '\\'", None, "write text with backslashes in single quotes"),
    ("Invalid hex", None, "write text with backslashes in single quotes"),
    ("Illegal character '\\n'", None, "close the quote on the line that opens it"),
    ('Expected "\'"', None, "close the quote on the line that opens it"),
    ("Unclosed inline table", None, "an inline table stands on one line and ends in `}`; a longer one is a `[table]`"),
    ("Invalid initial character for a key part", re.compile(r",\s*+\}"), "an inline table has no comma before its `}`"),
    ("Invalid initial character for a key part", re.compile(r"\{[^{}]*+$"), "an inline table stands on one line: else a [table]"),
    ("Unclosed array", None, "end the array with `]`, and put a comma between its values"),
    ("end of a table declaration", None, "a table begins with its name in brackets: [profiles.NAME]"),
    ("Expected '=' after a key", None, 'a line is `key = value`; a name with a space or a special character needs quotes'),
    ("Expected newline or end of document", None, "write one `key = value` on a line, and text in quotes"),
    ("Expected initial newline", None, "write one `key = value` on a line, and text in quotes"),
)  # fmt: skip

_WORDINGS = (
    (re.compile(r"Illegal character '\\n'|Expected \"'\"$"), "the quote is not closed in this line"),
    (re.compile(r"^Cannot (?:declare|mutate|redefine)[^(]*+\((.*?),?\)(?: twice)?$"), "`[{}]` is defined already in another way"),
    (re.compile(r"^Duplicate inline table key '(.*)'$"), "`{}` appears twice"),
)  # fmt: skip


def wording(message: str) -> str:
    """Return one of tomllib's messages in this program's words."""
    for pattern, words in _WORDINGS:
        if match := pattern.search(message):
            return words.format(*(group.replace("', '", ".").strip("'") for group in match.groups()))
    return message[:1].lower() + message[1:]


def suggestion(line: str, message: str) -> str | None:
    """Return a hint for a line that tomllib rejects with this message, or None."""
    line = line.rstrip("\r")
    return next(
        (hint for said, holds, hint in _SUGGESTIONS if said in message and (holds is None or holds.search(line))), None
    )
