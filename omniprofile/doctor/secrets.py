"""The checks of `doctor` for secrets: the store, its content, and secrets in plain text elsewhere."""

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress

from omniprofile.app import App
from omniprofile.checks.mcp import check_mcp, project_files, user_files
from omniprofile.credentials.env_variables import STORE_VARIABLE
from omniprofile.credentials.file_store import SECRETS_FILE
from omniprofile.doctor.diagnosis import Diagnosis, ok, problem, skipped, warning
from omniprofile.errors import ConfigInvalid, Error
from omniprofile.handover.real_omni import is_ours
from omniprofile.handover.rival_dotenv import find_dotenv
from omniprofile.model.finding import Code
from omniprofile.model.names import counted, printable, printable_place, quoted_place
from omniprofile.model.stored import Account
from omniprofile.system.foreign_access import real_path
from omniprofile.system.programs import programs
from omniprofile.transfer import foreign_file
from omniprofile.transfer.dotenv import Dotenv
from omniprofile.transfer.omni_config import OmniConfig

_MOST_KEYS = 10
"""At most this many keys are shown for one file, which may be somebody else's and of any size."""
_SCRUB = "run `omniprofile import {} --scrub`"


def secret_store(app: App) -> Iterable[Diagnosis]:
    """Report which store is used and why, and whether it works."""
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
    name, store = app.store_name, app.store
    try:
        store.check()
        yield ok(f"{store.label}: it works ({why})")
    except Error as error:
        message = f"{error.message} (the `{name}` store: {why})"
        if _is_used(app):
            yield problem(message, error.hint)
        else:
            yield skipped(f"{message}; no profile uses it", error.hint)
    path = os.path.join(app.places.state_folder, SECRETS_FILE)
    if name == "keyring" and os.path.lexists(path):
        yield warning(
            f"`{printable_place(path)}` is of the `file` store, which is not the one used, and still holds secrets in plain text",
            f"log in again where a key is missing, then remove it; or set `{STORE_VARIABLE}=file` to use it",
        )


def _is_used(app: App) -> bool:
    """Whether a profile uses the store, or may use it, so that it has to work."""
    try:
        return any(each.uses_store or each.accounts for each in map(app.declared_profile, app.config.profiles))
    except Error:
        return True


def unreferenced(app: App) -> list[Account]:
    """Return the accounts that `--prune` deletes: no profile uses them, and no other profile file stored them.

    If a profile's base URL changed and no secret is stored for the new one, the old secret is kept, as the edit may be undone.
    Raises ConfigInvalid, StoreUnavailable.
    """
    summaries = app.store.summaries()
    return [
        account
        for account, summary in sorted(summaries.items(), key=lambda item: str(item[0]))
        if all(map(app.is_owner, summary.files)) and not _has_profile(app, account, summaries)
    ]


def _has_profile(app: App, account: Account, stored: Collection[Account]) -> bool:
    if account.profile not in app.config.profiles:
        return False
    try:
        resolution = app.declared_profile(account.profile)
    except Error:
        return True  # the profile cannot be resolved, so its secret may still be in use
    if resolution.origin is None:
        return True
    own = account._replace(origin=resolution.origin)
    return own in resolution.accounts and (account == own or own not in stored)


def stored_secrets(app: App) -> Iterable[Diagnosis]:
    """Report what the store holds, read from its index: nothing is unlocked."""
    try:
        summaries = app.store.summaries()
    except ConfigInvalid:
        raise
    except Error:
        yield skipped("the store cannot be used")
        return
    orphans = unreferenced(app)
    bad = bool(orphans)
    for account in orphans:
        what = f"the secret `{account.variable}`" if account.variable else "a secret"
        yield warning(
            f"{what} is stored for `{printable(account.profile)}` ({account.origin}), and no profile uses it",
            "run `omniprofile doctor --prune` to delete what no profile uses",
        )
    for account, summary in sorted(summaries.items(), key=lambda item: str(item[0])):
        if account in orphans or not all(map(app.is_owner, summary.files)):
            continue
        origin = app.declared_profile(account.profile).origin
        if origin is not None and origin != account.origin:
            bad = True
            name, variable = account.profile, account.variable
            yield problem(
                f"the stored secret{f' `{variable}`' if variable else ''} of `{name}` is for {account.origin}, and the profile "
                f"is for {origin}: it is refused",
                f"run `omniprofile login {name}{f' --secret {variable}' if variable else ''}`, or change the profile's base URL "
                "back",
            )
    if bad:
        return
    missing = []
    for name in app.config.profiles:
        with suppress(Error):
            accounts = app.declared_profile(name).accounts
            missing += [
                f"`{each.variable}` of `{name}`" for each in accounts if each.variable and each not in summaries
            ]
    yield ok(
        f"{counted(len(summaries), 'secret')} stored"
        + (", each for its profile's instance" if summaries else "")
        + (f"; not stored: {', '.join(missing)}" if missing else "")
    )


def omni_cli(app: App) -> Iterable[Diagnosis]:
    """Report the vendor's CLI: its path, and secrets in plain text in its config."""
    found: dict[str, str] = {}
    for path in programs("omni", app.environment.environ):
        if not is_ours(path):
            found.setdefault(real_path(path), path)
    if not found:
        yield ok("no `omni` on PATH")
    else:
        program = next(iter(found.values()))
        folder = os.path.dirname(program)
        others = f", and {len(found) - 1} more behind it" if len(found) > 1 else ""
        yield ok(f"`omni` on PATH is `{printable_place(program)}`{others} (not run)")
        mode = os.stat(folder).st_mode
        if app.environment.uid is not None and mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            yield problem(
                f"anyone can replace `{printable_place(program)}`, which gets your tokens",
                f"run `chmod o-w {quoted_place(folder)}`",
            )
    yield from _omni_config(app.omni_config_path())


def _omni_config(path: str) -> Iterator[Diagnosis]:
    shown = f"`{printable_place(path)}`"
    if not os.path.lexists(path):
        yield ok(f"it has no config ({shown})")
        return
    try:
        config = OmniConfig.read(path)
    except ConfigInvalid as error:
        yield problem(f"{error.message}; the CLI treats that as no config at all", error.hint)
        return
    names = [f"`{printable(name, 40)}`" for name, profile in config.profiles.items() if profile.secrets()]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield warning(f"{shown} has secrets of {', '.join(names[:3])}{more} in plain text", _SCRUB.format("omni-cli"))
    else:
        yield ok(f"its config {shown} has no secret")
    if config.default and config.default.is_renewed:  # `exec` shields its child from this; the exports of `env` do not
        yield warning(
            f"the default profile `{printable(config.default.name, 40)}` in {shown} is an OAuth session: once it has "
            "expired, a bare `omni` renews it and sends its token in place of every other, that of `omniprofile env` too",
            "run `omniprofile import omni-cli --scrub`, or run `omni` by `omniprofile exec -- omni …`",
        )
    if names and config.file.can_be_read_by_others():
        yield problem(
            f"{shown} has secrets and others can read it",
            f"run `chmod 600 {quoted_place(path)}`, and replace the secrets",
        )


def backups(app: App) -> Iterable[Diagnosis]:
    """Report the backups of files changed by `import --scrub` and `export`, which still hold secrets."""
    paths = foreign_file.backups(app.places.state_folder)
    if not paths:
        yield ok("no backup of another program's file")
    for path in paths:
        yield warning(
            f"the backup `{printable_place(path)}` has the secrets that were removed", "delete it once everything works"
        )


def dotenv(app: App) -> Iterable[Diagnosis]:
    """Report secrets in the `.env` that programs find from the working directory."""
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
    """Report Omni keys in the settings of MCP clients, for this project and for all projects."""
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
