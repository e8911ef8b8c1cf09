"""A good document as plain declarations: values, types, and the line of every key."""

from pathlib import Path

import pytest

from omniprofile.config.declare import FileDeclarations, declarations
from omniprofile.config.toml.text import Document
from omniprofile.model.declaration import Expect, KeySource, Settings
from omniprofile.model.origin import Origin
from omniprofile.model.provenance import Layer, Provenance, Sourced


def _declared(text: str, file: str = "/etc/omni/f.toml", home: str = "/home/me") -> FileDeclarations:
    return declarations(Document.parse(file, text.encode()), home=home)


def test_an_empty_file_declares_nothing() -> None:
    assert _declared("") == FileDeclarations()


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
    assert profile.values == {
        "base_url": Origin("https", "a.omniapp.co", 443), "auth": "oauth", "protected": True,
        "expect": Expect(user="u"), "env": {"X": "1", "Y": "2"},
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
    assert declared.defaults is not None
    assert (declared.defaults.layer, declared.defaults.name, declared.defaults.line) == (Layer.DEFAULTS, "defaults", 1)
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
    assert _declared(f"[profiles.a]\nkey = {key}\n").profiles["a"].values["key"] == source


def test_a_relative_file_is_beside_the_real_profile_file(tmp_path: Path) -> None:
    """A stowed file's neighbours are in the repository, not where the link is."""
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles/f.toml"
    real.write_text("")
    link = tmp_path / "link.toml"
    link.symlink_to(real)
    declared = _declared('[profiles.a]\nkey = { file = "k" }\n', file=str(link))
    assert declared.profiles["a"].values["key"] == KeySource("file", path=str(tmp_path / "dotfiles/k"))
