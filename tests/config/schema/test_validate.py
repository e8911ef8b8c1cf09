"""Validation of a document: typed values with their lines, the violations, and the valid rest."""

import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.config.pin import validate_pin
from omniprofile.config.schema.keys import toml_kind
from omniprofile.config.schema.validate import validate
from omniprofile.config.toml.text import Document
from omniprofile.model.declaration import Config, Declaration, EnvValue, Identity, KeySource, Settings
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced
from omniprofile.model.rule_codes import Code
from tests.programs import run_program


def _document(text: str) -> Document:
    return Document.parse("f.toml", text.encode())


GOOD = '[profiles.good]\nbase_url = "https://a.omniapp.co"\n'


def _declared(text: str, file: str = "/etc/omni/f.toml", home: str = "/home/me") -> Config:
    declared, _ = validate(Document.parse(file, text.encode()), home=home)
    assert declared is not None
    return declared


def _set(table: Declaration) -> dict[str, Any]:
    """Return the keys that a table sets."""
    keys = table._fields[5:]
    return {key: value for key in keys if (value := getattr(table, key)) not in (None, {})}


def test_an_empty_file_declares_nothing() -> None:
    assert _declared("") == Config(("/etc/omni/f.toml",))


def test_every_value_has_its_type_and_its_line() -> None:
    declared = _declared(
        'default = "a"\n[settings]\nallowed_hosts = ["BI.acme.example"]\nsecret_store = "file"\n'
        '[profiles.a]\n# a comment\nbase_url = "https://A.omniapp.co:443/"\nauth = "oauth"\nprotected = true\n'
        'expect = { user = "u" }\n[profiles.a.env]\nX = "1"\n\nY = "2"\n'
    )
    file = "/etc/omni/f.toml"
    assert declared.default == Sourced("a", Provenance(Layer.DEFAULTS, "default", file, 1))
    assert declared.settings == Settings(
        ("bi.acme.example",), Sourced("file", Provenance(Layer.DEFAULTS, "settings", file, 4))
    )
    profile = declared.profiles["a"]
    assert (profile.layer, profile.name, profile.file, profile.line) == (Layer.PROFILE, "a", file, 5)
    assert _set(profile) == {
        "base_url": Origin("https", "a.omniapp.co", 443), "auth": "oauth", "protected": True,
        "expect": Identity(user="u"), "env": {"X": EnvValue("1"), "Y": EnvValue("2")},
    }  # fmt: skip
    assert profile.lines == {
        "base_url": 7,
        "auth": 8,
        "protected": 9,
        "expect": 10,
        "env": 11,
        "env.X": 12,
        "env.Y": 14,
    }
    assert profile.provenance("auth", Layer.PARENT) == Provenance(Layer.PARENT, "a", file, 8)
    assert profile.provenance("nope").line == 5


def test_instances_and_defaults_are_tables_of_their_layers() -> None:
    declared = _declared('[defaults]\nauth = "oauth"\n[instances]\nx.base_url = "https://x.omniapp.co"\n')
    (defaults,) = declared.defaults
    assert (defaults.layer, defaults.name, defaults.line) == (Layer.DEFAULTS, "defaults", 1)
    assert (declared.instances["x"].layer, declared.instances["x"].line) == (Layer.INSTANCE, 4)


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("{ keyring = true }", KeySource("keyring")),
        ('{ env = "A" }', KeySource("env", variable="A")),
        ('{ command = ["a", "b"] }', KeySource("command", argv=("a", "b"), timeout=30.0)),
        ('{ command = ["a"], timeout = 5 }', KeySource("command", argv=("a",), timeout=5.0)),
        ('{ file = "~/k" }', KeySource("file", path="/home/me/k")),
        ('{ file = "~" }', KeySource("file", path="/home/me/")),
        ('{ file = "~other/k" }', KeySource("file", path="/etc/omni/~other/k")),
        ('{ file = "k/../l" }', KeySource("file", path="/etc/omni/l")),
        ('{ file = "/k" }', KeySource("file", path="/k")),
    ],
)
def test_key_sources(key: str, source: KeySource) -> None:
    assert _declared(f"[profiles.a]\nkey = {key}\n").profiles["a"].key == source


def test_a_relative_file_is_beside_the_real_profile_file(tmp_path: Path) -> None:
    """The file is a link, and its neighbours are in the repository, beside its target."""
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles/f.toml"
    real.write_text("")
    link = tmp_path / "link.toml"
    link.symlink_to(real)
    declared = _declared('[profiles.a]\nkey = { file = "k" }\n', file=str(link))
    assert declared.profiles["a"].key == KeySource("file", path=str(tmp_path / "dotfiles/k"))


@pytest.mark.parametrize(
    "bad",
    ["typo = 1\n", 'default = "ä"\n', "settings = 1\n", '[instances]\n"ä b".base_url = "https://a.omniapp.co"\n',
     '[instances.a]\ndescription = "no address"\n',
     '[profiles.a]\ninstance = "x"\nbase_url = "https://a.omniapp.co"\n'],
)  # fmt: skip
def test_an_invalid_value_drops_nothing_else(bad: str) -> None:
    declared = _declared(bad + GOOD)
    assert {name: _set(table) for name, table in declared.profiles.items()} == {
        "good": {"base_url": Origin.parse("https://a.omniapp.co")}
    }
    assert (declared.default, declared.settings, dict(declared.instances)) == (None, Settings(), {})


def test_a_wrong_host_takes_no_other_host_along() -> None:
    declared = _declared('[settings]\nallowed_hosts = ["a.example", "*", "b.example"]\n')
    assert declared.settings == Settings(("a.example", "b.example"))


@pytest.mark.parametrize(
    ("bad", "left"),
    [
        (
            "env = { A = { from = 'tokens' }, B = { from = 'host', append = ':1' } }",
            {"env": {"B": EnvValue(part="host", append=":1")}},
        ),
        ("env = { A = { keyring = true }, OMNI_PROFILE = 'x' }", {"env": {"A": EnvValue(secret=KeySource("keyring"))}}),
        ("env = { A = { file = '/f', command = ['x'] }, OMNI_PROFILE = '' }", {"env": {"OMNI_PROFILE": EnvValue("")}}),
        ("typo = 1", {}),
        ("typo = 1\nprotected = 'x'\nauth = 'oauth'", {"auth": "oauth"}),
        ("key = { command = ['x', 1] }", {}),
        ("key = { env = 'A', typo = 1 }", {"key": KeySource("env", variable="A")}),
        ("expect = { user = '', org_role = 'x' }", {"expect": Identity(org_role="x")}),
        ("env = { A = 'x', 'B-' = 'y' }", {"env": {"A": EnvValue("x")}}),
    ],
)
def test_an_invalid_key_in_a_profile_drops_only_that_key(bad: str, left: dict[str, Any]) -> None:
    assert _set(_declared(f"[profiles.a]\n{bad}\n").profiles["a"]) == left


def test_the_document_itself_does_not_change() -> None:
    document = _document("[profiles.a]\ntypo = 1\n")
    validate(document, home="/")
    assert document.data == {"profiles": {"a": {"typo": 1}}}


def test_invalid_toml_declares_nothing() -> None:
    declared, findings = validate(_document("[a\n"), home="/")
    assert declared is None
    assert [finding.code for finding in findings] == [Code.SYNTAX]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("version", "integer"), ("default", "string"), ("settings.secret_store", "string"), ("settings", "table"),
        ("settings.allowed_hosts", "array"), ("instances.a", "table"), ("instances.a.base_url", "string"),
        ("profiles.a.base_url", "string"), ("profiles.a.auth", "string"), ("profiles.a.protected", "boolean"),
        ("profiles.a.key", "table"), ("profiles.a.key.env", "string"), ("profiles.a.key.command", "array"),
        ("profiles.a.key.timeout", "number"), ("profiles.a.key.keyring", "boolean"), ("profiles.a.key.file", "string"),
        ("profiles.a.expect", "table"), ("profiles.a.expect.key_scope", "string"), ("profiles.a.env", "table"),
        ("profiles.a.env.X", "string or table"), ("defaults.auth", "string"), ("profiles.a.typo", None), ("typo.x", None),
        ("profiles.a.auth.x", None), ("profiles.a.env.X.y", None),
    ],
)  # fmt: skip
def test_every_key_has_a_kind_that_set_writes(path: str, kind: str | None) -> None:
    assert toml_kind(tuple(path.split("."))) == kind


keys = st.sampled_from(
    ["version", "default", "settings", "instances", "profiles", "defaults", "a", "ä b", "base_url", "instance", "key", "env",
     "command", "file", "timeout", "expect", "user", "allowed_hosts", "secret_store", "auth", "extends", "token", "protected"]
)  # fmt: skip
values = st.recursive(
    st.sampled_from([True, 1, 1.5, "", "x", "https://a.omniapp.co", "oauth", "omni_osk_abcdefgh"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(keys, values, max_size=5))
def test_every_violation_has_a_message_and_a_position(data: dict[str, Any]) -> None:
    """Every pydantic error has our wording, the rest of any document is valid, and no message repeats a secret."""
    import tomlkit

    document = _document(tomlkit.dumps(data))
    assert document.data is not None
    _, findings = validate(document, home="/")
    for finding in findings:
        assert finding.message
        assert "abcdefgh" not in f"{finding.message}{finding.suggestion}"
        if finding.fix is not None:
            line = document.lines[finding.fix.line - 1]
            assert line[finding.fix.column - 1 :][: finding.fix.length].strip()
    declared, _ = validate(document, home="/")
    assert declared is not None


def test_a_pin_names_a_profile_and_its_place() -> None:
    pin, findings = validate_pin(_document('# ours\nprofile = "a"\n'))
    assert findings == []
    assert pin is not None
    assert (pin.value, pin.provenance.layer, pin.provenance.line) == ("a", Layer.PROJECT, 2)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", Code.MISSING_KEY),
        ("profile = 1\n", Code.WRONG_VALUE),
        ('profile = ""\n', Code.WRONG_VALUE),
        ('profile = "a"\nbase_url = "https://evil.example"\n', Code.UNKNOWN_KEY),
        ('profile = "a"\n[profiles.a]\nkey = { command = ["rm"] }\n', Code.UNKNOWN_KEY),
        ("profile = \n", Code.SYNTAX),
    ],
)
def test_a_pin_is_nothing_else(text: str, code: Code) -> None:
    pin, findings = validate_pin(_document(text))
    assert pin is None
    assert [finding.code for finding in findings] == [code]


def test_of_very_many_objections_the_first_are_shown_and_the_others_counted() -> None:
    _, findings = validate(_document("".join(f"k{number} = 1\n" for number in range(1500))), home="/")
    assert len(findings) == 1000
    assert findings[-1].message.endswith("; 500 more are not shown")


def test_no_plugin_of_pydantic_sees_a_profile_file(tmp_path: Path) -> None:
    """A plugin installed for another program could record validated data; it still works for that program."""
    (tmp_path / "spy.py").write_text("print('spy')\n")
    info = tmp_path / "spy-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spy\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pydantic]\nspy = spy\n")
    code = """
        import os
        from omniprofile.config.schema.models import ProfilesFile
        from omniprofile.config.schema.validate import read
        assert isinstance(read({"profiles": {"a": {"base_url": "https://acme.omniapp.co"}}}, ProfilesFile), ProfilesFile)
        print("read", os.environ.get("PYDANTIC_DISABLE_PLUGINS"))
        import pydantic
        pydantic.TypeAdapter(int)
    """
    argv = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    for before, expected in ((None, ["read None", "spy"]), ("x", ["read x", "spy"])):
        variables = {"PYTHONPATH": f"{Path(__file__).parents[3]}{os.pathsep}{tmp_path}"}
        variables |= {"PYDANTIC_DISABLE_PLUGINS": before} if before else {}
        ran = run_program(argv, env={**os.environ, **variables})
        assert ran.stdout.splitlines()[:2] == expected, ran.stderr
