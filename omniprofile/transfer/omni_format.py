"""The format of the vendor's config: strict JSON, whose known keys have known types.

Its keys are those of the program's source (exploreomni/cli). Anything else in the file belongs to a newer version and stays in
place. JSON must strictly follow RFC 8259, because the Go program would read a repeated key, or one in another case, in its own
way.
"""

import json
from math import isfinite

from omniprofile.errors import ConfigInvalid
from omniprofile.model.names import printable, printable_place
from omniprofile.transfer.foreign_file import ForeignFile

SECRETS = ("apiKey", "accessToken", "refreshToken")
_TOP = ("version", "defaultProfile", "defaultOutputFormat", "profiles")
_PROFILE = ("apiEndpoint", "authMethod", "defaultOutputFormat", *SECRETS, "tokenExpiresAt")
DEEPEST = 100

Json = dict[str, object]


def _check_table(file: ForeignFile, where: str, table: Json, known: tuple[str, ...], texts: tuple[str, ...]) -> None:
    """Raise ConfigInvalid if a known key is written in another case, or one of `texts` is not a string.

    Go matches keys in any case, so a known key in another case would count, and we would overlook its secret.
    """
    folded = {key.casefold(): key for key in known}
    for key, value in table.items():
        if key not in known and (meant := folded.get(key.casefold())):
            raise file.wrong(where or "the file", f"has `{key}` in another case than `{meant}`", f"write it `{meant}`")
        if key in texts and value is not None:
            place = f"{where}: `{key}`" if where else f"`{key}`"
            if not isinstance(value, str):
                raise file.wrong(place, "is not a string")
            if _has_half_a_character(value):
                raise file.wrong(place, "has half a character (a lone surrogate)")


def _has_half_a_character(text: str) -> bool:
    return any(0xD800 <= ord(char) < 0xE000 for char in text)


def parse(file: ForeignFile) -> Json:
    """Return the JSON object in the file. Raises ConfigInvalid with the line; no message quotes the text."""
    text = file.text()
    if text.startswith("\ufeff"):
        raise file.wrong(
            "the file", "begins with a byte order mark, which the CLI does not read", "save it without one"
        )

    def once(pairs: list[tuple[str, object]]) -> Json:
        table: Json = {}
        for key, value in pairs:
            if key in table:
                raise file.wrong(f"the key `{printable(key, 64)}`", "appears twice in one object", "remove one of them")
            table[key] = value
        return table

    def finite(digits: str) -> float:
        number = float(digits)
        if not isfinite(number):
            raise file.wrong("it", "has a number that JSON does not have", _REPAIR)
        return number

    try:
        data = json.loads(text, object_pairs_hook=once, parse_constant=finite, parse_float=finite)
    except json.JSONDecodeError as problem:
        place = printable_place(f"{file.path}:{problem.lineno}:{problem.colno}")
        wrong = ConfigInvalid(f"{place}: this is not JSON", hint=_REPAIR)
    except RecursionError:
        wrong = file.wrong("it", "is nested too deeply", _REPAIR)
    except ValueError:
        wrong = file.wrong("it", "has a number that is too long", _REPAIR)
    else:
        if isinstance(data, dict) and not _is_deep(data):
            return data
        wrong = file.wrong("it", "is nested too deeply" if isinstance(data, dict) else "is not a JSON object", _REPAIR)
    raise wrong  # outside the `except`: the parser's exception holds the whole text


_REPAIR = "the CLI treats a broken config as none at all; repair it, or restore a copy"


def _is_deep(data: object, levels: int = DEEPEST) -> bool:
    """Whether it is nested more deeply than any config is: Python could read it, but not write it again."""
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return levels == 0 or any(_is_deep(each, levels - 1) for each in inner)


def check_config(file: ForeignFile, data: Json) -> None:
    """Raise ConfigInvalid unless the file is usable, apart from its profiles."""
    version = data.get("version", 1)
    if version != 1 or isinstance(version, bool):
        raise file.wrong("`version`", "is not 1", "it may be of a newer CLI than this omniprofile knows")
    _check_table(file, "", data, _TOP, ("defaultProfile", "defaultOutputFormat"))
    profiles = data.get("profiles")
    if profiles is not None and not isinstance(profiles, dict):
        raise file.wrong("`profiles`", "is not an object")


def check_profile(file: ForeignFile, name: str, table: Json | None) -> None:
    """Raise ConfigInvalid unless every known key of profile `name`, whose object is `table`, has the right type."""
    where = f"profile `{name}`"
    if not name.strip():
        raise file.wrong("a profile", "has an empty name", "give it a name")
    if _has_half_a_character(name):
        raise file.wrong(where, "has half a character (a lone surrogate) in its name", "give it another name")
    if table is None:
        raise file.wrong(where, "is not an object")
    _check_table(file, where, table, _PROFILE, _PROFILE)
    if table.get("authMethod") not in (None, "", "oauth", "api-key"):
        raise file.wrong(f"{where}: `authMethod`", "is neither `oauth` nor `api-key`", "correct it")


def text_of(table: Json, key: str) -> str | None:
    """Return the text at `key`, or None if it is empty, missing or something else."""
    value = table.get(key)
    return value if isinstance(value, str) and value else None
