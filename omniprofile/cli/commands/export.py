"""`omniprofile export`: profiles for the vendor's CLI, merged into its config.

Without `--with-secrets` no secret leaves the store. OAuth sessions never do: see `transfer.merge`.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE, FINDINGS
from omniprofile.cli.parser import add_flag, add_json
from omniprofile.cli.registry import Help
from omniprofile.cli.render.tables import table
from omniprofile.credentials.permission import GIVING
from omniprofile.errors import NoCredential, NoProfileSelected, OperationFailed
from omniprofile.model.declaration import AuthMethod
from omniprofile.model.names import printable, printable_place

if TYPE_CHECKING:
    from omniprofile.model.resolution import Resolution
    from omniprofile.model.secret import Secret
    from omniprofile.transfer.merge import Merge, Merged, Outgoing
    from omniprofile.transfer.omni_cli import OmniConfig
    from omniprofile.transfer.plan import Known

TARGETS = ("omni-cli",)

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
    parser.add_argument("target", choices=TARGETS, metavar="TARGET", help="`omni-cli`")
    parser.add_argument("file", nargs="?", metavar="FILE", help="the file (default: the CLI's own config)")
    parser.add_argument(
        "-p", "--profile", action="append", metavar="NAME", dest="profiles", help="only this profile; may be repeated"
    )
    add_flag(parser, "--with-secrets", "include API keys, which are in plain text there")
    add_flag(parser, "--dry-run", "say what would be done, and change nothing")
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Merge the profiles into the vendor's config, and write it if that changes anything."""
    from omniprofile.transfer.merge import merge
    from omniprofile.transfer.omni_cli import OmniConfig

    with app.exclusive("transfer"):  # what one reads together, it writes together
        path = app.absolute(args.file) if args.file else app.omni_config_path()
        exists = os.path.lexists(path)
        config = OmniConfig.read(path) if exists else OmniConfig.empty()
        chosen = _chosen(args, app, console)
        default = app.config.default.value if app.config.default else None
        merged = merge(config, chosen.outgoing, chosen.known, default=default, now=app.environment.now())
        backup = None if args.dry_run else _write(app, path, config, merged)
        for result in merged.results:
            if result.key in ("written", "replaced") and not args.dry_run:
                app.record(app.declared_profile(result.profile), "export")
    if args.json:
        console.json(_as_json(args, path, chosen, merged, backup))
    elif merged.results:
        console.data(_as_text(chosen, merged, dry_run=args.dry_run))
    _say(args, console, path, config, chosen, merged, backup)
    failed = chosen.failed or any(result.action == "conflict" for result in merged.results)
    return FINDINGS if failed else DONE


@dataclass
class _Chosen:
    """The profiles to export, and what was found on the way. `failed`: one that was asked for cannot be exported whole."""

    known: "list[Known]" = field(default_factory=list)
    outgoing: "list[Outgoing]" = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    refused_there: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    failed: bool = False


def _chosen(args: argparse.Namespace, app: App, console: Console) -> _Chosen:
    from omniprofile.transfer.merge import Outgoing
    from omniprofile.transfer.plan import Known

    chosen = _Chosen()
    for name in args.profiles or ():
        app.require(name)
    if not app.config.profiles:
        raise NoProfileSelected("no profile is defined yet", hint="run `omniprofile init` to make the first one")
    for name in app.config.profiles:
        resolution = app.declared_profile(name)
        origin = resolution.origin
        auth: AuthMethod = "oauth" if resolution.auth == "oauth" else "api-key"
        chosen.known.append(Known(name, origin, auth, from_store=True))
        if args.profiles and name not in args.profiles:
            continue
        if resolution.refusal is not None or origin is None:
            # A profile that others extend may have no address of its own; one that was named must have.
            chosen.skipped[name] = resolution.refusal.message if resolution.refusal else "it has no base URL"
            chosen.failed |= bool(args.profiles)
            continue
        if not origin.is_omni or origin.scheme != "https":
            chosen.refused_there.append(name)
        if auth == "oauth":
            chosen.elsewhere.append(name)
        key = _key(app, console, resolution, chosen) if args.with_secrets else None
        output_format = next((each.value.text for each in resolution.env if each.name == "OMNI_OUTPUT_FORMAT"), None)
        chosen.outgoing.append(Outgoing(name, origin, auth, key, output_format))
    return chosen


def _key(app: App, console: Console, resolution: "Resolution", chosen: _Chosen) -> "Secret | None":
    """Return the profile's API key. A missing one is not a reason to leave the others out; a store that fails is."""
    if resolution.auth == "oauth":
        return None
    try:
        return app.obtain(resolution, GIVING, interactive=console.interactive).secret
    except NoCredential as error:
        console.warn(f"the key of `{resolution.profile}` cannot be exported: {error.message}")
        chosen.failed = True
        return None


def _write(app: App, path: str, config: "OmniConfig", merged: "Merge") -> str | None:
    """Write what changed, 0600; return the path of a backup, made where a key is replaced."""
    from omniprofile.system.files import make_private_folder, reason, sweep, write_atomic
    from omniprofile.transfer.foreign import change

    content = config.rendered(merged.data)
    try:
        if config.file is None:
            if not any(result.action == "added" for result in merged.results):
                return None
            make_private_folder(os.path.dirname(path))
            if os.path.lexists(path):
                raise OperationFailed(
                    f"`{printable_place(path)}` was made by another program meanwhile", hint="run it again"
                )
            sweep(path)
            write_atomic(path, content, mode=0o600)
            return None
        if merged.data == config.data:
            return None
        if any(result.key == "replaced" for result in merged.results):
            return change(config.file, content, now=app.environment.now(), state_folder=app.places.state_folder)
        config.file.replace(content, 0o600)
        return None
    except OSError as problem:
        raise OperationFailed(
            f"`{printable_place(path)}` cannot be written: {reason(problem)}",
            hint="fix its folder, or name another file",
        ) from problem


_KEYS = {
    "written": "key written",
    "replaced": "key replaced",
    "unchanged": "key unchanged",
    "left": "key left as it is",
    "none": "no key",
}


def _key_words(chosen: _Chosen, result: "Merged", *, dry_run: bool) -> str:
    if result.profile in chosen.elsewhere:
        return "session would not be copied" if dry_run else "session not copied"
    return f"key would be {result.key}" if dry_run and result.key in ("written", "replaced") else _KEYS[result.key]


def _as_text(chosen: _Chosen, merged: "Merge", *, dry_run: bool) -> str:
    would = {"added": "would be added", "updated": "would be updated"} if dry_run else {}
    origins = {profile.name: str(profile.origin) for profile in chosen.outgoing}
    rows = [
        [
            would.get(result.action, result.action),
            result.profile,
            printable(result.entry, 40),
            origins[result.profile],
            _key_words(chosen, result, dry_run=dry_run),
        ]
        for result in merged.results
    ]
    return table(rows, ("", "PROFILE", "AS", "INSTANCE", "SECRET"))


def _as_json(
    args: argparse.Namespace, path: str, chosen: _Chosen, merged: "Merge", backup: str | None
) -> dict[str, object]:
    by_name = {profile.name: profile for profile in chosen.outgoing}
    done: list[dict[str, object]] = [
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
    done += [
        {"profile": name, "as": None, "action": "skipped", "base_url": None, "auth": None, "key": None, "reason": why}
        for name, why in chosen.skipped.items()
    ]
    return {
        "target": args.target,
        "file": path,
        "dry_run": args.dry_run,
        "profiles": done,
        "default": merged.default,
        "backup": backup,
    }


def _say(
    args: argparse.Namespace,
    console: Console,
    path: str,
    config: "OmniConfig",
    chosen: _Chosen,
    merged: "Merge",
    backup: str | None,
) -> None:
    shown = f"`{printable_place(path)}`"
    if merged.data == config.data:
        console.note(f"{shown} is up to date: there is nothing to write")
    elif args.dry_run:
        console.note(f"this is a dry run: {shown} was not written")
    else:
        console.note(f"{shown} was written (mode 0600)")
    for name, why in chosen.skipped.items():
        (console.warn if args.profiles else console.note)(f"`{name}` cannot be exported: {why}")
    for result in merged.results:
        if result.action == "conflict":
            console.warn(
                f"`{result.profile}` already exists there with another endpoint or method, and "
                f"{'would be' if args.dry_run else 'was'} left as it is: run `omniprofile rename {result.profile} NEW`, or "
                "name another file"
            )
    _say_names(console, chosen.refused_there, _REFUSED_THERE)
    _say_names(console, chosen.elsewhere, _SESSIONS)
    if any(result.key in ("written", "replaced") for result in merged.results) and not args.dry_run:
        console.warn(f"API keys are in plain text in {shown} now; `omniprofile exec NAME -- omni …` needs none there")
    if backup:
        console.warn(f"the keys that were replaced are in the backup `{printable_place(backup)}` (mode 0600)")


_REFUSED_THERE = (
    "`omni` sends no token to the host of {names}, which is not one of Omni's, unless "
    "`OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS` is set"
)
_SESSIONS = (
    "the OAuth session of {names} is never exported, because two programs that use one session end it: "
    "`omni config login NAME` gives `omni` one of its own, `omniprofile exec NAME -- omni …` needs none"
)


def _say_names(console: Console, names: Sequence[str], sentence: str) -> None:
    if names:
        console.warn(sentence.format(names=", ".join(f"`{name}`" for name in names)))
