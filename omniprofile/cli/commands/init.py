"""`omniprofile init`: create a first working profile."""

import argparse

from omniprofile.app import App, ProfileRequest
from omniprofile.cli.arguments import Help, add_flag, add_json, add_option, offer
from omniprofile.cli.commands.add import add, say_next_step
from omniprofile.cli.commands.login import login
from omniprofile.cli.console import Console
from omniprofile.cli.editing import save
from omniprofile.cli.new_credential import How
from omniprofile.cli.profile_options import METHODS, add_profile_options, profile_values
from omniprofile.cli.questions import ask_missing
from omniprofile.credentials.env_variables import STORE_VARIABLE
from omniprofile.errors import NoCredential, StoreUnavailable, UsageError
from omniprofile.model.origin import NotAnOrigin, Origin

HELP = Help(
    description="Makes the first profile: asks for what the flags leave open, writes the profile file, makes the profile "
    "active if none is, then logs in and tests. It asks for an API key unless `--auth oauth` is given; Enter in place of one "
    "logs in by the browser. Without a terminal it asks nothing, and says which flag is missing.",
    examples=(
        ("omniprofile init", "asks"),
        ("omniprofile init --name staging --base-url https://acme-staging.omniapp.co", "asks for the key alone"),
        (
            "omniprofile init --name ci --base-url https://acme.omniapp.co --key-env ACME_OMNI_KEY",
            "a profile whose key is in a variable",
        ),
    ),
    exits=((2, "a flag is missing, and there is no terminal to ask on"), (8, "the instance refuses the key")),
    see=("add", "login"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    offer("@none", add_option(parser, "--name", "NAME", "the profile's name"))
    key = add_profile_options(parser)
    add_flag(key, "--with-key", "read the key from standard input and store it")
    add_flag(parser, "--no-login", "write the profile and stop")
    add_flag(parser, "--no-test", "store it without testing it")
    add_flag(parser, "--no-browser", "OAuth: print the address to visit, as `login` does")
    add_json(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    file_store = _wants_file_store(args, app, console)
    ask_missing(args, app, console, "--name", "omniprofile init --name NAME --base-url URL")
    if args.base_url is not None:
        try:
            args.base_url = str(Origin.parse(args.base_url))
        except NotAnOrigin as problem:
            raise UsageError(f"the base URL {problem}", hint=problem.hint) from problem
    name, is_open = args.name, not {"auth", "extends", "key"} & profile_values(args).keys()
    if is_open:
        args.auth = METHODS[0]
    path = add(app, console, name, profile_values(args), file_store=file_store)
    app = app.reread()
    active, _ = app.state.read()
    if active not in app.config.profiles:  # none is active, or one that is gone
        app.state.activate(name)
        console.note(f"the active profile is now `{name}`")
    elif active != name:
        console.note(f"the active profile is still `{active}`; `omniprofile use {name}` switches to it")
    logged_in = _log_in(args, app, console, name, path, or_browser=is_open and console.interactive)
    if args.json:
        is_active = app.state.read()[0] == name
        console.json({"profile": name, "file": path, "changed": True, "active": is_active, "logged_in": logged_in})


def _log_in(args: argparse.Namespace, app: App, console: Console, name: str, path: str, *, or_browser: bool) -> bool:
    """Log in to the new profile, or print how to; return whether it logged in.

    `or_browser`: no method was specified, so a user who enters no key logs in by browser, and the profile in the file `path`
    becomes an OAuth profile.
    """
    if args.no_login:
        return False
    resolution = app.declared_profile(name)
    if not resolution.uses_store or not (console.interactive or args.with_key):
        say_next_step(app, console, name)
        return False
    with_key = args.with_key and resolution.auth == "api-key"
    or_browser = or_browser and not with_key
    how = How(test=not args.no_test, browser=not args.no_browser, with_key=with_key, or_browser=or_browser)
    try:
        login(app, console, ProfileRequest.for_profile(name), how)
    except NoCredential:
        if not or_browser:
            raise
        with app.editing() as draft:
            draft.set(path, ("profiles", name, "auth"), '"oauth"')
            save(draft, console, diff=False)
        login(app.reread(), console, ProfileRequest.for_profile(name), how)
    return True


def _wants_file_store(args: argparse.Namespace, app: App, console: Console) -> bool:
    """Check the secret store before asking anything; return whether the user wants the file store instead.

    Raises StoreUnavailable if the store does not work and the user does not choose the file.
    """
    takes_no_secret = args.no_login or profile_values(args).get("key") is not None
    if takes_no_secret or not (console.interactive or args.with_key):
        return False
    app.allow_new_file()
    try:
        app.store.check()
    except StoreUnavailable as problem:
        # A store selected by a variable or in the file is the user's choice: offer no other.
        chosen = app.environment.environ.get(STORE_VARIABLE) or app.config.settings.secret_store
        if chosen or not console.interactive:
            raise
        console.say(f"{problem.message}: a key or session cannot be stored there")
        if not console.confirm("store secrets in a file that only you can read (mode 0600) instead?"):
            raise
        return True
    return False
