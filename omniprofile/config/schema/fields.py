"""The types of single values in a profile file: names, addresses, variables, programs. DOOR: pydantic."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, GetPydanticSchema, StringConstraints
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, PydanticKnownError, core_schema

from omniprofile.model.access_rules import ALLOWED_REQUEST, READS, is_allowed_request
from omniprofile.model.names import MAX_LENGTH, holds_key, printable
from omniprofile.model.origin import BASE_URL_PATTERN, HOST_PATTERN, NotAnOrigin, Origin, parse_host
from omniprofile.model.rule_codes import Code
from omniprofile.model.variable_names import is_reserved

T = TypeVar("T")


LONGEST_TIMEOUT = 600


class Violation(NamedTuple):
    """One violation of a model. `kind` and `context` are pydantic's, with stable names; it contains no value.

    `path` is in the document; `of_key` says that the violation is about the last key itself, not its value.
    """

    kind: str
    path: tuple[str | int, ...]
    of_key: bool
    context: Mapping[str, Any]


def wrong_value(
    message: str, suggestion: str | None = None, code: Code = Code.WRONG_VALUE, replacement: str | None = None
) -> PydanticCustomError:
    """Return a violation with its own message, which follows the key's name. `replacement` is what was certainly meant."""
    context = {"message": message, "suggestion": suggestion, "code": code, "replacement": replacement}
    return PydanticCustomError("omniprofile", "{message}", context)


def exactly(expected: object) -> BeforeValidator:
    """Refuse values that equal `expected` in Python but not in TOML, such as `1.0` and `true` for `1`."""

    def check(value: object) -> object:
        if type(value) is not type(expected):
            raise PydanticKnownError("literal_error", {"expected": repr(expected)})
        return value

    return BeforeValidator(check)


def _text(read: Callable[[str], object], pattern: str, *, min_length: int = 0) -> GetPydanticSchema:
    """Return the schema of a string that `read` converts or refuses. `pattern` tells editors the same rule."""
    schema = core_schema.no_info_after_validator_function(read, core_schema.str_schema(min_length=min_length))
    written: JsonSchemaValue = {"type": "string", "pattern": pattern}
    if min_length:
        written["minLength"] = min_length
    return GetPydanticSchema(lambda _source, _handler: schema, lambda _schema, _handler: dict(written))


def _address(parse: Callable[[str], T], example: str) -> Callable[[str], T]:
    """Return a reader of addresses from `parse`, of `model.origin`. `example` is the hint if nothing better is known."""

    def read(text: str) -> T:
        try:
            return parse(text)
        except NotAnOrigin as problem:
            if "@" in text and parse == Origin.parse:
                raise wrong_value(str(problem), code=Code.SECRET) from None
            hint = f'write "{problem.suggestion}"' if problem.suggestion else f'it looks like "{example}"'
            raise wrong_value(str(problem), hint, replacement=problem.suggestion) from None

    return read


def _refusing(
    is_wrong: Callable[[T], bool], message: str, suggestion: str | None = None, code: Code = Code.WRONG_VALUE
) -> Callable[[T], T]:
    """Return a reader that refuses what `is_wrong`, and returns other values as they are."""

    def read(value: T) -> T:
        if is_wrong(value):
            raise wrong_value(message, suggestion, code)
        return value

    return read


def _without_nul(what: str) -> Callable[[str], str]:
    return _refusing(lambda text: "\0" in text, f"holds a NUL, which no {what} can")


def _allowed_request(text: str) -> str:
    """Refuse an entry of `allow` that is not a method and path, or whose method is always allowed."""
    if is_allowed_request(text):
        return text
    method, _, path = text.partition(" ")
    if method.upper() in READS:
        raise wrong_value(f"is `{printable(text)}`, and {method.upper()} is always allowed", "remove it")
    if is_allowed_request(corrected := f"{method.upper()} {path}"):
        raise wrong_value(
            f"is `{printable(text)}`, whose method is not in capitals", f"write `{corrected}`", replacement=corrected
        )
    raise wrong_value(
        f"is `{printable(text)}`, which is not a method and a path",
        "write it as `POST /api/v1/ai/jobs`: POST, PUT, PATCH or DELETE, and a path without query in which `{id}` or `*` stands "
        "for one segment",
    )


_may_be_set = _refusing(
    is_reserved,
    "may not be set: it carries the credential or steers omniprofile",
    "remove it; the profile's own keys say what it should be",
)
_no_key = _refusing(
    holds_key,
    "looks like an API key, which no name may be",
    "choose another name, and revoke the key if this file was ever shared: it may be in its history",
    Code.SECRET,
)
_NAME = rf"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_LENGTH - 1}}}$"
VARIABLE_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
_NO_NUL = r"^[^\u0000]*$"
ProfileName = Annotated[str, StringConstraints(pattern=_NAME), AfterValidator(_no_key)]
VariableName = Annotated[str, StringConstraints(pattern=VARIABLE_PATTERN)]
FreeVariable = Annotated[VariableName, AfterValidator(_may_be_set)]
Text = Annotated[str, StringConstraints(min_length=1)]
BaseUrl = Annotated[Origin, _text(_address(Origin.parse, "https://acme.omniapp.co"), BASE_URL_PATTERN)]
Host = Annotated[str, _text(_address(parse_host, "bi.acme.example"), HOST_PATTERN)]
EnvironmentValue = Annotated[str, _text(_without_nul("environment variable"), _NO_NUL)]
Argument = Annotated[str, _text(_without_nul("argument of a program"), _NO_NUL)]
AllowedRequest = Annotated[str, _text(_allowed_request, ALLOWED_REQUEST)]
Many = Annotated[tuple[T, ...], Field(strict=False), AfterValidator(lambda given: tuple(dict.fromkeys(given)))]
"""An array, converted to a tuple without duplicates."""
Program = Annotated[
    tuple[Argument, ...],
    Field(
        strict=False,
        min_length=1,
        json_schema_extra={"prefixItems": [{"type": "string", "minLength": 1, "pattern": _NO_NUL}]},
    ),
    AfterValidator(_refusing(lambda argv: not argv[0], "names no program", "its first part is the program to run")),
]
FilePath = Annotated[str, _text(_without_nul("path"), _NO_NUL, min_length=1)]
