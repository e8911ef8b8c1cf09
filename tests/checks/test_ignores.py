"""`# omniprofile: ignore[CODE]`: what it silences, what it cannot silence, and the finding for a comment without effect."""

from pathlib import Path

import pytest

from omniprofile.checks.fixes import apply_fixes
from omniprofile.checks.lint import examine
from omniprofile.model.rule_codes import Code

SPARE = '[instances.spare]{}\nbase_url = "https://a.omniapp.co"\n'


def _found(text: str, folder: Path) -> tuple[list[tuple[str, int, int]], int]:
    path = folder / "p.toml"
    path.write_text(text)
    report = examine([[str(path)]], home="/")
    return [(found.code, found.line, found.column) for found in report.findings], report.silenced


@pytest.mark.parametrize(
    "text",
    [
        SPARE.format("  # omniprofile: ignore[OP406]"),
        SPARE.format("#omniprofile:ignore[ OP406 ]"),
        SPARE.format("  # unused until May  # omniprofile: ignore[OP406]"),
        "# omniprofile: ignore[OP406] unused until May\n" + SPARE.format(""),
        "# omniprofile: ignore[OP406]\n\n# one more comment\n" + SPARE.format(""),
    ],
)
def test_a_comment_silences_its_line_or_the_next(text: str, tmp_path: Path) -> None:
    assert _found(text, tmp_path) == ([], 1)


def test_one_comment_may_name_several_codes(tmp_path: Path) -> None:
    text = '[profiles.a]\nbase_url = "http://b.example" # omniprofile: ignore[OP303, OP302]\n'
    assert _found(text, tmp_path) == ([("OP501", 2, 60)], 1)


def test_it_speaks_of_no_other_line_and_no_other_code(tmp_path: Path) -> None:
    found, silenced = _found(SPARE.format("") + "# omniprofile: ignore[OP406]\n", tmp_path)
    assert (found, silenced) == ([("OP406", 1, 12), ("OP501", 3, 23)], 0)


def test_in_a_string_it_is_not_a_comment(tmp_path: Path) -> None:
    text = '[profiles.a]\nbase_url = "https://a.omniapp.co"\ndescription = """\n# omniprofile: ignore[OP406]\n"""\n'
    assert _found(text, tmp_path) == ([], 0)


@pytest.mark.parametrize("code", [Code.SECRET, Code.UNKNOWN_KEY, Code.SYNTAX, Code.CYCLE, Code.USELESS_IGNORE])
def test_errors_of_every_command_and_secrets_cannot_be_silenced(code: Code, tmp_path: Path) -> None:
    text = f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = "hunter2" # omniprofile: ignore[{code}]\n'
    assert _found(text, tmp_path) == ([("OP301", 3, 7), ("OP501", 3, 39)], 0)


def test_while_a_rule_cannot_look_its_comment_is_not_called_useless(tmp_path: Path) -> None:
    text = SPARE.format(" # omniprofile: ignore[OP406]") + "[profiles.a]\ntypo = 1\n"
    assert _found(text, tmp_path) == ([("OP201", 4, 1)], 0)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version = 1  # omniprofile: ignore[OP406]\n", "version = 1\n"),
        ("version = 1 # omniprofile: ignore[OP406, OP303] \n", "version = 1\n"),
        ("# omniprofile: ignore[OP406]\nversion = 1\n", "version = 1\n"),
        ("version = 1\n# omniprofile: ignore[OP406]", "version = 1\n"),
        ("version = 1 # ours # omniprofile: ignore[OP406]\n", "version = 1 # ours \n"),
        ("version = 1 # omniprofile: ignore[OP406] ours\n", "version = 1 # ours\n"),
        ("version = 1 # omniprofile: ignore[OP999]\n", "version = 1 # omniprofile: ignore[OP999]\n"),
    ],
)
def test_fix_takes_useless_ones_away(before: str, after: str, tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text(before)
    report = examine([[str(path)]], home="/")
    fixed, _ = apply_fixes(report, lambda contents: examine([[str(path)]], home="/", contents=contents))
    assert (fixed[0].after if fixed else before) == after
