"""`omniprofile init`: from nothing to a first profile that works."""

import argparse

from omniprofile.app import App, ProfileRequest
from omniprofile.cli.commands.add import add, next_steps
from omniprofile.cli.commands.login import How, login
from omniprofile.cli.console import Console
from omniprofile.cli.editing import METHODS, add_profile_options, profile_values, require_new_name
from omniprofile.cli.exits import DONE
from omniprofile.cli.parser import add_json, offer
from omniprofile.cli.registry import Help
from omniprofile.credentials.env_variables import STORE_VARIABLE
from omniprofile.errors import StoreUnavailable, UsageError
from omniprofile.model.names import is_valid, nearest_valid, quoted_list
from omniprofile.model.origin import NotAnOrigin, Origin
from omniprofile.model.secret import masked

HELP = Help(
    description="Makes the first profile: asks for what the flags leave open, writes the profile file, makes the profile "
    "active if none is, then logs in and tests. Without a terminal it asks nothing, and says which flag is missing.",
    examples=(
        ("omniprofile init", "asks"),
        ("omniprofile init --name staging --base-url https://acme-staging.omniapp.co", "asks for the key alone"),
        (
            "omniprofile init --name ci --base-url https://acme.omniapp.co --key-env ACME_OMNI_KEY",
            "a profile whose key is in a variable",
        ),
    ),
    exits=(
        (2, "a flag is missing, and there is no terminal to ask on"),
        (8, "the instance refuses the key"),
    ),
    see=("add", "login"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    offer("@none", parser.add_argument("--name", metavar="NAME", help="the profile's name"))
    key = add_profile_options(parser)
    key.add_argument("--with-key", action="store_true", help="read the key from standard input and store it")
    parser.add_argument("--no-login", action="store_true", help="write the profile and stop")
    parser.add_argument("--no-test", action="store_true", help="store it without asking the instance whose it is")
    parser.add_argument("--no-browser", action="store_true", help="OAuth: show the address to visit, as `login` does")
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Write the profile, make it active if none is, then log in."""
    file_store = _wants_file_store(args, app, console)
    name = _name(args, app, console)
    values = profile_values(args)
    if not {"base_url", "instance", "extends"} & values.keys():
        values["base_url"] = _ask_address(console, allow_insecure=args.allow_insecure)
    if "base_url" in values:
        values["base_url"] = str(_origin(str(values["base_url"])))
    if "auth" not in values and not {"extends", "key"} & values.keys():
        asks = console.interactive and not (args.with_key or args.no_login or (args.name and args.base_url))
        values["auth"] = _ask_method(console) if asks else METHODS[0]
    path = add(app, console, name, values, file_store=file_store)
    app = app.reread()
    if app.state.read().active is None:
        app.state.activate(name)
        console.note(f"the active profile is now `{name}`")
    elif app.state.read().active != name:
        console.note(
            f"the active profile is still `{app.state.read().active}`; `omniprofile use {name}` switches to it"
        )
    logged_in = _log_in(args, app, console, name)
    if args.json:
        active = app.state.read().active == name
        console.json({"profile": name, "file": path, "changed": True, "active": active, "logged_in": logged_in})
    return DONE


def _log_in(args: argparse.Namespace, app: App, console: Console, name: str) -> bool:
    """Log in to the new profile, or say how that is done; return whether it was done."""
    resolution = app.declared(ProfileRequest.for_profile(name))
    if args.no_login:
        return False
    if not resolution.uses_store or not (console.interactive or args.with_key):
        for sentence in next_steps(app, name):
            console.note(sentence)
        return False
    login(
        app,
        console,
        ProfileRequest.for_profile(name),
        How(
            test=not args.no_test, browser=not args.no_browser, with_key=args.with_key and resolution.auth == "api-key"
        ),
    )
    return True


def _wants_file_store(args: argparse.Namespace, app: App, console: Console) -> bool:
    """Find out that a secret can be stored before anything is asked; return whether the person wants the file for it.

    Raises StoreUnavailable where there is no store and nobody chooses the file.
    """
    takes_no_secret = args.no_login or profile_values(args).get("key") is not None
    if takes_no_secret or not (console.interactive or args.with_key):
        return False
    app.allow_new_file()
    try:
        app.store.check()
    except StoreUnavailable as problem:
        # Where a variable or the file names the store, that is what the person chose.
        chosen = app.environment.environ.get(STORE_VARIABLE) or app.config.settings.secret_store
        if chosen or not console.interactive:
            raise
        console.say(f"{problem.message}: a key or session cannot be stored there")
        if not console.confirm("store secrets in a file that only you can read (mode 0600) instead?"):
            raise
        return True
    return False


def _name(args: argparse.Namespace, app: App, console: Console) -> str:
    given: str | None = args.name
    if given is None:
        _require_terminal(console, "--name")
    offered = ""
    while True:
        question = f"profile name [{offered}]: " if offered else "profile name, such as prod: "
        name = given or _answer(console, question) or offered
        try:
            _require_name(name)
            with app.editing() as draft:
                require_new_name(draft, name)
            return name
        except UsageError as problem:
            if given is not None:
                raise
            console.say(problem.message)
            offered = nearest_valid(name) if name and not is_valid(name) else ""


def _require_name(name: str) -> None:
    if not name:
        raise UsageError("a name is needed")


def _ask_address(console: Console, *, allow_insecure: bool) -> str:
    _require_terminal(console, "--base-url")
    offered = ""
    while True:
        example = f" [{offered}]" if offered else ", such as https://acme.omniapp.co"
        text = _answer(console, f"the address you use to log in{example}: ") or offered
        try:
            origin = Origin.parse(text)
        except NotAnOrigin as problem:
            if problem.suggestion and "://" in text:  # what a browser shows: a page of the instance
                console.say(f"using `{problem.suggestion}`: a base URL ends after the host")
                text, origin = problem.suggestion, Origin.parse(problem.suggestion)
            else:
                console.say(f"the base URL {problem}")
                offered = problem.suggestion if problem.suggestion and "." in text else ""
                continue
        if origin.scheme == "http" and not (origin.is_loopback and allow_insecure):
            console.say(f"{origin} is plain http: credentials go by https")
            offered = ""
            continue
        return str(origin)


def _ask_method(console: Console) -> str:
    """Ask for `api-key` or `oauth`; an empty answer is the first."""
    while True:
        answer = _answer(console, f"log in with {' or '.join(METHODS)}? [{METHODS[0]}] ").lower()
        matches = [method for method in METHODS if method.startswith(answer)]
        if not answer or len(matches) == 1:
            return matches[0]
        console.say(f"please answer {quoted_list(METHODS)}")


def _answer(console: Console, question: str) -> str:
    """Ask, again where the answer is a key: that is asked for later, hidden, and leaves the screen here."""
    while True:
        answer = console.ask(question).strip()
        if masked(answer) == answer:
            return answer
        console.erase_answer(question, answer)
        console.say("that looks like a key: it is asked for later, without being shown")


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
