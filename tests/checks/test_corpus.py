"""Realistic profile files: the good ones have no findings, the bad ones exactly those in the file beside them.

`NAME.findings` has a line `CODE LINE:COLUMN` for each, in lint's order. After an intended change, renew them and
read the difference: `python -m tests.checks.test_corpus`.
"""

import sys
from pathlib import Path

import pytest

from omniprofile.checks.lint import lint
from omniprofile.checks.rule_texts import rules
from tests.programs import run_program

CORPUS = Path(__file__).parents[1] / "corpus"
GOOD = sorted(CORPUS.glob("good/*.toml"))
BAD = sorted(CORPUS.glob("bad/*.toml"))


def _found(path: Path) -> str:
    return "".join(f"{found.code} {found.line}:{found.column}\n" for found in lint([str(path)], home="/home/me"))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_has_no_finding(path: Path) -> None:
    assert _found(path) == ""


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_a_bad_file_has_its_findings_at_their_places(path: Path) -> None:
    assert _found(path) == path.with_suffix(".findings").read_text()


def test_the_corpus_is_large_and_shows_every_rule_about_text() -> None:
    assert len(GOOD) + len(BAD) >= 60
    shown = {line.split()[0] for path in BAD for line in path.with_suffix(".findings").read_text().splitlines()}
    assert shown >= {rule.code for rule in rules().values() if rule.bad}


def test_no_program_may_convert_the_corpus() -> None:
    """Its line ends and byte-order marks are test data."""
    root = CORPUS.parents[1]
    asked = run_program(["git", "-C", root, "check-attr", "text", "tests/corpus/good/crlf.toml"])
    if asked.returncode != 0:
        pytest.skip("this is no git repository")
    assert asked.stdout.endswith("text: unset\n")
    assert b"\r\n" in (CORPUS / "good/crlf.toml").read_bytes()


if __name__ == "__main__":
    for bad in BAD:
        bad.with_suffix(".findings").write_text(_found(bad))
        sys.stdout.write(f"{bad.name}: {_found(bad).count(chr(10))}\n")
