"""`omniprofile init`: from nothing to a first profile that works."""

import argparse

from omniprofile.app import App, Call
from omniprofile.cli.commands.login import login
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.errors import UsageError
from omniprofile.model.names import RULE, is_valid, nearest_valid, printable
from omniprofile.model.origin import NotAnOrigin, Origin

METHODS = ("api-key", "oauth")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--name", metavar="NAME", help="the profile's name")
    parser.add_argument(
        "--base-url", metavar="URL", help="the address you use to log in, such as https://acme.omniapp.co"
    )
    parser.add_argument("--auth", choices=METHODS, help="how to authenticate (default: api-key)")
    parser.add_argument("--description", metavar="TEXT", help="a sentence for people")
    key = parser.add_mutually_exclusive_group()
    key.add_argument("--key-env", metavar="VARIABLE", help="take the key from this environment variable")
    key.add_argument("--key-file", metavar="FILE", help="take the key from this file")
    key.add_argument("--with-key", action="store_true", help="read the key from standard input and store it")
    parser.add_argument("--allow-insecure", action="store_true", help="allow plain http to a loopback address")
    parser.add_argument("--no-login", action="store_true", help="write the profile and stop")
    parser.add_argument("--no-test", action="store_true", help="store it without asking the instance whose it is")
    parser.add_argument("--no-browser", action="store_true", help="OAuth: show the address to visit, as `login` does")


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Write the profile, make it active if none is, then log in."""
    from omniprofile.config.edit import add_profile_to

    name = _name(args, app, console)
    values: dict[str, object] = {"base_url": str(_origin(args, console)), "auth": args.auth or "api-key"}
    if args.description:
        values = {"description": args.description, **values}
    if args.key_env or args.key_file:
        if values["auth"] == "oauth":
            raise UsageError("an OAuth profile has no key", hint="leave `--key-env` or `--key-file` out")
        values["key"] = {"env": args.key_env} if args.key_env else {"file": args.key_file}
    if args.allow_insecure:
        values["allow_insecure"] = True
    path = app.places.config_file
    add_profile_to(path, name, values, lock_folder=app.lock_folder)
    console.note(f"profile `{name}` is written to `{path}`")
    app = app.reread()
    if app.state.read().active is None:
        app.state.activate(name)
        console.note(f"the active profile is now `{name}`")
    if args.no_login or "key" in values:
        return DONE
    if not (console.interactive or args.with_key):
        console.note(f"next: `omniprofile login {name}`")
        return DONE
    login(app, console, Call.for_profile(name), test=not args.no_test, browser=not args.no_browser)
    return DONE


def _name(args: argparse.Namespace, app: App, console: Console) -> str:
    name = args.name
    if name is None:
        _require_terminal(console, "--name")
        name = console.ask("profile name, such as prod: ").strip()
    if not is_valid(name):
        raise UsageError(
            f"`{printable(name)}` is no profile name ({RULE})", hint=f"did you mean `{nearest_valid(name)}`?"
        )
    if name in app.config.profiles:
        place = app.config.profiles[name].provenance().place
        raise UsageError(f"profile `{name}` is there already ({place})", hint="choose another name, or edit the file")
    return str(name)


def _origin(args: argparse.Namespace, console: Console) -> Origin:
    text = args.base_url
    if text is None:
        _require_terminal(console, "--base-url")
        text = console.ask("the address you use to log in, such as https://acme.omniapp.co: ").strip()
    try:
        return Origin.parse(text)
    except NotAnOrigin as problem:
        hint = (
            f"did you mean `{problem.suggestion}`?" if problem.suggestion else "it looks like `https://acme.omniapp.co`"
        )
        raise UsageError(f"the base URL {problem}", hint=hint) from problem


def _require_terminal(console: Console, flag: str) -> None:
    if not console.interactive:
        raise UsageError(f"`{flag}` is missing, and there is no terminal to ask on", hint=f"give `{flag}`")
