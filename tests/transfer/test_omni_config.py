"""Reading the vendor's config: its path, its content, and every way in which it can be invalid."""

import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omniprofile.errors import ConfigInvalid, ConfigUnreadable
from omniprofile.model.credential_variables import NO_CONFIG
from omniprofile.transfer.omni_config import OmniConfig
from omniprofile.transfer.omni_config_path import omni_config_path
from tests.conftest import CANARY

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("platform", "environ", "expected"),
    [
        ("linux", {}, "/home/u/.config/omni-cli/config.json"),
        ("darwin", {}, "/home/u/.config/omni-cli/config.json"),
        ("linux", {"XDG_CONFIG_HOME": "/x"}, "/x/omni-cli/config.json"),
        ("linux", {"XDG_CONFIG_HOME": ""}, "/home/u/.config/omni-cli/config.json"),
        ("linux", {"XDG_CONFIG_HOME": "/x", "OMNI_CONFIG_DIR": "/d"}, "/d/config.json"),
        ("linux", {"OMNI_CONFIG_DIR": "/d", "OMNI_CONFIG_PATH": "/p/my.json"}, "/p/my.json"),
        ("linux", {"OMNI_CONFIG_DIR": "/d", "OMNI_CONFIG_PATH": NO_CONFIG}, "/d/config.json"),
        ("win32", {"APPDATA": r"C:\u\Roaming"}, r"C:\u\Roaming\omni-cli\config.json"),
        ("win32", {}, r"/home/u\AppData\Roaming\omni-cli\config.json"),
    ],
)
def test_it_is_looked_for_where_the_cli_looks(platform: str, environ: dict[str, str], expected: str) -> None:
    assert omni_config_path(platform=platform, environ=environ, home="/home/u") == expected


def _read(tmp_path: Path, content: object) -> OmniConfig:
    file = tmp_path / "config.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return OmniConfig.read(str(file))


def _profile(**keys: object) -> dict[str, object]:
    return {"profiles": {"p": {"apiEndpoint": "https://acme.omniapp.co", **keys}}}


def test_nothing_that_was_read_shows_a_secret(tmp_path: Path) -> None:
    session = {"authMethod": "oauth", "accessToken": CANARY, "refreshToken": CANARY}
    for keys in session, {"apiKey": CANARY}:
        config = _read(tmp_path, _profile(**keys))
        found = config.profiles["p"].found(NOW)
        assert found.secret is not None
        assert CANARY not in repr((config, found, config.profiles, config.file))


@pytest.mark.parametrize("time", [None, "", "0001-01-01T00:00:00Z"])
def test_a_session_without_a_time_is_refreshed_before_its_first_use(tmp_path: Path, time: str | None) -> None:
    config = _read(tmp_path, _profile(authMethod="oauth", accessToken="a", refreshToken="r", tokenExpiresAt=time))
    secret = config.profiles["p"].found(NOW).secret
    assert secret is not None
    assert secret.expires_at == NOW


@pytest.mark.parametrize("table", [{"apiKey": None}, {"apiKey": ""}, {}, {"authMethod": "oauth"}, {"authMethod": None}])
def test_a_profile_without_a_secret_is_a_profile(tmp_path: Path, table: dict[str, object]) -> None:
    assert _read(tmp_path, _profile(**table)).profiles["p"].found(NOW).secret is None


@pytest.mark.parametrize("content", [b"{}", b'{"profiles": null}', b'{"version": 1, "profiles": {}}'])
def test_a_config_without_profiles_is_empty(tmp_path: Path, content: bytes) -> None:
    assert _read(tmp_path, content).profiles == {}


def test_any_readable_nesting_can_be_written(tmp_path: Path) -> None:
    for depth in (1, 50, 98, 99, 100, 500, 990):
        with suppress(ConfigInvalid):
            config = _read(tmp_path, b'{"profiles": {}, "x": ' + b"[" * depth + b"]" * depth + b"}")
            assert config.rendered(config.data)


BROKEN = {
    "cut off": (b'{"profiles": {"a": {"apiKey": "omni_osk_x', ":1:31: this is not JSON"),
    "empty": (b"", ":1:1: this is not JSON"),
    "a trailing comma": (b'{"profiles": {},}', "this is not JSON"),
    "a comment": (b'{\n// mine\n"profiles": {}}', ":2:1: this is not JSON"),
    "twice": (b'{"profiles": {"a": {"apiKey": "1", "apiKey": "2"}}}', "`apiKey` appears twice"),
    "a profile twice": (b'{"profiles": {"a": {}, "a": {}}}', "`a` appears twice"),
    "an escaped twin": (b'{"profiles": {"a": {}, "\\u0061": {}}}', "`a` appears twice"),
    "NaN": (b'{"profiles": {}, "x": NaN}', "a number that JSON does not have"),
    "infinite": (b'{"profiles": {}, "x": 1e999}', "a number that JSON does not have"),
    "a long number": (b'{"x": ' + b"1" * 5000 + b"}", "a number that is too long"),
    "deep": (b'{"x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deeply"),
    "deeper than could be written again": (b'{"x": ' + b"[" * 101 + b"]" * 101 + b"}", "nested too deeply"),
    "an array": (b"[]", "not a JSON object"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "UTF-16": ('{"profiles": {}}'.encode("utf-16"), ":1: a byte is not UTF-8"),
    "latin-1": (b'{\n"profiles": {"Stra\xdfe": {}}}', ":2: a byte is not UTF-8"),
    "a future version": (b'{"version": 2}', "`version` is not 1"),
    "version as text": (b'{"version": "1"}', "`version` is not 1"),
    "version as true": (b'{"version": true}', "`version` is not 1"),
    "profiles as a list": (b'{"profiles": []}', "`profiles` is not an object"),
    "a profile as text": (b'{"profiles": {"a": "b"}}', "profile `a` is not an object"),
    "an empty name": (b'{"profiles": {" ": {}}}', "an empty name"),
    "half a character in a name": (b'{"profiles": {"a\\ud800": {}}}', "half a character"),
    "half a character in a key": (b'{"profiles": {"a": {"apiKey": "\\udc80"}}}', "`apiKey` has half a character"),
    "a key as a number": (b'{"profiles": {"a": {"apiKey": 7}}}', "profile `a`: `apiKey` is not a string"),
    "a default as a list": (b'{"defaultProfile": []}', "`defaultProfile` is not a string"),
    "an unknown method": (b'{"profiles": {"a": {"authMethod": "saml"}}}', "`authMethod` is neither"),
    "another case": (b'{"profiles": {"a": {"APIKEY": "x"}}}', "`APIKEY` in another case than `apiKey`"),
    "a case that only Go folds": (
        '{"profiles": {"a": {"acce\u017f\u017fToken": "x"}}}'.encode(),
        "in another case than `accessToken`",
    ),
    "another case of profiles": (b'{"Profiles": {}}', "`Profiles` in another case than `profiles`"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_config_is_one_error_that_says_what_it_is_about(tmp_path: Path, case: str) -> None:
    content, says = BROKEN[case]
    with pytest.raises(ConfigInvalid) as raised:
        _read(tmp_path, content)
    assert says in str(raised.value), str(raised.value)
    assert str(tmp_path) in str(raised.value)
    assert "omni_osk_x" not in str(raised.value)


def test_a_non_file_is_reported_without_waiting(tmp_path: Path) -> None:
    fifo, folder, huge = tmp_path / "fifo", tmp_path / "folder", tmp_path / "huge"
    os.mkfifo(fifo)
    folder.mkdir()
    with huge.open("wb") as file:
        file.truncate(5 * 1024 * 1024)
    for path, says in (
        (fifo, "a FIFO"),
        (folder, "a folder"),
        (huge, "larger than"),
        (tmp_path / "no", "was found at"),
    ):
        with pytest.raises(ConfigUnreadable, match=says):
            OmniConfig.read(str(path))


TABS = '{\n\t"profiles": {\n\t\t"p": {\n\t\t\t"apiKey": "%s",\n\t\t\t"colour": "red"\n\t\t}\n\t}\n}\n'
CRLF = '{\r\n  "profiles": {\r\n    "p": {\r\n      "apiKey": "%s"\r\n    }\r\n  }\r\n}'
ODD = '{\n  "x": "é\u2028\\u003c",\n  "y": "\\ud800",\n  "n": [12345678901234567890123],\n  "profiles": {"p": {"apiKey": "%s"}}}'


@pytest.mark.parametrize("text", [TABS, CRLF, ODD])
def test_scrubbing_keeps_indentation_order_newlines_and_unknown_keys(tmp_path: Path, text: str) -> None:
    config = _read(tmp_path, (text % CANARY).encode())
    after = config.without_secrets_of(["p"])
    assert CANARY.encode() not in after
    was, now = json.loads(text % CANARY), json.loads(after)
    del was["profiles"]["p"]["apiKey"]
    assert now == was
    assert list(now) == list(was)
    assert (b"\r\n" in after) == ("\r\n" in text)
    assert after.endswith(b"\n") == text.endswith("\n")
    assert after.split(b"\n")[1][:1] == text.split("\n")[1][:1].encode()
