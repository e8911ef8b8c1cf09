"""The texts that shells read: the hook's parts and the completions, each a file in its shell's own language."""

import os

SHELLS = ("bash", "zsh", "fish", "powershell")


def text(part: str, shell: str) -> str:
    """One part for one shell, as it is in the file."""
    with open(os.path.join(os.path.dirname(__file__), f"{part}.{shell}"), encoding="utf-8") as file:
        return file.read()
