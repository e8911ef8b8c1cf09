"""Converting a key and a value typed on a command line to TOML. The kind of the key decides how the value is read.

The caller gets that kind from the models.
"""

import re
from typing import TYPE_CHECKING, Any

from omniprofile.config.toml.data import NamePath
from omniprofile.config.toml.edit import value_of
from omniprofile.config.toml.text import Document
from omniprofile.config.toml.write import require_utf8, string_text
from omniprofile.errors import ConfigInvalid, Refused, UsageError
from omniprofile.model.names import printable
from omniprofile.model.not_a_key import command_for
from omniprofile.model.secret import KEY_SHAPES, names_secret

if TYPE_CHECKING:
    from omniprofile.config.schema.keys import TomlKind

_KINDS: dict[str, tuple[type | tuple[type, ...], str]] = {
    "boolean": (bool, "`true` or `false`"),
    "integer": (int, "a whole number"),
    "number": ((int, float), "a number"),
    "array": (list, "an array"),
    "table": (dict, "an inline table"),
}
"""The types and the name of each kind that is written in TOML."""
_EXAMPLES = {
    "allowed_hosts": '["bi.acme.example"]',
    "trusted_folders": '["/mnt/c/work"]',
    "tags": '["acme", "eu"]',
    "browser": '["firefox", "-P", "acme"]',
    "allow": '["POST /api/v1/ai/jobs"]',
    "command": '["op", "read", "op://Work/Omni/credential"]',
    "expect": '{ org_role = "MEMBER" }',
    "env": '{ OMNI_OUTPUT_FORMAT = "json" }',
    "key": '{ env = "ACME_OMNI_KEY" }',
}


def key_path(key: str) -> NamePath:
    """Return the names of a dotted key, as TOML reads it: `env.A`, `expect.org_role`. Raises UsageError."""
    data: Any = Document.parse("", f"{key} = 0".encode("utf-8", "replace")).data if "\n" not in key else None
    names: list[str] = []
    while isinstance(data, dict) and len(data) == 1:
        ((name, data),) = data.items()
        names.append(name)
    if data != 0 or isinstance(data, bool) or not names:
        raise UsageError(
            f"`{printable(key)}` is not a key", hint="it is a name, or names with dots between: `expect.org_role`"
        )
    return tuple(names)


def value_text(path: NamePath, typed: str, kind: "TomlKind | None") -> str:
    """Return the value `typed` for the key at `path` as TOML. Strings need no quotes.

    `kind` is the key's kind from `schema.keys.toml_kind`, None for a key that the models do not know.

    Raises Refused for a value that looks like a secret, ConfigInvalid for one that the key cannot have, and UsageError for one
    that is not UTF-8 or has several lines.
    """
    require_utf8(typed)
    name = path[-1]
    _refuse_secret(path, typed, known=kind is not None)
    written = typed.strip()
    try:
        value = value_of(written)
    except ValueError:
        value = None
    if kind == "string or table":
        kind = "table" if isinstance(value, dict) else "string"
    if kind in ("string", None):
        return string_text(typed)
    types, what = _KINDS[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and kind != "boolean"):
        example = f", such as '{_EXAMPLES[name]}'" if name in _EXAMPLES else ""
        bare = value is None and written[:1] in ("{", "[")
        raise ConfigInvalid(
            f"the value of `{'.'.join(path)}` must be {what}{example} (nothing was written)",
            hint="put each text in it into double quotes, and the whole into single quotes" if bare else None,
        )
    if "\n" in written:
        raise UsageError(
            f"the value of `{name}` is on several lines", hint="write it on one, or use `omniprofile edit`"
        )
    return written


def _refuse_secret(path: NamePath, typed: str, *, known: bool) -> None:
    in_keys_place = path[-1] == "key" and not typed.lstrip().startswith("{")
    plain = re.sub(r"[^a-z]", "", path[-1].lower())
    if not (re.search(KEY_SHAPES, typed) or in_keys_place or (not known and names_secret(plain))):
        return
    profile = path[1] if path[0] == "profiles" and len(path) > 2 else "NAME"
    if in_keys_place and not re.search(KEY_SHAPES, typed) and (source := _source_for(typed.strip())):
        raise ConfigInvalid(
            "`key` is a table that says where the key comes from (nothing was written)",
            hint=f"such as '{source}'; `omniprofile login {profile}` stores one in the secret store",
        )
    raise Refused(
        f"the value of `{'.'.join(path)}` looks like a secret: those never stand in a profile file, nor on a command line, "
        "which every user of this machine can read",
        hint=f"revoke it if it is one, and store a new one with `omniprofile login {printable(profile)}`, which asks for it",
    )


def _source_for(typed: str) -> str | None:
    """Return the table for a key source that stands where its table belongs; None if `typed` may be a key."""
    if typed in ("keyring", "env", "command", "file"):
        return _EXAMPLES["key"]
    if command := command_for(typed):
        return f"{{ command = [{', '.join(map(string_text, command))}] }}"
    variable = typed.removeprefix("$").removeprefix("{").removesuffix("}")
    # A password may begin with `$`, too; a variable's name is in capitals.
    is_variable = typed.startswith("$") and variable.isidentifier() and variable.isupper()
    return f'{{ env = "{variable}" }}' if is_variable else None
