"""Each command with `--json` has a schema; `tests.outputs` validates every test's output against it."""

import json
from pathlib import Path

import jsonschema
import pytest

from omniprofile.cli.parser import command_parser
from omniprofile.cli.registry import COMMANDS, HIDDEN
from tests.conftest import Cli
from tests.outputs import FOLDER, check_output

SCHEMAS = sorted(FOLDER.glob("*.json"))


def _commands_with_json() -> set[str]:
    parsers = {command.name: command_parser(command) for command in (*COMMANDS, *HIDDEN)}
    return {
        name
        for name, parser in parsers.items()
        if any("--json" in action.option_strings for action in parser.arguments)
    }


def test_every_command_with_json_has_a_schema() -> None:
    named = {path.stem for path in SCHEMAS} - {"error"}
    assert named == _commands_with_json(), "write or remove schemas/output/COMMAND.json"


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_a_schema_is_one_and_says_what_it_is(path: Path) -> None:
    schema = json.loads(path.read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["title"]
    assert schema["description"]
    assert schema["$id"].endswith(f"/{path.name}")
    assert path.read_text("utf-8") == json.dumps(schema, indent=2, ensure_ascii=False) + "\n", "two spaces, one newline"


def test_the_everyday_outputs_are_what_their_schemas_say(cli: Cli, two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for argv in (
        ["current"],
        ["list"],
        ["show"],
        ["explain", "staging"],
        ["use", "staging"],
        ["lint"],
        ["lint", "--explain"],
    ):
        ran = cli(*argv, "--json")  # which validates it against the schema
        assert json.loads(ran.out), ran
    ran = cli("token", "staging", "--json", shows=True)
    assert json.loads(ran.out)["version"] == 1
    for argv in (["current", "--json"], ["show", "nope", "--json"]):
        monkeypatch.setenv("OMNI_PROFILE", "nope")
        assert "error" in json.loads(cli(*argv).out)


def test_an_output_that_its_schema_does_not_know_is_noticed() -> None:
    good = {
        "profile": "a",
        "selected_by": {"layer": "flag", "name": None, "file": None, "line": None},
        "protected": False,
        "access": "full",
        "shadowed_by": [],
    }
    check_output(["current", "--json"], json.dumps(good))
    for bad in ({"profile": "a"}, {**good, "more": 1}, {**good, "profile": None}):
        with pytest.raises(AssertionError, match=r"schemas/output/current\.json"):
            check_output(["current", "--json"], json.dumps(bad))
