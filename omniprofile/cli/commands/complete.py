"""`omniprofile __complete`: the words that a shell's TAB offers and that only the profile files know. Not for people.

Its output is an interface of the completion scripts alone: one word a line, a tab, what it is. Nothing is resolved, no store
is opened; what is wrong with the files is an error as everywhere, which the scripts do not show.
"""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help
from omniprofile.cli.console import Console
from omniprofile.compiled import profile_words, tag_words
from omniprofile.model.effective import every_effective
from omniprofile.model.names import printable

HELP = Help("Lists words for the completion of a shell.")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("profiles", "patterns", "instances", "keys", "secrets"), help="what to list")


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    if args.kind == "instances":
        console.give("".join(f"{name}\t{each.base_url or ''}\n" for name, each in app.config.instances.items()))
    elif args.kind in ("keys", "secrets"):
        # The variables of all `env` tables, or those alone that hold a stored secret, with the profiles of each.
        owners: dict[str, list[str]] = {}
        for name, profile in every_effective(app.config).items():
            for variable, given in profile.env.items():
                if args.kind == "keys" or (given.value.secret and given.value.secret.kind == "keyring"):
                    owners.setdefault(variable, []).append(name)
        prefix = "env." if args.kind == "keys" else ""
        for variable, names in owners.items():
            console.give(f"{prefix}{variable}\tof {printable(', '.join(names), 60)}\n")
    else:
        console.give(profile_words(app.config) + (tag_words(app.config) if args.kind == "patterns" else ""))
