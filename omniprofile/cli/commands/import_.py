"""`omniprofile import`: import profiles and secrets from the vendor's CLI or an SDK's `.env`.

It copies and verifies, and removes the originals only with `--scrub`. Nothing changes until the whole foreign file has been
checked and the store works; `cli.import_steps` makes the changes.

An OAuth session is moved or left, never copied. Its refresh token changes at each use, so if two programs share it, one soon
holds a spent token; a server that takes that for theft ends the session for both. Without `--scrub` only the profile is imported.
"""

import argparse
from collections.abc import Sequence

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag, add_json, add_option, offer
from omniprofile.cli.console import Console
from omniprofile.cli.edit_target import require_valid_name
from omniprofile.cli.exit_statuses import DONE, FINDINGS
from omniprofile.cli.import_steps import scrub, store_and_write
from omniprofile.cli.render.imported import imported_rows, imported_text, say_imported
from omniprofile.credentials.key_check import checked_key
from omniprofile.errors import Error, HostNotAllowed, InsecureURL, KeySourceFailed, UsageError
from omniprofile.model.names import printable, printable_place, quoted_list
from omniprofile.model.near_names import closest
from omniprofile.model.origin import not_allowed
from omniprofile.model.secret import is_access_token
from omniprofile.model.stored import Account
from omniprofile.transfer.dotenv import Dotenv
from omniprofile.transfer.dotenv_profile import dotenv_source
from omniprofile.transfer.found_profiles import Found, Source, together
from omniprofile.transfer.matching import Known, SecretStep, plan
from omniprofile.transfer.omni_config import OmniConfig, omni_source

HELP = Help(
    description="Makes profiles from the vendor's config or an SDK's `.env`, and puts their secrets into the secret store. "
    "Secrets are copied and verified; the plain-text originals are removed only with `--scrub`, after a backup "
    "(mode 0600, in the state folder). Either the whole file is imported or nothing is; what is there already is "
    "recognised.\n\n"
    "An OAuth session is moved with `--scrub`, and otherwise left where it is: if two programs refresh one "
    "session, one of them soon holds a token that no longer works.",
    examples=(
        ("omniprofile import omni-cli", "from where `omni` keeps its config"),
        ("omniprofile import dotenv .env", "from a file of the SDK's"),
        ("omniprofile import omni-cli --dry-run", "only say what would be done"),
        ("omniprofile import omni-cli --scrub", "and leave no secret behind in plain text"),
    ),
    exits=(
        (1, "a secret was not taken: another one is stored for its profile"),
        (3, "the file is not what it should be"),
        (4, "a key in the file is not valid"),
        (6, "a host in the file is not allowed"),
        (9, "the secret store cannot be used"),
    ),
    see=("export", "doctor"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", choices=("omni-cli", "dotenv"), metavar="SOURCE", help="`omni-cli` or `dotenv`")
    parser.add_argument("file", nargs="?", metavar="FILE", help="the file (default: the CLI's own config; `.env` here)")
    only = add_option(parser, "--only", "NAME", "omni-cli: only this profile; may be repeated", action="append")
    name = add_option(parser, "--name", "NAME", "dotenv: the profile's name (default: from its host)")
    for action in only, name:  # they do not name existing profiles
        offer("@none", action)
    add_option(parser, "--base-url", "URL", "dotenv: the instance, if the file does not name it")
    add_flag(parser, "--allow-insecure", "allow plain http to a loopback address")
    add_flag(parser, "--scrub", "afterwards remove the secrets from the file, keeping a backup (mode 0600)")
    add_flag(parser, "--dry-run", "say what would be done, and change nothing")
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    with app.exclusive("transfer"):  # read and write under one lock
        app.allow_new_file()
        source = _source(args, app)
        _require_good(app, source, allow_insecure=args.allow_insecure)
        app.store.check()
        steps = plan(source.found, _known(app, source.found), move_sessions=args.scrub, default=source.default)
        if args.name is not None and steps and steps[0].is_new and steps[0].profile != args.name:
            raise UsageError(
                f"profile `{args.name}` already exists with another instance or key source, or its variables would be "
                "those of another profile",
                hint=f"choose another name, such as `{steps[0].profile}`",
            )
        default = None
        if app.config.default is None:  # take the file's default if the profile files have none
            default = next((step.profile for step in steps if step.found.name == source.default), None)
        backup = None
        if not args.dry_run:
            stored = store_and_write(app, console, steps, default)
            if args.scrub:
                backup = scrub(app, source, steps, stored)
    if args.json:
        rows = imported_rows(steps, scrubbed=backup is not None)
        about = {"source": args.source, "file": source.file.path, "dry_run": args.dry_run}
        console.json({**about, "profiles": rows, "default": default, "backup": backup})
    elif steps:
        console.data(imported_text(steps, dry_run=args.dry_run))
    say_imported(args, app, console, source, steps, default, backup)
    return FINDINGS if any(step.secret is SecretStep.DIFFERS for step in steps) else DONE


def _source(args: argparse.Namespace, app: App) -> Source:
    for flag, owner in (("only", "omni-cli"), ("name", "dotenv"), ("base_url", "dotenv")):
        if getattr(args, flag) is not None and args.source != owner:
            raise UsageError(f"`--{flag.replace('_', '-')}` is for `import {owner}`", hint="leave it out")
    if args.file == "":
        raise UsageError("the file's name is empty", hint="leave it out to import from the usual place")
    now = app.environment.now()
    if args.source == "dotenv":
        if args.name is not None:
            require_valid_name(args.name)
        dotenv = Dotenv.read(app.absolute(args.file or ".env"))
        return dotenv_source(dotenv, now, name=args.name, base_url=args.base_url)
    path = app.absolute(args.file) if args.file else app.omni_config_path()
    config = OmniConfig.read(path, whole=False)
    for name in args.only or ():
        if name not in config.profiles:
            near = closest(name, config.profiles)
            raise UsageError(
                f"`{printable_place(path)}` has no profile `{printable(name)}`",
                hint=f"did you mean {quoted_list(printable(n) for n in near)}?" if near else None,
            )
    return omni_source(config, args.only or (), now)


def _require_good(app: App, source: Source, *, allow_insecure: bool) -> None:
    """Raise one error that names every profile that cannot be imported. If one cannot, none is imported."""
    problems = list(source.problems)
    for found in source.found:
        what = f"{printable_place(source.file.path)}: profile `{printable(found.name, 64)}`"
        try:
            _require_importable(app, found, what, allow_insecure=allow_insecure)
        except Error as problem:
            problems.append(problem)
    if problems:
        raise together(problems, source.way_out)


def _require_importable(app: App, found: Found, what: str, *, allow_insecure: bool) -> None:
    """Raise unless a header can carry every token of the profile, and its host may get a credential."""
    if found.secret is not None:
        token = checked_key(found.secret.token.reveal(), f"{what}: its {'session' if found.auth == 'oauth' else 'key'}")
        if found.auth == "oauth" and not is_access_token(token.reveal()):
            raise KeySourceFailed(f"{what}: its session is not an access token (RFC 6750)")
        if found.secret.refresh_token is not None:
            checked_key(found.secret.refresh_token.reveal(), f"{what}: its refresh token")
    origin = found.origin
    match origin.refusal(app.config.settings.allowed_hosts, allow_insecure=allow_insecure):
        case "insecure-url":
            hint = "give `--allow-insecure`" if origin.is_loopback else "use https"
            raise InsecureURL(f"{what} is for {origin}, which is plain http; nothing was imported", hint=hint)
        case "host-not-allowed":
            why, hint = not_allowed(origin.host)
            raise HostNotAllowed(f"{what}: {why}; nothing was imported", hint=hint)


def _known(app: App, found: Sequence[Found]) -> list[Known]:
    origins = {one.origin for one in found}
    known = []
    for name in app.config.profiles:
        try:
            resolution = app.declared_profile(name)
        except Error:
            known.append(Known(name, None, "", from_store=False))
            continue
        origin, from_store = resolution.origin, resolution.uses_store
        secret = app.store.get(Account(name, origin)) if from_store and origin and origin in origins else None
        known.append(Known(name, origin, resolution.auth, from_store, secret, resolution.key.argv or None))
    return known
