"""The profiles of `exec --as PREFIX=NAME`, each with a prefix for its variables."""

import argparse
from collections.abc import Mapping

from omniprofile.app import App, ProfileRequest
from omniprofile.cli import arguments
from omniprofile.credentials.intent import Intent
from omniprofile.errors import UsageError
from omniprofile.model.names import printable
from omniprofile.model.resolution import Resolution
from omniprofile.model.variable_names import OWN, is_reserved


def prefixed_requests(args: argparse.Namespace) -> dict[str, ProfileRequest]:
    """Return the request for each prefix of `--as`. Raises UsageError."""
    alone = arguments.named_profile(args)
    for text in args.prefixes:
        prefix, _, name = text.partition("=")
        if not prefix or not name:
            given = printable(prefix) if prefix.endswith("_") else "SOURCE_"
            hint = f"write it as in `--as {given}={printable(alone.value) if alone else 'staging'}`"
            raise UsageError(f"`--as {printable(text)}` is not PREFIX=NAME", hint=hint)
    if alone is not None or args.base_url is not None or args.token_file is not None:
        given = f"`{printable(alone.value)}`" if alone else "`--base-url` or `--token-file`"
        raise UsageError(
            f"{given} has no prefix, and with `--as` every credential has one",
            hint=f"run `omniprofile exec {' '.join(f'--as {word}' for word in map(printable, args.prefixes))}"
            f"{f' --as OTHER_={printable(alone.value)}' if alone else ''} -- COMMAND …`",
        )
    requests: dict[str, ProfileRequest] = {}
    for text in args.prefixes:
        prefix, _, name = text.partition("=")
        if not (prefix.isascii() and prefix.isidentifier()) or is_reserved(f"{prefix}_"):
            raise UsageError(
                f"`{printable(prefix)}` cannot begin a variable's name",
                hint=f"use letters, digits and `_`, as in `--as SOURCE_={printable(name)}`",
            )
        if prefix.upper() in map(str.upper, requests):  # Windows ignores case
            raise UsageError(f"the prefix `{prefix}` is given twice", hint="give each profile its own prefix")
        requests[prefix] = ProfileRequest.for_profile(name, "--as")
    return requests


def permit_all(app: App, resolutions: Mapping[str, Resolution], intent: Intent) -> Intent:
    """Check every profile before any key source runs, asking the user if needed; return the intent with that permission.

    Raises UsageError if variables clash, the refusal of a resolution, and what `App.permit` raises.
    """
    _refuse_clashes(resolutions)
    for resolution in resolutions.values():
        if resolution.refusal is not None:
            raise resolution.refusal
        app.permit(resolution, intent)
    return intent._replace(yes=True)


def _refuse_clashes(resolutions: Mapping[str, Resolution]) -> None:
    """Raise UsageError if a prefix makes a variable that omniprofile itself reads, or two prefixes make the same variable."""
    seen: set[str] = set()
    for prefix, resolution in resolutions.items():
        own = {prefix + name for name in (*OWN, *(each.name for each in resolution.env))}
        for name in sorted(own):
            reserved = name in OWN or is_reserved(name)
            if reserved or name in seen:
                what = "steers omniprofile" if reserved else "belongs to another prefix, too"
                raise UsageError(f"the prefix `{prefix}` makes `{name}`, which {what}", hint="choose another prefix")
        seen |= own
