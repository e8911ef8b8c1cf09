"""`omniprofile completion`: print a shell's completion script, generated from the parser so that it stays current."""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help
from omniprofile.cli.console import Console
from omniprofile.cli.install import add_shell, print_or_install, shell_of
from omniprofile.cli.shells import text
from omniprofile.handover.shell_syntax import quote

_PLACE = "@@TABLE@@\n"

HELP = Help(
    description="Prints the completion script for a shell. It completes commands, options, the names of profiles with a short "
    "description, the keys of `set` and the codes of `lint`. Pressing TAB never resolves or unlocks anything.\n\n"
    "`--install` writes the script to where the shell looks for it, and says what it changed and how to undo "
    "that. Run it again after an upgrade.",
    examples=(
        ("omniprofile completion --install", "for the shell that you type this in"),
        ("omniprofile completion bash > ~/.local/share/bash-completion/completions/omniprofile", "bash, once"),
        ("omniprofile completion zsh > ~/.zfunc/_omniprofile", "zsh, in a folder of its `fpath`"),
        ("omniprofile completion fish > ~/.config/fish/completions/omniprofile.fish", "fish, once"),
        ('eval "$(omniprofile completion bash)"', "or for this shell alone"),
    ),
    see=("hook",),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_shell(parser, "it")


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    from omniprofile.cli.completion_table import rows

    shell = shell_of(args, app)
    head, row, tail = _SYNTAX[shell]
    shared = text("completion", "posix") if shell in ("bash", "zsh") else ""
    lines = [row.format(*(quote(shell, cell) for cell in each)) for each in rows()]
    completion = text("completion", shell).replace(_PLACE, f"{head}{''.join(lines)}{tail}\n{shared}")
    print_or_install(args, app, console, shell, completion)


_COMMENT = "# What a command takes: options with what they do, the kinds of their values, the kinds of its operands.\n"
_POSIX = (
    f"{_COMMENT}function __omniprofile_table {{\n  case $1 in\n",
    "    ({0})\n      options={1}\n      takes={2}\n      operands={3}\n      ;;\n",
    "    (*) return 1 ;;\n  esac\n}\n",
)
_FISH = (
    f"{_COMMENT}function __omniprofile_table --argument-names command\n    switch $command\n",
    "        case {0}\n            printf '%s\\0' {1} {2} {3} | string split0\n",
    "        case '*'\n            return 1\n    end\nend\n",
)
_POWERSHELL = (
    f"{_COMMENT}$global:__omniprofile_table = New-Object System.Collections.Hashtable ([StringComparer]::Ordinal)\n",
    "$global:__omniprofile_table[{0}] = @({1}, {2}, {3})\n",
    "",
)
_SYNTAX = {"bash": _POSIX, "zsh": _POSIX, "fish": _FISH, "powershell": _POWERSHELL}
