"""Installs shell integration, for `hook --install` and `completion --install`.

The text goes to a file of its own. If the shell does not load that by itself, one line is added to the shell's start-up file.
Existing content stays, and a second run changes nothing.
"""

import argparse
import os

from omniprofile.app import App
from omniprofile.cli.arguments import add_flag
from omniprofile.cli.console import Console
from omniprofile.cli.editing import write_changes
from omniprofile.cli.shells import SHELLS
from omniprofile.config.editing.replace import Change, Content
from omniprofile.errors import UsageError
from omniprofile.handover.calling_shell import calling_shell, parent_command
from omniprofile.handover.shell_syntax import quote
from omniprofile.model.names import quoted_list
from omniprofile.model.shell_words import quoted_place

_BEGIN = {"zsh": "(( ${+functions[compdef]} )) || { autoload -Uz compinit && compinit; }\n"}
"""The line that zsh needs before a completion. It does nothing if `compdef` already exists."""


def add_shell(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the shell, and `--install`."""
    parser.add_argument(
        "shell", nargs="?", choices=SHELLS, metavar="SHELL", help=f"{quoted_list(SHELLS)} (with --install: this one)"
    )
    add_flag(parser, "--install", f"write {what} to where the shell reads it, and say how to undo that")


def shell_of(args: argparse.Namespace, app: App) -> str:
    """Return the named shell, or with `--install` the calling one. Raises UsageError."""
    if args.shell is not None:
        return str(args.shell)
    environ = app.environment.environ
    calling = calling_shell(environ, parent_command() or os.path.basename(environ.get("SHELL", "")))
    if not args.install or calling not in SHELLS:
        raise UsageError(
            f"`SHELL` is missing: give {quoted_list(SHELLS)}",
            hint=f"`omniprofile {args.command} --help` shows how to use it",
        )
    return calling


def print_or_install(args: argparse.Namespace, app: App, console: Console, shell: str, text: str) -> None:
    """Print `text`, a shell's `hook` or `completion`, or with `--install` write it, and say what changed and how to undo it.

    Raises NotWritten if a file cannot be written, after printing the change to stderr.
    """
    part = args.command
    if not args.install:
        console.give(text)
        return
    if shell == "powershell":
        console.say(
            f"add this line to the file that `$PROFILE` names, and remove it to undo that:\n"
            f"  omniprofile {part} powershell | Out-String | Invoke-Expression"
        )
        return
    path, start = _places(app, part, shell)
    changes = [Change(Content.read(path), text.encode())]
    line = ""
    if start is not None:
        before = Content.read(start)
        line = f"[ ! -r {quote(shell, path)} ] || . {quote(shell, path)}"
        old = before.text
        if line not in old.splitlines():
            needs = _BEGIN.get(shell, "") if part == "completion" else ""
            lines = f"{'' if not old or old.endswith(chr(10)) else chr(10)}{needs}{line}\n"
            changes.append(Change(before, (before.content or b"") + lines.encode()))
    changes = [change for change in changes if change.before.content != change.after]
    write_changes(changes, console)
    for change in changes:
        console.say(f"`{change.path}` {'changed' if change.before.content else 'written'}")
    if not changes:
        console.say(f"nothing to change: the {part} is installed for {shell} already")
    undo = f"remove the line `{line}` from `{start}`, and " if start else ""
    console.say(f"to undo: {undo}run `rm {quoted_place(path)}`")
    if changes:
        console.say(f"a new {shell} uses it")


def _places(app: App, part: str, shell: str) -> tuple[str, str | None]:
    """Return the file for the text, and the start-up file that must load it, or None if the shell finds it by itself."""
    environ, home = app.environment.environ, app.places.home

    def folder(variable: str, default: str) -> str:
        given = environ.get(variable, "")
        return given if os.path.isabs(given) else os.path.join(home, default)

    if shell == "fish":
        where = "conf.d" if part == "hook" else "completions"
        return os.path.join(folder("XDG_CONFIG_HOME", ".config"), "fish", where, "omniprofile.fish"), None
    data = folder("XDG_DATA_HOME", os.path.join(".local", "share"))
    if shell == "bash" and part == "completion":
        return os.path.join(data, "bash-completion", "completions", "omniprofile"), None
    start = os.path.join(home, ".bashrc") if shell == "bash" else os.path.join(folder("ZDOTDIR", ""), ".zshrc")
    return os.path.join(data, "omniprofile", f"{part}.{shell}"), os.path.normpath(start)
