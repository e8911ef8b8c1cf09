"""The shell scripts: the parts of the hook and the completions, one file per part and shell."""

import os

SHELLS = ("bash", "zsh", "fish", "powershell")


def text(part: str, shell: str) -> str:
    """Return one part for one shell, unchanged from its file."""
    with open(os.path.join(os.path.dirname(__file__), f"{part}.{shell}"), encoding="utf-8") as file:
        return file.read()
