"""Writing values and keys as TOML texts of one line each, for `edit` to insert. DOOR: tomlkit.

tomlkit's output is changed in two ways: tables are always inline, and invisible characters are escaped, including bidi marks,
which make a file look different from its content.
"""

from collections.abc import Mapping, Sequence

from omniprofile.errors import UsageError


def key_text(name: str) -> str:
    """Return a name as one part of a key, quoted if needed. Raises UsageError if it is not UTF-8."""
    import tomlkit

    require_utf8(name)
    return _visible(tomlkit.key(name).as_string())


def string_text(text: str) -> str:
    """Return a text as a TOML string, in double quotes. Raises UsageError if it is not UTF-8."""
    import tomlkit

    require_utf8(text)
    return _visible(tomlkit.string(text).as_string())


def require_utf8(text: str) -> None:
    """Raise UsageError for a text with bytes that are not UTF-8, which an argument may have and no TOML file."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as problem:
        raise UsageError("the value is not UTF-8") from problem


def toml(value: object) -> str:
    """Return a value as TOML, with inline tables."""
    import tomlkit

    match value:
        case str():
            return string_text(value)
        case bool() | int() | float():
            return tomlkit.item(value).as_string()
        case list() | tuple():
            return f"[{', '.join(map(toml, value))}]"
        case Mapping():
            return inline({str(name): toml(member) for name, member in value.items()})
    raise AssertionError(f"no profile file holds a {type(value).__name__}")


def inline(values: Mapping[str, str]) -> str:
    """Return an inline table of values that are already TOML."""
    members = ", ".join(f"{key_text(name)} = {value}" for name, value in values.items())
    return f"{{ {members} }}" if members else "{}"


def nested(names: Sequence[str], written: str) -> str:
    """Return a value within an inline table for each of `names`."""
    for name in reversed(names):
        written = inline({name: written})
    return written


def _visible(written: str) -> str:
    return "".join(char if char.isprintable() or char == "\u00a0" else _escape(char) for char in written)


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
