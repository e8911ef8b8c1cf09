"""What `doctor` says of secrets: the store, what is in it, and what lies around in plain text."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from omniprofile.app import App
from omniprofile.checks.mcp import check_mcp, project_files, user_files
from omniprofile.credentials.env_variables import STORE_VARIABLE
from omniprofile.credentials.secrets_file import SECRETS_FILE
from omniprofile.doctor.diagnosis import Diagnosis, ok, problem, skipped, warning
from omniprofile.errors import ConfigInvalid, Error
from omniprofile.handover.omni import is_ours
from omniprofile.handover.variables import find_dotenv
from omniprofile.model.finding import Code
from omniprofile.model.names import counted, printable, printable_place, quoted_place
from omniprofile.model.stored import Account
from omniprofile.system.access import others_can_read
from omniprofile.system.capture import find_program
from omniprofile.transfer import foreign
from omniprofile.transfer.dotenv import Dotenv
from omniprofile.transfer.omni_cli import OmniConfig

_MOST_KEYS = 10
"""So many of one file are shown: it may be somebody else's, and of any size."""
_SCRUB = "run `omniprofile import {} --scrub`"


def secret_store(app: App) -> Iterable[Diagnosis]:
    """Which store is used and why, and whether it works."""
    asked = app.environment.environ.get(STORE_VARIABLE)
    if not asked:
        try:
            settings = app.config.settings
        except Error:
            yield skipped("the profile files are invalid, and may say which store to use")
            return
        chosen = settings.secret_store
        why = f"`secret_store` in {chosen.provenance.place} selects it" if chosen else "the default"
    else:
        why = f"`{STORE_VARIABLE}` selects it"
    name = app.store_name
    store = app.store
    try:
        store.check()
    except Error as error:
        if _is_needed(app):
            yield problem(f"{error.message} (the `{name}` store: {why})", error.hint)
        else:
            yield skipped(f"{error.message} (the `{name}` store: {why}); no profile uses it", error.hint)
    else:
        yield ok(f"{store.label}: it works ({why})")
    if name == "keyring":
        yield from _forgotten_file(app)


def _is_needed(app: App) -> bool:
    try:
        return any(_uses_store(app, name) for name in app.config.profiles)
    except Error:
        return True


def _forgotten_file(app: App) -> Iterator[Diagnosis]:
    path = os.path.join(app.places.state_folder, SECRETS_FILE)
    if os.path.lexists(path):
        yield warning(
            f"`{printable_place(path)}` is of the `file` store, which is not the one used, and still holds secrets in plain text",
            f"log in again where a key is missing, then remove it; or set `{STORE_VARIABLE}=file` to use it",
        )


def unreferenced(app: App) -> list[Account]:
    """Return the accounts that `--prune` deletes: no profile uses them, and no other profile file stored them.

    A secret for another origin than the profile's is kept while there is none for the profile's own: an edit may be taken
    back. Raises ConfigInvalid, StoreUnavailable.
    """
    summaries = app.store.summaries()
    return [
        account
        for account, summary in sorted(summaries.items(), key=lambda item: str(item[0]))
        if all(map(app.is_owner, summary.files)) and not _is_used(app, account, summaries)
    ]


def _is_used(app: App, account: Account, stored: Collection[Account]) -> bool:
    if account.profile not in app.config.profiles:
        return False
    try:
        resolution = app.declared_profile(account.profile)
    except Error:
        return True  # nobody knows: then its secret is not for us to call useless
    if resolution.origin is None:
        return True
    own = replace(account, origin=resolution.origin)
    return own in resolution.accounts and (account == own or own not in stored)


def _uses_store(app: App, profile: str) -> bool:
    try:
        resolution = app.declared_profile(profile)
    except Error:
        return True
    return resolution.uses_store or bool(resolution.accounts)


def stored_secrets(app: App) -> Iterable[Diagnosis]:
    """What the store holds, by its list: nothing is unlocked."""
    try:
        summaries = app.store.summaries()
    except ConfigInvalid:
        raise
    except Error:
        yield skipped("the store cannot be used")
        return
    orphans = unreferenced(app)
    bad = False
    for account in orphans:
        bad = True
        yield warning(
            f"{_what(account)} is stored for `{printable(account.profile)}` ({account.origin}), and no profile uses it",
            "run `omniprofile doctor --prune` to delete what no profile uses",
        )
    for account, summary in sorted(summaries.items(), key=lambda item: str(item[0])):
        own = all(map(app.is_owner, summary.files)) and account not in orphans
        if own and (diagnosis := _of_another_origin(app, account)):
            bad = True
            yield diagnosis
    if not bad:
        missing = [
            f"`{account.variable}` of `{account.profile}`" for account in _declared(app) if account not in summaries
        ]
        yield ok(
            f"{counted(len(summaries), 'secret')} stored, each for its profile's instance"
            + (f"; not stored: {', '.join(missing)}" if missing else "")
        )


def _declared(app: App) -> Iterator[Account]:
    """Yield the accounts of the secrets of every profile's `env`."""
    for name in app.config.profiles:
        try:
            yield from (account for account in app.declared_profile(name).accounts if account.variable)
        except Error:
            continue


def _what(account: Account) -> str:
    return f"the secret `{account.variable}`" if account.variable else "a secret"


def _of_another_origin(app: App, account: Account) -> Diagnosis | None:
    origin = app.declared_profile(account.profile).origin
    if origin is None or origin == account.origin:
        return None
    named, option = (f" `{account.variable}`", f" --secret {account.variable}") if account.variable else ("", "")
    return problem(
        f"the stored secret{named} of `{account.profile}` is for {account.origin}, and the profile is for {origin}: it is "
        "refused",
        f"run `omniprofile login {account.profile}{option}`, or change the profile's base URL back",
    )


def omni_cli(app: App) -> Iterable[Diagnosis]:
    """The vendor's CLI: where it is, and the secrets in plain text in its config."""
    programs = list(_programs("omni", app))
    if not programs:
        yield ok("no `omni` on PATH")
    else:
        others = f", and {len(programs) - 1} more behind it" if len(programs) > 1 else ""
        yield ok(f"`omni` on PATH is `{printable_place(programs[0])}`{others} (not run)")
        folder = os.stat(os.path.dirname(programs[0]))
        if app.environment.uid is not None and folder.st_mode & stat.S_IWOTH and not folder.st_mode & stat.S_ISVTX:
            yield problem(
                f"anyone can replace `{printable_place(programs[0])}`, which gets your tokens",
                f"run `chmod o-w {quoted_place(os.path.dirname(programs[0]))}`",
            )
    yield from _omni_config(app)


def _programs(name: str, app: App) -> Iterator[str]:
    seen = set()
    for folder in app.environment.environ.get("PATH", os.defpath).split(os.pathsep):
        path = find_program(name, {**app.environment.environ, "PATH": folder}) if folder else None
        if path and os.path.realpath(path) not in seen and not is_ours(path):
            seen.add(os.path.realpath(path))
            yield path


def _omni_config(app: App) -> Iterator[Diagnosis]:
    path = app.omni_config_path()
    shown = f"`{printable_place(path)}`"
    if not os.path.lexists(path):
        yield ok(f"it has no config ({shown})")
    else:
        try:
            config = OmniConfig.read(path)
        except ConfigInvalid as error:
            yield problem(f"{error.message}; the CLI treats that as no config at all", error.hint)
        else:
            names = config.with_secrets()
            if names:
                yield warning(f"{shown} has secrets of {_listed(names)} in plain text", _SCRUB.format("omni-cli"))
            else:
                yield ok(f"its config {shown} has no secret")
            yield from _oauth_default(config, shown)
            if names and config.file is not None and others_can_read(config.file.status):
                yield problem(
                    f"{shown} has secrets and others can read it",
                    f"run `chmod 600 {quoted_place(path)}`, and replace the secrets",
                )


def _oauth_default(config: OmniConfig, shown: str) -> Iterator[Diagnosis]:
    """Name the trap that `exec` shields its child from, and the exports of `env` do not."""
    name = config.session_default
    if name is not None:
        yield warning(
            f"the default profile `{printable(name, 40)}` in {shown} is an OAuth session: once it has expired, a bare `omni` "
            "renews it and sends its token in place of every other, that of `omniprofile env` too",
            "run `omniprofile import omni-cli --scrub`, or run `omni` by `omniprofile exec -- omni …`",
        )


def backups(app: App) -> Iterable[Diagnosis]:
    """What `import --scrub` and `export` keep of the files that they changed, with their secrets."""
    paths = foreign.backups(app.places.state_folder)
    if not paths:
        yield ok("no backup of another program's file")
    for path in paths:
        yield warning(
            f"the backup `{printable_place(path)}` has the secrets that were removed", "delete it once everything works"
        )


def dotenv(app: App) -> Iterable[Diagnosis]:
    """A `.env` in the working directory or above it, as programs find it."""
    if app.environment.cwd is None:
        yield skipped("the working directory is gone")
        return
    here = os.path.join(app.environment.cwd, ".env")
    path = here if os.path.lexists(here) else find_dotenv(app.environment.cwd)
    if path is None:
        yield ok("no `.env` in this folder or above")
        return
    file = Dotenv.read(path)
    shown = f"`{printable_place(path)}`"
    names = list(dict.fromkeys(f"`{setting.name}`" for setting in file.with_secrets()))
    names += [f"a key in the comment of line {line}" for line in file.commented()]
    if names:
        yield warning(
            f"{shown} has {', '.join(names)} in plain text",
            _SCRUB.format("dotenv" if path == here else f"dotenv {quoted_place(path)}"),
        )
    else:
        yield ok(f"{shown} has no key of Omni's")


def mcp(app: App) -> Iterable[Diagnosis]:
    """Keys of Omni's in the settings of MCP clients: in this project, and where those for all projects are."""
    environment, home = app.environment, app.places.home
    paths = user_files(platform=environment.platform, environ=environment.environ, home=home)
    if environment.cwd is not None:
        paths = [*dict.fromkeys([*project_files(environment.cwd, home), *paths])]
    clean = True
    for path in paths:
        findings = check_mcp(path)
        if any(finding.code == Code.UNREADABLE for finding in findings):
            yield skipped(f"{findings[0].message}: it was not searched for keys")
            continue
        for finding in findings[:_MOST_KEYS]:
            clean = False
            yield warning(
                f"`{printable_place(path)}`, line {finding.line}: {finding.message}", finding.suggestion or ""
            )
        if len(findings) > _MOST_KEYS:
            more, word = counted(len(findings) - _MOST_KEYS, "more key"), quoted_place(path)
            yield warning(f"`{printable_place(path)}` has {more}", f"run `omniprofile lint {word}`")
    if clean:
        yield ok("no key of Omni's in the settings of an MCP client")


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"`{printable(name, 40)}`" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"
