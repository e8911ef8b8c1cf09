"""`omniprofile hook`: what a shell reads at its start, so that it can be switched alone. Static text: nothing runs by itself."""

import argparse

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.cli.registry import Help
from omniprofile.cli.shells import SHELLS, text
from omniprofile.errors import UsageError

HELP = Help(
    description="Prints what a shell reads at its start, so that `omniprofile use --shell NAME` switches that shell alone, "
    "with no `eval` around it.\n\n"
    "Write it to a file once, and again after an upgrade, and let the shell read that file at its start: no process is "
    "started then. PowerShell cannot pass every argument on from a function, so that `omniprofile` stays as it is there "
    "and the switch is `Use-OmniProfile NAME`.\n\n"
    "With `--prompt` the profile in use stands before the prompt: `(omni staging)`, `(omni prod, protected)`; a `?` is "
    "what the shell cannot know without a process, until the next omniprofile command. For another place, put "
    "`$OMNIPROFILE_SEGMENT` into your own prompt.\n\n"
    "With `--wrap-omni` the `omni` that you type keeps the rules of `exec`, and `omni -p NAME` is `exec NAME -- omni`; help and "
    "completion need no credential. It is a function of this shell: scripts, `xargs` and `timeout` start the program itself, "
    "with its own config. Run those by `omniprofile exec -- …`, and empty that config by `omniprofile import omni-cli --scrub`.",
    examples=(
        ("omniprofile hook bash > ~/.omniprofile.bash", "then `. ~/.omniprofile.bash` in `~/.bashrc`"),
        ("omniprofile hook zsh > ~/.omniprofile.zsh", "then `. ~/.omniprofile.zsh` in `~/.zshrc`"),
        ("omniprofile hook fish > ~/.config/fish/conf.d/omniprofile.fish", "nothing more"),
        ("omniprofile hook powershell > ~/omniprofile.ps1", "then `. ~/omniprofile.ps1` in `$PROFILE`"),
        ("omniprofile hook bash --prompt", "and the prompt shows the current profile"),
        (
            "omniprofile hook bash --wrap-omni",
            "and `omni` runs through `exec`; `omni -p NAME` as `exec NAME -- omni`",
        ),
    ),
    see=("use", "completion"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("shell", choices=SHELLS, help="the shell to print it for")
    parser.add_argument("--prompt", action="store_true", help="show the current profile before the prompt")
    parser.add_argument(
        "--wrap-omni", action="store_true", help="let `omni` be run with the credential of the current profile"
    )


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the hook, and the parts of it that are asked for."""
    parts = [("hook", args.shell)]
    if args.wrap_omni:
        if args.shell == "powershell":
            raise UsageError(
                "`--wrap-omni` is not for PowerShell, whose functions cannot pass every argument on",
                hint="run `omniprofile exec -- omni …` there",
            )
        parts.append(("omni", "posix" if args.shell in ("bash", "zsh") else args.shell))
    if args.prompt:
        if args.shell == "powershell":
            raise UsageError(
                "there is no prompt for PowerShell", hint="`omniprofile current` prints the current profile"
            )
        parts += [("prompt", "posix")] if args.shell in ("bash", "zsh") else []
        parts.append(("prompt", args.shell))
    console.give("".join(text(part, language) for part, language in parts))
    return DONE
