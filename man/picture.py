"""Draw `man/tour.svg`: `python man/picture.py [FILE]` runs real commands on a terminal, and rich draws what they showed.

Stand-ins of Omni answer for the addresses while it lasts; times of answer differ from run to run, and nothing else does. The
picture loads nothing from elsewhere, fonts included.
"""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pexpect
from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from omniprofile.standin.relay import Relay
from omniprofile.standin.server import Standin

HERE = Path(__file__).parent
COLUMNS = 104
STEPS = (
    ("Profiles, and which one is active", "omniprofile list"),
    ("One word switches", "omniprofile use staging"),
    (
        "A command gets the credential of the current profile",
        """omniprofile exec -- sh -c 'echo "$OMNI_BASE_URL, with a token"'""",
    ),
    ("A key goes to its own host, and nowhere else", "omniprofile token staging --base-url https://acme.omniapp.co"),
    ("An agent may read, and not write", "omniprofile exec agent -- ./delete-model"),
    ("All of them, tried at once", "omniprofile test --all"),
)
KEYS = {"prod": "omni_osk_picture_p", "staging": "omni_osk_picture_s", "agent": "omni_osk_picture_a"}
PROFILES = """\
version = 1
[instances.acme]
base_url = "https://acme.omniapp.co"
[instances.acme-staging]
base_url = "https://acme-staging.omniapp.co"
[profiles.prod]
description = "Production"
instance = "acme"
protected = true
[profiles.staging]
description = "For everything that may break"
instance = "acme-staging"
[profiles.agent]
description = "For the assistant"
instance = "acme"
access = "read-only"
"""
AGENT = f"""\
#!{sys.executable}
import os, httpx
headers = {{"Authorization": "Bearer " + os.environ["OMNI_API_TOKEN"]}}
print(httpx.delete(os.environ["OMNI_BASE_URL"] + "/api/v1/models/1", headers=headers).text)
"""
THEME = TerminalTheme(
    (13, 17, 23),
    (201, 209, 217),
    [(13, 17, 23), (255, 123, 114), (126, 231, 135), (227, 179, 65)] + [(139, 148, 158)] * 4,
)
SHAPE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>omniprofile in a terminal: list, use, exec, a refused token, a read-only agent, test</title>
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: {char_height}px; \
line-height: {line_height}px; font-variant-east-asian: full-width; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" /></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""As rich has it, without the fonts that it would load."""


def lines() -> Iterator[str]:
    """Yield what a terminal shows, line by line, with its colours and a caption over each command."""
    with (
        tempfile.TemporaryDirectory(prefix="op-") as folder,
        Standin() as prod,
        Standin() as staging,
        Relay({"acme.omniapp.co": prod, "acme-staging.omniapp.co": staging}) as relay,
    ):
        for name, key in KEYS.items():
            (staging if name == "staging" else prod).add_key(key, role="MEMBER" if name == "staging" else "ORG_ADMIN")
        config = Path(folder, ".config/omniprofile/profiles.toml")
        config.parent.mkdir(parents=True)
        config.write_text(PROFILES)
        binary = Path(folder, "bin/omniprofile")
        binary.parent.mkdir()
        binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m omniprofile "$@"\n')
        agent = Path(folder, "delete-model")
        agent.write_text(AGENT)
        for program in (binary, agent):
            program.chmod(0o755)
        environ = {"HOME": folder, "PATH": f"{binary.parent}:{os.environ['PATH']}", "TERM": "xterm-256color"}
        environ |= {"LANG": "C.UTF-8", "OMNIPROFILE_SECRET_STORE": "file", **relay.environ}
        for name, key in KEYS.items():
            _run(f"printf %s {key} | omniprofile -q login {name}", environ, folder)
        for caption, command in STEPS:
            yield f"\x1b[2m# {caption}\x1b[0m"
            yield f"\x1b[32m$\x1b[0m \x1b[1m{command}\x1b[0m"
            yield from _run(command, environ, folder)
            yield ""


def _run(command: str, environ: dict[str, str], folder: str) -> list[str]:
    child = pexpect.spawn(
        "/bin/sh", ["-c", command], env=environ, cwd=folder, dimensions=(60, COLUMNS), encoding="utf-8", timeout=60
    )
    text = str(child.read())
    child.close()
    # A line that says how far the work is writes over itself: what stays is what follows the last such writing.
    shown = text.replace(folder, "~").replace("\r\n", "\n").removesuffix("\n").split("\n")
    return [line.rpartition("\x1b[K")[2] for line in shown]


def svg(shown: list[str]) -> str:
    """Return the lines as a picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in shown:
        console.print(Text.from_ansi(line), soft_wrap=False)
    return console.export_svg(title="omniprofile", theme=THEME, code_format=SHAPE, unique_id="tour")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "tour.svg"
    target.write_text(svg(list(lines())[:-1]), encoding="utf-8")
