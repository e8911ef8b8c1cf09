"""`omniprofile unset`: remove one key, and keep every other byte."""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help
from omniprofile.cli.console import Console
from omniprofile.cli.edit_target import target
from omniprofile.cli.editing import add_diff, save_key
from omniprofile.errors import UsageError
from omniprofile.model.near_names import did_you_mean

HELP = Help(
    description="Removes one value of a profile from the profile file; the inherited or built-in value then applies.",
    examples=(
        ("omniprofile unset prod description", "a text"),
        ("omniprofile unset staging env.OMNI_OUTPUT_FORMAT", "a variable"),
        ("omniprofile unset default", "a key at the top of the file"),
    ),
    exits=((3, "the result would not lint: nothing is written"), (5, "the profile does not exist")),
    see=("set",),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "omniprofile unset [--diff] NAME KEY\n       omniprofile unset [--diff] KEY"
    parser.add_argument(
        "words",
        nargs="+",
        metavar="NAME KEY",
        help="a profile and a key of it (`description`, `key`, `env.NAME`); without NAME, a key at the top of the file "
        "(`default`, `instances.acme`)",
    )
    add_diff(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    if len(args.words) > 2:
        raise UsageError("too many arguments: give a profile and a key", hint="remove one key at a time")
    from omniprofile.config.schema.keys import is_variable_of_env

    with app.editing(dry_run=args.diff) as draft:
        path, names = target(
            draft, args.words, "`omniprofile unset NAME KEY`; `omniprofile remove NAME` removes it whole"
        )
        if names[0] == "profiles" and len(names) < 3:
            name = names[1] if len(names) > 1 else "NAME"
            raise UsageError(
                "`unset` removes one setting, not a profile", hint=f"`omniprofile remove {name}` removes it whole"
            )
        if not draft.files_of(names):
            whose = f" {names[1]}" if names[0] == "profiles" else ""
            otherwise = f"`omniprofile explain{whose}` shows where a value comes from"
            hint = did_you_mean(names[-1], draft.table(path, names[:-1]), otherwise)
            raise UsageError(f"`{'.'.join(names)}` is not set in `{path}`", hint=hint)
        parent = names[:-1]
        if (parent[-1:] == ("key",) or is_variable_of_env(parent)) and len(draft.table(path, parent)) == 1:
            names = parent  # a table without a source would not be valid
        draft.unset(path, names)
        save_key(args, draft, console, path, names, "was removed from")
