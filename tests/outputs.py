"""Validates the `--json` output of every test strictly against its schema in `schemas/output`.

The published schemas allow additional keys; here an unknown key is an error, so that none goes undocumented.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema

from omniprofile.cli.parser import split_command
from omniprofile.cli.registry import ALIASES, COMMANDS, HIDDEN

FOLDER = Path(__file__).parents[1] / "schemas/output"
FORMATS = jsonschema.FormatChecker(())


def _is_utc(value: object) -> bool:
    """Return whether the text is an RFC 3339 time in UTC."""
    return not isinstance(value, str) or (value.endswith("Z") and datetime.fromisoformat(value) is not None)


FORMATS.checks("date-time", raises=ValueError)(_is_utc)


def check_output(argv: Sequence[str], out: str) -> None:
    """Validate the output of `omniprofile *argv` against its schema, if `--json` or `--format json` was given."""
    words = list(argv[: argv.index("--")] if "--" in argv else argv)
    asked = "--json" in words or "--format=json" in words or ("--format", "json") in pairwise(words)
    word = split_command(words)[0] or ""
    command = ALIASES.get(word, word)
    if not asked or command not in {each.name for each in (*COMMANDS, *HIDDEN)} or not out:
        return
    value = json.loads(out)
    name = "error" if set(value) == {"error"} else command
    problems = [f"{problem.json_path}: {problem.message}" for problem in _validator(name).iter_errors(value)]
    assert not problems, f"`{' '.join(argv)}` does not print what schemas/output/{name}.json says: {problems}\n{out}"


@cache
def _validator(name: str) -> jsonschema.Draft202012Validator:
    path = FOLDER / f"{name}.json"
    assert path.exists(), f"write {path.relative_to(FOLDER.parents[1])}, the schema of what `{name} --json` prints"
    return jsonschema.Draft202012Validator(closed(json.loads(path.read_text("utf-8"))), format_checker=FORMATS)


def closed(schema: Any) -> Any:
    """Return the schema with `additionalProperties` false in every object that does not set it."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema:
        inner["additionalProperties"] = False
    return inner
