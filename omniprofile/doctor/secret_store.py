"""The checks of `doctor` for the secret store: which one it is, whether it works, what it holds."""

import os
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress

from omniprofile.app import App
from omniprofile.credentials.env_variables import STORE_VARIABLE
from omniprofile.credentials.file_store import SECRETS_FILE
from omniprofile.doctor.diagnosis import Diagnosis, ok, problem, skipped, warning
from omniprofile.errors import Error
from omniprofile.model.names import counted, printable, printable_place
from omniprofile.model.shell_words import assignment
from omniprofile.model.stored import Account, StoredSummary


def secret_store(app: App) -> Iterable[Diagnosis]:
    """Report which store is used and why, and whether it works."""
    if app.environment.environ.get(STORE_VARIABLE):
        why = f"`{STORE_VARIABLE}` selects it"
    else:
        try:
            chosen = app.config.settings.secret_store
        except Error:
            yield skipped("the profile files are invalid, and may say which store to use")
            return
        why = f"`secret_store` in {chosen.provenance.place} selects it" if chosen else "the default"
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
            f"log in again where a key is missing, then remove it; or run `{assignment(STORE_VARIABLE, 'file')}` to use it",
        )


def _is_used(app: App) -> bool:
    """Whether a profile uses the store, or may use it, so that it has to work."""
    try:
        return any(each.uses_store or each.accounts for each in map(app.declared_profile, app.config.profiles))
    except Error:
        return True


def _accounts(app: App, stored: Mapping[Account, StoredSummary]) -> list[Account]:
    """Return the `stored` accounts that no other profile file stored."""
    return sorted((one for one, known in stored.items() if all(map(app.is_owner, known.files))), key=str)


def unreferenced(app: App) -> list[Account]:
    """Return the accounts that `--prune` deletes: no profile uses them, and no other profile file stored them.

    If a profile's base URL changed and no secret is stored for the new one, the old secret is kept, as the edit may be undone.
    Raises ConfigInvalid, StoreUnavailable.
    """
    stored = app.store.summaries()
    return [account for account in _accounts(app, stored) if not _has_profile(app, account, stored)]


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
        stored = app.store.summaries()
    except Error:
        yield skipped("the store cannot be used")
        return
    clean = True
    for account in _accounts(app, stored):
        name, variable, origin = account.profile, account.variable, account.origin
        if not _has_profile(app, account, stored):
            clean = False
            what = f"the secret `{variable}`" if variable else "a secret"
            yield warning(
                f"{what} is stored for `{printable(name)}` ({origin}), and no profile uses it",
                "run `omniprofile doctor --prune` to delete what no profile uses",
            )
        elif (now := app.declared_profile(name).origin) not in (None, origin):
            clean = False
            what = f"the stored secret `{variable}`" if variable else "the stored secret"
            yield problem(
                f"{what} of `{name}` is for {origin}, and the profile is for {now}: it is refused",
                f"run `{account.login_command}`, or change the profile's base URL back",
            )
    if clean:
        yield _nothing_wrong(app, stored)


def _nothing_wrong(app: App, stored: Collection[Account]) -> Diagnosis:
    missing = []
    for name in app.config.profiles:
        with suppress(Error):
            accounts = app.declared_profile(name).accounts
            missing += [f"`{each.variable}` of `{name}`" for each in accounts if each.variable and each not in stored]
    return ok(
        f"{counted(len(stored), 'secret')} stored"
        + (", each for its profile's instance" if stored else "")
        + (f"; not stored: {', '.join(missing)}" if missing else "")
    )
