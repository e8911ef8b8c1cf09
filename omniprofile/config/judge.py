"""What the schema objects to in a document, as findings with a place, in TOML's words, and with what was probably meant.

A message names keys and never repeats a value that could be a secret.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

from omniprofile.config.rules import store_it
from omniprofile.config.schema import (
    Defaults,
    Expect,
    Instance,
    Objection,
    Pin,
    Profile,
    ProfilesFile,
    SettingsTable,
    Table,
    objections,
)
from omniprofile.config.toml.positions import KeyPath
from omniprofile.config.toml.text import Document
from omniprofile.model.finding import MOST, Code, Finding, Level
from omniprofile.model.names import RULE, closest, is_valid, nearest_valid, printable, quoted_list


def judge(document: Document, model: type[Table]) -> list[Finding]:
    """What `model` objects to in a document that parses; empty for a good one."""
    if document.data is None:
        return []
    raised = objections(document.data, model)
    findings = sorted(_finding(document, model, objection) for objection in raised[:MOST])
    if len(raised) > MOST:
        findings[-1] = replace(findings[-1], message=f"{findings[-1].message}; {len(raised) - MOST} more are not shown")
    return findings


def sound_part(document: Document) -> Document | None:
    """The document without what is wrong in it, so that the rest can be looked at; None if nothing sound is left."""
    if document.data is None:
        return None
    data = _copy(document.data)
    for _ in range(_ROUNDS):
        problems = objections(data, ProfilesFile)
        if not problems:
            return Document(document.file, document.text, data)
        for problem in problems:
            _remove(data, problem.path)
    return None


_ROUNDS = 4
"""Some objections are only raised when others are out of the way."""


def _copy(value: Any) -> Any:
    return {key: _copy(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _remove(data: dict[str, Any], path: KeyPath) -> None:
    """Take the key at `path` away, or the table that misses it. An array goes as a whole, but for a list of hosts."""
    table: Any = data
    for part in path[:-1]:
        inner = table.get(part) if isinstance(table, dict) else None
        if path[:2] == ("settings", "allowed_hosts") and isinstance(inner, list):
            table[part] = [
                host for host in inner if not objections({"settings": {"allowed_hosts": [host]}}, ProfilesFile)
            ]
            return
        if not isinstance(inner, dict):
            break
        table = inner
    else:
        part = path[-1] if path else ""
    if isinstance(table, dict) and table.pop(part, None) is None and len(path) > 1:
        _remove(data, path[:-1])


_SECRET_WORDS = ("token", "apikey", "secret", "password", "bearer", "credential")
"""A key whose name ends in one of these holds a secret."""
_LITERAL_WORDS = (*_SECRET_WORDS, "key", "value", "literal", "plain", "text", "string")
"""What a table in a key's place holds the key itself under."""
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
    "protected": ("readonly", "locked", "safe"),
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
    "list_type": "an array",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
}


def _finding(document: Document, model: type[Table], objection: Objection) -> Finding:
    path, context = objection.path, objection.context
    name = f"`{_dotted(path)}`" if path else "the file"
    last = path[-1] if path else ""

    def found(
        code: Code, message: str, suggestion: str | None = None, *,
        at_key: bool = objection.of_key, replacement: str | None = None,
    ) -> Finding:  # fmt: skip
        """A finding at the value or the key. `replacement` is TOML that can safely stand for what is there."""
        place = document.position(path) if at_key else document.value_position(path)
        fix = document.replacing(place, replacement)
        return Finding(document.file, place.line, place.column, code, Level.ERROR, message, suggestion, fix)

    match objection.kind:
        case "omniprofile":
            return _own_judgement(path, name, context, found)
        case "extra_forbidden":
            return _unknown_key(document, model, path, found)
        case "missing":
            message = f"`{last}` is missing in {_table_name(path[:-1])}"
            return found(Code.MISSING_KEY, message, f"add `{last} = …`", at_key=True)
        case "string_pattern_mismatch":
            return _bad_name(document, objection, name, found)
        case "union_tag_not_found" | "union_tag_invalid":
            return _wrong_key_source(document, path, found)
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
    raise AssertionError(f"no words for pydantic's `{objection.kind}`")


def _own_judgement(path: KeyPath, name: str, context: Mapping[str, Any], found: "Found") -> Finding:
    if context["code"] == Code.SECRET:
        return found(Code.SECRET, f"{name} {context['message']}", store_it(_profile_at(path)))
    replacement = context["replacement"]
    return found(
        context["code"], f"{name} {context['message']}", context["suggestion"],
        replacement=None if replacement is None else f'"{replacement}"',
    )  # fmt: skip


def _bad_name(document: Document, objection: Objection, name: str, found: "Found") -> Finding:
    path = objection.path
    if path[-1] in ("default", "extends", "instance") and not objection.of_key:
        bad = str(_value(document, path))
        message = f"{name} is `{printable(bad)}`, which is no name ({RULE})"
        return found(Code.BAD_NAME, message, f"the nearest valid name is `{nearest_valid(bad)}`")
    bad = str(path[-1])
    if objection.of_key and len(path) == 2:
        what = "an instance" if path[0] == "instances" else "a profile"
        message = f"{f'`{printable(bad)}`' if bad else 'an empty text'} is no name for {what} ({RULE})"
        return found(Code.BAD_NAME, message, f"the nearest valid name is `{nearest_valid(bad)}`")
    what = f"`{printable(bad, 40)}`" if objection.of_key else name
    rule = "use letters, digits and `_`, the first no digit"
    return found(Code.BAD_NAME, f"{what} is no name of an environment variable", rule)


def _value(document: Document, path: KeyPath) -> object:
    value: Any = document.data
    for part in path:
        value = value[part]
    return value


def _dotted(path: KeyPath) -> str:
    """`profiles.prod.env`, quoted where TOML would: a name of the document, made fit to print."""
    words: list[str] = []
    for part in path:
        if isinstance(part, int):
            words[-1] += f"[{part}]"
        else:
            words.append(part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else f'"{printable(part, 64)}"')
    return ".".join(words)


def _table_name(path: KeyPath) -> str:
    return f"`[{_dotted(path)}]`" if path else "the file"


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


Found = Callable[..., Finding]


def _unknown_key(document: Document, model: type[Table], path: KeyPath, found: Found) -> Finding:
    key = str(path[-1])
    table = _table_name(path[:-1])
    value = _value(document, path)
    shown = f"`{printable(key, 64)}`"
    if isinstance(value, str) and _plain(key).endswith(_SECRET_WORDS):
        message = f"{shown} in {table} holds a secret in plain text"
        return found(Code.SECRET, message, store_it(_profile_at(path)), at_key=True)
    spelling = _other_spelling(model, path, key)
    siblings = cast("Mapping[str, object]", _value(document, path[:-1]))
    safe = spelling if spelling and _plain(spelling) == _plain(key) and spelling not in siblings else None
    meant = f"did you mean `{spelling}`?" if spelling else _meant(model, path, key, value)
    return found(Code.UNKNOWN_KEY, f"unknown key {shown} in {table}", meant, at_key=True, replacement=safe)


def _profile_at(path: KeyPath) -> str:
    """The profile that `path` lies in, as a name to put into a command."""
    return str(path[1]) if len(path) > 2 and path[0] == "profiles" and is_valid(str(path[1])) else "NAME"


def _other_spelling(model: type[Table], path: KeyPath, key: str) -> str | None:
    """The known key that `key` is another spelling of, or a word for."""
    table = _model_at(model, path[:-1])
    plain = _plain(key)
    known = list(table.model_fields) if table else []
    return next((word for word in known if _plain(word) == plain or plain in _OTHER_SPELLINGS.get(word, ())), None)


def _meant(model: type[Table], path: KeyPath, key: str, value: object) -> str | None:
    """What the user probably meant by an unknown key."""
    table = _model_at(model, path[:-1])
    known = list(table.model_fields) if table else []
    if path[-2:-1] == ("key",):
        return "`timeout` belongs to a `command`" if key == "timeout" else None
    if model is Pin:
        return "a project pin holds `profile` alone; profiles and instances belong in your own profile file"
    if not path[:-1] and isinstance(value, dict) and set(value) & set(Profile.model_fields):
        return f"did you mean `[profiles.{printable(key, 64)}]`?"
    for place, other in _TABLES.items():
        if key in other.model_fields:
            return f"`{key}` belongs in {place}"
    if near := closest(key, known, 1):
        return f"did you mean {quoted_list(near)}?"
    return f"known here: {', '.join(f'`{word}`' for word in known)}" if known else None


def _model_at(model: type[Table], path: KeyPath) -> type[Table] | None:
    """The model of the table at `path`."""
    if not path:
        return model
    tables: dict[str, type[Table]] = {"settings": SettingsTable, "instances": Instance, "profiles": Profile}
    tables["defaults"] = Defaults
    rest = path[2:] if path[0] in ("instances", "profiles") else path[1:]
    if not rest:
        return tables.get(str(path[0]))
    return {"expect": Expect, "key": None}.get(str(rest[0]))


def _wrong_key_source(document: Document, path: KeyPath, found: Found) -> Finding:
    name = f"`{_dotted(path)}`"
    value = _value(document, path)
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


def _holds_secret(word: str, text: object) -> bool:
    """Whether a key of this name holds a secret itself, and not where to find one (`op://…`)."""
    return isinstance(text, str) and _plain(word).endswith(_LITERAL_WORDS) and "://" not in text


def _wrong_choice(document: Document, path: KeyPath, name: str, expected: str, found: Found) -> Finding:
    value = _value(document, path)
    choices = re.findall(r"'([^']*)'", expected)
    if not choices:
        same = isinstance(value, str) and value.strip().lower() == expected.lower()
        hint = "write it without quotes" if same else f"write {expected.lower()}" if expected == "1" else None
        message = f"{name} must be {expected.lower()}"
        return found(Code.WRONG_VALUE, message, hint, replacement=expected.lower() if same else None)
    quoted = [f'"{choice}"' for choice in choices]
    message = f"{name} must be {' or '.join(quoted)}"
    same_words = [choice for choice in choices if isinstance(value, str) and _plain(choice) == _plain(value)]
    near = same_words or (closest(value, choices, 1) if isinstance(value, str) else [])
    hint = f'did you mean "{near[0]}"?' if near else None
    return found(Code.WRONG_VALUE, message, hint, replacement=f'"{same_words[0]}"' if same_words else None)


def _wrong_type(document: Document, path: KeyPath, name: str, wanted: str, found: Found) -> Finding:
    value = _value(document, path)
    message = f"{name} must be {wanted}, not {_kind(value)}"
    if not isinstance(value, str) or wanted not in ("true or false", "an integer", "a number"):
        return found(Code.WRONG_VALUE, message)
    word = value.strip().lower()
    safe = word if wanted == "true or false" and word in ("true", "false") else None
    return found(Code.WRONG_VALUE, message, "write it without quotes", replacement=safe)


def _kind(value: object) -> str:
    return _KINDS.get(type(value), "a date or time")
