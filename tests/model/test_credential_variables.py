"""Any table `env`, read from TOML and kept in a snapshot, gives the variables that its text says."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from omniprofile.config.schema.validate import validate
from omniprofile.config.serialize import dump, load
from omniprofile.config.toml.text import Document
from omniprofile.credentials.resolver import resolve
from omniprofile.model.credential import Credential
from omniprofile.model.credential_variables import credential_variables
from omniprofile.model.declaration import Config
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.resolution import Selection
from omniprofile.model.secret import Secret
from omniprofile.model.variable_names import MARKER, OWN

URL, TOKEN = "https://acme.omniapp.co", "t0ken"
PARTS = {"token": TOKEN, "base_url": URL, "host": "acme.omniapp.co", "organization": "acme"}
FITTING = {
    "OMNI_API_TOKEN": ["token"],
    "OMNI_API_KEY": ["token"],
    "OMNI_BASE_URL": ["base_url", "host"],
    "OMNI_PROFILE": [],
    "OMNI_ORGANIZATION_NAME": ["base_url", "host", "organization"],
}

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
names = st.from_regex(r"[A-Z_][A-Z0-9_]{0,8}", fullmatch=True).filter(lambda name: not name.startswith("OMNI"))
aliases = st.tuples(st.sampled_from(list(PARTS)), texts)
own = {
    name: st.just("") | (st.sampled_from(parts).map(lambda part: (part, "")) if parts else st.nothing())
    for name, parts in FITTING.items()
}
tables = st.builds(
    lambda free, own: {**free, **own},
    st.dictionaries(names, texts | aliases, max_size=5),
    st.fixed_dictionaries({}, optional=own),
)


def handed(env: tuple[tuple[str, str | tuple[str, str]], ...], *, of_profile: bool = True) -> Credential:
    return Credential("p", Origin.parse(URL), "api-key", Secret(TOKEN), of_profile=of_profile, read_env=lambda: env)


def _written(value: str | tuple[str, str]) -> str:
    def quoted(text: str) -> str:
        return json.dumps(text, ensure_ascii=False)

    return quoted(value) if isinstance(value, str) else f'{{ from = "{value[0]}", append = {quoted(value[1])} }}'


@given(tables, st.booleans())
@settings(max_examples=300)
def test_any_table_gives_what_it_says(table: dict[str, str | tuple[str, str]], pair: bool) -> None:
    text = f'[profiles.p]\nbase_url = "{URL}"\n[profiles.p.env]\n'
    text += "".join(f"{name} = {_written(value)}\n" for name, value in table.items())
    declared, findings = validate(Document.parse("/f.toml", text.encode()), home="/h")
    assert not findings
    assert declared is not None
    config = Config(files=("/f.toml",), profiles=declared.profiles)
    assert load(dump(config)) == config
    env = resolve(config, Selection("p", Provenance(Layer.FLAG)), environ={}).env
    plain = [
        (each.name, (each.value.part, each.value.append) if each.value.part else each.value.text or "") for each in env
    ]
    expected = {"OMNI_BASE_URL": URL, "OMNI_API_TOKEN": TOKEN, "OMNI_API_KEY": TOKEN, "OMNI_ORGANIZATION_NAME": "acme"}
    if not pair:
        expected["OMNI_PROFILE"] = "p"
    for name, value in table.items():
        if value == "" and name in OWN:
            expected.pop(name, None)
        else:
            expected[name] = value if isinstance(value, str) else PARTS[value[0]] + value[1]
    given_variables = credential_variables(handed(tuple(plain), of_profile=not pair), URL, TOKEN)
    given_variables.pop(MARKER, None)
    assert given_variables == expected


def test_a_gateway_gives_its_own_address_and_token_and_names_no_organization() -> None:
    env: tuple[tuple[str, str | tuple[str, str]], ...] = (
        ("MCP_API_KEY", ("token", "")),
        ("MCP_SERVER_URL", ("base_url", "/mcp/https")),
        ("OMNI_HOST", ("host", "")),
        ("TENANT", ("organization", "")),
    )
    given_variables = credential_variables(handed(env), "http://127.0.0.1:8123", "one-run")
    del given_variables[MARKER]
    assert given_variables == {
        "OMNI_BASE_URL": "http://127.0.0.1:8123", "OMNI_API_TOKEN": "one-run", "OMNI_API_KEY": "one-run", "OMNI_PROFILE": "p",
        "MCP_API_KEY": "one-run", "MCP_SERVER_URL": "http://127.0.0.1:8123/mcp/https", "OMNI_HOST": "127.0.0.1:8123",
    }  # fmt: skip
