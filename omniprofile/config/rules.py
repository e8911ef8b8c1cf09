"""What a value in a profile file must be beyond its type. The models of `schema` and the first look of `fit` both ask here.

Each rule takes a value of the right type and raises Wrong. Every file is read with it: imports no library.
"""

from collections.abc import Mapping

from omniprofile.model.exported import is_reserved
from omniprofile.model.finding import Code
from omniprofile.model.origin import NotAnOrigin, Origin, parse_host


class Wrong(Exception):
    """A judgement. `str()` goes on after the key's name, as in "`profiles.prod.base_url` MESSAGE".

    `replacement` is the text that says the same as it should be said.
    """

    def __init__(
        self, message: str, suggestion: str | None = None, code: Code = Code.WRONG_VALUE, replacement: str | None = None
    ) -> None:
        super().__init__(message)
        self.suggestion = suggestion
        self.code = code
        self.replacement = replacement


def base_url(text: str) -> None:
    """It is an origin."""
    try:
        Origin.parse(text)
    except NotAnOrigin as problem:
        if "@" in text:
            raise Wrong(str(problem), code=Code.SECRET) from None
        hint = f'write "{problem.suggestion}"' if problem.suggestion else 'it looks like "https://acme.omniapp.co"'
        raise Wrong(str(problem), hint, replacement=problem.suggestion) from None


def host(text: str) -> None:
    """It is a whole host name."""
    try:
        parse_host(text)
    except NotAnOrigin as problem:
        hint = f'write "{problem.suggestion}"' if problem.suggestion else 'it looks like "bi.acme.example"'
        raise Wrong(str(problem), hint, replacement=problem.suggestion) from None


def free_variable(name: str) -> None:
    """A profile's `env` may set it."""
    if is_reserved(name):
        raise Wrong(
            "may not be set: it carries the credential or steers omniprofile",
            "remove it; the profile's own keys say what it should be",
        )


def environment_value(text: str) -> None:
    """It can be a variable's value."""
    _no_nul(text, "environment variable")


def argument(text: str) -> None:
    """It can be handed to a program."""
    _no_nul(text, "argument of a program")


def path(text: str) -> None:
    """It can be a path."""
    _no_nul(text, "path")


def command(argv: list[str]) -> None:
    """It can be run."""
    if not argv[0]:
        raise Wrong("names no program", "its first part is the program to run")


def one_address(table: Mapping[str, object]) -> None:
    """A table does not have two."""
    if table.get("instance") is not None and table.get("base_url") is not None:
        raise Wrong(
            "has both `instance` and `base_url`", "keep one: each says which address to use", Code.CONTRADICTION
        )


def store_it(profile: str) -> str:
    """What to do about a secret in plain text."""
    return (
        f"remove it, run `omniprofile login {profile}` to store it, and revoke it if this file was ever shared: "
        "it may be in its history"
    )


def _no_nul(text: str, what: str) -> None:
    if "\0" in text:
        raise Wrong(f"holds a NUL, which no {what} can")
