"""Untrusted files are read in time proportional to their size: profile files, pins, `.env`, imports.

Eight times the input may take at most three times linear growth (`tests/growth.py`), and no input more than a fixed multiple
of the time for a plain file of its size. A run of the tests takes a sample of the shapes; `OMNIPROFILE_TEST_SWEEP=all` takes all.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from omniprofile.checks.lint import examine
from omniprofile.checks.mcp import check_mcp
from omniprofile.cli.render import findings as render
from omniprofile.cli.render.sarif import sarif
from omniprofile.cli.style import Style
from omniprofile.config.loader import read
from omniprofile.config.paths import Places
from omniprofile.config.pin import validate_pin
from omniprofile.config.toml.text import Document
from omniprofile.configuration import renew_snapshot
from omniprofile.errors import Error
from omniprofile.model import secret
from omniprofile.transfer.dotenv import Dotenv
from omniprofile.transfer.dotenv_profile import dotenv_source
from omniprofile.transfer.matching import plan
from omniprofile.transfer.omni_config import OmniConfig, omni_source
from tests.growth import MOST, growth, seconds
from tests.sampling import sample


def _again(text: str, before: str = "", after: str = "") -> Callable[[int], bytes]:
    return lambda size: (before + text * (size // len(text) + 1) + after).encode()


def _numbered(text: str, before: str = "") -> Callable[[int], bytes]:
    """Repeat a statement, each time with a different number in it."""
    return lambda size: (before + "".join(text.format(n) for n in range(size // len(text) + 1))).encode()


PLAIN = _numbered('[profiles.p{0}]\nbase_url = "https://a{0}.omniapp.co"\nauth = "api-key"\n')
HOSTILE: Mapping[str, Callable[[int], bytes]] = {
    "blanks": _again(" ", after="!"),
    "blanks-in-an-array": _again(" ", "x = ["),
    "blanks-in-a-table": _again(" ", "x = {"),
    "blank-lines": _again("\n", after="!"),
    "commas": _again("1, ", "x = [", "!"),
    "unclosed-string": _again("a", 'x = "'),
    "unclosed-long-string": _again('\\"""', 'x = """'),
    "unclosed-literal": _again("'\n"),
    "quotes": _again('"'),
    "escaped-quotes": _again('"\\"\\"'),
    "long-quotes": _again('"""'),
    "backslashes": _again("\\", 'x = "'),
    "arrays": _again("[", "x = "),
    "tables": _again("{a=", "x = "),
    "closed-arrays": lambda size: b"x = " + b"[" * size + b"]" * size,
    "headers": _again("[a]\n"),
    "open-headers": _again("[a\n"),
    "arrays-of-tables": _again("[[a]]\n"),
    "dotted-key": _again("a.", after="a = 1"),
    "dotted-keys": _numbered("a{0}.b.c.d = {0}\n"),
    "long-key": _again("k", after=" = 1"),
    "long-quoted-key": _again("\\u0061", '"', '" = 1'),
    "unknown-keys": _numbered("k{0} = {0}\n"),
    "unknown-keys-of-a-profile": _numbered("k{0} = {0}\n", '[profiles.a]\nbase_url = "https://a.omniapp.co"\n'),
    "inline-keys": lambda size: ("x = {" + ", ".join(f"k{n}={n}" for n in range(size // 8)) + "}").encode(),
    "wrong-values": _numbered("[profiles.p{0}]\nbase_url = 1\nauth = 2\n"),
    "bad-names": _numbered('[profiles."p {0}"]\nauth = "api-key"\n'),
    "bad-hosts": _numbered('[profiles.p{0}]\nbase_url = "ftp://x{0}/"\n'),
    "dangling": _numbered('[profiles.p{0}]\nextends = "q{0}"\n'),
    "chain": lambda size: (
        '[profiles.p0]\nbase_url = "https://a.omniapp.co"\n'
        + "".join(f'[profiles.p{n + 1}]\nextends = "p{n}"\n' for n in range(size // 32))
    ).encode(),
    "ring": lambda size: "".join(
        f'[profiles.p{n}]\nextends = "p{(n + 1) % (size // 32 + 1)}"\n' for n in range(size // 32 + 1)
    ).encode(),
    "collisions": _numbered('[profiles."a{0}-b"]\nextends="x"\n[profiles."a{0}_b"]\nextends="x"\n'),
    "same-address": _numbered('[profiles.p{0}]\nbase_url = "https://a.omniapp.co"\n'),
    "duplicates": _again("a = 1\n"),
    "comments": _again("# token = 'abcdefgh1'\n"),
    "comment-signs": _again("#"),
    "ignores": _again("# omniprofile: ignore[OP406]\n"),
    "ignores-in-a-line": _again("# omniprofile: ignore[OP406 "),
    "ignored-codes": _again("OP406, ", "# omniprofile: ignore[", "]"),
    "keys-in-plain-text": _again("omni_osk_abcdefghij\n"),
    "keys-in-a-line": _again("omni_osk_", "# "),
    "tokens-in-a-line": _again("token = ", "# "),
    "web-tokens": _again("eyJaaaaaaaa.", "# "),
    "bearers": _again("bearer   ", "# "),
    "curly-quotes": _again("a = “x”\n"),
    "carriage-returns": _again("a = 1\r"),
    "not-ascii": _again("é", 'x = "'),
    "mixed": _again("x = {a = [1, \"'''\", # \n"),
    "different-keys": _numbered("# omni_osk_abcdefgh{0}\n"),
    "different-passwords": lambda size: (
        '[profiles.a]\nkey = { command = ["x", ' + "".join(f'"--password", "hunt9{n}", ' for n in range(size // 16)) + "] }"
    ).encode(),
    "hosts": lambda size: ("[settings]\nallowed_hosts = [" + ", ".join(f'"h{n}"' for n in range(size // 8)) + "]").encode(),
}  # fmt: skip

BLANKS = [char for char in map(chr, range(0x10000)) if char.isspace() and char not in "\r\n"]


SAMPLE = 6
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def _lint(content: bytes) -> None:
    report = examine([["p.toml"]], home="/home/me", contents={"p.toml": content})
    render.human(report, Style(False), 80)
    json.dumps(render.view(report))
    render.github(report)
    sarif(report)


def _load(content: bytes) -> None:
    read(["p.toml"], home="/home/me", contents={"p.toml": content})


def _pin(content: bytes) -> None:
    validate_pin(Document.parse(".omniprofile.toml", content))


@pytest.mark.parametrize(
    ("work", "name"),
    [(work, name) for work in (_lint, _load, _pin) for name in sample(HOSTILE, SAMPLE, work.__name__)],
    ids=lambda part: part if isinstance(part, str) else part.__name__.strip("_"),
)
def test_time_grows_in_proportion(work: Callable[[bytes], None], name: str) -> None:
    times = growth(lambda size: partial(work, HOSTILE[name](size)), 2048, 8192, patience=60.0)
    assert times <= MOST


@pytest.mark.parametrize("name", sample(HOSTILE, SAMPLE, "multiple"))
def test_nothing_takes_many_times_what_a_plain_file_takes(name: str) -> None:
    """A hostile file of 64 KiB may be slower because of its findings, but not by orders of magnitude."""
    size = 64 * 1024

    def best(content: bytes) -> float:
        return min(seconds(lambda: _lint(content)) for _ in range(3))

    assert best(HOSTILE[name](size)) <= 40 * best(PLAIN(size))


IN_DOTENV = {
    **HOSTILE,
    **{f"blanks-{ord(blank):x}": _again(blank, "A=x", "x") for blank in BLANKS},
    "words-between-blanks": _again(" " * 150 + "x", "A=x"),
    "same-token": _again("OMNI_API_KEY=omni_osk_abcdefgh\n", "OMNI_BASE_URL=https://a.omniapp.co\n"),
}


@pytest.mark.parametrize("name", sample(IN_DOTENV, SAMPLE, "dotenv"))
def test_a_dotenv_file_is_read_in_proportion(name: str, tmp_path: Path) -> None:
    file = tmp_path / ".env"

    def prepared(size: int) -> Callable[[], object]:
        file.write_bytes(IN_DOTENV[name](size))
        return reading

    def reading() -> None:
        try:
            dotenv_source(Dotenv.read(str(file)), NOW, name=None, base_url=None).without_secrets({"a": "a"})
        except Error:
            return

    assert growth(prepared, 16384, 32768, patience=60.0) <= MOST


def _profiles(one: str) -> Callable[[int], bytes]:
    """Return a vendor's config with many profiles from one template, numbered."""

    def make(size: int) -> bytes:
        profiles = ", ".join(one.replace("#", str(number)) for number in range(size // len(one) + 1))
        return ('{"version": 1, "defaultProfile": "p0", "profiles": {' + profiles + "}}").encode()

    return make


BLANK_DIGITS = {ord("0"): " ", ord("1"): "\u00a0"}
IN_VENDOR_CONFIG: Mapping[str, Callable[[int], bytes]] = {
    "arrays": _again("["),
    "tables": _again('{"a":'),
    "digits": _again("9", '{"version": ', "}"),
    "exponent": _again("9", '{"version": 1e', "}"),
    "unclosed-string": _again("a", '{"'),
    "backslashes": _again("\\\\", '{"', '": 1}'),
    "blanks": _again(" ", "{", "}"),
    "same-key": lambda size: ("{" + ", ".join(['"a": 1'] * (size // 8 + 1)) + "}").encode(),
    "plain": _profiles('"p#": {"apiEndpoint": "https://a#.omniapp.co", "authMethod": "api-key", "apiKey": "k#"}'),
    "unknown-keys": _profiles('"p#": {"apiEndpoint": "https://a.omniapp.co", "k#": 1}'),
    "same-name-when-cleaned": _profiles('"p (#)": {"apiEndpoint": "https://a.omniapp.co"}'),
    "names-that-collide": lambda size: (
        '{"version": 1, "profiles": {'
        + ", ".join(
            f'"p{f"{n:014b}".translate(BLANK_DIGITS)}": {{"apiEndpoint": "https://a.omniapp.co"}}'
            for n in range(size // 60)
        )
        + "}}"
    ).encode(),
    "wrong-values": _profiles('"p#": {"apiEndpoint": 1, "authMethod": 2}'),
    "bad-hosts": _profiles('"p#": {"apiEndpoint": "ftp://x#/"}'),
    "bad-times": _profiles(
        '"p#": {"apiEndpoint": "https://a.omniapp.co", "authMethod": "oauth", "accessToken": "a", "tokenExpiresAt": "#"}'
    ),
    "half-characters": _profiles('"p#\\ud800": {"apiEndpoint": "https://a.omniapp.co"}'),
}


@pytest.mark.parametrize("name", IN_VENDOR_CONFIG)
def test_a_config_of_the_vendor_is_read_and_planned_in_proportion(name: str, tmp_path: Path) -> None:
    file = tmp_path / "config.json"

    def prepared(size: int) -> Callable[[], object]:
        file.write_bytes(IN_VENDOR_CONFIG[name](size))
        return reading

    def reading() -> None:
        try:
            source = omni_source(OmniConfig.read(str(file), whole=False), (), NOW)
            plan(source.found, [], move_sessions=True, default=source.default)
        except Error:
            return

    assert growth(prepared, 16384, 32768, patience=60.0) <= MOST


def _servers(server: str) -> Callable[[int], bytes]:
    """Return a client's file with many MCP servers from one template, numbered."""

    def make(size: int) -> bytes:
        servers = (f'"omni{n}": {server.replace("#", str(n))}' for n in range(size // len(server) + 1))
        return ('{"mcpServers": {' + ",\n".join(servers) + "}}").encode()

    return make


IN_MCP_FILE: Mapping[str, Callable[[int], bytes]] = {
    "headers": _servers('{"headers": {"Authorization": "Bearer abcdefghi#jklmn"}}'),
    "variables": _servers('{"env": {"OMNI_API_KEY": "secret-\\u00e9#"}}'),
    "arguments": _numbered('"omni_osk_abcdefgh{0}",\n', '{"mcpServers": {"omni": {"args": ['),
    "keys-in-no-json": _numbered("omni_osk_abcdefgh{0}\n"),
    "tokens-in-no-json": _numbered("omni bearer abcdefghijklmnop{0}\n"),
    "comments": _again("/* // */", "{"),
    "open-comments": _again("/*", "{"),
    "strings": _again('"\\"'),
    "commas": _again(", \n", "["),
    "tables": _again('{"servers":'),
}


@pytest.mark.parametrize("name", IN_MCP_FILE)
def test_a_file_of_an_mcp_client_is_read_in_proportion(name: str) -> None:
    def prepared(size: int) -> Callable[[], object]:
        secret._obtained.clear()
        secret._starts.clear()
        return partial(check_mcp, ".mcp.json", IN_MCP_FILE[name](size))

    assert growth(prepared, 32768, 65536, patience=60.0) <= MOST


def _heirs(of: str, one: str) -> Callable[[int], bytes]:
    """Return a file: half is one profile with many of `one` in `of`, half are profiles that inherit them."""

    def make(size: int) -> bytes:
        have = of.replace("#", "".join(one.replace("#", str(n)) for n in range(size // 2 // len(one) + 1)))
        heirs = "".join(f'[profiles.p{n}]\nextends = "base"\n' for n in range(size // 2 // 32 + 1))
        return f'[profiles.base]\nbase_url = "https://a.omniapp.co"\n{have}\n{heirs}'.encode()

    return make


INHERITED = {
    "variables": _heirs("[profiles.base.env]\n#", 'VARIABLE_# = "x"\n'),
    "tags": _heirs("tags = [#]", '"tag-number-#", '),
    "requests": _heirs('access = "read-only"\nallow = [#]', '"POST /api/v1/#", '),
}


@pytest.mark.parametrize("name", INHERITED)
def test_inherited_values_are_stored_once_in_the_snapshot(name: str, tmp_path: Path) -> None:
    file = tmp_path / "profiles.toml"
    places = Places(str(file), None, str(tmp_path / "state"), str(tmp_path / "cache"), str(tmp_path))

    def prepared(size: int) -> Callable[[], object]:
        file.write_bytes(INHERITED[name](size))
        return partial(renew_snapshot, places, [str(file)])

    assert growth(prepared, 16384, 32768, patience=60.0) <= MOST
