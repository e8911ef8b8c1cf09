"""Find secrets in plain text in profile files, and mask them in lines that are shown.

Text with the shape of a key counts as a key anywhere. Other text counts only where a secret is expected: as a key, as the text
that a command only prints, after `--token`, or in a variable or comment that says "token" or "password".
"""

import os.path
import re
from collections.abc import Iterator, Mapping
from typing import Any

from omniprofile.config.loader import Files
from omniprofile.config.toml.data import KeyPath
from omniprofile.config.toml.text import Document
from omniprofile.model.finding import Finding, store_it
from omniprofile.model.names import is_valid
from omniprofile.model.rule_codes import Code
from omniprofile.model.secret import KEY_SHAPES, MASK, SECRET_WORDS, masked, names_secret, remember

_SHAPES = re.compile(KEY_SHAPES)
_WORDS = f"(?:{'|'.join(SECRET_WORDS)})s?"
_IN_COMMENT = re.compile(rf"{_WORDS}[\"']?\s*[:=]\s*[\"']?(?P<text>[^\s\"'#,;]+)", re.IGNORECASE)
_IN_ADDRESS = re.compile(rf"(?:[?&][\w-]*{_WORDS}=|://[^/\s:@]*:)(?P<text>[^\s&#@]+)", re.IGNORECASE)
_FLAG = re.compile(rf"^--?[\w-]*{_WORDS}(?:=(?P<text>.+))?$", re.IGNORECASE | re.DOTALL)
_PRINTERS = frozenset({"echo", "printf"})
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish"})
_PRINTED = re.compile(
    r"^\s*(?:echo|printf)\s+(?:-\w+\s+|['\"]?%s(?:\\n)?['\"]?\s+)?['\"]?(?P<text>[^\s$`'\"]+)['\"]?\s*$"
)


def secrets_in_plain_text(files: Files) -> None:
    """Report every secret in the files, also in comments and in files that are not TOML. At most one finding per line."""
    known = {(finding.file, finding.line) for finding in files.findings if finding.code == Code.SECRET}
    for file, document in files.documents.items():
        for line, column, what, hint in (*_shapes(document), *_in_comments(document), *_in_values(document)):
            if (file, line) not in known:
                known.add((file, line))
                message = f"{what} is written here in plain text"
                files.findings.append(Finding(file, line, column, Code.SECRET, message, hint))


Place = tuple[int, int, str, str]
"""Line, column, description of the secret, and hint."""


def _shapes(document: Document) -> Iterator[Place]:
    if "\\" in document.text:
        yield from _escaped(document, (), document.data or {})
    for match in _SHAPES.finditer(document.text):
        line, column = document.place(match.start())
        what = "a text that looks like one of Omni's API keys" if match["prefix"] else "a bearer token"
        yield line, column, what, store_it("NAME")


def _escaped(document: Document, path: KeyPath, value: object) -> Iterator[Place]:
    """Yield keys that only appear once TOML's escapes are decoded."""
    if isinstance(value, str) and _SHAPES.search(value):
        position = document.value_position(path)
        yield position.line, position.column, "a text that looks like one of Omni's API keys", store_it("NAME")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _escaped(document, (*path, key), item)


def _in_comments(document: Document) -> Iterator[Place]:
    for place, comment in document.comments():
        for match in _IN_COMMENT.finditer(comment):
            if _is_literal(match["text"], 8) and any(char.isdigit() for char in match["text"]):
                remember(match["text"])
                yield place.line, place.column + match.start("text"), "what looks like a secret", store_it("NAME")


def _in_values(document: Document) -> Iterator[Place]:
    """Yield secrets without a known shape in a document that parses. The schema has not run, so tables may have any type."""
    for path, table in _tables(document.data):
        profile = str(path[1]) if len(path) == 2 and is_valid(str(path[1])) else "NAME"
        _hide_key(table.get("key"))
        for place, what in (*_in_environment(path, table), *_in_command((*path, "key"), table.get("key"))):
            position = document.value_position(place)
            variable = str(place[len(path) + 1]) if place[len(path)] == "env" else None
            yield position.line, position.column, what, store_it(profile, variable)


def _tables(data: Mapping[str, Any] | None) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    data = data or {}
    profiles = data.get("profiles")
    for name, profile in profiles.items() if isinstance(profiles, dict) else ():
        if isinstance(profile, dict):
            yield ("profiles", name), profile
    if isinstance(defaults := data.get("defaults"), dict):
        yield ("defaults",), defaults


def _hide_key(key: object) -> None:
    """Mask a key, or a key's `env` that does not look like a variable's name, in excerpts."""
    variable = key.get("env") if isinstance(key, dict) else None
    if isinstance(key, str):
        remember(key)
    elif isinstance(variable, str) and not variable.isupper() and not variable.islower():
        remember(variable)


def _in_environment(path: KeyPath, table: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    variables = table.get("env")
    for name, value in variables.items() if isinstance(variables, dict) else ():
        here = (*path, "env", name)
        text = value
        if isinstance(value, dict):
            _hide_key(value)
            yield from _in_command(here, value)
            here, text = (*here, "append"), value.get("append")
        if not isinstance(text, str):
            continue
        if names_secret(name) and text is value and _is_literal(text, 6):
            remember(text)
            yield here, "the value of a variable that holds a secret"
        elif (match := _IN_ADDRESS.search(text)) and _is_literal(match["text"], 6):
            remember(match["text"])
            yield here, "the secret that an address carries"


def _in_command(path: KeyPath, source: object) -> Iterator[tuple[KeyPath, str]]:
    command = source.get("command") if isinstance(source, dict) else None
    if not isinstance(command, list) or not all(isinstance(part, str) for part in command) or not command:
        return
    program = os.path.basename(command[0])
    flag = False
    for index, part in enumerate(command[1:], 1):
        here = (*path, "command", index)
        option = _FLAG.match(part)
        if (flag and _is_literal(part, 6)) or (option and option["text"] and _is_literal(option["text"], 6)):
            remember(option["text"] if option and option["text"] else part)
            yield here, "the secret that an option of a command takes"
        elif _is_printed(program, part):
            yield here, "the text that a command does nothing but print"
        flag = bool(option and not option["text"])


def _is_printed(program: str, part: str) -> bool:
    if program in _SHELLS:
        printed = _PRINTED.match(part)
        part = printed["text"] if printed else ""
    if not _is_literal(part, 8) or program not in _SHELLS | _PRINTERS:
        return False
    remember(part)
    return True


def _is_literal(text: str, shortest: int) -> bool:
    """Whether `text` can be a secret: long enough, no spaces, no reference (`op://…`, `$TOKEN`, `{{ token }}`, a path)."""
    return (
        len(text) >= shortest
        and "://" not in text
        and " " not in text.strip()
        and not text.startswith(("$", "{", "<", "%", "/", "./", "~", "-"))
    )


_ASSIGNED = re.compile(
    rf"(?P<name>(?:{_WORDS}|\bkey)[\"']?\s*[:=]\s*)(?!\{{\s*[\"']?(?:from|append|env|command|file|keyring)\b)(?=\S).*",
    re.IGNORECASE,
)
_HARMLESS = re.compile(
    r"^\s*+(?:\[\[?+[\w. -]*+\]*+\s*+(?:#.*)?$|(?>(?:[\w-]++\s*+\.\s*+)*)(?:version|default|base_url|instance|extends|auth|"
    r"protected|allow_insecure|description|secret_store|allowed_hosts|expect|key_scope|org_role)\s*+=)"
)


def without_secrets(line: str, code: str | None = None) -> str:
    """Return `line` with its secrets masked. `code` is the code of the finding that points at it.

    Where a rule found a secret, everything after the `=` is masked, or the whole line. If the file is not TOML, the rules could
    not check its strings, so only keys that never hold a secret are shown with their values.
    """
    if code == Code.SECRET or (code == Code.SYNTAX and not _HARMLESS.match(line)):
        head = re.match(r"\s*+(?:#\s*+)?(?:[\w.\"' -]++=\s*)?", line)
        line = (head[0] if head else "") + MASK
    return _ASSIGNED.sub(lambda match: match["name"] + MASK, masked(line))
