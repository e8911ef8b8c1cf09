"""`omniprofile use`: make a profile the active one, and say whether this shell will see it."""

import argparse

from omniprofile.app import App, Call
from omniprofile.cli.confirmation import confirm_protected
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.parser import add_json, add_yes
from omniprofile.cli.picker import pick
from omniprofile.errors import Error, NoProfileSelected, UsageError
from omniprofile.handover.process import parent_command
from omniprofile.handover.shells import guess_shell, switch_script
from omniprofile.model.exported import exported, own_values
from omniprofile.model.names import quoted_list
from omniprofile.model.provenance import Layer

PREVIOUS_VARIABLE = "OMNIPROFILE_PREVIOUS"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="the profile; `-` is the previous one")
    parser.add_argument("--test", action="store_true", help="test the credential first, and switch only if it passes")
    parser.add_argument("--shell", action="store_true", help="print what this shell must evaluate to switch it alone")
    add_json(parser)
    add_yes(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Switch, after the checks that were asked for."""
    name = _target(args, app, console)
    app.require(name)
    confirm_protected(app, console, name, "switch to it", yes=args.yes)
    if args.test:
        _require_ok(app, console, name)
    if args.shell:
        console.data(_script(app, name))
        return DONE
    before = app.state.read().active
    after = app.state.activate(name)
    shadows = _shadows(app, name)
    origin = app.resolve(Call.for_profile(name), tell=False).origin
    where = f" ({origin})" if origin else ""
    if before == name:
        console.note(f"`{name}`{where} is the active profile already")
    else:
        console.note(f"the active profile is now `{name}`{where}" + (f", before it was `{before}`" if before else ""))
    for sentence in shadows:
        console.warn(sentence)
    if args.json:
        console.json({"profile": name, "previous": after.previous, "effective": not shadows, "shadowed_by": shadows})
    return DONE


def _target(args: argparse.Namespace, app: App, console: Console) -> str:
    if args.name == "":
        raise UsageError("the profile's name is empty", hint="`omniprofile list` shows the names")
    if args.name is None:
        if not app.config.profiles:
            raise NoProfileSelected("no profile is defined yet", hint="run `omniprofile init` to make the first one")
        return pick(app, console)
    if args.name != "-":
        return str(args.name)
    previous = app.outside.environ.get(PREVIOUS_VARIABLE) if args.shell else None
    previous = previous or app.state.read().previous
    if not previous:
        raise NoProfileSelected("there is no previous profile", hint="`omniprofile use NAME` switches to one")
    return previous


def _require_ok(app: App, console: Console, name: str) -> None:
    from omniprofile.cli.commands.test import check, error_of

    (result,) = check(app, [Call.for_profile(name)], interactive=console.interactive)
    if (error := error_of(result)) is not None:
        raise error
    console.note(f"`{name}` passed the test")


def _script(app: App, name: str) -> str:
    environ = app.outside.environ
    shell = guess_shell(parent_command(), environ.get("OMNIPROFILE_SHELL"))
    try:
        previous = app.select().profile
    except Error:
        previous = None
    before = exported(environ)
    remove = [variable for variable in (before.names if before else ()) if variable != "OMNI_PROFILE"]
    return switch_script(shell, name, previous if previous != name else environ.get(PREVIOUS_VARIABLE), remove)


def _shadows(app: App, name: str) -> list[str]:
    """Why this shell would not see the switch, or would not use the profile's own credential: one sentence each."""
    sentences = []
    environ = app.outside.environ
    try:
        selection = app.select()
    except Error as error:
        sentences.append(f"this shell does not see it: {error.message}")
    else:
        if selection.provenance.layer is Layer.ENVIRONMENT and selection.profile != name:
            sentences.append(
                f"this shell does not see it: `OMNI_PROFILE` is set to `{selection.profile}`; "
                f'unset it, or switch this shell with `eval "$(omniprofile use --shell {name})"`'
            )
        elif selection.profile != name:
            sentences.append(f"this folder does not see it: {selection.provenance} names `{selection.profile}`")
    own = own_values(environ)
    rivals = [v for v in ("OMNI_API_TOKEN", "OMNI_API_KEY", "OMNI_BASE_URL") if environ.get(v) and v not in own]
    if rivals:
        verb = "is" if len(rivals) == 1 else "are"
        names = quoted_list(rivals).replace(" or ", " and ")
        sentences.append(
            f"{names} {verb} set in this shell and used in place of the profile's own; unset to use `{name}` as it is"
        )
    return sentences
