"""`omniprofile hook`: print the start-up code that lets one shell be switched alone. Static text that starts no process."""

import argparse

from omniprofile.app import App
from omniprofile.cli.arguments import Help, add_flag
from omniprofile.cli.console import Console
from omniprofile.cli.install import add_shell, print_or_install, shell_of
from omniprofile.cli.shells import text
from omniprofile.errors import UsageError

HELP = Help(
    description="Prints what a shell reads at its start, so that `omniprofile use --shell NAME` switches that shell alone, "
    "with no `eval` around it.\n\n"
    "`--install` writes it to a file, lets the shell read that at its start, and says what it changed and how to undo that; "
    "run it again after an upgrade. No process is started then. "
    "PowerShell cannot pass every argument on from a function, so that `omniprofile` stays as it is there "
    "and the switch is `Use-OmniProfile NAME`.\n\n"
    "With `--prompt` the current profile stands before the prompt: `(omni staging)`, `(omni prod, protected, read-only)`, a "
    "protected one in yellow; a `?` is what the shell cannot know without a process, until the next omniprofile command. For "
    "another place, put `$OMNIPROFILE_SEGMENT` into your own prompt.\n\n"
    "With `--wrap-omni` the `omni` that you type keeps the rules of `exec`, and `omni -p NAME` is `exec NAME -- omni`; help and "
    "completion need no credential. It is a function of this shell: scripts, `xargs` and `timeout` start the program itself, "
    "with its own config. Run those by `omniprofile exec -- …`, and empty that config by `omniprofile import omni-cli --scrub`.",
    examples=(
        ("omniprofile hook --install --prompt", "for the shell that you type this in, with the profile in its prompt"),
        ("omniprofile hook bash > ~/.omniprofile.bash", "then `. ~/.omniprofile.bash` in `~/.bashrc`"),
        ("omniprofile hook zsh > ~/.omniprofile.zsh", "then `. ~/.omniprofile.zsh` in `~/.zshrc`"),
        ("omniprofile hook fish > ~/.config/fish/conf.d/omniprofile.fish", "nothing more"),
        ("omniprofile hook powershell > ~/omniprofile.ps1", "then `. ~/omniprofile.ps1` in `$PROFILE`"),
        ("omniprofile hook bash --prompt", "and the prompt shows the current profile"),
        ("omniprofile hook bash --wrap-omni", "and `omni` runs through `exec`; `omni -p NAME` as `exec NAME -- omni`"),
    ),
    see=("use", "completion"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    add_shell(parser, "the hook")
    add_flag(parser, "--prompt", "show the current profile in the prompt")
    add_flag(parser, "--wrap-omni", "make `omni` run with the credential of the current profile")


def run(args: argparse.Namespace, app: App, console: Console) -> None:
    shell = shell_of(args, app)
    language = "posix" if shell in ("bash", "zsh") else shell
    parts = [("hook", language)]
    if args.wrap_omni:
        if shell == "powershell":
            raise UsageError(
                "`--wrap-omni` is not for PowerShell, whose functions cannot pass every argument on",
                hint="run `omniprofile exec -- omni …` there",
            )
        parts.append(("omni", language))
    if args.prompt:
        if shell == "powershell":
            raise UsageError(
                "the prompt is not available for PowerShell", hint="`omniprofile current` prints the current profile"
            )
        parts += dict.fromkeys([("prompt", language), ("prompt", shell)])
    hook = "".join(text(part, own) for part, own in parts)
    print_or_install(args, app, console, shell, hook)
