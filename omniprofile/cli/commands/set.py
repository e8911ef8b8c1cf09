"""`omniprofile set`: set one key, and keep every other byte."""

import argparse
from contextlib import suppress

from omniprofile.app import App
from omniprofile.cli.arguments import Help
from omniprofile.cli.console import Console
from omniprofile.cli.edit_target import target
from omniprofile.cli.editing import add_diff, save_key
from omniprofile.config.editing.draft import Draft
from omniprofile.config.toml.data import NamePath
from omniprofile.config.toml.values import value_text
from omniprofile.errors import Error, UsageError
from omniprofile.model.names import is_valid

_RIVALS = {"instance": "base_url", "base_url": "instance"}
_FORMS = ("from", "keyring", "env", "command", "file")
"""The possible sources of a key or of a variable of `env`, of which a table has exactly one."""

HELP = Help(
    description="Sets one value of a profile in the file that defines it, or, if KEY stands alone, a value at the top of the "
    "file. Every other byte stays as it is. The file is written as a whole or not at all, and only if the result "
    "passes `lint`. A value that looks like a key or token is refused, because a command line is public.\n\n"
    "`instance` and `base_url` replace each other, and so do the sources of `key`.",
    examples=(
        ('omniprofile set prod description "Production, my own login"', "a text"),
        ("omniprofile set prod protected true", "a switch"),
        ("omniprofile set staging env.OMNI_OUTPUT_FORMAT json", "a variable that goes along with the credential"),
        ("""omniprofile set ci key '{ env = "ACME_OMNI_KEY" }'""", "a table, in TOML"),
        ("omniprofile set default prod", "the profile to use when nothing else selects one"),
        ("omniprofile set instances.acme.base_url https://acme.omniapp.co --diff", "an instance; shown, not written"),
    ),
    exits=(
        (1, "the file is read-only or was changed meanwhile; the change is shown as a patch"),
        (3, "the result would not lint: nothing is written"),
        (5, "the profile does not exist"),
        (6, "the value looks like a secret, or names a host that may have no credential"),
    ),
    see=("unset", "edit", "lint"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.usage = "omniprofile set [--diff] NAME KEY VALUE\n       omniprofile set [--diff] KEY VALUE"
    parser.add_argument(
        "words",
        nargs="+",
        metavar="NAME KEY VALUE",
        help="a profile, a key of it (`auth`, `key.env`, `expect.org_role`) and its value; without NAME, a key from the "
        "top of the file (`default`, `instances.acme.base_url`, `settings.secret_store`). Strings need no quotes; arrays and "
        "tables are TOML",
    )
    add_diff(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    from omniprofile.config.schema.keys import toml_kind

    *words, value = args.words
    if not 1 <= len(words) <= 2:
        raise UsageError(
            "no value is given" if not words else "too many arguments: give a profile, a key and a value",
            hint="`omniprofile set NAME KEY VALUE`; quote a value that contains spaces",
        )
    with app.editing(dry_run=args.diff) as draft:
        if len(words) == 2 and draft.files_of(("profiles", value)) and not draft.files_of(("profiles", words[0])):
            raise UsageError(
                f"`{value}` is a profile, and stands last",
                hint=f"`omniprofile set {value} KEY VALUE`: the profile comes first",
            )
        path, names = target(draft, words, _how(value))
        written = value_text(names, value, toml_kind(names))
        replaced = _make_room(draft, path, names)
        if replaced == "source":
            draft.set(path, names[:-1], f"{{ {names[-1]} = {written} }}")
        else:
            draft.set(path, names, written)
        if not save_key(args, draft, console, path, names, "was set in"):
            return
        if replaced:
            was = f"what `{'.'.join(names[2:-1])}` was" if replaced == "source" else f"`{replaced}`"
            console.note(f"it took the place of {was}")
        if names[0] == "profiles":
            _say_if_stored_elsewhere(app.reread(), console, names[1])


def _how(value: str) -> str:
    """Return the hint, containing `NAME`, for a line that names a profile but no key, or a key but no profile."""
    key, sign, _ = value.partition("=")
    if sign and is_valid(key):
        return f"write it without `=`: `omniprofile set NAME {key} VALUE`"
    return "`omniprofile set NAME KEY VALUE`, such as `omniprofile set NAME description TEXT`"


def _say_if_stored_elsewhere(app: App, console: Console, name: str) -> None:
    """Say so if the profile has another origin now than the one for which its secret is stored."""
    with suppress(Error):  # the command that needs the profile reports its errors
        origin = app.declared_profile(name).origin
        stored = [account.origin for account in app.accounts(name) if account.variable is None]
        if stored and origin and origin not in stored:
            console.note(
                f"the stored secret of `{name}` is for {stored[0]}: run `omniprofile login {name}` for {origin}"
            )


def _make_room(draft: Draft, path: str, names: NamePath) -> str | None:
    """Replace the key that contradicts the new one; return its name, `source` if it was another source, or None.

    Without this, changing between `instance` and `base_url`, or between sources of a key, would require an intermediate file that
    does not lint.
    """
    from omniprofile.config.schema.keys import is_variable_of_env

    parent, name = names[:-1], names[-1]
    table = draft.table(path, parent)
    rival = _RIVALS.get(name)
    if (
        rival is not None
        and rival in table
        and names[0] in ("profiles", "defaults")
        and len(names) == (3 if names[0] == "profiles" else 2)
    ):
        draft.rename(path, (*parent, rival), name)
        return rival
    if not (parent[-1:] == ("key",) or is_variable_of_env(parent)) or name not in _FORMS:
        return None
    is_text = not table and bool(draft.files_of(parent))
    return "source" if is_text or any(other in table for other in _FORMS if other != name) else None
