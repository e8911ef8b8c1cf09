"""Draw `man/tour.svg`: `python man/picture.py [FILE]` runs real commands on a terminal and draws what they showed.

Two stand-ins of Omni run on loopback while it lasts; ports and times of answer differ from run to run, and nothing else does.
The picture has no font and no picture of another place in it.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

import pexpect

from omniprofile.standin.server import Standin

HERE = Path(__file__).parent
COLUMNS = 112
STEPS = (
    "omniprofile list",
    "omniprofile use staging",
    "omniprofile explain",
    "omniprofile exec -- sh -c 'echo $OMNI_BASE_URL with a token of ${{#OMNI_API_TOKEN}} characters'",
    "omniprofile token staging --base-url {prod}",
    "omniprofile test --all",
)
PROFILES = """\
version = 1

[instances.acme]
base_url = "{prod}"
allow_insecure = true
[instances.acme-staging]
base_url = "{staging}"
allow_insecure = true

[profiles.prod]
description = "Production, my own login"
instance = "acme"
protected = true
expect = {{ org_role = "ORG_ADMIN" }}

[profiles.staging]
description = "For everything that may break"
instance = "acme-staging"
"""
_WIDE, _HIGH, _MARGIN = 8.0, 18, 14
_FONTS = "ui-monospace,SFMono-Regular,Menlo,Consolas,DejaVu Sans Mono,monospace"
_COLOURS = {"1": "#ffffff", "2": "#8b949e", "31": "#ff7b72", "32": "#7ee787", "33": "#e3b341"}


def lines() -> list[str]:
    """What a terminal shows after the steps, one string for a line, with its colours."""
    with tempfile.TemporaryDirectory(prefix="op-") as folder, Standin() as prod, Standin() as staging:
        keys = {"prod": "omni_osk_picture_p", "staging": "omni_osk_picture_s"}
        prod.add_key(keys["prod"], role="ORG_ADMIN")
        staging.add_key(keys["staging"], role="MEMBER")
        urls = {"prod": prod.base_url, "staging": staging.base_url}
        config = Path(folder, ".config/omniprofile/profiles.toml")
        config.parent.mkdir(parents=True)
        config.write_text(PROFILES.format(**urls))
        binary = Path(folder, "bin/omniprofile")
        binary.parent.mkdir()
        binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m omniprofile "$@"\n')
        binary.chmod(0o755)
        environ = {"HOME": folder, "PATH": f"{binary.parent}:{os.environ['PATH']}", "TERM": "xterm-256color"}
        environ |= {"LANG": "C.UTF-8", "OMNIPROFILE_SECRET_STORE": "file"}
        for name, key in keys.items():
            _run(f"printf %s {key} | omniprofile -q login {name}", environ, folder)
        shown: list[str] = []
        for step in STEPS:
            command = step.format(**urls)
            shown += ["\x1b[32m$\x1b[0m " + f"\x1b[1m{command}\x1b[0m", *_run(command, environ, folder), ""]
        return shown[:-1]


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
    """The lines as a picture. Each piece of text stands at its own column, so that any font of one width will do."""
    shown = [piece for line in shown for piece in _folded(line)]
    width, height = COLUMNS * _WIDE + 2 * _MARGIN, len(shown) * _HIGH + 2 * _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" width="{width:g}" height="{height}">',
        "<title>omniprofile on a terminal: list, use, explain, exec, a refused token, test</title>",
        f'<rect width="{width:g}" height="{height}" rx="8" fill="#0d1117"/>',
        f'<g font-family="{_FONTS}" font-size="13" fill="#c9d1d9">',
    ]
    for number, line in enumerate(shown):
        y = _MARGIN + number * _HIGH + 13
        for column, text, colour in _pieces(line):
            style = f' fill="{_COLOURS[colour]}"' if colour else ""
            weight = ' font-weight="bold"' if colour == "1" else ""
            size = f'x="{_MARGIN + column * _WIDE:g}" y="{y}" textLength="{len(text) * _WIDE:g}"'
            parts.append(f'<text {size} xml:space="preserve"{style}{weight}>{escape(text, quote=False)}</text>')
    return "\n".join([*parts, "</g>", "</svg>"]) + "\n"


def _folded(line: str) -> list[str]:
    """A line as the terminal shows it: gone on in the next where it is too long. Only plain lines ever are."""
    if len(re.sub(r"\x1b\[\d*m", "", line)) <= COLUMNS:
        return [line]
    pieces = [piece for piece in re.split(r"(\x1b\[\d*m)", line) if piece]
    folded, room, colour = [""], COLUMNS, ""
    for piece in pieces:
        if piece.startswith("\x1b"):
            colour = piece
            folded[-1] += piece
            continue
        rest = piece
        while len(rest) > room:
            folded[-1] += rest[:room] + "\x1b[0m"
            folded.append(colour)
            rest, room = rest[room:], COLUMNS
        folded[-1] += rest
        room -= len(rest)
    return folded


def _pieces(line: str) -> Iterator[tuple[int, str, str]]:
    """Column, text and colour of each piece of a line; runs of spaces are left out."""
    column, colour = 0, ""
    for piece in re.split(r"(\x1b\[\d*m)", line):
        if piece.startswith("\x1b"):
            colour = piece[2:-1].strip("0")
            continue
        for word in re.finditer(r"\S+(?: \S+)*", piece):
            yield column + word.start(), word[0], colour
        column += len(piece)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "tour.svg"
    target.write_text(svg(lines()), encoding="utf-8")
