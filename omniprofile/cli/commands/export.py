"""`omniprofile export`: merge profiles into the config of the vendor's CLI.

Secrets leave the store only with `--with-secrets`, and OAuth sessions never do: see `transfer.merge`.
"""

import argparse
import os
from collections.abc import Mapping, Sequence
from typing import Any

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag, add_json
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE, FINDINGS
from omniprofile.cli.render.tables import table
from omniprofile.credentials.protection import GIVING
from omniprofile.errors import NoCredential, NoProfileSelected, UsageError
from omniprofile.model.declaration import AuthMethod
from omniprofile.model.names import printable, printable_place
from omniprofile.model.resolution import Resolution
from omniprofile.model.stored import StoredSecret
from omniprofile.system.atomic_write import PRIVATE
from omniprofile.transfer.found import Found
from omniprofile.transfer.merge import Merge, merge
from omniprofile.transfer.omni_config import OmniConfig
from omniprofile.transfer.plan import Known

HELP = Help(
    description="Merges profiles into the vendor's config. Keys that omniprofile does not know are kept; the file gets mode "
    "0600 and is written as a whole or not at all. Secrets are included only with `--with-secrets`, because they "
    "are in plain text there. OAuth sessions never are, because two programs cannot share one.",
    examples=(
        ("omniprofile export omni-cli", "profiles without secrets"),
        ("omniprofile export omni-cli --with-secrets", "with them"),
    ),
    exits=(
        (1, "a profile could not be exported whole"),
        (3, "the vendor's config is not what it should be"),
        (9, "the secret store cannot be used"),
    ),
    see=("import", "exec"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("target", choices=("omni-cli",), metavar="TARGET", help="`omni-cli`")
    parser.add_argument("file", nargs="?", metavar="FILE", help="the file (default: the CLI's own config)")
    parser.add_argument(
        "-p", "--profile", action="append", metavar="NAME", dest="profiles", help="only this profile; may be repeated"
    )
    add_flag(parser, "--with-secrets", "include API keys, which are in plain text there")
    add_flag(parser, "--dry-run", "say what would be done, and change nothing")
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    if args.file == "":
        raise UsageError("the file's name is empty", hint="leave it out to export to the usual place")
    if args.file in app.config.profiles and not os.path.lexists(app.absolute(args.file)):
        raise UsageError(
            f"`{args.file}` is a profile, where a file is expected",
            hint=f"run `omniprofile export omni-cli -p {args.file}`",
        )
    with app.exclusive("transfer"):  # read and write under one lock
        path = app.absolute(args.file) if args.file else app.omni_config_path()
        config = OmniConfig.read(path) if os.path.lexists(path) else OmniConfig.new(path)
        known, outgoing, skipped = _chosen(args, app, console)
        default = app.config.default.value if app.config.default else None
        merged = merge(config, outgoing, known, default=default, now=app.environment.now())
        backup = None if args.dry_run else _write(app, config, merged)
        written = (
            [] if args.dry_run else [each.profile for each in merged.results if each.key in ("written", "replaced")]
        )
        for name in written:
            app.record(app.declared_profile(name), "export")
    by_name = {profile.name: profile for profile in outgoing}
    done: list[dict[str, Any]] = [
        {
            "profile": result.profile,
            "as": result.entry,
            "action": result.action,
            "base_url": str(by_name[result.profile].origin),
            "auth": by_name[result.profile].auth,
            "key": result.key,
            "reason": None,
        }
        for result in merged.results
    ]
    if args.json:
        nothing = {"as": None, "action": "skipped", "base_url": None, "auth": None, "key": None}
        rows = done + [{"profile": name, **nothing, "reason": why} for name, why in skipped.items()]
        about = {"target": args.target, "file": path, "dry_run": args.dry_run}
        console.json({**about, "profiles": rows, "default": merged.default, "backup": backup})
    elif done:
        console.data(_as_text(done, would="would be " if args.dry_run else ""))
    shown = f"`{printable_place(path)}`"
    if merged.data == config.data:
        console.note(f"{shown} is up to date: there is nothing to write")
    elif args.dry_run:
        console.note(f"this is a dry run: {shown} was not written")
    else:
        console.note(f"{shown} was written{PRIVATE}")
    for name, why in skipped.items():
        (console.warn if args.profiles else console.note)(f"`{name}` cannot be exported: {why}")
    conflicts = [result.profile for result in merged.results if result.action == "conflict"]
    for name in conflicts:
        console.warn(
            f"`{name}` already exists there with another endpoint or method, and {'would be' if args.dry_run else 'was'} left "
            f"as it is: run `omniprofile rename {name} NEW`, or name another file"
        )
    _warn_of_limits(console, outgoing)
    if written:
        console.warn(f"API keys are in plain text in {shown} now; `omniprofile exec NAME -- omni …` needs none there")
    if backup:
        console.warn(f"the keys that were replaced are in the backup `{printable_place(backup)}`{PRIVATE}")
    keyless = args.with_secrets and any(each.auth != "oauth" and each.secret is None for each in outgoing)
    return FINDINGS if conflicts or keyless or (skipped and args.profiles) else DONE


def _chosen(args: argparse.Namespace, app: App, console: Console) -> tuple[list[Known], list[Found], dict[str, str]]:
    """Return all profiles, those to export, and the reasons why requested ones cannot be exported."""
    known: list[Known] = []
    outgoing: list[Found] = []
    skipped: dict[str, str] = {}
    for name in args.profiles or ():
        app.require(name)
    if not app.config.profiles:
        raise NoProfileSelected("no profile is defined yet", hint="run `omniprofile init` to make the first one")
    for name in app.config.profiles:
        resolution = app.declared_profile(name)
        origin = resolution.origin
        auth: AuthMethod = "oauth" if resolution.auth == "oauth" else "api-key"
        known.append(Known(name, origin, auth, from_store=True))
        if args.profiles and name not in args.profiles:
            continue
        if resolution.refusal is not None or origin is None:
            # A profile that others extend may have no address. Only if it was named is that a problem.
            skipped[name] = resolution.refusal.message if resolution.refusal else "it has no base URL"
            continue
        key = _key(app, console, resolution) if args.with_secrets and auth != "oauth" else None
        output_format = next((each.value.text for each in resolution.env if each.name == "OMNI_OUTPUT_FORMAT"), None)
        outgoing.append(Found(name, origin, auth, key, output_format))
    return known, outgoing, skipped


def _key(app: App, console: Console, resolution: Resolution) -> StoredSecret | None:
    """Return the profile's API key. A missing key is only a warning; a failing store raises."""
    try:
        credential = app.obtain(resolution, GIVING, interactive=console.interactive)
        return StoredSecret(credential.origin, credential.secret, app.environment.now())
    except NoCredential as error:
        console.warn(f"the key of `{resolution.profile}` cannot be exported: {error.message}")
        return None


def _write(app: App, config: OmniConfig, merged: Merge) -> str | None:
    """Write the changes with mode 0600; return the path of the backup, made if a key was replaced."""
    content = config.rendered(merged.data)
    if any(result.key == "replaced" for result in merged.results):
        return config.file.change(content, now=app.environment.now(), state_folder=app.places.state_folder)
    if merged.data != config.data:
        config.file.replace(content)
    return None


def _as_text(done: Sequence[Mapping[str, Any]], *, would: str) -> str:
    """Return the JSON rows as a table. `would` is "would be " for a dry run."""
    actions = {"added": f"{would}added", "updated": f"{would}updated"}
    keys = {"written": f"key {would}written", "replaced": f"key {would}replaced", "unchanged": "key unchanged"}
    keys |= {"left": "key left as it is", "none": "no key"}
    session = "session would not be copied" if would else "session not copied"
    rows = [
        [
            actions.get(row["action"], row["action"]),
            row["profile"],
            printable(row["as"], 40),
            row["base_url"],
            session if row["auth"] == "oauth" else keys[row["key"]],
        ]
        for row in done
    ]
    return table(rows, ("", "PROFILE", "AS", "INSTANCE", "SECRET"))


def _warn_of_limits(console: Console, outgoing: Sequence[Found]) -> None:
    """Warn where `omni` cannot use what was exported."""
    refused = [each.name for each in outgoing if not each.origin.is_omni or each.origin.scheme != "https"]
    sessions = [each.name for each in outgoing if each.auth == "oauth"]
    if refused:
        console.warn(
            f"`omni` sends no token to the host of {_listed(refused)}, which is not one of Omni's, unless "
            "`OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS` is set"
        )
    if sessions:
        console.warn(
            f"the OAuth session of {_listed(sessions)} is never exported, because two programs that use one session end it: "
            "`omni config login NAME` gives `omni` one of its own, `omniprofile exec NAME -- omni …` needs none"
        )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
