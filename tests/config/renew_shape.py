"""Make `omniprofile/config/shape.py` from the models: `python tests/config/renew_shape.py`."""

from pathlib import Path
from pprint import pformat
from typing import Any

from omniprofile.config.schema import Pin, ProfilesFile, Table

FILE = Path(__file__).parents[2] / "omniprofile/config/shape.py"
HEAD = '''"""What a file may hold, as data that `fit` reads. Made from the models of `schema` by `tests/config/renew_shape.py`."""

'''


def shape_of(model: type[Table]) -> Any:
    """The shape of a model, from the core schema that pydantic made of it."""
    core: Any = model.__pydantic_core_schema__
    definitions = {each["ref"]: each for each in core["definitions"]} if core["type"] == "definitions" else {}
    return _shape(core["schema"] if core["type"] == "definitions" else core, definitions)


def _shape(core: Any, definitions: dict[str, Any]) -> Any:
    def inner(part: Any) -> Any:
        return _shape(part, definitions)

    match core["type"]:
        case "definition-ref":
            return inner(definitions[core["schema_ref"]])
        case "model" | "default" | "nullable" | "model-field":
            return inner(core["schema"])  # TOML has no null, and a default is no value of the file
        case "model-fields":
            needed = [name for name, field in core["fields"].items() if field["schema"]["type"] != "default"]
            return ("table", {name: inner(field) for name, field in core["fields"].items()}, tuple(needed))
        case "function-before" if core["schema"]["type"] == "literal":
            return inner(core["schema"])  # it sees to the value's type, which `fit` compares by itself
        case "function-after":
            return ("rule", core["function"]["function"].__name__.lstrip("_"), inner(core["schema"]))
        case "str":
            return ("text", core.get("pattern"), core.get("min_length", 0))
        case "literal":
            return ("one", tuple(core["expected"]))
        case "bool":
            return ("bool",)
        case "float":
            return ("number", core["gt"], core["le"])
        case "list":
            return ("list", inner(core["items_schema"]), core.get("min_length", 0))
        case "dict":
            return ("map", inner(core["keys_schema"]), inner(core["values_schema"]))
        case "tagged-union":
            return ("either", {name: inner(choice) for name, choice in core["choices"].items()})
    raise AssertionError(f"teach this, and `fit`, pydantic's `{core['type']}`")


def source() -> str:
    """The text of the file."""
    models = (("PROFILES", ProfilesFile), ("PIN", Pin))
    parts = [f"{name} = {pformat(shape_of(model), width=120, sort_dicts=False)}\n" for name, model in models]
    return HEAD + "# fmt: off\n" + "\n".join(parts)


if __name__ == "__main__":
    FILE.write_text(source(), encoding="utf-8")
