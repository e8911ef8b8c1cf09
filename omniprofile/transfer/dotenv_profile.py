"""The profile that a `.env` describes: the base URL and the key that the Python SDKs read from it."""

from dataclasses import replace
from datetime import datetime

from omniprofile.errors import UsageError
from omniprofile.model.names import nearest_valid, printable_place, quoted_list
from omniprofile.model.not_a_key import command_for
from omniprofile.model.origin import NotAnOrigin, Origin, without_api_path
from omniprofile.model.variable_names import ORGANIZATION
from omniprofile.transfer.dotenv import BASE_URL, TOKENS, Dotenv, Part, reference
from omniprofile.transfer.found_profiles import Found, Source


def dotenv_source(dotenv: Dotenv, now: datetime, *, name: str | None, base_url: str | None) -> Source:
    """Return the profile of a `.env` as an import source. `base_url` is for a file that has none.

    Raises ConfigInvalid, and UsageError if the base URL is missing, not a base URL, or differs from the file's.
    """
    lines = dotenv.commented()
    place = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}"
    shown, others = f"`{printable_place(dotenv.file.path)}`", dotenv.elsewhere()
    scrubbed = [f"{shown} has a key in a comment, too: {place}"] if lines else []
    left = [f"{shown} has a key elsewhere, too, and it stays there: {', '.join(others)}"] if others else []
    return Source(
        dotenv.file, [_found(dotenv, now, name, base_url)],
        lambda stored: dotenv.without_secrets(next(iter(stored.values()), None)),
        dotenv.file.mode, "correct the file", left=left, scrubbed=scrubbed,
    )  # fmt: skip


def _found(dotenv: Dotenv, now: datetime, name: str | None, base_url: str | None) -> Found:
    if not dotenv.assigned(*TOKENS, BASE_URL):
        names = quoted_list((*TOKENS, BASE_URL))
        raise dotenv.file.wrong("the file", f"has none of {names}", "name another file")
    key, origin = _token(dotenv), _origin(dotenv, base_url)
    found = Found.with_key(name or origin.organization_name or nearest_valid(origin.host), origin, key, now)
    return replace(found, named=name is not None)


def _token(dotenv: Dotenv) -> str | None:
    """Return the file's token, None if it has none. Raises ConfigInvalid."""
    settings = dotenv.assigned(*TOKENS)
    for setting in settings:
        what = reference(setting.value)
        if what and not command_for(setting.value):
            raise dotenv.file.wrong(
                f"`{setting.name}`",
                f"is {what}, not a key",
                "write the key itself, or leave the line out and pipe the key to `omniprofile login NAME`",
                line=setting.line,
            )
    for other in settings[1:]:
        first = settings[0]
        if other.value != first.value:
            names = quoted_list(dict.fromkeys(str(setting.name) for setting in (first, other)), "and")
            what = "have different values" if other.name != first.name else "has different values"
            raise dotenv.file.wrong(
                names, f"{what} (lines {first.line} and {other.line})", "keep the one that is right", line=other.line
            )
    return settings[0].value if settings else None


def _origin(dotenv: Dotenv, base_url: str | None) -> Origin:
    settings = dotenv.assigned(BASE_URL)
    if base_url is not None:
        try:
            given = Origin.parse(base_url)
        except NotAnOrigin as problem:
            raise UsageError(f"the value of `--base-url` {problem}", hint=problem.hint) from problem
        if settings and _parsed(dotenv, settings[-1]) != given:
            raise UsageError(
                f"`--base-url` and the file's `{BASE_URL}` differ", hint="leave `--base-url` out, or correct the file"
            )
        return given
    if not settings:
        named = [each.value for each in dotenv.assigned(ORGANIZATION) if each.value.replace("-", "").isalnum()]
        name = named[0] if named and named[0].isascii() else "acme"
        raise UsageError(
            f"the file does not set `{BASE_URL}`, so the instance of its key is unknown",
            hint=f"give it: `--base-url https://{name}.omniapp.co`",
        )
    return _parsed(dotenv, settings[-1])


def _parsed(dotenv: Dotenv, setting: Part) -> Origin:
    return dotenv.file.origin(f"`{BASE_URL}`", without_api_path(setting.value), line=setting.line)
