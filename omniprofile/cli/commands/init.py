"""`omniprofile init`: from nothing to a first profile that works."""

import argparse

from omniprofile.app import App, Call
from omniprofile.cli.commands.add import add, next_steps
from omniprofile.cli.commands.login import login
from omniprofile.cli.console import Console
from omniprofile.cli.editing import METHODS, add_profile_options, profile_values, require_new_name
from omniprofile.cli.exits import DONE
from omniprofile.errors import UsageError
from omniprofile.model.origin import NotAnOrigin, Origin


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--name", metavar="NAME", help="the profile's name")
    key = add_profile_options(parser)
    key.add_argument("--with-key", action="store_true", help="read the key from standard input and store it")
    parser.add_argument("--no-login", action="store_true", help="write the profile and stop")
    parser.add_argument("--no-test", action="store_true", help="store it without asking the instance whose it is")
    parser.add_argument("--no-browser", action="store_true", help="OAuth: show the address to visit, as `login` does")


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Write the profile, make it active if none is, then log in."""
    name = _name(args, app, console)
    values = profile_values(args)
    if not {"base_url", "instance", "extends"} & values.keys():
        values["base_url"] = _ask_address(console)
    if "base_url" in values:
        values["base_url"] = str(_origin(str(values["base_url"])))
    if "auth" not in values and not {"extends", "key"} & values.keys():
        asks = console.interactive and not (args.with_key or args.no_login)
        values["auth"] = _ask_method(console) if asks else METHODS[0]
    add(app, console, name, values)
    app = app.reread()
    if app.state.read().active is None:
        app.state.activate(name)
        console.note(f"the active profile is now `{name}`")
    resolution = app.declared(Call.for_profile(name))
    if args.no_login:
        return DONE
    if not resolution.uses_store or not (console.interactive or args.with_key):
        for sentence in next_steps(app, name):
            console.note(sentence)
        return DONE
    login(app, console, Call.for_profile(name), test=not args.no_test, browser=not args.no_browser)
    return DONE


def _name(args: argparse.Namespace, app: App, console: Console) -> str:
    given: str | None = args.name
    if given is None:
        _require_terminal(console, "--name")
    while True:
        name = given or console.ask("profile name, such as prod: ").strip()
        try:
            with app.editing() as draft:
                require_new_name(draft, name)
            return name
        except UsageError as problem:
            if given is not None:
                raise
            console.say(f"{problem.message}; {problem.hint}" if problem.hint else problem.message)


def _ask_address(console: Console) -> str:
    _require_terminal(console, "--base-url")
    while True:
        text = console.ask("the address you use to log in, such as https://acme.omniapp.co: ").strip()
        try:
            return str(_origin(text))
        except UsageError as problem:
            console.say(f"{problem.message}; {problem.hint}")


def _ask_method(console: Console) -> str:
    """`api-key` or `oauth`; an empty answer is the first."""
    while True:
        answer = console.ask(f"log in with {' or '.join(METHODS)}? [{METHODS[0]}] ").strip().lower()
        matches = [method for method in METHODS if method.startswith(answer)]
        if not answer or len(matches) == 1:
            return matches[0]


def _origin(text: str) -> Origin:
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
