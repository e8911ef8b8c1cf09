"""The models and the JSON Schema generated from them accept the same documents, and the schema describes every key to editors."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema.validators import extend

from omniprofile.config.schema.forms import Table
from omniprofile.config.schema.json_schema import json_schema, pin_json_schema
from omniprofile.config.schema.models import Pin, ProfilesFile
from omniprofile.config.schema.validate import read
from omniprofile.config.toml.text import Document
from omniprofile.model.variable_names import RESERVED

CORPUS = Path(__file__).parents[2] / "corpus"
SCHEMA: dict[str, Any] = json_schema()


def _pattern(validator: Any, pattern: str, instance: object, schema: object) -> Any:
    # `$` in the schema is ECMAScript's, which matches only the end; Python's also matches before a final newline.
    if isinstance(instance, str) and not re.search(pattern.replace("$", r"\Z"), instance):
        yield jsonschema.ValidationError(f"{instance!r} does not match")


def _properties_by_pattern(validator: Any, patterns: dict[str, Any], instance: Any, schema: Any) -> Any:
    for pattern, inner in patterns.items() if isinstance(instance, dict) else ():
        for name, value in instance.items():
            if re.search(pattern.replace("$", r"\Z"), name):
                yield from validator.descend(value, inner, path=name)


def _no_more_properties(validator: Any, allowed: object, instance: Any, schema: Any) -> Any:
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name in instance if isinstance(instance, dict) and allowed is False else ():
        if name not in known and not any(re.search(pattern.replace("$", r"\Z"), name) for pattern in patterns):
            yield jsonschema.ValidationError(f"{name!r} is not allowed")


Validator = extend(
    jsonschema.Draft202012Validator,
    {
        "pattern": _pattern,
        "patternProperties": _properties_by_pattern,
        "additionalProperties": _no_more_properties,
    },
    # In TOML, `1.0` and `true` are not integers.
    type_checker=jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    ),
)
VALIDATOR = Validator(SCHEMA)


def _both(document: dict[str, Any], model: type[Table] = ProfilesFile, validator: Any = VALIDATOR) -> bool:
    """Return whether the document is valid, on which both must agree."""
    found = read(document, model)
    by_models = found if isinstance(found, list) else []
    by_schema = list(validator.iter_errors(document))
    assert bool(by_models) == bool(by_schema), (
        f"models: {by_models}\nschema: {[e.message for e in by_schema]}\n{document}"
    )
    return not by_models


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.Draft202012Validator.check_schema(pin_json_schema())


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*.toml")), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_both_judge_the_corpus_alike(path: Path) -> None:
    document = Document.parse(str(path), path.read_bytes())
    if document.data is not None:
        assert _both(document.data) or path.parent.name == "bad"


def _made_from(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Generate documents that the schema allows, by its keywords; fail for an unknown keyword."""
    known = {
        "description", "examples", "default", "title", "not", "propertyNames", "$schema", "$id", "$defs",
        "x-tombi-toml-version",
    }  # fmt: skip
    if "$ref" in schema:
        return _made_from(SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]])
    if options := schema.get("oneOf") or schema.get("anyOf"):
        return st.one_of([_made_from(option) for option in options])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    kind, rest = schema["type"], set(schema) - known - {"type"}
    match kind:
        case "object":
            assert rest <= {"properties", "required", "patternProperties", "additionalProperties"}, rest
            if patterns := schema.get("patternProperties"):
                pairs = [
                    st.tuples(st.from_regex(pattern, fullmatch=True), _made_from(inner))
                    for pattern, inner in patterns.items()
                ]
                return st.lists(st.one_of(pairs), max_size=2).map(dict)
            properties = {key: _made_from(inner) for key, inner in schema["properties"].items()}
            required = {key: properties.pop(key) for key in schema.get("required", ())}
            return st.fixed_dictionaries(required, optional=properties)
        case "array":
            assert rest <= {"items", "prefixItems", "minItems"}, rest
            return st.lists(_made_from(schema["items"]), min_size=schema.get("minItems", 0), max_size=2)
        case "string":
            assert rest <= {"pattern", "minLength"}, rest
            fitting = st.from_regex(schema["pattern"], fullmatch=True) if "pattern" in schema else st.text(max_size=3)
            return fitting.filter(lambda text: len(text) >= schema.get("minLength", 0))
        case "number":
            assert rest <= {"exclusiveMinimum", "maximum"}, rest
            return st.floats(schema["exclusiveMinimum"], schema["maximum"], exclude_min=True) | st.just(1)
        case "boolean":
            assert not rest, rest
            return st.booleans()
    raise AssertionError(kind)


@given(_made_from(SCHEMA))
@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
def test_documents_from_the_schema_get_equal_verdicts(document: dict[str, Any]) -> None:
    """Most are valid; `not` and `propertyNames`, which the generator ignores, make some invalid."""
    hosts = document.get("settings", {}).get("allowed_hosts", [])
    assume("://[" not in str(document) and not any("[" in host for host in hosts))  # rules that no pattern can express
    _both(document)


# Realistic values near the limits, valid and invalid.
names = st.sampled_from(["prod", "a", "A-b_c.9", "x" * 64, "x" * 65, "", "-a", ".a", "my prod", "ä", "a\n", "0"])
labels = st.sampled_from(
    [
        "acme",
        "a",
        "A",
        "0",
        "9",
        "12",
        "0x7f",
        "0a",
        "1x",
        "00x",
        "a-b",
        "-a",
        "a-",
        "a_b",
        "",
        "x" * 63,
        "x" * 64,
        "xn--a",
        "0-x",
    ]
)
hosts = st.lists(labels, min_size=1, max_size=3).map(".".join) | st.sampled_from(
    [
        "127.0.0.1",
        "127.1",
        "256.1.1.1",
        "01.2.3.4",
        "1.2.3.4.5",
        "1.2.3",
        "[::1]",
        "localhost",
        "acme.omniapp.co.",
        "*.a.co",
    ]
)
ports = st.sampled_from(
    ["", ":1", ":443", ":65535", ":65536", ":0", ":00443", ":000443", ":", ":x", ":99999", ":00000"]
)
base_urls = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "HTTPS://", "ftp://", "", "https:/", "https:// "]),
    hosts,
    ports,
    st.sampled_from(["", "/", "/x", "?q", "#f", "//", "\n"]),
)
texts = st.text("a\0\n ä", max_size=3)
anything = st.sampled_from([True, False, 0, 1, 1.0, 2, "", "x", [], ["x"], {}, {"x": 1}])
variables = st.sampled_from(
    ["A", "a_1", "1A", "A-B", "", "Ä", "A\n", *sorted(RESERVED), "omni_api_token", "OMNI_PROFILE_X", "OMNI_PROFILES"]
)
keys = st.one_of(
    st.fixed_dictionaries({"env": variables}),
    st.fixed_dictionaries({"file": texts}),
    st.fixed_dictionaries({"keyring": st.booleans() | anything}),
    st.fixed_dictionaries(
        {"command": st.lists(texts, max_size=3)},
        optional={"timeout": st.sampled_from([0, 1, 0.5, 600, 601, -1, True, "1"])},
    ),
    st.dictionaries(st.sampled_from(["env", "file", "keyring", "command", "timeout", "x"]), anything, max_size=3),
    anything,
)
aliases = st.fixed_dictionaries(
    {"from": st.sampled_from(["token", "base_url", "host", "organization", "tokens", ""]) | anything},
    optional={"append": texts | anything, "keyring": st.just(True), "x": anything},
)
values = texts | anything | keys | aliases
expects = st.dictionaries(
    st.sampled_from(["user", "membership_id", "key_scope", "org_role", "x"]),
    st.sampled_from(["user", "organization", "", "x"]) | anything, max_size=3,
) | anything  # fmt: skip
shared = {
    "instance": names, "auth": st.sampled_from(["oauth", "api-key", "OAuth", ""]) | anything,
    "key": keys, "protected": anything, "allow_insecure": anything, "expect": expects,
    "env": st.dictionaries(variables, values, max_size=2) | anything,
}  # fmt: skip
defaults = st.fixed_dictionaries({}, optional={**shared, "base_url": base_urls, "extends": names})
profiles = st.fixed_dictionaries(
    {}, optional={**shared, "base_url": base_urls, "extends": names, "description": texts | anything, "typo": anything}
)
instances = st.fixed_dictionaries(
    {}, optional={"base_url": base_urls, "description": texts, "allow_insecure": anything, "typo": anything}
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "version": st.sampled_from([1, 2, "1", True, 1.0]),
        "default": names | anything,
        "settings": st.fixed_dictionaries(
            {},
            optional={
                "allowed_hosts": st.lists(hosts, max_size=2) | anything,
                "secret_store": anything | st.just("file"),
            },
        ),
        "instances": st.dictionaries(names, instances, max_size=2) | anything,
        "profiles": st.dictionaries(names, profiles | anything, max_size=2) | anything,
        "defaults": defaults | anything,
        "typo": anything,
    },
)


@given(documents)
@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
def test_documents_from_the_models_get_equal_verdicts(document: dict[str, Any]) -> None:
    _both(document)


@given(base_urls)
@settings(max_examples=400, deadline=None)
def test_schema_and_models_agree_on_base_urls(url: str) -> None:
    _both({"instances": {"a": {"base_url": url}}})


@given(hosts)
@settings(max_examples=200, deadline=None)
def test_schema_and_models_agree_on_hosts(host: str) -> None:
    _both({"settings": {"allowed_hosts": [host]}})


@given(keys)
@settings(max_examples=200, deadline=None)
def test_schema_and_models_agree_on_keys(key: object) -> None:
    _both({"defaults": {"key": key}})


@given(st.dictionaries(variables, values, max_size=2))
@settings(max_examples=400, deadline=None)
def test_schema_and_models_agree_on_variables(env: dict[str, object]) -> None:
    _both({"profiles": {"a": {"env": env}}})


@given(st.dictionaries(st.sampled_from(["profile", "profiles", "base_url"]), names | anything, max_size=2))
def test_schema_and_models_agree_on_pins(pin: dict[str, Any]) -> None:
    _both(pin, Pin, Validator(pin_json_schema()))


@pytest.mark.parametrize(
    "url", ["https://" + ".".join(["x" * 63] * 4) + ".co", "https://[1:2]", "https://a.1" + "x" * 63]
)
def test_rules_that_no_pattern_can_express_are_left_to_lint(url: str) -> None:
    """Such as the length of a whole host name, the form of an IPv6 address, and a last label that begins with a digit."""
    document = {"instances": {"a": {"base_url": url}}}
    assert isinstance(read(document, ProfilesFile), list)
    assert VALIDATOR.is_valid(document)


def _tables(schema: Any) -> Any:
    yield "the top", schema
    yield from schema["$defs"].items()


def test_every_key_has_a_description_and_an_example_and_no_title() -> None:
    for name, table in _tables(SCHEMA):
        assert table["description"], name
        assert table["additionalProperties"] is False, name
        for key, schema in table["properties"].items():
            if "$ref" not in schema:
                assert schema["description"], (name, key)
                assert schema["examples"], (name, key)
            assert "title" not in schema, (name, key)
            assert schema.get("type") != "null", "TOML has no null"
            assert schema.get("default", "") is not None


def test_every_example_is_good() -> None:
    for name, table in _tables(SCHEMA):
        for key, schema in table["properties"].items():
            for example in schema.get("examples", ()):
                part = Validator({**schema, "$defs": SCHEMA["$defs"]})
                assert part.is_valid(example), (name, key, example)


def test_the_schema_refuses_reserved_names_in_any_case() -> None:
    for name in RESERVED:
        assert not _both({"defaults": {"env": {name.lower(): "x"}}})
