"""What the models object to, as findings: and what of a document is sound in spite of them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.config.check import check, pin_of
from omniprofile.config.judge import sound_part
from omniprofile.config.schema import ProfilesFile, objections
from omniprofile.config.toml.text import Document
from omniprofile.model.finding import Code
from omniprofile.model.provenance import Layer


def _document(text: str) -> Document:
    return Document.parse("f.toml", text.encode())


GOOD = '[profiles.good]\nbase_url = "https://a.omniapp.co"\n'


@pytest.mark.parametrize(
    ("bad", "left"),
    [
        ("typo = 1\n", {}),
        ('default = "ä"\n', {}),
        ("settings = 1\n", {}),
        (
            '[settings]\nallowed_hosts = ["a.example", "*", "b.example"]\n',
            {"settings": {"allowed_hosts": ["a.example", "b.example"]}},
        ),
        ('[instances.a]\ndescription = "no address"\n', {"instances": {}}),
        ('[instances]\n"ä b".base_url = "https://a.omniapp.co"\n', {"instances": {}}),
    ],
)
def test_what_is_wrong_at_the_top_takes_nothing_else_along(bad: str, left: dict[str, Any]) -> None:
    sound = sound_part(_document(bad + GOOD))
    assert sound is not None
    assert sound.data == {**left, "profiles": {"good": {"base_url": "https://a.omniapp.co"}}}


@pytest.mark.parametrize(
    ("bad", "left"),
    [
        ("typo = 1", {}),
        ("typo = 1\nprotected = 'x'\nauth = 'oauth'", {"auth": "oauth"}),
        ("key = { command = ['x', 1] }", {}),
        ("key = { env = 'A', typo = 1 }", {"key": {"env": "A"}}),
        ("expect = { user = '', org_role = 'x' }", {"expect": {"org_role": "x"}}),
        ("env = { A = 'x', 'B-' = 'y' }", {"env": {"A": "x"}}),
    ],
)
def test_what_is_wrong_in_a_profile_takes_its_key_alone(bad: str, left: dict[str, Any]) -> None:
    sound = sound_part(_document(f"[profiles.a]\n{bad}\n"))
    assert sound is not None
    assert sound.data == {"profiles": {"a": left}}


def test_a_contradiction_takes_its_table() -> None:
    sound = sound_part(_document('[profiles.a]\ninstance = "x"\nbase_url = "https://a.omniapp.co"\n' + GOOD))
    assert sound is not None
    assert list((sound.data or {})["profiles"]) == ["good"]


def test_the_document_itself_stays_as_it_is() -> None:
    document = _document("[profiles.a]\ntypo = 1\n")
    sound_part(document)
    assert document.data == {"profiles": {"a": {"typo": 1}}}


def test_of_what_is_no_toml_nothing_is_sound() -> None:
    assert sound_part(_document("[a\n")) is None


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
def test_any_document_is_judged_with_words_and_places(data: dict[str, Any]) -> None:
    """No objection of pydantic's is without words of ours; what is left of any document is good; no secret is repeated."""
    import tomlkit

    document = _document(tomlkit.dumps(data))
    assert document.data is not None
    for finding in check(document):
        assert finding.message
        assert "abcdefgh" not in f"{finding.message}{finding.suggestion}"
        if finding.fix is not None:
            line = document.lines[finding.fix.line - 1]
            assert line[finding.fix.column - 1 :][: finding.fix.length].strip()
    sound = sound_part(document)
    assert sound is not None
    assert not objections(sound.data or {}, ProfilesFile)


def test_a_pin_names_a_profile_and_its_place() -> None:
    pin, findings = pin_of(_document('# ours\nprofile = "a"\n'))
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
    pin, findings = pin_of(_document(text))
    assert pin is None
    assert [finding.code for finding in findings] == [code]


def test_of_very_many_objections_the_first_are_shown_and_the_others_counted() -> None:
    findings = check(_document("".join(f"k{number} = 1\n" for number in range(1500))))
    assert len(findings) == 1000
    assert findings[-1].message.endswith("; 500 more are not shown")
