"""`omniprofile export`: merge profiles into the config of the vendor's CLI.

Secrets leave the store only with `--with-secrets`, and OAuth sessions never do: see `transfer.merge`.
"""

import argparse
import os
from collections.abc import Mapping, Sequence

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag, add_json
from omniprofile.cli.console import Console
from omniprofile.cli.exit_statuses import DONE, FINDINGS
from omniprofile.cli.render.tables import table
from omniprofile.credentials.intent import GIVING
from omniprofile.errors import NoCredential, UsageError
from omniprofile.model.declaration import AuthMethod
from omniprofile.model.names import printable, printable_place, quoted_list
from omniprofile.model.resolution import Resolution
from omniprofile.model.stored import StoredSecret
from omniprofile.system.atomic_write import PRIVATE
from omniprofile.transfer.found_profiles import Found
from omniprofile.transfer.matching import Known
from omniprofile.transfer.merge import Merge, Merged, merge
from omniprofile.transfer.omni_config import OmniConfig

HELP = Help(
    description="Merges profiles into the vendor's config. Keys that omniprofile does not know are kept; the file gets mode "
    "0600 and is written as a whole or not at all. Secrets are included only with `--with-secrets`, because they "
    "are in plain text there; that of a protected profile only if you name it with `-p`, too. OAuth sessions never "
    "are, because two programs cannot share one.",
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
        known, outgoing, skipped, is_keyless = _chosen(args, app, console)
        default = app.config.default.value if app.config.default else None
        merged = merge(config, outgoing, known, default=default, now=app.environment.now())
        backup = None if args.dry_run else _write(app, config, merged)
        written = [each for each in merged.results if each.key in ("written", "replaced") and not args.dry_run]
        for each in written:
            app.record(app.declared_profile(each.profile.name), "export")
    if args.json:
        about = {"target": args.target, "file": path, "dry_run": args.dry_run}
        rows = _as_json(merged.results, skipped)
        console.json({**about, "profiles": rows, "default": merged.default, "backup": backup})
    else:
        console.data(_as_text(merged.results, would="would be " if args.dry_run else ""))
    shown = f"`{printable_place(path)}`"
    if merged.data == config.data:
        console.note(f"{shown} is up to date: there is nothing to write")
    elif args.dry_run:
        console.note(f"this is a dry run: {shown} was not written")
    else:
        console.note(f"{shown} was written{PRIVATE}")
    for name, why in skipped.items():
        (console.warn if args.profiles else console.note)(f"`{name}` cannot be exported: {why}")
    _warn_of_limits(console, merged.results, dry_run=args.dry_run)
    if written:
        console.warn(f"API keys are in plain text in {shown} now; `omniprofile exec NAME -- omni …` needs none there")
    if backup:
        console.warn(f"the keys that were replaced are in the backup `{printable_place(backup)}`{PRIVATE}")
    has_conflict = any(each.action == "conflict" for each in merged.results)
    return FINDINGS if has_conflict or is_keyless or (skipped and args.profiles) else DONE


def _chosen(
    args: argparse.Namespace, app: App, console: Console
) -> tuple[list[Known], list[Found], dict[str, str], bool]:
    """Return all profiles, those to export, why others cannot be exported, and whether a requested key is missing."""
    known: list[Known] = []
    outgoing: list[Found] = []
    skipped: dict[str, str] = {}
    is_keyless = False
    for name in args.profiles or ():
        app.require(name)
    app.require_any()
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
        key = None
        if args.with_secrets and auth != "oauth":
            # With another `access` than `full`, it has a refusal of its own.
            if resolution.protected and resolution.access == "full" and not args.profiles:
                console.warn(f"`{name}` is protected: its key is exported only if you name it with `-p {name}`")
            else:
                key = _key(app, console, resolution)
                is_keyless = is_keyless or key is None
        output_format = next((each.value.text for each in resolution.env if each.name == "OMNI_OUTPUT_FORMAT"), None)
        outgoing.append(Found(name, origin, auth, key, output_format))
    return known, outgoing, skipped, is_keyless


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


def _as_json(results: Sequence[Merged], skipped: Mapping[str, str]) -> list[dict[str, object]]:
    """Return the documented JSON of what happened to each profile."""
    keys = ("profile", "as", "action", "base_url", "auth", "key", "reason")
    found = ((each.profile, each.entry, each.action, each.key) for each in results)
    rows = [(one.name, entry, action, str(one.origin), one.auth, key, None) for one, entry, action, key in found]
    rest = [(name, None, "skipped", None, None, None, why) for name, why in skipped.items()]
    return [dict(zip(keys, row, strict=True)) for row in (*rows, *rest)]


def _as_text(results: Sequence[Merged], *, would: str) -> str:
    """Return the results as a table. `would` is "would be " for a dry run."""
    actions = {"added": f"{would}added", "updated": f"{would}updated"}
    keys = {"written": f"key {would}written", "replaced": f"key {would}replaced", "unchanged": "key unchanged"}
    keys |= {"left": "key left as it is", "none": "no key"}
    session = "session would not be copied" if would else "session not copied"
    rows = []
    for each in results:
        profile, secret = each.profile, session if each.profile.auth == "oauth" else keys[each.key]
        action = actions.get(each.action, each.action)
        rows.append([action, profile.name, printable(each.entry, 40), str(profile.origin), secret])
    return table(rows, ("", "PROFILE", "AS", "INSTANCE", "SECRET")) if rows else ""


def _warn_of_limits(console: Console, results: Sequence[Merged], *, dry_run: bool) -> None:
    """Warn about profiles that were left as they are, and where `omni` cannot use what was exported."""
    for name in (each.profile.name for each in results if each.action == "conflict"):
        console.warn(
            f"`{name}` already exists there with another endpoint or method, and {'would be' if dry_run else 'was'} left "
            f"as it is: run `omniprofile rename {name} NEW`, or name another file"
        )
    profiles = [each.profile for each in results]
    refused = [each.name for each in profiles if not each.origin.is_omni or each.origin.scheme != "https"]
    if refused:
        console.warn(
            f"`omni` sends no token to the host of {quoted_list(refused, 'and')}, which is not one of Omni's, unless "
            "`OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS` is set"
        )
    if sessions := [each.name for each in profiles if each.auth == "oauth"]:
        console.warn(
            f"the OAuth session of {quoted_list(sessions, 'and')} is never exported, because two programs that use one "
            "session end it: `omni config login NAME` gives `omni` one of its own, `omniprofile exec NAME -- omni …` needs none"
        )
