"""The questions that `init` and `add` ask for a new profile: its name and address.

After a wrong answer they ask again, with a suggestion as the default. A key pasted here is erased from the screen.
"""

import argparse
import re

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.edit_target import require_new_name
from omniprofile.cli.profile_options import profile_values
from omniprofile.errors import HostNotAllowed, UsageError
from omniprofile.model.names import is_valid, nearest_valid
from omniprofile.model.origin import NotAnOrigin, Origin, meant_host, not_allowed
from omniprofile.model.secret import masked


def ask_missing(args: argparse.Namespace, app: App, console: Console, option: str, line: str) -> None:
    """Ask for the new profile's name and address where the command line gives none, and check them before anything else.

    `option` is what gives the name, `line` an example for the hint. Raises UsageError.
    """
    if args.name is not None:
        with app.editing(dry_run=True) as draft:
            require_new_name(draft, args.name)
    elif console.interactive:
        args.name = _ask_name(app, console)
    else:
        raise UsageError(f"`{option}` is missing, and there is no terminal to ask on", hint=f"give it, as in `{line}`")
    if _needs_address(app, profile_values(args)):
        if not console.interactive:
            raise UsageError("no address is given", hint="give `--base-url`, `--instance` or `--extends`")
        args.base_url = _ask_address(app, console, allow_insecure=args.allow_insecure)


def _ask_name(app: App, console: Console) -> str:
    """Ask until the answer is a valid name that is not taken."""
    offered = ""
    while True:
        question = f"profile name [{offered}]: " if offered else "profile name, such as prod: "
        name = _answer(console, question) or offered
        offered = ""
        if not name:
            console.say("a name is needed")
            continue
        try:
            with app.editing(dry_run=True) as draft:
                require_new_name(draft, name)
        except UsageError as problem:
            console.say(problem.message)
            offered = "" if is_valid(name) else nearest_valid(name)
        else:
            return name


def _needs_address(app: App, values: dict[str, object]) -> bool:
    """Return whether a profile of `values` would have no address, not even from `[defaults]`."""
    if {"base_url", "instance", "extends"} & values.keys():
        return False
    with app.editing(dry_run=True) as draft:
        return not any({"base_url", "instance"} & draft.table(path, ("defaults",)).keys() for path in draft.paths)


def _ask_address(app: App, console: Console, *, allow_insecure: bool) -> str:
    """Ask until the answer is an address that may get credentials. The address of any page of the instance will do.

    Raises HostNotAllowed for a host that would need an entry in `allowed_hosts`.
    """
    offered = ""
    while True:
        example = f" [{offered}]" if offered else ", such as https://acme.omniapp.co"
        text = _answer(console, f"the address you use to log in{example}: ") or offered
        offered = ""
        try:
            origin = Origin.parse(text)
        except NotAnOrigin as problem:
            if not problem.suggestion or "://" not in text:
                console.say(f"the base URL {problem}" if text else "an address is needed")
                # Other Omni tools ask for the organization's name alone, so a user may type that.
                name = re.fullmatch(r"[a-z0-9][a-z0-9-]*", text.lower())
                offered = f"https://{text.lower()}.omniapp.co" if name else problem.suggestion or ""
                continue
            origin = Origin.parse(problem.suggestion)
            console.say(f"using `{origin}`: a base URL ends after the host")
        refusal = origin.refusal(app.config.settings.allowed_hosts, allow_insecure=allow_insecure)
        if refusal is None:
            return str(origin)
        if refusal == "insecure-url":
            allowing_it = "; `--allow-insecure` allows it for this machine" if origin.is_loopback else ""
            console.say(f"`{origin}` is plain http, and credentials are only sent over https{allowing_it}")
            offered = f"https://{origin.host}" if origin.is_omni else ""
            continue
        message, hint = not_allowed(origin.host)
        if (host := meant_host(origin.host)) is None:
            raise HostNotAllowed(message, hint=hint)
        console.say(message)
        offered = f"https://{host}"


def _answer(console: Console, question: str) -> str:
    """Ask, and ask again if the answer is a key: erase it from the screen, since it is asked for later, hidden.

    A key has one of the known shapes, or is a long word of digits and letters in both cases.
    """
    while True:
        answer = console.ask(question).strip()
        unknown = re.fullmatch(r"(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9_+/=]{20,}", answer)
        if masked(answer) == answer and not unknown:
            return answer
        console.erase_answer(question, answer)
        console.say("that looks like a key: you will be asked for it later, hidden")
