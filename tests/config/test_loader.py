"""Loading all files: they are merged and their references checked; every command except lint raises the first error (exit 3)."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omniprofile.config.loader import load, read
from omniprofile.config.pin import load_pin
from omniprofile.errors import ConfigInvalid, ConfigUnreadable, UnsafePermissions
from omniprofile.model.declaration import Config
from omniprofile.model.rule_codes import Code
from tests.conftest import Cli

GOOD = '[profiles.a]\nbase_url = "https://a.omniapp.co"\n'


def _files(folder: Path, *texts: str) -> list[str]:
    paths = [folder / f"{number}.toml" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return [str(path) for path in paths]


def test_no_file_is_no_config() -> None:
    assert load([], home="/").config == Config()


def test_files_are_merged_in_their_order(tmp_path: Path) -> None:
    paths = _files(
        tmp_path,
        'default = "b"\n[settings]\nallowed_hosts = ["x.example", "y.example"]\n[defaults]\nauth = "oauth"\n',
        '[settings]\nallowed_hosts = ["y.example", "z.example"]\nsecret_store = "file"\n[profiles.b]\ninstance = "i"\n',
        '[instances.i]\nbase_url = "https://i.omniapp.co"\n[profiles.a]\nextends = "b"\n',
    )
    config = load(paths, home="/").config
    assert config.files == tuple(paths)
    assert config.default is not None
    assert config.default.value == "b"
    assert config.settings.allowed_hosts == ("x.example", "y.example", "z.example")
    assert config.settings.secret_store is not None
    assert list(config.profiles) == ["b", "a"]
    assert config.profiles["a"].file == paths[2]


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("profile `a`", GOOD),
        ("instance `i`", '[instances.i]\nbase_url = "https://a.omniapp.co"\n'),
        ("`default`", 'default = "a"\n'),
        ("`secret_store`", '[settings]\nsecret_store = "file"\n'),
        ("`[defaults]`", '[defaults]\nauth = "oauth"\n'),
    ],
)
def test_a_duplicate_names_both_places(what: str, text: str, tmp_path: Path) -> None:
    paths = _files(tmp_path, text, "# second\n" + text)
    (finding,) = [finding for finding in read(paths, home="/").findings if finding.code == Code.DUPLICATE]
    assert finding.file == paths[1]
    assert finding.line > 1
    assert what in finding.message
    assert f"`{paths[0]}`, line" in finding.message


def test_the_first_files_error_is_raised_with_its_place_and_that_there_are_others(tmp_path: Path) -> None:
    paths = _files(tmp_path, GOOD, "[profiles.b]\nx = 1\ny = 2\n", "z = 1\n")
    with pytest.raises(ConfigInvalid) as raised:
        load(paths, home="/")
    assert raised.value.message.startswith(f"{paths[1]}:2:1: unknown key `x`")
    assert str(raised.value.hint).endswith("; `omniprofile lint` shows all errors")  # with those of its rules


def test_one_bad_key_does_not_make_the_references_to_its_table_dangle(tmp_path: Path) -> None:
    paths = _files(
        tmp_path,
        '[instances.i]\nurl = "x"\n[profiles."ä b"]\n[profiles.p]\ntypo = 1\n',
        '[profiles.a]\ninstance = "i"\nextends = "p"\n',
    )
    found = read(paths, home="/").findings
    assert Code.DANGLING not in [finding.code for finding in found]
    assert {finding.file for finding in found} == {paths[0]}


def test_while_a_file_cannot_be_read_nothing_is_called_dangling(tmp_path: Path) -> None:
    paths = _files(tmp_path, '[profiles.a]\nextends = "p"\n', "[profiles.p\n")
    assert [finding.code for finding in read(paths, home="/").findings] == [Code.SYNTAX]
    os.remove(paths[1])
    assert [finding.code for finding in read(paths, home="/").findings] == [Code.UNREADABLE]


def test_files_that_cannot_be_used_have_errors_of_their_own(tmp_path: Path) -> None:
    (path,) = _files(tmp_path, GOOD)
    os.chmod(path, 0o666)
    with pytest.raises(UnsafePermissions, match="anyone can write to"):
        load([path], home="/")
    with pytest.raises(ConfigUnreadable, match="not found"):
        load([str(tmp_path / "gone")], home="/")
    with pytest.raises(ConfigUnreadable, match="a folder"):
        load([str(tmp_path)], home="/")


def test_a_pin_that_is_wrong_says_what_a_pin_is(tmp_path: Path) -> None:
    pin = tmp_path / ".omniprofile.toml"
    pin.write_text('profile = "a"\n')
    assert load_pin(str(pin)).value == "a"
    pin.write_text("")
    with pytest.raises(ConfigInvalid, match="`profile` is missing"):
        load_pin(str(pin))


def test_a_pin_that_cannot_be_read_raises(tmp_path: Path) -> None:
    with pytest.raises(ConfigUnreadable, match="not found"):
        load_pin(str(tmp_path / "gone"))
    with pytest.raises(ConfigUnreadable, match="a folder"):
        load_pin(str(tmp_path))


def test_many_dangling_names_do_not_each_look_at_every_name(tmp_path: Path) -> None:
    """Without a limit on suggestions this would take hours."""
    (path,) = _files(tmp_path, "".join(f'[profiles.p{n}]\nextends = "px{n}"\n' for n in range(5000)))
    found = read([path], home="/").findings
    assert len(found) == 5000
    assert "did you mean" in str(found[0].suggestion)
    assert "did you mean" not in str(found[-1].suggestion)


@pytest.mark.parametrize("length", [1, 3000])
def test_a_chain_and_a_ring_of_any_length_end(length: int, tmp_path: Path) -> None:
    chain = "".join(f'[profiles.p{n}]\nextends = "p{n + 1}"\n' for n in range(length))
    (path,) = _files(tmp_path, chain + f'[profiles.p{length}]\nbase_url = "https://a.omniapp.co"\n')
    assert read([path], home="/").findings == []
    (path,) = _files(tmp_path, chain + f'[profiles.p{length}]\nextends = "p0"\n')
    (finding,) = read([path], home="/").findings
    assert finding.code == Code.CYCLE
    assert len(finding.message) < 400


EXAMPLE = (Path(__file__).parents[1] / "corpus/good/contract.toml").read_bytes()
pieces = st.sampled_from(
    [b"", b"[", b"]", b'"', b"'''", b"=", b"\n", b".", b"#", b"{", b"}", b"\xff", b"\0", b"1", b"\r", b"\xef\xbb\xbf"]
)


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Generate arbitrary bytes, and a valid file with a few changes."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    content = bytearray(EXAMPLE)
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 12))] = draw(pieces)
    return bytes(content)


@given(contents(), st.sampled_from(["profiles.toml", "profiles.d/x.toml"]))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_any_bytes_as_a_profile_file_are_read_or_refused_with_a_place_and_exit_3(
    cli: Cli, content: bytes, name: str
) -> None:
    """Any error has file and line, and exit status 3; there is no traceback and no hang."""
    path = cli.config.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    try:
        listed = cli("list")
        linted = cli("lint", "--json")
        found = json.loads(linted.out)["findings"]
        lines = content.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
        for each in found:
            assert 1 <= each["column"] <= len(lines[each["line"] - 1]) + 1
        if listed.status:
            assert listed.status == 3
            assert f"{path}:" in listed.err or f"`{path}`" in listed.err
            assert linted.status == 1
        else:
            assert linted.status == any(each["level"] == "error" for each in found)
    finally:
        path.unlink()
