"""`omniprofile hook`: what a shell reads at its start, so that it can be switched alone. Static text: nothing runs by itself."""

import argparse
import os

from omniprofile.app import App
from omniprofile.cli.console import Console
from omniprofile.cli.exits import DONE
from omniprofile.errors import UsageError

SHELLS = ("bash", "zsh", "fish", "powershell")
_TEXTS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "shells")

_INSTALL = """\
Write it to a file once, and again after an upgrade; at its start the shell then reads that file and starts no process:

  bash        omniprofile hook bash > ~/.omniprofile.bash
              echo '. ~/.omniprofile.bash' >> ~/.bashrc
  zsh         omniprofile hook zsh > ~/.omniprofile.zsh
              echo '. ~/.omniprofile.zsh' >> ~/.zshrc
  fish        omniprofile hook fish > ~/.config/fish/conf.d/omniprofile.fish
  powershell  omniprofile hook powershell > $HOME/omniprofile.ps1
              Add-Content $PROFILE '. $HOME/omniprofile.ps1'

Then `omniprofile use --shell NAME` switches this shell alone, and `omniprofile use --shell -` back. In PowerShell, whose
functions cannot pass every argument on, that is `Use-OmniProfile NAME`.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.epilog = _INSTALL
    parser.add_argument("shell", choices=SHELLS, help="the shell to print it for")
    parser.add_argument(
        "--wrap-omni", action="store_true", help="let `omni` be run with the credential of the profile in use"
    )


def run(args: argparse.Namespace, app: App, console: Console) -> int:
    """Print the hook, and the parts of it that are asked for."""
    parts = ["hook"]
    if args.wrap_omni:
        if args.shell == "powershell":
            raise UsageError(
                "`--wrap-omni` is not for PowerShell, whose functions cannot pass every argument on",
                hint="run `omniprofile exec -- omni …` there",
            )
        parts.append("omni")
    console.data("".join(_text(part, args.shell) for part in parts))
    return DONE


def _text(part: str, shell: str) -> str:
    with open(os.path.join(_TEXTS, f"{part}.{shell}"), encoding="utf-8") as file:
        return file.read()
