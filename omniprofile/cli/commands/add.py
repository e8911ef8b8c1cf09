"""`omniprofile add`: add a profile."""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_option, offer
from omniprofile.cli.console import Console
from omniprofile.cli.edit_target import drop_in, require_new_name
from omniprofile.cli.editing import add_diff, save
from omniprofile.cli.profile_options import add_profile_options, profile_values
from omniprofile.cli.questions import ask_missing
from omniprofile.errors import InsecureURL

HELP = Help(
    description="Adds a profile at the end of the profile file, or of another one in `profiles.d`. On a terminal it asks for "
    "the name and the address where they are missing. Comments, order and formatting of the rest survive byte for byte. "
    "An instance for several profiles is made with `omniprofile set instances.NAME.base_url URL`.",
    examples=(
        ("omniprofile add staging --instance acme-staging --extends prod", "an instance, and another profile's values"),
        (
            "omniprofile add ci --instance acme --key-command 'op read op://Work/Omni/credential' --file work",
            "its key from a command, in `profiles.d/work.toml`",
        ),
        ("omniprofile add", "asks"),
        ("omniprofile add play --base-url https://play.omniapp.co", "a profile with its key in the secret store"),
        ("omniprofile add ci --base-url https://acme.omniapp.co --key-env ACME_OMNI_KEY", "its key in a variable"),
    ),
    exits=((2, "the name is taken or not valid"), (3, "the result would not lint: nothing is written")),
    see=("set", "edit", "login"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    offer("@none", parser.add_argument("name", metavar="NAME", nargs="?", help="the new profile's name"))
    add_profile_options(parser)
    add_option(parser, "--file", "FILE", "write it to this file of `profiles.d` (default: the main profile file)")
    add_diff(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    ask_missing(args, app, console, "NAME", "omniprofile add NAME --base-url URL")
    path = add(app, console, args.name, profile_values(args), file=args.file, diff=args.diff)
    if not args.diff:
        say_next_step(app.reread(), console, args.name)
    if args.json:
        console.json({"profile": args.name, "file": path, "changed": True})


def add(
    app: App,
    console: Console,
    name: str,
    values: dict[str, object],
    *,
    file: str | None = None,
    diff: bool = False,
    file_store: bool = False,
) -> str:
    """Add the profile to its file, and return that file's path. With `file_store`, also select the file store there.

    Raises UsageError if the name is not valid or taken, and what `save` raises.
    """
    with app.editing(dry_run=diff) as draft:
        require_new_name(draft, name)
        path = drop_in(app, draft, file)
        draft.add(path, ("profiles", name), values)
        if file_store:
            draft.set(path, ("settings", "secret_store"), '"file"')
        try:
            written = save(draft, console, diff=diff)
        except InsecureURL as refusal:
            # Lint's hint is for a file; here it is an option. Lint suggests `allow_insecure` only for loopback.
            if refusal.hint and "allow_insecure" in refusal.hint:
                refusal.hint = "give `--allow-insecure`, for a server on this machine"
            raise
        if written:
            console.note(f"profile `{name}` was written to `{path}`")
    return path


def say_next_step(app: App, console: Console, name: str) -> None:
    resolution = app.declared_profile(name)
    if resolution.uses_store:
        console.note(f"next: `omniprofile login {name}`")
    else:
        console.note(f"next: `omniprofile test {name}`, with the key from {resolution.key}")
