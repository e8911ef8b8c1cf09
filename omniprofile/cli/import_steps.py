"""The changes of an import: secrets stored and verified, profiles written, originals removed. All is undone on a failure.

Secrets are stored first, then the profile file is replaced once with all profiles in it. A kill in between leaves secrets that no
profile refers to; `doctor` lists them, and the same import completes them.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.editing import write_changes
from omniprofile.cli.render.imported import is_stored
from omniprofile.errors import Error, StoreUnavailable
from omniprofile.model.declaration import Config
from omniprofile.model.names import printable
from omniprofile.model.stored import Account, StoredSecret
from omniprofile.transfer.found_profiles import Source
from omniprofile.transfer.matching import SecretStep, Step, same_secret


def store_and_write(
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


def scrub(
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
        now, folder = app.environment.now(), app.places.state_folder
        return source.file.change(content, now=now, state_folder=folder, mode=source.mode)
    except BaseException:
        _take_back(app, [(step, before) for step, before in stored if step.found.auth == "oauth"])
        raise
