"""`omniprofile __complete`: completion words that come from the profile files. Not for people.

Only the completion scripts read its output: one word per line, a tab, a description. It resolves nothing and opens no store.
Invalid files are an error as everywhere; the scripts do not show it.
"""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help
from omniprofile.cli.console import Console
from omniprofile.configuration import profile_words, tag_words
from omniprofile.model.effective import every_effective
from omniprofile.model.names import printable

HELP = Help("Lists words for the completion of a shell.")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", choices=("profiles", "patterns", "instances", "keys", "secrets"), help="what to list")


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    if args.kind == "instances":
        console.give("".join(f"{name}\t{each.base_url or ''}\n" for name, each in app.config.instances.items()))
    elif args.kind in ("keys", "secrets"):
        # `keys`: the variables of all `env` tables; `secrets`: only those with a stored secret. Each with its profiles.
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
