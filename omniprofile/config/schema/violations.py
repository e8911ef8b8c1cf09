"""Turning the models' violations into findings, with a place, in TOML's terms, and with what was probably meant.

A message names keys, and never repeats a value that could be a secret.
"""

import re
from dataclasses import replace

from omniprofile.config.schema import key_hints
from omniprofile.config.schema.fields import Violation
from omniprofile.config.schema.forms import SOURCES, Table
from omniprofile.config.schema.key_hints import form_near, normalized
from omniprofile.config.toml.data import KeyPath, value_at
from omniprofile.config.toml.text import Document
from omniprofile.model.finding import MOST, Finding, store_it
from omniprofile.model.names import RULE, is_valid, nearest_valid, printable, quoted_list
from omniprofile.model.near_names import closest
from omniprofile.model.rule_codes import Code
from omniprofile.model.secret import names_secret


def findings_of(document: Document, model: type[Table], violations: list[Violation]) -> list[Finding]:
    """Return the violations of `model` in a document as findings, sorted by place."""
    findings = sorted(_Wording(document, model, violation).finding() for violation in violations[:MOST])
    if len(violations) > MOST:
        more = len(violations) - MOST
        findings[-1] = replace(findings[-1], message=f"{findings[-1].message}; {more} more are not shown")
    return findings


_FORMS_OF_KEY = (
    'a key comes from { env = "VARIABLE" }, { command = ["PROGRAM", …] }, { file = "PATH" } or { keyring = true }'
)
_FORMS_OF_ENV = (
    'it is "TEXT", { from = "token" }, { keyring = true }, { env = "VARIABLE" }, { command = ["PROGRAM", …] } '
    'or { file = "PATH" }'
)
_LITERAL_WORDS = ("key", "value", "literal", "plain", "text", "string")
"""The names, besides words for a secret, under which a table in place of a key may contain the key itself."""
_BOOLEANS = {"true": "true", "yes": "true", "on": "true", "false": "false", "no": "false", "off": "false"}
"""The TOML boolean for each word for yes or no, including those of other formats."""
_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "a table",
}
_WANTED = {
    "string_type": "a string",
    "bool_type": "true or false",
    "int_type": "an integer",
    "float_type": "a number",
    "tuple_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
}


class _Wording:
    """The wording of one violation. `name` is its subject, `value` the value there, and `last` the last key of its path."""

    def __init__(self, document: Document, model: type[Table], violation: Violation) -> None:
        self.document = document
        self.model = model
        self.violation = violation
        self.path = path = violation.path
        self.name = f"`{_dotted(path)}`" if path else "the file"
        self.last = str(path[-1]) if path else ""
        self.value = value_at(document.data, path) if violation.kind != "missing" else None

    def found(
        self, code: Code, message: str, suggestion: str | None = None, *,
        at_key: bool | None = None, replacement: str | None = None,
    ) -> Finding:  # fmt: skip
        at_key = self.violation.of_key if at_key is None else at_key
        return self.document.finding(self.path, code, message, suggestion, at_key=at_key, replacement=replacement)

    def wrong(self, what: str, suggestion: str | None = None, replacement: str | None = None) -> Finding:
        return self.found(Code.WRONG_VALUE, f"{self.name} {what}", suggestion, replacement=replacement)

    def secret(self, message: str, *, at_key: bool | None = None) -> Finding:
        variable = self.last if self.path[-2:-1] == ("env",) else None
        return self.found(Code.SECRET, message, store_it(self.profile, variable), at_key=at_key)

    @property
    def profile(self) -> str:
        """The profile that contains the path, as an argument for a command."""
        path = self.path
        return str(path[1]) if len(path) > 2 and path[0] == "profiles" and is_valid(str(path[1])) else "NAME"

    def finding(self) -> Finding:
        context = self.violation.context
        match self.violation.kind:
            case "omniprofile":
                return self.own_words(**context)
            case "extra_forbidden":
                return self.unknown_key()
            case "missing":
                message = f"`{self.last}` is missing in {_table_name(self.path[:-1])}"
                return self.found(Code.MISSING_KEY, message, f"add `{self.last} = …`", at_key=True)
            case "string_pattern_mismatch":
                return self.bad_name()
            case "union_tag_not_found" | "union_tag_invalid":
                return self.wrong_form()
            case "literal_error":
                return self.wrong_choice(str(context["expected"]))
            case "string_too_short" | "too_short":
                return self.wrong("is empty", "remove it, or give it a value")
            case "greater_than":
                return self.wrong(f"must be more than {context['gt']:g}")
            case "less_than_equal":
                return self.wrong(f"must be at most {context['le']:g}")
            case kind if kind in _WANTED:
                return self.wrong_type(_WANTED[kind])
        raise AssertionError(f"no words for pydantic's `{self.violation.kind}`")

    def own_words(self, message: str, suggestion: str | None, code: Code, replacement: str | None) -> Finding:
        if code == Code.SECRET and suggestion is None:
            return self.secret(f"{self.name} {message}")
        quoted = None if replacement is None else f'"{replacement}"'
        return self.found(code, f"{self.name} {message}", suggestion, replacement=quoted)

    def bad_name(self) -> Finding:
        bad, of_key = str(self.value), self.violation.of_key
        if self.last in ("default", "extends", "instance") and not of_key:
            message = f"{self.name} is `{printable(bad)}`, not a valid name: use {RULE}"
            return self.found(Code.BAD_NAME, message, f"the nearest valid name is `{nearest_valid(bad)}`")
        if self.path[-2:-1] == ("tags",):
            near = bad.removeprefix("@") if is_valid(bad.removeprefix("@")) else None
            message = f"{self.name} is `{printable(bad, 64)}`, which is not a valid tag ({RULE})"
            hint = f"write `{near or nearest_valid(bad)}`" + ("; the `@` belongs to the command line" if near else "")
            return self.found(Code.BAD_NAME, message, hint, replacement=f'"{near}"' if near else None)
        if self.path[-2:-1] == ("trusted_folders",):
            hint = "write it from the root of the file system, or from your home: `~/…`"
            return self.wrong(f"is `{printable(bad, 64)}`, which is not a whole path", hint)
        if of_key and len(self.path) == 2:
            what = "an instance" if self.path[0] == "instances" else "a profile"
            shown = f"`{printable(self.last)}`" if self.last else "an empty text"
            message = f"{shown} is not a valid name for {what}: use {RULE}"
            return self.found(Code.BAD_NAME, message, f"the nearest valid name is `{nearest_valid(self.last)}`")
        what = f"`{printable(self.last, 40)}`" if of_key else self.name
        rule = "use letters, digits and `_`, the first no digit"
        return self.found(Code.BAD_NAME, f"{what} is not the name of an environment variable", rule)

    def unknown_key(self) -> Finding:
        table, shown = _table_name(self.path[:-1]), f"`{printable(self.last, 64)}`"
        if isinstance(self.value, str) and names_secret(normalized(self.last)):
            return self.secret(f"{shown} in {table} holds a secret in plain text", at_key=True)
        hint, safe = key_hints.meant(self.document.data, self.model, self.path)
        return self.found(Code.UNKNOWN_KEY, f"unknown key {shown} in {table}", hint, at_key=True, replacement=safe)

    def wrong_form(self) -> Finding:
        value, of_env = self.value, self.path[-2:-1] == ("env",)
        if isinstance(value, str):
            return self.secret(f"{self.name} says where the key comes from, it is not the key")
        forms = _FORMS_OF_ENV if of_env else _FORMS_OF_KEY
        if not isinstance(value, dict):
            number = isinstance(value, int | float) and not isinstance(value, bool)
            hint = forms if not of_env else f'write "{value}"' if number else None
            return self.wrong(f"must be {'a string or a table' if of_env else 'a table'}, not {_kind(value)}", hint)
        known = sorted(set(value) & {*SOURCES, *(["from"] if of_env else [])})
        if len(known) > 1:
            what = f"has more than one of {quoted_list(known, 'and')}" if of_env else "names more than one source"
            return self.found(Code.CONTRADICTION, f"{self.name} {what}", "keep one")
        if any(_holds_secret(word, text) for word, text in value.items()):
            return self.secret(f"{self.name} holds a secret in plain text")
        if not of_env:
            return self.wrong("names no known source", forms)
        near = next(filter(None, map(form_near, map(str, value))), forms)
        return self.wrong("says in no known way what the variable holds", near)

    def wrong_choice(self, expected: str) -> Finding:
        """Return the finding for a value that is not allowed. `expected` is pydantic's list of the allowed ones."""
        text = self.value.strip() if isinstance(self.value, str) else None
        choices = re.findall(r"'([^']*)'", expected)
        if not choices:
            word = expected.lower()
            same = text is not None and text.lower() == word
            hint = "write it without quotes" if same else f"write {word}" if expected == "1" else None
            return self.wrong(f"must be {word}", hint, replacement=word if same else None)
        same_words = [choice for choice in choices if text is not None and normalized(choice) == normalized(text)]
        near = same_words or (closest(str(self.value), choices, 1) if text is not None else [])
        hint = f'did you mean "{near[0]}"?' if near else None
        wanted = " or ".join(f'"{choice}"' for choice in choices)
        return self.wrong(f"must be {wanted}", hint, f'"{same_words[0]}"' if same_words else None)

    def wrong_type(self, wanted: str) -> Finding:
        value = self.value
        what = f"must be {wanted}, not {_kind(value)}"
        if isinstance(value, str) and wanted == "an array":
            program = self.last in ("command", "browser")
            words, example = (
                ("the program and each argument", '["op", "read", "…"]') if program else ("each", '["…", "…"]')
            )
            return self.wrong(what, f"put {words} in quotes of its own, as in {example}")
        if not isinstance(value, str) or wanted not in ("true or false", "an integer", "a number"):
            return self.wrong(what)
        word = value.strip().lower()
        meant = _BOOLEANS.get(word) if wanted == "true or false" else re.fullmatch(r"\d+(\.\d+)?", word) and word
        if meant != word:
            return self.wrong(what, f"write {meant}" if meant else None)
        return self.wrong(what, "write it without quotes", word if wanted == "true or false" else None)


def _dotted(path: KeyPath) -> str:
    """Return a path as `profiles.prod.env`, quoted where TOML needs it, and safe to print."""
    words: list[str] = []
    for part in path:
        if isinstance(part, int):
            words[-1] += f"[{part}]"
        else:
            words.append(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{printable(part, 64)}"')
    return ".".join(words)


def _table_name(path: KeyPath) -> str:
    return f"`[{_dotted(path)}]`" if path else "the file"


def _holds_secret(word: str, text: object) -> bool:
    """Whether a key with this name contains a secret itself, not a reference to one (`op://…`)."""
    name = normalized(word)
    return isinstance(text, str) and "://" not in text and (name.endswith(_LITERAL_WORDS) or names_secret(name))


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a date or time")
