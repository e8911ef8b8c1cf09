"""`omniprofile open`: open the profile's instance in the profile's browser."""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag, add_profile, named_profile, request_of
from omniprofile.cli.browser import find_browser
from omniprofile.cli.console import Console
from omniprofile.errors import OperationFailed
from omniprofile.system.files import reason

HELP = Help(
    description="Opens the profile's base URL in the profile's browser: the program in its `browser`, with the address "
    'appended, or else the one that `BROWSER` or the desktop gives. With `browser = ["firefox", "-P", "acme"]` '
    "each customer's instance opens where you are logged in to it. `login` uses the same browser. No credential "
    "is read or passed on.",
    examples=(
        ("omniprofile open staging", "the instance of a profile"),
        ("omniprofile open --print", "the address of the current one, for a program"),
    ),
    exits=((1, "no browser could be opened"), (5, "the profile does not exist"), (6, "the host is not allowed")),
    see=("login", "show"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_profile(parser)
    add_flag(parser, "--print", "print the address instead")


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    resolution = app.resolve(request_of(args))
    address = str(resolution.allowed_origin())
    if args.print:
        console.data(f"{address}\n")
        return
    name = named_profile(args)
    hint = f"`omniprofile open --print{f' {name.value}' if name else ''}` prints the address, to open by hand"
    browser = find_browser(resolution, app.environment.environ, on_terminal=console.interactive)
    if browser is None:
        raise OperationFailed("no browser was found", hint=hint)
    console.note(f"opening {address}")
    try:
        opened = browser(address)
    except (OSError, ValueError) as problem:
        raise OperationFailed(f"the browser could not be started: {reason(problem)}", hint=hint) from problem
    if not opened:
        raise OperationFailed(f"the browser did not open {address}", hint=hint)
