"""Generated files are up to date, and the documents' claims about the code are true."""

import json
import re
import sys
from pathlib import Path

import reference

from omniprofile.config.schema.json_schema import json_schema, pin_json_schema
from tests.programs import run_program

ROOT = Path(__file__).parents[2]


def test_the_committed_schema_is_fresh() -> None:
    committed = (ROOT / "schemas/omniprofile.schema.json").read_text(encoding="utf-8")
    generated = run_program([sys.executable, "-m", "omniprofile", "schema"], check=True).stdout
    assert committed == generated, "renew it: omniprofile schema > schemas/omniprofile.schema.json"
    assert json.loads(committed) == json_schema()


def test_the_committed_schema_of_a_pin_is_fresh() -> None:
    committed = json.loads((ROOT / "schemas/omniprofile-pin.schema.json").read_text(encoding="utf-8"))
    assert committed == pin_json_schema(), "renew it: omniprofile schema --pin > schemas/omniprofile-pin.schema.json"


def test_the_readme_quotes_the_reference() -> None:
    """The precedence is defined once, in `man/reference.py`, from which the manual is generated."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for number, (_, words) in enumerate(reference.SELECTION, 1):
        assert f"\n{number}. {words}\n" in readme


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 1200


def test_the_links_of_the_documents_lead_somewhere() -> None:
    def anchors(path: Path) -> set[str]:
        headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    for document in (*ROOT.glob("*.md"), *ROOT.glob("man/*.md"), *ROOT.glob(".github/*.md")):
        for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
            if "://" in target:
                continue
            path, _, anchor = target.partition("#")
            file = document.parent / path if path else document
            assert file.exists(), f"{document.name}: {target}"
            assert not anchor or anchor in anchors(file), f"{document.name}: {target}"


def test_ci_runs_the_readmes_test_command_and_nothing_else() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    assert blocks[1].strip() == "tests/all"
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["exec tests/all"]


def test_the_tree_in_contributing_names_no_module_that_is_gone() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("\nomniprofile/\n")[2]
    named = set(re.findall(r"\b[a-z]+(?:_[a-z]+)+\b", text.partition("```")[0]))
    exist = {path.name.partition(".")[0] for path in (ROOT / "omniprofile").rglob("*")}
    assert len(named) > 80
    assert named <= exist
