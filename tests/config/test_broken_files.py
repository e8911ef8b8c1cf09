"""A broken file in `profiles.d` affects only what could depend on it."""

import json
from pathlib import Path

import pytest

import omniprofile
from tests.conftest import CANARY, Cli

MAIN = """\
[defaults]
auth = "api-key"

[instances.acme]
base_url = "https://acme.omniapp.co"

[profiles.base]
key = { env = "ACME_KEY" }

[profiles.prod]
extends = "base"
instance = "acme"

[profiles."a.b"]
base_url = "https://ab.omniapp.co"
key = { env = "ACME_KEY" }
"""
ACME = {"ACME_KEY": CANARY}

HARMLESS = {
    "a header without its end": b"[profiles.other\n",
    "a value that is missing": b"[profiles.other]\nbase_url =\n",
    "a string without its end": b'[profiles.other]\nbase_url = "https://other.omniapp.co\n',
    "an unknown key": b'[profiles.other]\nbase_url = "https://other.omniapp.co"\ncolour = "red"\n',
    "an instance that nobody defines": b'[profiles.other]\ninstance = "acmee"\n',
    "no UTF-8": b"\xff\xfe[\x00p\x00",
    "a profile that extends one of them": b'[profiles.other]\nextends = "base"\nbase_url = \n',
    "one of them as a value before a comment": b'[profiles.other]\nextends = "prod"  # as = here\nbase_url = \n',
    "one of them in a comment": b'# [profiles.prod] default = "prod"\n[profiles.other]  # not [defaults]\nbase_url = \n',
    "the host of one of them": b'[profiles.other]\nbase_url = "https://acme.omniapp.co" x\n',
    "a binary file": bytes(range(256)),
}
HARMFUL = {
    "settings": b'[settings]\nallowed_hosts = ["bi.acme.example"\n',
    "settings, quoted": b'["settings"]\nallowed_hosts = [\n',
    "settings, escaped": b'["s\\u0065ttings"]\nallowed_hosts = [\n',
    "settings behind something": b'[profiles.other] [settings]\n',
    "settings behind a value": b'[profiles.other]\nauth = "oauth" [settings]\naudit = false\n',
    "defaults behind a value": b"[profiles.other]\nauth = 'oauth'[ \"defaults\" ]\nprotected = true\n",
    "defaults behind a value, without the header's end": b'[profiles.other]\nauth = "oauth" [defaults\nprotected = true\n',
    "the profile itself behind a value": b'[profiles.other]\ndescription = "#1" [profiles.prod.env]\nA = "b"\n',
    "a default behind a value with a hash": b'description = "#1" default = "other"\n',
    "settings, dotted": b'settings.secret_store = "file" x\n',
    "settings that are no settings": b"[settings]\nallowed_hosts = 1\n",
    "settings, misspelt": b'[setings]\nallowed_hosts = ["bi.acme.example"]\n',
    "settings, misspelt, in a file that does not parse": b'[Setting]\nallowed_hosts = ["\n',
    "settings without the header's end": b'[settings\nallowed_hosts = []\n',
    "defaults without the header's end": b'[ "defaults\nprotected = true\n',
    "defaults, cut short": b"[defa",
    "defaults alone in its line": b"defaults\nprotected = true\n",
    "defaults in UTF-16": "[defaults]\nprotected = true\n".encode("utf-16"),
    "defaults that are not UTF-8": b"[def\xffaults]\nprotected = true\n",
    "the profile itself without the header's end": b"[profiles.prod\nprotected = true\n",
    "the profile itself, cut short": b'[profiles."pro',
    "the profile itself in UTF-16": "[profiles.prod]\nprotected = true\n".encode("utf-16"),
    "its instance without the header's end": b"[instances.acme\n",
    "defaults": b"[defaults]\nprotected = tru\n",
    "a default": b'default = "other\n',
    "a default after bytes that are not UTF-8": b'# \xff\ndefault = "other"\n',
    "the profile itself": b"[profiles.prod]\nprotected = tru\n",
    "the profile itself, apart": b"[profiles]\nprod = { protected = tru }\n",
    "the profile itself, all at once": b"profiles = { }\n x",
    "its parent": b"profiles.base.protected = tru\n",
    "its instance": b"[ instances . 'acme' ]\nbase_url = 1\n",
    "the profile a second time": b'[profiles.prod]\nbase_url = "https://prod.omniapp.co"\n',
}  # fmt: skip


@pytest.fixture
def files(cli: Cli) -> Path:
    """Write valid files, and return the folder for drop-ins.

    One of their profiles has its parent in the broken file.
    """
    folder = cli.profiles(MAIN).parent / "profiles.d"
    folder.mkdir(mode=0o700)
    (folder / "20-sound.toml").write_text(
        '[profiles.sound]\nbase_url = "https://sound.omniapp.co"\n[profiles.stranded]\nextends = "other"\n'
    )
    return folder


@pytest.mark.parametrize("content", HARMLESS.values(), ids=HARMLESS)
@pytest.mark.parametrize("name", ["prod", "a.b"])
def test_a_named_profile_works_beside_a_broken_file(cli: Cli, files: Path, name: str, content: bytes) -> None:
    (files / "10-broken.toml").write_bytes(content)
    ran = cli("token", name, env=ACME, shows=True)
    assert (ran.status, ran.out) == (0, CANARY + "\n")
    assert f"warning: `{files / '10-broken.toml'}` is left out: line " in ran.err
    assert "is left out" in cli("-q", "token", name, env=ACME, shows=True).err
    assert cli("use", name).status == 0
    assert cli("current").status == 3, "what nobody named could be another one once the file is whole"
    assert cli("list").status == 3
    assert not list(cli.home.rglob("profiles-*.snapshot")), "no snapshot without the file"


@pytest.mark.parametrize("content", HARMFUL.values(), ids=HARMFUL)
def test_a_file_that_could_have_a_say_stops_it(cli: Cli, files: Path, content: bytes) -> None:
    (files / "10-broken.toml").write_bytes(content)
    ran = cli("token", "prod", env=ACME)
    assert (ran.status, ran.out) == (3, "")


def test_a_name_with_a_point_is_found_in_a_broken_file(cli: Cli, files: Path) -> None:
    (files / "10-broken.toml").write_text('[profiles."a.b"]\nprotected = tru\n')
    assert cli("token", "a.b", env=ACME).status == 3
    assert cli("token", "prod", env=ACME, shows=True).status == 0


@pytest.mark.parametrize(
    "line",
    ["test prod", "test -p prod sound", "each prod sound -- true", "logout sound --yes", "login sound --no-test"],
)
def test_every_command_that_takes_names_works_beside_it(cli: Cli, files: Path, line: str) -> None:
    (files / "10-broken.toml").write_text("[profiles.other\n")
    ran = cli(*line.split(), env={**ACME, "OMNIPROFILE_SECRET_STORE": "file"}, stdin=CANARY)
    assert ran.status != 3, ran
    assert "10-broken.toml` is left out: line 1" in ran.err
    (files / "10-broken.toml").write_text("[profiles.sound\n")
    ran = cli(*line.split(), env={**ACME, "OMNIPROFILE_SECRET_STORE": "file"}, stdin=CANARY)
    assert (ran.status == 3) == ("sound" in line), ran


@pytest.mark.parametrize(
    "line", ["test", "test --all", "test p*", "each --all -- true", "each pro? -- true", "list", "logout"]
)
def test_a_command_without_a_full_name_stops_at_a_broken_file(cli: Cli, files: Path, line: str) -> None:
    (files / "10-broken.toml").write_text("[profiles.other\n")
    assert cli(*line.split(), env=ACME).status == 3


def test_every_named_profile_is_checked(cli: Cli, files: Path) -> None:
    (files / "10-broken.toml").write_text("[profiles.sound]\nprotected = tru\n")
    assert cli("test", "prod", "sound", "--json", env=ACME).status == 3


def test_a_broken_main_file_stops_everything(cli: Cli, files: Path) -> None:
    cli.profiles(MAIN + "[profiles.other\n")
    assert cli("token", "sound").status == 3


def test_a_base_url_of_the_call_could_be_that_of_a_protected_profile_left_out(cli: Cli, files: Path) -> None:
    (files / "10-broken.toml").write_text('[profiles.other]\nbase_url = "https://other.omniapp.co"\nprotected = tru\n')
    named = {"OMNI_PROFILE_PROD_BASE_URL": "https://other.omniapp.co", "OMNI_PROFILE_PROD_TOKEN": CANARY}
    assert cli("exec", "prod", "--", "true", env=ACME).status == 0
    assert cli("exec", "prod", "--", "true", env=named).status == 3


def test_the_library_names_its_profile(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (files / "10-broken.toml").write_text("[profiles.other\n")
    for name, value in ACME.items():
        monkeypatch.setenv(name, value)
    assert omniprofile.resolve("prod").base_url == "https://acme.omniapp.co"
    assert "is left out" in caplog.text


def test_json_stays_json(cli: Cli, files: Path) -> None:
    (files / "10-broken.toml").write_text("[profiles.other\n")
    assert json.loads(cli("explain", "prod", "--json", env=ACME).out)["profile"] == "prod"
