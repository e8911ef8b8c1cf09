"""The login by key: reads a key or a secret of `env`, tests a key with the instance, and stores it."""

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.new_credential import How, ask_for_identity, tell_of_another_identity
from omniprofile.cli.standard_input import read_all
from omniprofile.credentials.key_check import checked_key
from omniprofile.errors import CredentialRefused, IdentityMismatch, KeySourceFailed, NoCredential, UsageError
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.names import printable, quoted_list
from omniprofile.model.near_names import did_you_mean
from omniprofile.model.resolution import Resolution
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret

_LARGEST_KEY = 64 * 1024
_ATTEMPTS = 3


def login_key(app: App, console: Console, resolution: Resolution, how: How) -> None:
    """Read a key from a hidden prompt or stdin, test it and store it. Raises UsageError if the profile has its key elsewhere."""
    if resolution.key.kind != "keyring":
        raise UsageError(
            f"`{resolution.profile}` takes its key from {resolution.key}, not from the secret store",
            hint=f"put the key there, or run `omniprofile set {resolution.profile} key '{{ keyring = true }}'` to keep it in "
            "the secret store",
        )
    if ignored := ["--no-browser"] * (not how.browser) + ["--port"] * (how.port is not None):
        console.warn(
            f"{quoted_list(ignored, 'and')} ignored: `{resolution.profile}` has an API key, and needs no browser"
        )
    origin = resolution.allowed_origin()
    # Check that the store works before asking for anything, and say beforehand where the key will be stored.
    app.store.check()
    console.note(f"the key for `{resolution.profile}` ({origin}) will be stored in the {app.store.label}")
    secret, who = _tested_key(app, console, resolution, how)
    new = StoredSecret(origin=origin, token=secret, stored_at=app.environment.now(), identity=who)
    tell_of_another_identity(app, console, resolution.profile, new)
    app.store.put(resolution.profile, new)
    console.note(f"stored; `omniprofile exec {resolution.profile} -- COMMAND` uses it")


def login_secret(app: App, console: Console, resolution: Resolution, variable: str, how: How) -> None:
    """Read a secret of the profile's `env` from a hidden prompt or stdin, and store it for the profile's own base URL."""
    name, origin = resolution.profile, resolution.allowed_origin()
    _require_secret(resolution, variable)
    app.store.check()
    console.note(f"the secret `{variable}` of `{name}` ({origin}) will be stored in the {app.store.label}")
    prompt, command = f"{variable} for {name}: ", f"omniprofile login {name} --secret {printable(variable)}"
    secret = _read(app, console, "secret", prompt, command, how)
    app.store.put(name, StoredSecret(origin, secret, app.environment.now(), variable=variable))
    console.note(f"stored; `omniprofile exec {name} -- COMMAND` has it as `{variable}`")


def _require_secret(resolution: Resolution, variable: str) -> None:
    source = next((each.value.secret for each in resolution.env if each.name == variable), None)
    name = resolution.profile
    if source is not None and source.kind == "keyring":
        return
    if source is not None:
        raise UsageError(
            f"`{name}` takes `{variable}` from {source}, not from the secret store",
            hint=f"put it there, or write `{variable} = {{ keyring = true }}` in `[profiles.{name}.env]`",
        )
    stored = [each.name for each in resolution.env if each.value.secret and each.value.secret.kind == "keyring"]
    if any(each.name == variable for each in resolution.env):
        what = f"`{variable}` of `{name}` is not a secret: its value stands in the profile file"
    else:
        what = f"`{printable(variable)}` is not among the variables of `{name}`"
    hint = f"write `{printable(variable)} = {{ keyring = true }}` in `[profiles.{name}.env]`"
    raise UsageError(what, hint=did_you_mean(variable, stored, hint, 1))


def _tested_key(app: App, console: Console, resolution: Resolution, how: How) -> tuple[Secret, Identity | None]:
    """Return the key and its identity. On a terminal, ask for another key when one is refused."""
    left = _ATTEMPTS if console.interactive else 1
    otherwise = " (Enter alone: log in by the browser)" if how.or_browser else ""
    prompt, command = f"API key for {resolution.profile}{otherwise}: ", f"omniprofile login {resolution.profile}"
    with console.hidden_input():
        while True:
            left -= 1
            try:
                secret = _read(app, console, "key", prompt, command, how)
                return secret, _test(app, console, resolution, secret) if how.test else None
            except (CredentialRefused, IdentityMismatch, KeySourceFailed) as refused:
                if not left:
                    raise
                console.warn(f"{refused.message}; try another key, or press Ctrl-C")


def _read(app: App, console: Console, what: str, prompt: str, command: str, how: How) -> Secret:
    """Ask for a key or secret with a hidden prompt; without a terminal, read it from standard input."""
    if console.interactive:
        text = console.ask_secret(prompt)
        if not text.strip():
            raise NoCredential(f"no {what} was given", hint="nothing was stored; run the command again")
    else:
        pipe = f"pipe it in: `… | {command}`"
        stdin = app.environment.stdin
        if stdin is None:
            raise NoCredential(f"no {what} was given: standard input is closed", hint=pipe)
        console.note(f"reading the {what} from standard input")
        try:
            text = read_all(stdin, limit=_LARGEST_KEY, seconds=how.key_seconds)
        except TimeoutError:
            raise NoCredential(
                f"standard input did not end within {how.key_seconds:g} s",
                hint=f"{pipe}, with `--with-key` where that takes longer",
            ) from None
        if not text.strip():
            raise NoCredential(
                f"no {what} came on standard input", hint=f"{pipe}, and check that what is before the `|` prints it"
            )
    if what == "key":
        # A key has no blanks, so any around it came from copying: drop them, as `gh auth login --with-token` does. A secret may
        # be a password: only its line ending is dropped, as in `docker login --password-stdin`.
        text = text.strip()
    return checked_key(text, f"the given {what}", of_env=what == "secret")


def _test(app: App, console: Console, resolution: Resolution, secret: Secret) -> Identity | None:
    """Return the key's identity according to the instance. Raises the error if the test fails."""
    origin = resolution.allowed_origin()
    result = ask_for_identity(app, Credential(resolution.profile, origin, "api-key", secret), resolution.expect)
    if (error := result.error) is not None:
        if isinstance(error, CredentialRefused) and result.symptom in ("organization-key-refused", "key-refused"):
            error.hint = (
                "nothing was stored; check it for typos, that it is not revoked (in Omni: Settings > API access), and that it "
                f"belongs to {origin.host}"
            )
        raise error
    who = result.identity
    known = [part for part in (who.org_role, who.key_scope) if part] if who else []
    console.note(f"{origin} accepts the key" + (f" ({', '.join(known)})" if known else ""))
    return who
