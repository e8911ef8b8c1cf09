"""A TOML file as data and positions: arbitrary bytes in bounded time, exact positions, several syntax errors in one run."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniprofile.config.toml.parse import DEEPEST, Position
from omniprofile.config.toml.text import Document
from omniprofile.model.rule_codes import Code

CORPUS = Path(__file__).parents[2] / "corpus"
FILES = sorted(CORPUS.glob("*/*.toml"))


def _at(document: Document, place: Position) -> str:
    return document.lines[place.line - 1][place.column - 1 :]


def _walk(data: object, path: tuple[str | int, ...] = ()):
    if isinstance(data, dict):
        for key, value in data.items():
            yield (*path, key), value
            yield from _walk(value, (*path, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield (*path, index), value
            yield from _walk(value, (*path, index))


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_key_and_scalar_of_the_corpus_is_where_its_position_says(path: Path) -> None:
    document = Document.parse(str(path), path.read_bytes())
    for key, value in _walk(document.data or {}):
        if isinstance(key[-1], str):
            word = document.word(document.position(key))
            assert tomllib.loads(f"{word} = 0") == {key[-1]: 0}, (key, word)
        written = _at(document, document.value_position(key))
        if (isinstance(value, str) and not written.startswith(('"""', "'''"))) or isinstance(value, bool | int | float):
            assert tomllib.loads(f"x = {document.word(document.value_position(key))}") == {"x": value}, key
        elif isinstance(value, list) and not isinstance(value[0] if value else 0, dict):
            assert written.startswith("["), key


@pytest.mark.parametrize(
    ("text", "path", "key", "value"),
    [
        ('a = 1', ("a",), (1, 1), (1, 5)),
        ('  a = 1  # b', ("a",), (1, 3), (1, 7)),
        ('a = "x"# b', ("a",), (1, 1), (1, 5)),
        ('"ä" = "ö"\nb = 1', ("b",), (2, 1), (2, 5)),
        ('x = { "ä" = 1, b = "ö", c = 2 }', ("x", "c"), (1, 25), (1, 29)),
        ('[a.b]\nc = 1', ("a", "b"), (1, 4), (1, 4)),
        ('[a.b]\nc = 1', ("a",), (1, 2), (1, 2)),
        ('a.b . c = 1', ("a", "b", "c"), (1, 7), (1, 11)),
        ('[a]\nb = [1,\n  [2, "x"],  # c\n  3]', ("a", "b", 1, 1), (3, 7), (3, 7)),
        ('[[a]]\nb = 1\n[[a]]\nb = 2', ("a", 1, "b"), (4, 1), (4, 5)),
        ('[[a]]\n[a.b]\nc = 1\n[[a]]\n[a.b]\nc = 2', ("a", 1, "b", "c"), (6, 1), (6, 5)),
        ('[a]\nb = 1', ("a", "nope", "deeper"), (1, 2), (1, 2)),
        ('', ("a",), (1, 1), (1, 1)),
        ('a = """\nx\n"""\nb = 1', ("b",), (4, 1), (4, 5)),
        ('a = 1\r\n\r\nb = 2\r\n', ("b",), (3, 1), (3, 5)),
        ('"a\\u0062" = 1', ("ab",), (1, 1), (1, 13)),
    ],
)  # fmt: skip
def test_positions(text: str, path: tuple[str | int, ...], key: tuple[int, int], value: tuple[int, int]) -> None:
    document = Document.parse("f.toml", text.encode())
    assert document.position(path) == Position(*key)
    assert document.value_position(path) == Position(*value)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a = \nb = 1\nc = \n", [1, 3]),
        ("[a\nb = \n[c]\nd = \n", [1, 2, 4]),
        ("a = 'x\nb = \n", [1, 2]),
        ("a = 1\na = 2\nb = 1\nb = 2\n", [2, 4]),
        ("[a]\n[b]\n[a]\n", [3]),
        ('a = """\nb = \n', [2]),
        ("a = [\nb = \n", [1, 2]),
    ],
)
def test_several_errors_are_found_in_one_run(text: str, lines: list[int]) -> None:
    found = Document.parse("f.toml", text.encode()).findings
    assert [finding.line for finding in found] == lines
    assert {finding.code for finding in found} == {Code.SYNTAX}


def test_no_more_than_twenty_are_reported() -> None:
    assert len(Document.parse("f.toml", b"a = \n" * 500).findings) == 20


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a = “x”", "curly quotes"), ("a: 1", "with `=`"), ("a = True", "`true` or `false`"), ("a = null", "leave the key out"),
        ("a =", "give the key a value"), ("a = x", "into quotes"), ('a = "\\x"', "single quotes"), ('a = "x', "close the quote"),
        ("a = 'x", "close the quote"), ("a = { b = 1,", "stands on one line"), ("a = [1", "end the array"),
        ("<<<<<<< HEAD", "merge conflict"), ("a b = 1", "needs quotes"), ("a = 1\rb = 2", "carriage returns"),
    ],
)  # fmt: skip
def test_the_intended_line_is_suggested(line: str, says: str) -> None:
    (first, *_) = Document.parse("f.toml", f"{line}\n".encode()).findings
    assert says in str(first.suggestion)
    assert first.line == 1


def test_messages_of_tomllib_are_reworded_for_toml() -> None:
    (finding,) = Document.parse("f.toml", b"[a]\nb.c = 1\n[a.b]\n").findings
    assert (finding.line, finding.column, finding.message) == (3, 4, "this is defined already in line 2")
    (finding,) = Document.parse("f.toml", b"a = { b = 1 }\n[a.c]\n").findings
    assert finding.message == "`[a.c]` is defined already in another way"
    (finding,) = Document.parse("f.toml", b"a = { b = 1, b = 2 }\n").findings
    assert "'" not in finding.message


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"a = '\xff'", "save the file as UTF-8"), ("a = 1".encode("utf-16"), "UTF-16")],
)
def test_bytes_that_are_not_text(content: bytes, says: str) -> None:
    document = Document.parse("f.toml", content)
    assert document.data is None
    assert says in str(document.findings[0].suggestion)


def test_a_byte_order_mark_is_not_part_of_the_text() -> None:
    document = Document.parse("f.toml", b"\xef\xbb\xbfa = 1")
    assert (document.data, document.text) == ({"a": 1}, "a = 1")
    assert document.position(("a",)) == Position(1, 1)


@pytest.mark.parametrize("depth", [DEEPEST, DEEPEST + 1])
def test_nesting_has_a_limit(depth: int) -> None:
    document = Document.parse("f.toml", b"a = " + b"[" * depth + b"]" * depth)
    assert bool(document.findings) == (depth > DEEPEST)


@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("line", ["a = {text}", "a = [{text}]", "{text} = 1", "a.{text}.b = 1", "[a.{text}]"])
def test_dots_in_quotes_are_not_nesting(line: str, quote: str) -> None:
    text = quote + "a." * DEEPEST + quote
    assert not Document.parse("f.toml", line.format(text=text).encode()).findings
    assert Document.parse("f.toml", f"{'a.' * DEEPEST}{text} = 1".encode()).findings


strings = st.text("ab'\"\\#[]{}=,. \n\täö\u2028", max_size=12)


@given(strings)
@settings(max_examples=300)
def test_places_and_offsets_are_inverse(text: str) -> None:
    document = Document.parse("f.toml", text.encode())
    for offset in range(len(document.text)):
        line, column = document.place(offset)
        assert document.offset(line, column) == offset
        assert (document.lines[line - 1] + "\n")[column - 1] == document.text[offset]


@given(st.lists(st.tuples(strings, st.text("ab #'\"", max_size=6)), max_size=4))
@settings(max_examples=200)
def test_comments_are_those_of_the_file(pairs: list[tuple[str, str]]) -> None:
    """Strings before a comment may contain anything."""
    import tomlkit

    text = "".join(
        f"k{n} = {tomlkit.item(value).as_string()} #!{comment}\n" for n, (value, comment) in enumerate(pairs)
    )
    document = Document.parse("f.toml", text.encode())
    assert document.data is not None
    assert [comment for _, comment in document.comments()] == [f"#!{comment}" for _, comment in pairs]
    for place, comment in document.comments():
        assert _at(document, place) == comment


@pytest.mark.parametrize("size", [2_000, 20_000])
def test_one_long_line_takes_time_that_grows_with_it(size: int) -> None:
    """Columns of keys in one long non-ASCII line: quadratic code would take minutes for the larger one."""
    line = "x = { " + ", ".join(f'"ä{n}" = "ö"' for n in range(size)) + " }"
    document = Document.parse("f.toml", line.encode())
    last = document.position(("x", f"ä{size - 1}"))
    assert _at(document, last).startswith(f'"ä{size - 1}"')


@pytest.mark.parametrize("line", [b"lorem ipsum dolor\n", b"a = \n", b"#", b'"', b"[a]\n"])
def test_megabytes_of_invalid_toml_end(line: bytes) -> None:
    """They end within a time that a user would wait."""
    Document.parse("f.toml", line * (2_000_000 // len(line)))
