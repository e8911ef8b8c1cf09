"""What is generated and committed is what the code generates now, and what the documents say is so."""

import json
import re
import subprocess
import sys
from pathlib import Path

from omniprofile.cli.registry import COMMANDS
from omniprofile.config.schema import json_schema
from omniprofile.model.provenance import Layer

ROOT = Path(__file__).parents[2]


def test_the_committed_schema_is_fresh() -> None:
    committed = (ROOT / "schemas/omniprofile.schema.json").read_text(encoding="utf-8")
    generated = subprocess.run(
        [sys.executable, "-m", "omniprofile", "schema"], capture_output=True, text=True, check=True
    ).stdout
    assert committed == generated, "renew it: omniprofile schema > schemas/omniprofile.schema.json"
    assert json.loads(committed) == json_schema()


def test_the_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in COMMANDS:
        assert f"`{command.name}`" in readme or f"`{command.name} " in readme, command.name


def test_the_readmes_layers_are_in_the_order_of_the_code() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    row = next(line for line in readme.splitlines() if line.startswith("| the profile, its parents"))
    words = ["profile", "parents", "instance", "defaults", "built in"]
    assert [row.index(word) for word in words] == sorted(row.index(word) for word in words)
    order = list(Layer)
    assert order.index(Layer.PROFILE) < order.index(Layer.PARENT) < order.index(Layer.INSTANCE)
    assert order.index(Layer.INSTANCE) < order.index(Layer.DEFAULTS) < order.index(Layer.BUILTIN)


def test_the_readmes_exit_codes_are_the_codes() -> None:
    from omniprofile.cli import exits

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    documented = {int(number) for number in re.findall(r"^\| (\d+) \|", readme, re.MULTILINE)}
    defined = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert documented == defined - {exits.BROKEN_PIPE, exits.COMMAND_NOT_FOUND, exits.COMMAND_NOT_RUNNABLE}
    assert "127 when there is no such command, 126 when it cannot be run" in readme


def test_ci_runs_the_readmes_test_command_and_nothing_else() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    assert blocks[1].strip() == "tests/all"
    lines = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line and not line.startswith("#")]
    assert lines == ["exec tests/all"]
