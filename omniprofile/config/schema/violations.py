"""What the models object to in a document, as findings with a place, in TOML's words, and with what was probably meant.

A message names keys and never repeats a value that could be a secret.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from omniprofile.config.schema.models import (
    Expect,
    Instance,
    Pin,
    Profile,
    ProfilesFile,
    SettingsTable,
    keys_of,
    type_at,
)
from omniprofile.config.schema.forms import Table
from omniprofile.config.toml.data import value_at
from omniprofile.config.toml.positions import KeyPath
from omniprofile.config.toml.text import Document
from omniprofile.model.finding import MOST, Code, Finding, Level, store_it
from omniprofile.model.names import RULE, closest, is_valid, nearest_valid, printable, quoted_list
from omniprofile.model.secret import names_secret


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that a model objects to. `kind` and `context` are pydantic's, of stable names; no value is in it.

    `path` is the document's; `of_key` says that it is about the last key itself and not about its value.
    """

    kind: str
    path: tuple[str | int, ...]
    of_key: bool
    context: Mapping[str, Any]


def findings_of(document: Document, model: type[Table], violations: list[Violation]) -> list[Finding]:
    """Return the violations of `model` in a document as findings, sorted by place."""
    findings = sorted(_finding(document, model, violation) for violation in violations[:MOST])
    if len(violations) > MOST:
        more = len(violations) - MOST
        findings[-1] = replace(findings[-1], message=f"{findings[-1].message}; {more} more are not shown")
    return findings


_LITERAL_WORDS = ("key", "value", "literal", "plain", "text", "string")
"""What a table in a key's place holds the key itself under, besides words for a secret."""
_OTHER_SPELLINGS = {
    "base_url": (
        "url",
        "host",
        "hostname",
        "endpoint",
        "baseurl",
        "server",
        "domain",
        "site",
        "address",
        "apiendpoint",
    ),
    "auth": ("authmethod", "authtype", "method", "authenticator", "authentication"),
    "extends": ("parent", "inherits", "inherit", "sourceprofile", "include", "base"),
    "default": ("defaultprofile", "current", "active", "currentprofile"),
    "env": ("environment", "variables", "vars", "envvars"),
    "profiles": ("profile", "connections", "contexts"),
    "instances": ("instance", "hosts", "servers"),
    "tags": ("tag", "label", "labels", "group", "groups"),
    "protected": ("locked", "safe"),
    "access": ("readonly", "mode", "permissions", "permission"),
    "browser": ("webbrowser", "browsercommand", "browserprofile"),
    "allow": ("allowed", "allowlist", "permit"),
    "allowed_hosts": ("allowhosts", "allowedhost", "trustedhosts"),
    "secret_store": ("store", "backend", "keyring", "credentialstore"),
    "key_scope": ("scope", "keyscope"),
    "org_role": ("role", "orgrole"),
    "membership_id": ("membershipid", "membership"),
}
_TABLES: dict[str, type[Table]] = {
    "the top of the file": ProfilesFile,
    "`[settings]`": SettingsTable,
    "`[instances.NAME]`": Instance,
    "`[profiles.NAME]`": Profile,
    "`expect`": Expect,
}
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


def _finding(document: Document, model: type[Table], violation: Violation) -> Finding:
    path, context = violation.path, violation.context
    name = f"`{_dotted(path)}`" if path else "the file"
    last = path[-1] if path else ""

    def found(
        code: Code, message: str, suggestion: str | None = None, *,
        at_key: bool = violation.of_key, replacement: str | None = None,
    ) -> Finding:  # fmt: skip
        """Return a finding at the value or the key. `replacement` is TOML that can safely stand for what is there."""
        place = document.position(path) if at_key else document.value_position(path)
        fix = document.replacing(place, replacement)
        return Finding(document.file, place.line, place.column, code, Level.ERROR, message, suggestion, fix, path)

    match violation.kind:
        case "omniprofile":
            return _own_words(path, name, context, found)
        case "extra_forbidden":
            return _unknown_key(document, model, path, found)
        case "missing":
            message = f"`{last}` is missing in {_table_name(path[:-1])}"
            return found(Code.MISSING_KEY, message, f"add `{last} = …`", at_key=True)
        case "string_pattern_mismatch":
            return _bad_name(document, violation, name, found)
        case "union_tag_not_found" | "union_tag_invalid":
            return (_wrong_variable if path[-2:-1] == ("env",) else _wrong_key_source)(document, path, found)
        case "literal_error":
            return _wrong_choice(document, path, name, str(context["expected"]), found)
        case "string_too_short" | "too_short":
            return found(Code.WRONG_VALUE, f"{name} is empty", "remove it, or give it a value")
        case "greater_than":
            return found(Code.WRONG_VALUE, f"{name} must be more than {context['gt']:g}")
        case "less_than_equal":
            return found(Code.WRONG_VALUE, f"{name} must be at most {context['le']:g}")
        case kind if kind in _WANTED:
            return _wrong_type(document, path, name, _WANTED[kind], found)
    raise AssertionError(f"no words for pydantic's `{violation.kind}`")


def _own_words(path: KeyPath, name: str, context: Mapping[str, Any], found: "Found") -> Finding:
    if context["code"] == Code.SECRET:
        suggestion = context["suggestion"] or store_it(_profile_at(path))
        return found(Code.SECRET, f"{name} {context['message']}", suggestion)
    replacement = context["replacement"]
    return found(
        context["code"], f"{name} {context['message']}", context["suggestion"],
        replacement=None if replacement is None else f'"{replacement}"',
    )  # fmt: skip


def _bad_name(document: Document, violation: Violation, name: str, found: "Found") -> Finding:
    path = violation.path
    if path[-1] in ("default", "extends", "instance") and not violation.of_key:
        bad = str(value_at(document.data, path))
        message = f"{name} is `{printable(bad)}`, not a valid name: use {RULE}"
        return found(Code.BAD_NAME, message, f"the nearest valid name is `{nearest_valid(bad)}`")
    if path[-2:-1] == ("tags",):
        bad = str(value_at(document.data, path))
        near = bad.removeprefix("@") if is_valid(bad.removeprefix("@")) else None
        message = f"{name} is `{printable(bad, 64)}`, which is not a valid tag ({RULE})"
        hint = f"write `{near or nearest_valid(bad)}`" + ("; the `@` belongs to the command line" if near else "")
        return found(Code.BAD_NAME, message, hint, replacement=f'"{near}"' if near else None)
    if path[-2:-1] == ("trusted_folders",):
        bad = printable(str(value_at(document.data, path)), 64)
        what = f"{name} is `{bad}`, which is not a whole path"
        return found(Code.WRONG_VALUE, what, "write it from the root of the file system, or from your home: `~/…`")
    bad = str(path[-1])
    if violation.of_key and len(path) == 2:
        what = "an instance" if path[0] == "instances" else "a profile"
        message = f"{f'`{printable(bad)}`' if bad else 'an empty text'} is not a valid name for {what}: use {RULE}"
        return found(Code.BAD_NAME, message, f"the nearest valid name is `{nearest_valid(bad)}`")
    what = f"`{printable(bad, 40)}`" if violation.of_key else name
    rule = "use letters, digits and `_`, the first no digit"
    return found(Code.BAD_NAME, f"{what} is not the name of an environment variable", rule)


def _dotted(path: KeyPath) -> str:
    """Return `profiles.prod.env`, quoted where TOML would: a name of the document, made fit to print."""
    words: list[str] = []
    for part in path:
        if isinstance(part, int):
            words[-1] += f"[{part}]"
        else:
            words.append(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{printable(part, 64)}"')
    return ".".join(words)


def _table_name(path: KeyPath) -> str:
    return f"`[{_dotted(path)}]`" if path else "the file"


def _normalized(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


Found = Callable[..., Finding]


def _unknown_key(document: Document, model: type[Table], path: KeyPath, found: Found) -> Finding:
    key = str(path[-1])
    table = _table_name(path[:-1])
    value = value_at(document.data, path)
    shown = f"`{printable(key, 64)}`"
    if isinstance(value, str) and names_secret(_normalized(key)):
        message = f"{shown} in {table} holds a secret in plain text"
        return found(Code.SECRET, message, store_it(_profile_at(path)), at_key=True)
    spelling = _other_spelling(model, path, key)
    siblings = cast("Mapping[str, object]", value_at(document.data, path[:-1]))
    safe = spelling if spelling and _normalized(spelling) == _normalized(key) and spelling not in siblings else None
    meant = f"did you mean `{spelling}`?" if spelling else _meant(model, path, key, value)
    return found(Code.UNKNOWN_KEY, f"unknown key {shown} in {table}", meant, at_key=True, replacement=safe)


def _profile_at(path: KeyPath) -> str:
    """Return the profile that `path` lies in, as a name to put into a command."""
    return str(path[1]) if len(path) > 2 and path[0] == "profiles" and is_valid(str(path[1])) else "NAME"


def _other_spelling(model: type[Table], path: KeyPath, key: str) -> str | None:
    """Return the known key that `key` is another spelling of, or a word for."""
    plain = _normalized(key)
    known = _known_keys(model, path[:-1])
    return next((word for word in known if _normalized(word) == plain or plain in _OTHER_SPELLINGS.get(word, ())), None)


def _meant(model: type[Table], path: KeyPath, key: str, value: object) -> str | None:
    """Return what the user probably meant by an unknown key."""
    known = _known_keys(model, path[:-1])
    if path[-2:-1] == ("key",) or path[-3:-2] == ("env",):
        return "`timeout` belongs to a `command`" if key == "timeout" else _form_near(key)
    if model is Pin:
        return "a project pin holds `profile` alone; profiles and instances belong in your own profile file"
    if not path[:-1] and isinstance(value, dict) and set(value) & set(Profile.model_fields):
        return f"did you mean `[profiles.{printable(key, 64)}]`?"
    for place, other in _TABLES.items():
        if key in keys_of(other):
            return f"`{key}` belongs in {place}"
    if near := closest(key, known, 1):
        return f"did you mean {quoted_list(near)}?"
    return f"known here: {', '.join(f'`{word}`' for word in known)}" if known else None


def _known_keys(model: type[Table], path: KeyPath) -> list[str]:
    """Return the keys of the table at `path`; none where that is a key's source, of which there are several forms."""
    table = type_at(model, path)
    named = isinstance(table, type) and issubclass(table, Table) and path[-1:] != ("key",)
    return list(keys_of(table)) if named else []


def _wrong_key_source(document: Document, path: KeyPath, found: Found) -> Finding:
    name = f"`{_dotted(path)}`"
    value = value_at(document.data, path)
    if isinstance(value, str):
        return found(
            Code.SECRET, f"{name} says where the key comes from, it is not the key", store_it(_profile_at(path))
        )
    forms = (
        'a key comes from { env = "VARIABLE" }, { command = ["PROGRAM", …] }, { file = "PATH" } or { keyring = true }'
    )
    if not isinstance(value, dict):
        return found(Code.WRONG_VALUE, f"{name} must be a table, not {_kind(value)}", forms)
    if len(set(value) & {"keyring", "env", "command", "file"}) > 1:
        return found(Code.CONTRADICTION, f"{name} names more than one source", "keep one")
    if any(_holds_secret(word, text) for word, text in value.items()):
        return found(Code.SECRET, f"{name} holds a secret in plain text", store_it(_profile_at(path)))
    return found(Code.WRONG_VALUE, f"{name} names no known source", forms)


_FORMS = ("from", "append", "keyring", "env", "command", "timeout", "file")


def _form_near(key: str) -> str | None:
    near = closest(key, _FORMS, 1)
    return f"did you mean `{near[0]}`?" if near else None


def _wrong_variable(document: Document, path: KeyPath, found: Found) -> Finding:
    """Return what is neither a text nor one of the tables that a variable of `env` may be."""
    name = f"`{_dotted(path)}`"
    value = value_at(document.data, path)
    if not isinstance(value, dict):
        quoted = f'"{value}"' if isinstance(value, int | float) and not isinstance(value, bool) else None
        hint = f"write {quoted}" if quoted else None
        return found(Code.WRONG_VALUE, f"{name} must be a string or a table, not {_kind(value)}", hint)
    forms = (
        'it is "TEXT", { from = "token" }, { keyring = true }, { env = "VARIABLE" }, '
        '{ command = ["PROGRAM", …] } or { file = "PATH" }'
    )
    known = set(value) & {"from", "keyring", "env", "command", "file"}
    if len(known) > 1:
        return found(Code.CONTRADICTION, f"{name} has more than one of {quoted_list(sorted(known), 'and')}", "keep one")
    if any(_holds_secret(word, text) for word, text in value.items()):
        return found(Code.SECRET, f"{name} holds a secret in plain text", store_it(_profile_at(path), str(path[-1])))
    near = next((meant for word in value if (meant := _form_near(str(word)))), None)
    return found(Code.WRONG_VALUE, f"{name} says in no known way what the variable holds", near or forms)


def _holds_secret(word: str, text: object) -> bool:
    """Whether a key of this name holds a secret itself, and not where to find one (`op://…`)."""
    name = _normalized(word)
    return isinstance(text, str) and "://" not in text and (name.endswith(_LITERAL_WORDS) or names_secret(name))


def _wrong_choice(document: Document, path: KeyPath, name: str, expected: str, found: Found) -> Finding:
    value = value_at(document.data, path)
    choices = re.findall(r"'([^']*)'", expected)
    if not choices:
        same = isinstance(value, str) and value.strip().lower() == expected.lower()
        hint = "write it without quotes" if same else f"write {expected.lower()}" if expected == "1" else None
        message = f"{name} must be {expected.lower()}"
        return found(Code.WRONG_VALUE, message, hint, replacement=expected.lower() if same else None)
    quoted = [f'"{choice}"' for choice in choices]
    message = f"{name} must be {' or '.join(quoted)}"
    same_words = [choice for choice in choices if isinstance(value, str) and _normalized(choice) == _normalized(value)]
    near = same_words or (closest(value, choices, 1) if isinstance(value, str) else [])
    hint = f'did you mean "{near[0]}"?' if near else None
    return found(Code.WRONG_VALUE, message, hint, replacement=f'"{same_words[0]}"' if same_words else None)


def _wrong_type(document: Document, path: KeyPath, name: str, wanted: str, found: Found) -> Finding:
    value = value_at(document.data, path)
    message = f"{name} must be {wanted}, not {_kind(value)}"
    if isinstance(value, str) and wanted == "an array":
        words = "the program and each argument" if path[-1] in ("command", "browser") else "each"
        example = '["op", "read", "…"]' if path[-1] in ("command", "browser") else '["…", "…"]'
        return found(Code.WRONG_VALUE, message, f"put {words} in quotes of its own, as in {example}")
    if not isinstance(value, str) or wanted not in ("true or false", "an integer", "a number"):
        return found(Code.WRONG_VALUE, message)
    word = value.strip().lower()
    safe = word if wanted == "true or false" and word in ("true", "false") else None
    return found(Code.WRONG_VALUE, message, "write it without quotes", replacement=safe)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a date or time")
