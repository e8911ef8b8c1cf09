"""The JSON Schema of the profile file and of the pin, derived from the models. DOOR: pydantic."""

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from omniprofile.config.schema.fields import VARIABLE_PATTERN
from omniprofile.config.schema.forms import Table
from omniprofile.config.schema.models import OWN_PARTS, Pin, ProfilesFile
from omniprofile.model.declaration import Part
from omniprofile.model.variable_names import OWN, RESERVED, RESERVED_PREFIXES, TOKENS


def json_schema() -> dict[str, object]:
    """Return the JSON Schema (draft 2020-12) of the profile file."""
    return _json_schema(ProfilesFile, "omniprofile.schema.json", "omniprofile profiles")


def pin_json_schema() -> dict[str, object]:
    """Return the JSON Schema of the project pin, `.omniprofile.toml`."""
    return _json_schema(Pin, "omniprofile-pin.schema.json", "omniprofile project pin")


def _json_schema(model: type[Table], name: str, title: str) -> dict[str, object]:
    schema = model.model_json_schema(schema_generator=_ForToml)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"https://example.invalid/{name}"}
    return {**head, "title": title, "x-tombi-toml-version": "v1.0.0", **schema}


class _ForToml(GenerateJsonSchema):
    """A schema generator for TOML, which has no null. It omits defaults that an editor should not offer."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        written = super().default_schema(schema)
        if not isinstance(written.get("default"), bool | int | float | str):
            written.pop("default", None)
        return written

    def field_title_should_be_set(self, _schema: object) -> bool:
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        written = super().model_schema(schema)
        del written["title"]  # the class's name means nothing to the file's readers
        return written

    def dict_schema(self, schema: core_schema.DictSchema) -> JsonSchemaValue:
        keys = self.generate_inner(schema["keys_schema"])
        values = self.generate_inner(schema["values_schema"])
        patterns = {keys["pattern"]: values}
        written: JsonSchemaValue = {"type": "object", "patternProperties": patterns, "additionalProperties": False}
        if keys["pattern"] == VARIABLE_PATTERN:
            written["propertyNames"] = {"anyOf": [{"enum": list(OWN)}, {"not": {"pattern": _reserved_pattern()}}]}
            patterns |= {f"^{name}$": _own_variable(name, parts) for name, parts in OWN_PARTS.items()}
        return written


def _own_variable(name: str, parts: tuple[Part, ...]) -> JsonSchemaValue:
    """Return the extra schema for one of omniprofile's own variables: only an alias of one of `parts`, or an empty text."""
    if not parts:
        return {"const": ""}
    alias: JsonSchemaValue = {"type": "object", "required": ["from"], "properties": {"from": {"enum": list(parts)}}}
    if name in TOKENS:
        alias["properties"]["append"] = {"const": ""}
    return {"anyOf": [{"const": ""}, alias]}


def _reserved_pattern() -> str:
    """Return `is_reserved` as a regular expression that ignores case, without a flag, since editors use none."""

    def any_case(word: str) -> str:
        return "".join(f"[{char.upper()}{char.lower()}]" if char.isalpha() else char for char in word)

    names = "|".join(any_case(name) for name in sorted(RESERVED))
    return f"^(({names})$|{'|'.join(any_case(prefix) for prefix in RESERVED_PREFIXES)})"
