"""`omniprofile use`: make a profile active, and warn if this shell does not see it."""

import argparse

from omniprofile.app import App, ProfileRequest
from omniprofile.cli.arguments import Help, add_flag, add_json, add_yes
from omniprofile.cli.ask_instances import ask_instances
from omniprofile.cli.commands.current import shadows_json
from omniprofile.cli.console import Console
from omniprofile.cli.corrected_lines import with_yes
from omniprofile.cli.picker import pick
from omniprofile.config.selection import VARIABLE
from omniprofile.credentials.intent import Intent
from omniprofile.errors import Error, NoProfileSelected, UsageError
from omniprofile.handover.calling_shell import calling_shell, parent_command
from omniprofile.handover.shell_syntax import EVALUATE, switch_script
from omniprofile.model.export_mark import own_values
from omniprofile.model.names import quoted_list
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.variable_names import BASE_URL, TOKENS

PREVIOUS_VARIABLE = "OMNIPROFILE_PREVIOUS"

HELP = Help(
    description="Makes NAME the active profile of all your shells; `-` is the previous one. Only the state file changes. If "
    "`OMNI_PROFILE`, a project pin or a token in the environment hides the switch from this shell, a warning says "
    "so.\n\n"
    "With `--shell` it changes no file: it prints what this shell must evaluate to switch itself alone. The shell "
    "hook evaluates that for you.\n\n"
    "Without NAME, on a terminal, it lets you choose from a list: type to filter it. `OMNIPROFILE_PICKER=fzf` "
    "uses fzf instead, and `OMNIPROFILE_PICKER=list` asks for a number.",
    examples=(
        ("omniprofile use", "choose from all"),
        ("omniprofile use staging", "switch"),
        ("omniprofile use -", "switch back"),
        ("omniprofile use prod --test --yes", "only if its credential works, and without asking"),
        ('eval "$(omniprofile use --shell staging)"', "this shell only"),
    ),
    exits=((5, "the profile does not exist"), (6, "the profile is protected, and was not confirmed")),
    see=("current", "list", "hook"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", metavar="NAME", help="the profile; `-` is the previous one")
    add_flag(parser, "--test", "test the credential first, and switch only if it passes")
    add_flag(parser, "--shell", "switch only this shell: print what it must evaluate")
    add_json(parser)
    add_yes(parser)


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    if args.shell and args.json:
        raise UsageError("`--shell` prints what the shell evaluates, and `--json` a report", hint="give one of them")
    name, here = _target(args, app, console)
    resolution = app.resolve(ProfileRequest.for_profile(name), tell=False)
    app.permit(resolution, Intent("run", "switch to it", with_yes(args), yes=args.yes))
    if args.test:
        (result,) = ask_instances(app, [ProfileRequest.for_profile(name)], interactive=console.interactive)
        if result.error is not None:
            raise result.error
        console.note(f"`{name}` passed the test")
    shown = f"`{name}` ({resolution.origin})" if resolution.origin else f"`{name}`"
    if args.shell or here:
        _switch_shell(app, console, name, shown)
        return
    before, _ = app.state.read()
    _, previous = app.state.activate(name)
    if before == name:
        console.note(f"{shown} is the active profile already")
    else:
        console.note(f"the active profile is now {shown}" + (f", before it was `{before}`" if before else ""))
    why, by = _hiding(app, name) or (None, None)
    if why:
        console.warn(why)
    rivals = _warn_of_rivals(app, console, name)
    if args.json:
        shadows = [{"layer": by.layer.value, "name": str(by.name)}] if by else []
        shadows += shadows_json(rivals)
        console.json({"profile": name, "previous": previous, "effective": not shadows, "shadowed_by": shadows})
    elif by and _evaluated(app) and console.interactive and console.confirm("switch this shell to it as well?"):
        console.give(_script(app, name))


def _switch_shell(app: App, console: Console, name: str, shown: str) -> None:
    """Print the code that switches this shell, and warn if the hook is not there to evaluate it."""
    console.give(_script(app, name))
    if _evaluated(app):
        console.note(f"this shell now uses {shown}; other shells are unchanged")
    elif console.shows_data:
        console.warn(
            "nothing is switched yet: this shell must evaluate what is printed, "
            f"as in {_by_hand(_shell(app), name)}; `omniprofile hook --help` shows how it does so by itself"
        )
    _warn_of_rivals(app, console, name)


def _target(args: argparse.Namespace, app: App, console: Console) -> tuple[str, bool]:
    """Return the profile to switch to, and whether the user picked it for this shell only."""
    if args.name == "":
        raise UsageError("the profile's name is empty", hint="`omniprofile list` shows the names")
    if args.name is None:
        app.require_any()
        return pick(app, console, offer_here=_evaluated(app) and not args.shell)
    if args.name != "-":
        name, provenance = args.name, None
    elif args.shell and (name := app.environment.environ.get(PREVIOUS_VARIABLE)):
        provenance = Provenance(Layer.ENVIRONMENT, PREVIOUS_VARIABLE)
    elif name := app.state.read()[1]:
        provenance = app.state.provenance(2)
    else:
        raise NoProfileSelected("no previous profile to switch back to", hint="`omniprofile use NAME` switches to one")
    app.require(name, provenance)
    return name, False


def _evaluated(app: App) -> bool:
    """Whether the hook's function evaluates what is printed."""
    return app.environment.environ.get("OMNIPROFILE_EVAL") == "1"


def _shell(app: App) -> str:
    return calling_shell(app.environment.environ, parent_command())


def _by_hand(shell: str, name: str) -> str:
    """Return how to switch a shell that has no hook."""
    command = f"omniprofile use --shell {name}"
    return {
        "fish": f"`{command} | source`",
        "powershell": f"`{command} | Out-String | Invoke-Expression`",
        "cmd": f"a batch file that `{command}` is written to",
    }.get(shell, f'`eval "$({command})"`')


def _script(app: App, name: str) -> str:
    """Return the code that switches this shell, marked for the hook's function if that evaluates it."""
    environ, shell = app.environment.environ, _shell(app)
    try:
        previous = app.select().profile
    except Error:
        previous = None
    remove = sorted(own_values(environ) - {"OMNI_PROFILE"})
    previous = previous if previous != name else environ.get(PREVIOUS_VARIABLE)
    return (EVALUATE.format(shell) if _evaluated(app) else "") + switch_script(shell, name, previous, remove)


def _hiding(app: App, name: str) -> tuple[str, Provenance] | None:
    """Return why this shell or folder would not see the switch, and what selects another profile there."""
    environ = app.environment.environ
    try:
        selection = app.select()
    except Error as error:  # the selected profile does not exist: named by a variable, or else by a pin
        variable = Provenance(Layer.ENVIRONMENT, VARIABLE) if environ.get(VARIABLE) else None
        return f"this shell does not see it: {error.message}", variable or Provenance(Layer.PROJECT, "profile")
    by = selection.provenance
    if selection.profile == name:
        return None
    if by.layer is not Layer.ENVIRONMENT:
        return f"this folder does not see it: {by} names `{selection.profile}`", by
    shell = _shell(app)
    how = _by_hand(shell, name)
    if environ.get("OMNIPROFILE_HOOK") == shell:
        how = f"`Use-OmniProfile {name}`" if shell == "powershell" else f"`omniprofile use --shell {name}`"
    set_to = f"`OMNI_PROFILE` is set to `{selection.profile}`"
    return f"this shell does not see it: {set_to}; unset it, or switch this shell with {how}", by


def _warn_of_rivals(app: App, console: Console, name: str) -> list[str]:
    """Warn if this shell would not use the profile's own credential; return the variables it would use instead."""
    environ = app.environment.environ
    own = own_values(environ)
    rivals = [each for each in (*TOKENS, BASE_URL) if environ.get(each) and each not in own]
    if rivals:
        names, verb = quoted_list(rivals, "and"), "is" if len(rivals) == 1 else "are"
        console.warn(
            f"{names} {verb} set in this shell and used in place of the profile's own; unset to use `{name}` as it is"
        )
    return rivals
