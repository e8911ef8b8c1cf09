"""`omniprofile import`: import profiles and secrets from the vendor's CLI or an SDK's `.env`.

It copies and verifies, and removes the originals only with `--scrub`. Nothing changes until the whole foreign file has been
checked and the store works. Secrets are stored first, then the profile file is replaced once with all profiles in it. A kill in
between leaves secrets that no profile refers to; `doctor` lists them, and the same import completes them.

An OAuth session is moved or left, never copied. Its refresh token changes at each use, so if two programs share it, one soon
holds a spent token; a server that takes that for theft ends the session for both. Without `--scrub` only the profile is imported.
"""

import argparse
from collections.abc import Mapping, Sequence
from contextlib import suppress

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag, add_json, add_option, offer
from omniprofile.cli.console import Console
from omniprofile.cli.editing import require_valid_name, write_changes
from omniprofile.cli.exits import DONE, FINDINGS
from omniprofile.cli.render.imported import imported_rows, imported_text, is_stored, say_imported
from omniprofile.credentials.sources import checked_key
from omniprofile.errors import Error, HostNotAllowed, InsecureURL, KeySourceFailed, StoreUnavailable, UsageError
from omniprofile.model.declaration import Config
from omniprofile.model.names import closest, printable, printable_place, quoted_list
from omniprofile.model.origin import allowing
from omniprofile.model.secret import is_access_token
from omniprofile.model.stored import Account, StoredSecret
from omniprofile.transfer.dotenv import Dotenv, dotenv_source
from omniprofile.transfer.foreign import Found, Source, change, together
from omniprofile.transfer.omni_cli import OmniConfig, omni_source
from omniprofile.transfer.plan import Known, SecretStep, Step, plan, same_secret

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
            stored = _store_and_write(app, console, steps, default)
            if args.scrub:
                backup = _scrub(app, source, steps, stored)
    rows = imported_rows(steps, scrubbed=backup is not None)
    if args.json:
        about = {"source": args.source, "file": source.file.path, "dry_run": args.dry_run}
        console.json({**about, "profiles": rows, "default": default, "backup": backup})
    elif rows:
        console.data(imported_text(rows, dry_run=args.dry_run))
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
            raise HostNotAllowed(
                f"{what} is for `{origin.host}`, neither one of Omni's hosts nor in `allowed_hosts`; nothing was imported",
                hint=allowing(origin.host),
            )


def _known(app: App, found: Sequence[Found]) -> list[Known]:
    origins = {one.origin for one in found}
    known = []
    for name in app.config.profiles:
        try:
            resolution = app.declared_profile(name)
        except Error:
            known.append(Known(name, None, "", from_store=False))
            continue
        from_store = resolution.uses_store
        stored = from_store and resolution.origin is not None and resolution.origin in origins
        secret = app.store.get(Account(name, resolution.origin)) if stored and resolution.origin else None
        known.append(Known(name, resolution.origin, resolution.auth, from_store, secret, resolution.key.argv or None))
    return known


def _store_and_write(
    app: App, console: Console, steps: Sequence[Step], default: str | None
) -> list[tuple[Step, StoredSecret | None]]:
    """Store and verify every secret, then write every profile; return the steps with the secrets they replaced.

    On any failure the store is restored.
    """
    stored: list[tuple[Step, StoredSecret | None]] = []
    try:
        for step in steps:
            if step.secret is SecretStep.STORE and step.found.secret is not None:
                stored.append((step, app.store.get(Account(step.profile, step.found.secret.origin))))
                _store(app, step.profile, step.found.secret)
        new = {step.profile: _values(app.config, step) for step in steps if step.is_new}
        if new or default:
            with app.editing() as draft:
                for name, values in new.items():
                    draft.add(draft.main, ("profiles", name), values)
                if default:
                    draft.set_text(draft.main, ("default",), default)
                draft.check()
                write_changes(draft.changes(), console)
    except BaseException:
        _take_back(app, stored)
        raise
    return stored


def _store(app: App, profile: str, secret: StoredSecret) -> None:
    """Store a secret. Raises StoreUnavailable unless the store returns it unchanged."""
    app.store.put(profile, secret)
    if not same_secret(app.store.get(Account(profile, secret.origin)), secret):
        raise StoreUnavailable(
            f"the {app.store.label} returned something other than what was stored for `{profile}`",
            hint="nothing was imported; do not trust this store",
        )


def _take_back(app: App, stored: Sequence[tuple[Step, StoredSecret | None]]) -> None:
    for step, before in reversed(stored):
        with suppress(Error):  # report the original error
            if before is None:
                app.store.delete(Account(step.profile, step.found.origin))
            else:
                app.store.put(step.profile, before)


def _values(config: Config, step: Step) -> Mapping[str, object]:
    """Return the new profile's table. It names the instance declared for its origin, if there is one."""
    found = step.found
    values: dict[str, object] = {}
    if step.profile != found.name:
        values["description"] = printable(found.name)
    instance = next((n for n, t in config.instances.items() if t.base_url == found.origin), None)
    values["instance" if instance else "base_url"] = instance or str(found.origin)
    values["auth"] = found.auth
    if found.command:
        values["key"] = {"command": list(found.command)}
    if found.origin.scheme == "http":
        values["allow_insecure"] = True
    if found.output_format:
        values["env"] = {"OMNI_OUTPUT_FORMAT": found.output_format}
    return values


def _scrub(
    app: App, source: Source, steps: Sequence[Step], stored: Sequence[tuple[Step, StoredSecret | None]]
) -> str | None:
    """Remove the stored secrets from the file; return the backup's path, or None if there was nothing to remove.

    If that fails, sessions are removed from the store again: they would be in two places.
    """
    names = {step.found.name: step.profile for step in steps if is_stored(step)}
    try:
        content = source.without_secrets(names)
        if content == source.file.content:
            return None
        return change(
            source.file, content, now=app.environment.now(), state_folder=app.places.state_folder, mode=source.mode
        )
    except BaseException:
        _take_back(app, [(step, before) for step, before in stored if step.found.auth == "oauth"])
        raise
