"""The README's picture: up to date, and only text in boxes."""

import re
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.programs import run_program

ROOT = Path(__file__).parents[2]
PICTURE = ROOT / "man/tour.svg"
VARYING = [(r"\d+&#160;ms(&#160;)*", "N ms "), (r'(x|width|textLength)="[\d.]+"', r'\1=""')]
"""The times have as many digits as a machine takes; the column is padded to the longest, and what follows moves along."""


def _masked(text: str) -> str:
    for pattern, replacement in VARYING:
        text = re.sub(pattern, replacement, text)
    return text


def test_the_picture_shows_what_the_program_shows_now(tmp_path: Path) -> None:
    drawn = tmp_path / "tour.svg"
    run_program([sys.executable, str(ROOT / "man/picture.py"), str(drawn)], check=True)
    now, committed = _masked(drawn.read_text()), _masked(PICTURE.read_text())
    assert now == committed, "draw it again: python man/picture.py"
    shown = " ".join(re.findall(r">([^<]+)<", PICTURE.read_text())).replace("&#160;", " ")
    for words in ("present", "the active profile is now", "not for", "is read-only", "ORG_ADMIN, organization"):
        assert words in shown, words


def test_the_picture_loads_nothing_and_holds_no_key() -> None:
    text = PICTURE.read_text()
    tags = {element.tag.rpartition("}")[2] for element in ET.fromstring(text).iter()}
    assert tags == {"svg", "title", "style", "defs", "clipPath", "rect", "circle", "g", "text"}
    assert "url(#" in text
    assert not re.search(r"url\((?!#)|@import|@font-face", text)
    assert "href" not in text
    assert "omni_osk" not in text
