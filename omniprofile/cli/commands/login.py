"""`omniprofile login`: store a profile's session or key once the instance has accepted it."""

import argparse

from omniprofile.app import App, ProfileRequest
from omniprofile.cli import arguments
from omniprofile.cli.arguments import Help
from omniprofile.cli.console import Console
from omniprofile.cli.key_login import login_key, login_secret
from omniprofile.cli.new_credential import KEY_SECONDS, How
from omniprofile.credentials.intent import Intent
from omniprofile.errors import UsageError
from omniprofile.model.names import printable

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
    arguments.add_profile(parser)
    instead = "store this secret of the profile's `env` instead of its key"
    arguments.offer("@secrets", arguments.add_option(parser, "--secret", "VARIABLE", instead))
    arguments.add_flag(parser, "--no-test", "store it without testing it")
    arguments.add_flag(
        parser, "--no-browser", "OAuth: print the address, and accept the address that the browser ends at, pasted"
    )
    port = "OAuth: the port that the browser returns to (default: a free one)"
    arguments.add_option(parser, "--port", "N", port, type=arguments.port_number)
    wait = (
        "how long to wait for the login in the browser (default: 2 min), or for a key on standard input "
        f"(default: {KEY_SECONDS:g} s)"
    )
    arguments.add_option(parser, "--timeout", "SECONDS", wait, type=arguments.duration)
    arguments.add_flag(parser, "--with-key", "read the key from standard input, however long that takes")
    arguments.add_yes(parser, arguments.PINNED)
    arguments.add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    how = How(
        test=not args.no_test, browser=not args.no_browser, port=args.port, timeout=args.timeout, with_key=args.with_key
    )
    if args.secret == "":
        raise UsageError("the value of `--secret` is empty", hint="name a variable of the profile's `env`")
    request = ProfileRequest(arguments.named_profile(args))
    login(app, console, request, how, secret=args.secret, yes=args.yes)
    if args.json:
        done = app.declared(request)
        about = {"profile": done.profile, "base_url": str(done.origin), "auth": done.auth}
        console.json({**about, "secret": args.secret, "store": app.store_name, "changed": True})


def login(
    app: App, console: Console, request: ProfileRequest, how: How, *, secret: str | None = None, yes: bool = False
) -> None:
    """Log in by the browser (oauth) or by a key, or store the `secret` of the profile's `env`.

    Overriding variables do not apply: the secret is stored for the base URL that the profile files declare.
    """
    resolution = app.declared(request, "give")
    resolution.allowed_origin()
    option = "" if secret is None else f" --secret {printable(secret)}"
    hint = f"name it, as in `omniprofile login {resolution.profile}{option}`, or give `--yes`"
    app.permit(resolution, Intent("give", hint=hint, yes=yes))
    if secret is not None:
        login_secret(app, console, resolution, secret, how)
    elif resolution.auth != "oauth":
        login_key(app, console, resolution, how)
    elif how.with_key:
        raise UsageError(
            f"`{resolution.profile}` logs in by the browser (`oauth`), so it has no key to read",
            hint="leave `--with-key` out",
        )
    else:
        from omniprofile.cli.browser_login import login_session

        login_session(app, console, resolution, how)
