"""`omniprofile login`: store a profile's session or key once the instance has accepted it."""

import argparse
from dataclasses import dataclass

from omniprofile.app import App, ProfileRequest
from omniprofile.cli.arguments import (
    PINNED,
    Help,
    add_flag,
    add_json,
    add_option,
    add_profile,
    add_yes,
    duration,
    named_profile,
    offer,
    port_number,
)
from omniprofile.cli.console import Console
from omniprofile.cli.new_credential import tell_of_another_identity, tested
from omniprofile.cli.standard_input import read_all
from omniprofile.credentials.protection import GIVE, Intent
from omniprofile.credentials.sources import checked_key
from omniprofile.errors import CredentialRefused, IdentityMismatch, KeySourceFailed, NoCredential, UsageError
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.names import closest, printable, quoted_list
from omniprofile.model.resolution import Resolution
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret

KEY_SECONDS = 30.0
"""How long to wait for a key on standard input without `--with-key`."""
_LARGEST_KEY = 64 * 1024
_ATTEMPTS = 3

HELP = Help(
    description="For an API key: reads it from a hidden prompt, or from standard input where there is no terminal, tests it "
    "with the instance, compares the identity with `expect`, and only then stores it. It says first where the key "
    "will be stored. It waits 30 s for standard input; with `--with-key`, as long as it takes.\n\n"
    "For `oauth`: prints the address of the instance's login page, opens it in the browser (the profile's "
    "`browser`, else `BROWSER`), and waits two minutes (`--timeout`) for the answer on a port of localhost "
    "(`--port` fixes it). Then it asks the instance who logged in, and stores the session. The previous session "
    "works until then, and is revoked afterwards.\n\n"
    "`--secret VARIABLE` stores a secret of the profile's `env`, one with `{ keyring = true }`. It is read like a "
    "key, may be any line of text, and is not tested.\n\n"
    "`--no-browser` is for a machine that you reach over SSH: it prints the address, which you can open anywhere, "
    "and then takes the address that the browser ends at, pasted on the terminal or on standard input. If your "
    "browser can reach this machine's loopback (`ssh -L 8765:localhost:8765`), use `--port 8765`, and nothing "
    "needs to be pasted.",
    examples=(
        ("omniprofile login staging", "asks for the key, or opens the browser"),
        ("omniprofile login prod --no-browser", "OAuth on a machine without a browser"),
        ("omniprofile login prod --port 8765", "OAuth with a fixed port, for `ssh -L` or a container"),
        ("op read op://Work/Omni/key | omniprofile login staging", "the key from another program"),
        ("omniprofile login staging --no-test < key.txt", "without testing it"),
        ("omniprofile login staging --secret OMNI_EMBED_SECRET", "a secret that is exported along with the credential"),
    ),
    exits=(
        (2, "the profile does not take its key, or this secret, from the secret store"),
        (4, "no key was given, or the login was denied or not answered in time"),
        (6, "the key or session is someone else's than `expect` says: nothing is stored"),
        (7, "the instance cannot be reached: nothing is stored"),
        (8, "the instance refuses the key or the login: nothing is stored"),
        (9, "the secret store cannot be used"),
    ),
    see=("logout", "test"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile(parser)
    instead = "store this secret of the profile's `env` instead of its key"
    offer("@secrets", add_option(parser, "--secret", "VARIABLE", instead))
    add_flag(parser, "--no-test", "store it without testing it")
    add_flag(
        parser, "--no-browser", "OAuth: print the address, and accept the address that the browser ends at, pasted"
    )
    port = "OAuth: the port that the browser returns to (default: a free one)"
    add_option(parser, "--port", "N", port, type=port_number)
    wait = (
        "how long to wait for the login in the browser (default: 2 min), or for a key on standard input "
        f"(default: {KEY_SECONDS:g} s)"
    )
    add_option(parser, "--timeout", "SECONDS", wait, type=duration)
    add_flag(parser, "--with-key", "read the key from standard input, however long that takes")
    add_yes(parser, PINNED)
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    how = How(
        test=not args.no_test, browser=not args.no_browser, port=args.port, timeout=args.timeout, with_key=args.with_key
    )
    if args.secret == "":
        raise UsageError("the value of `--secret` is empty", hint="name a variable of the profile's `env`")
    request = ProfileRequest(named_profile(args))
    if args.secret is not None:
        _login_secret(app, console, request, args.secret, how, yes=args.yes)
    else:
        login(app, console, request, how, yes=args.yes)
    if args.json:
        done = app.declared(request)
        about = {"profile": done.profile, "base_url": str(done.origin), "auth": done.auth}
        console.json({**about, "secret": args.secret, "store": app.store_name, "changed": True})


@dataclass(frozen=True, slots=True)
class How:
    """How to log in.

    `with_key`: wait as long as needed for a key on standard input. `browser` and `port` are for the login by browser.
    `or_browser`: the caller falls back to the browser if no key is given.
    """

    test: bool = True
    browser: bool = True
    port: int | None = None
    timeout: float | None = None
    with_key: bool = False
    or_browser: bool = False

    @property
    def key_seconds(self) -> float:
        """How many seconds to wait for a key on standard input."""
        return self.timeout or (float("inf") if self.with_key else KEY_SECONDS)


def login(app: App, console: Console, request: ProfileRequest, how: How, *, yes: bool = False) -> None:
    """Log in by browser (oauth), or read a key from a hidden prompt or stdin, test it and store it.

    Overriding variables do not apply: the secret is stored for the base URL that the profile files declare.
    """
    resolution = _permitted(app, request, "", yes=yes)
    if resolution.auth == "oauth":
        from omniprofile.cli.browser_login import login_session

        if how.with_key:
            raise UsageError(
                f"`{resolution.profile}` logs in by the browser (`oauth`), so it has no key to read",
                hint="leave `--with-key` out",
            )
        login_session(app, console, resolution, browser=how.browser, test=how.test, port=how.port, limit=how.timeout)
        return
    if resolution.key.kind != "keyring":
        raise UsageError(
            f"`{resolution.profile}` takes its key from {resolution.key}, not from the secret store",
            hint="put the key there, or remove `key` from the profile to keep it in the secret store",
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


def _permitted(app: App, request: ProfileRequest, option: str, *, yes: bool) -> Resolution:
    """Return the profile as the files declare it, since secrets are stored for that address. Raises its refusal."""
    resolution = app.declared(request, GIVE)
    resolution.allowed_origin()
    hint = f"name it, as in `omniprofile login {resolution.profile}{option}`, or give `--yes`"
    app.permit(resolution, Intent(GIVE, hint=hint, yes=yes))
    return resolution


def _login_secret(app: App, console: Console, request: ProfileRequest, variable: str, how: How, *, yes: bool) -> None:
    """Read a secret of the profile's `env` from a hidden prompt or stdin, and store it for the profile's own base URL."""
    option = f" --secret {printable(variable)}"
    resolution = _permitted(app, request, option, yes=yes)
    name, origin = resolution.profile, resolution.allowed_origin()
    _require_secret(resolution, variable)
    app.store.check()
    console.note(f"the secret `{variable}` of `{name}` ({origin}) will be stored in the {app.store.label}")
    prompt, command = f"{variable} for {name}: ", f"omniprofile login {name}{option}"
    secret = _read(app, console, "secret", prompt, command, how)
    app.store.put(name, StoredSecret(origin, secret, app.environment.now(), variable=variable))
    console.note(f"stored; `omniprofile exec {name} -- COMMAND` has it as `{variable}`")


def _require_secret(resolution: Resolution, variable: str) -> None:
    source, name = resolution.secret_source(variable), resolution.profile
    if source is not None and source.kind == "keyring":
        return
    if source is not None:
        raise UsageError(
            f"`{name}` takes `{variable}` from {source}, not from the secret store",
            hint=f"put it there, or write `{variable} = {{ keyring = true }}` in `[profiles.{name}.env]`",
        )
    stored = [each.name for each in resolution.env if each.value.secret and each.value.secret.kind == "keyring"]
    near = closest(variable, stored, 1)
    if any(each.name == variable for each in resolution.env):
        what = f"`{variable}` of `{name}` is not a secret: its value stands in the profile file"
    else:
        what = f"`{printable(variable)}` is not among the variables of `{name}`"
    hint = f"write `{printable(variable)} = {{ keyring = true }}` in `[profiles.{name}.env]`"
    raise UsageError(what, hint=f"did you mean `{near[0]}`?" if near else hint)


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
    """Read a key or secret from a hidden prompt, or from standard input if there is no terminal."""
    if console.interactive:
        text = console.ask_secret(prompt).strip()
        if not text:
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
            raise NoCredential(f"no {what} came on standard input", hint=pipe)
    return checked_key(text, f"the given {what}", of_env=what == "secret")


def _test(app: App, console: Console, resolution: Resolution, secret: Secret) -> Identity | None:
    """Return the key's identity according to the instance. Raises the error if the test fails."""
    origin = resolution.allowed_origin()
    result, error = tested(app, Credential(resolution.profile, origin, "api-key", secret), resolution.expect)
    if error is not None:
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
