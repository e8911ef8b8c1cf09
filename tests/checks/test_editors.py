"""Editors' validators, taplo (Even Better TOML) and tombi, check the corpus against the committed JSON Schema."""

import json
import shlex
from pathlib import Path

import pytest

from omniprofile.checks.lint import lint
from omniprofile.config.schema.models import ProfilesFile
from omniprofile.config.schema.validate import read
from omniprofile.config.toml.text import Document
from omniprofile.model.rule_codes import Code
from tests.conftest import Cli
from tests.programs import run_program

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "schemas/omniprofile.schema.json"
GOOD = sorted((ROOT / "tests/corpus/good").glob("*.toml"))
BAD = sorted((ROOT / "tests/corpus/bad").glob("*.toml"))

TAPLO_CANNOT_READ = {"byte-order-mark", "byte-order-mark-crlf", "names"}
"""Good files that taplo 0.9 does not parse: a byte-order mark, a key that looks like a date."""
TOMBI_CANNOT_READ = {"byte-order-mark", "byte-order-mark-crlf"}


def _judged_by_schema() -> list[Path]:
    """Return the bad files that are valid TOML but violate the models."""
    documents = {path: Document.parse(str(path), path.read_bytes()) for path in BAD}
    return [
        path
        for path, document in documents.items()
        if document.data and isinstance(read(document.data, ProfilesFile), list)
    ]


SCHEMATIC = _judged_by_schema()
NO_TOML = [path for path in BAD if any(found.code == Code.SYNTAX for found in lint([str(path)], home="/"))]
BEYOND_EDITORS = {"latin-1", "utf-16", "binary", "deep"}
"""Files that editors do not read as text, and deep nesting, which TOML allows."""
SYNTACTIC = [path for path in NO_TOML if path.stem not in BEYOND_EDITORS]
FINE_BY_SCHEMA = [path for path in BAD if path not in SCHEMATIC and path not in NO_TOML]


def _taplo(paths: list[Path]) -> set[str]:
    """Return the names of the files in which taplo finds errors."""
    found = set()
    for path in paths:  # one file a call: taplo may skip some of several
        ran = run_program(["taplo", "check", "--no-auto-config", "--schema", SCHEMA.as_uri(), str(path)])
        assert ran.returncode in (0, 1), ran.stderr
        if ran.returncode:
            assert str(path) in ran.stderr
            found.add(path.stem)
    return found


def _tombi(paths: list[Path], folder: Path) -> dict[str, list[tuple[int, int]]]:
    """Return the names of the files in which tombi finds errors, with the errors' places."""
    (folder / "omniprofile.schema.json").write_bytes(SCHEMA.read_bytes())
    (folder / "tombi.toml").write_text(
        'toml-version = "v1.0.0"\n[schema]\nenabled = true\ncatalog = { paths = [] }\n'
        '[[schemas]]\npath = "omniprofile.schema.json"\ninclude = ["files/*.toml"]\n'
    )
    (folder / "files").mkdir()
    for path in paths:
        # The schema directive of one file is relative to where the file belongs.
        (folder / "files" / path.name).write_bytes(
            path.read_bytes().replace(b"#:schema ../../../schemas/", b"#:schema ../")
        )
    report = folder / "report.json"
    ran = run_program(
        ["tombi", "lint", "--offline", "--diagnostics-format", "json", "--diagnostics-file", report, "files"],
        cwd=folder,
    )
    assert ran.returncode in (0, 1), ran.stderr
    found: dict[str, list[tuple[int, int]]] = {}
    for diagnostic in json.loads(report.read_text()):
        if diagnostic["level"].lower() == "error":
            start = diagnostic["range"]["start"]
            found.setdefault(Path(diagnostic["path"]).stem, []).append((start["line"], start["column"]))
    return found


def test_taplo_has_no_objection_to_a_good_file() -> None:
    assert _taplo(GOOD) == TAPLO_CANNOT_READ


def test_taplo_objects_to_what_the_schema_can_say() -> None:
    names = {path.stem for path in SCHEMATIC}
    assert len(names) >= 15
    assert _taplo(SCHEMATIC) == names


def test_tombi_has_no_objection_to_a_good_file(tmp_path: Path) -> None:
    assert set(_tombi(GOOD, tmp_path)) == TOMBI_CANNOT_READ


def test_tombi_objects_to_what_the_schema_can_say(tmp_path: Path) -> None:
    assert set(_tombi(SCHEMATIC, tmp_path)) == {path.stem for path in SCHEMATIC}


def test_editors_leave_to_lint_what_only_lint_can_know(tmp_path: Path) -> None:
    """A schema cannot express references, allowed hosts and secrets."""
    assert len(FINE_BY_SCHEMA) >= 8
    assert _taplo(FINE_BY_SCHEMA) == set()
    assert _tombi(FINE_BY_SCHEMA, tmp_path) == {}


def test_editors_report_files_with_syntax_errors_too(tmp_path: Path) -> None:
    names = {path.stem for path in SYNTACTIC}
    assert len(names) >= 15
    assert set(_tombi(SYNTACTIC, tmp_path)) | _taplo(SYNTACTIC) == names


@pytest.mark.parametrize("program", [["taplo", "check", "--no-auto-config"], ["tombi", "lint", "--offline"]])
def test_the_installed_schema_serves_the_copy_that_edit_opens(cli: Cli, tmp_path: Path, program: list[str]) -> None:
    """Its path is absolute, because the copy is in another folder than the profile file, which may be a link."""
    schema = cli("schema", "--path").out.rstrip("\n")
    assert Path(schema).read_bytes() == SCHEMA.read_bytes()
    verdict, copy = tmp_path / "verdict", tmp_path / "copy"
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\ncp "$1" {copy}\n{shlex.join(program)} "$1" >/dev/null 2>&1\necho $? > {verdict}\n')
    editor.chmod(0o755)
    for base_url, expected in (('"https://a.omniapp.co"', "0"), ("5", "1")):
        cli.profiles(f"#:schema {schema}\nversion = 1\n\n[profiles.a]\nbase_url = {base_url}\n")
        cli("edit", env={"VISUAL": str(editor)})
        assert copy.read_bytes() == cli.config.read_bytes()
        assert verdict.read_text().strip() == expected
