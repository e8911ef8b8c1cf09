"""The lines of plain files are those that the parser with columns finds."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniprofile.config.document import Document
from omniprofile.config.lines import plain_lines

GOOD = sorted((Path(__file__).parents[1] / "corpus/good").rglob("*.toml"))


def _paths(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))


def _agree(document: Document) -> bool:
    """Whether the file is a plain one; its lines must be the parser's then."""
    assert document.data is not None
    for path in _paths(document.data):
        assert document.line(path) == document.position(path).line, path
    return plain_lines(document.text) is not None


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_lines_agree_on_files_as_people_write_them(path: Path) -> None:
    _agree(Document.read(str(path)))


def test_most_files_as_people_write_them_are_plain() -> None:
    plain = sum(_agree(Document.read(str(path))) for path in GOOD)
    assert plain > len(GOOD) / 3


LINES = [
    "", "# x", "[a]", "[a.b]", "  [ c ]  # x", "[c.d.e]", 'x = "1"', "y = '#'", 'z = "a # b" # c', "n = -1_0.5", "t = true",
    "l = ['a', \"b\" ,]", 'i = { p = "1", q = [1, 2] }', "e = {}", "x = 1\r", '"q" = 1', "p.q = 1", "m = '''\n[a]\nx = 1\n'''",
    'm = """\n[z]\n"""', "m = [\n1,\n]", 's = "\\n"', "[[arr]]", "x = 1979-05-27",
]  # fmt: skip


@given(st.lists(st.sampled_from(LINES), max_size=9))
@settings(max_examples=400, deadline=None)
def test_lines_agree_on_whatever_lines_make_a_file(lines: list[str]) -> None:
    document = Document.parse("p.toml", "\n".join(lines).encode())
    if document.data is not None:
        _agree(document)
