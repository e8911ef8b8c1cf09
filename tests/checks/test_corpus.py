"""Profile files as people write them: the good ones have no finding at all."""

from pathlib import Path

import pytest

from omniprofile.checks.lint import lint

CORPUS = Path(__file__).parents[1] / "corpus"
GOOD = sorted(CORPUS.glob("good/*.toml"))


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_a_good_file_has_no_finding(path: Path) -> None:
    assert lint([str(path)], home="/home/me") == []
