"""`export omni-cli`: a merge that keeps the vendor's own settings, with secrets only on request."""

import json
import os
import stat
from pathlib import Path

import pytest

from tests.cli.test_import import KEY, REFRESH, STAGING, VENDOR, snapshot, write_vendor
from tests.conftest import CANARY, Cli

pytestmark = pytest.mark.usefixtures("file_store")

OURS = """\
version = 1
default = "prod"

[settings]
allowed_hosts = ["bi.acme.example"]

[profiles.base]
description = "a parent without an address"
env = { OMNI_OUTPUT_FORMAT = "human" }

[profiles.prod]
extends = "base"
base_url = "https://acme.omniapp.co"
auth = "oauth"

[profiles.ci]
base_url = "https://acme.omniapp.co"
key = { env = "CI_KEY" }

[profiles.bi]
base_url = "https://bi.acme.example"
"""


def _target(cli: Cli) -> Path:
    return cli.home / ".config/omni-cli/config.json"


def test_a_profile_in_the_place_of_the_file_is_not_made_a_file(cli: Cli) -> None:
    cli.profiles(OURS)
    ran = cli("export", "omni-cli", "prod", "--with-secrets", status=2)
    assert "hint: run `omniprofile export omni-cli -p prod`" in ran.err
    assert not (cli.work / "prod").exists()
    assert cli("export", "omni-cli", "./prod").status == 0


def test_profiles_go_to_a_new_file_that_is_private(cli: Cli) -> None:
    cli.profiles(OURS)
    ran = cli("export", "omni-cli", status=0)
    path = _target(cli)
    assert json.loads(path.read_bytes()) == {
        "version": 1,
        "defaultProfile": "prod",
        "profiles": {
            "prod": {"apiEndpoint": "https://acme.omniapp.co", "authMethod": "oauth", "defaultOutputFormat": "human"},
            "ci": {"apiEndpoint": "https://acme.omniapp.co", "authMethod": "api-key"},
            "bi": {"apiEndpoint": "https://bi.acme.example", "authMethod": "api-key"},
        },
    }
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path, path.parent)] == [0o600, 0o700]
    assert "`base` cannot be exported" in ran.err
    assert "`omni` sends no token to the host of `bi`" in ran.err
    assert "the OAuth session of `prod` is never exported" in ran.err


@pytest.mark.parametrize("flags", [[], ["--with-secrets"]])
def test_a_second_run_changes_no_byte(cli: Cli, flags: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_KEY", KEY)
    cli.profiles(OURS)
    cli("export", "omni-cli", *flags)
    before, inode = snapshot(cli), _target(cli).stat().st_ino
    ran = cli("export", "omni-cli", *flags)
    assert snapshot(cli) == before
    assert _target(cli).stat().st_ino == inode, "not even written"
    assert "is up to date" in ran.err


def test_import_then_export_gives_back_the_same_file(cli: Cli) -> None:
    path = write_vendor(cli, VENDOR)
    before = path.read_bytes()
    cli("import", "omni-cli")
    assert cli("export", "omni-cli").status == 0
    assert path.read_bytes() == before
    assert cli("export", "omni-cli", "--with-secrets").status == 0
    assert path.read_bytes() == before


def test_scrub_then_export_with_secrets_gives_back_the_keys_and_no_session(cli: Cli) -> None:
    path = write_vendor(cli, VENDOR)
    cli("import", "omni-cli", "--scrub")
    ran = cli("export", "omni-cli", "--with-secrets", status=0)
    after = json.loads(path.read_bytes())
    assert after["profiles"]["staging"]["apiKey"] == STAGING
    assert after["profiles"]["Playground (Org-scoped)"] == {
        "colour": "green",
        "apiEndpoint": "https://play.omniapp.co",
        "authMethod": "api-key",
        "apiKey": KEY,
    }
    assert REFRESH not in path.read_text()
    assert list(after) == list(VENDOR)
    assert after["telemetry"] == VENDOR["telemetry"]
    assert "in plain text" in ran.err


def test_without_with_secrets_no_secret_is_read_or_written(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNIPROFILE_SECRET_STORE")  # no keyring here: a query would fail
    cli.profiles(OURS)
    assert cli("export", "omni-cli").status == 0
    assert cli("export", "omni-cli", "--with-secrets").status == 9
    assert CANARY not in _target(cli).read_text()


def test_a_default_joins_what_else_a_file_says(cli: Cli) -> None:
    path = write_vendor(cli, {"telemetry": {"enabled": False}, "profiles": {}})
    cli.profiles(OURS)
    assert cli("export", "omni-cli", "-p", "prod").status == 0
    written = json.loads(path.read_bytes())
    assert (written["telemetry"], written["defaultProfile"]) == ({"enabled": False}, "prod")


def test_an_entry_of_another_instance_keeps_its_key_and_its_endpoint(cli: Cli) -> None:
    other = {"profiles": {"ci": {"apiEndpoint": "https://other.omniapp.co", "apiKey": KEY, "x": 1}}}
    path = write_vendor(cli, other)
    cli.profiles(OURS)
    ran = cli("export", "omni-cli", "-p", "ci", "--json", status=1)
    assert json.loads(path.read_bytes()) == other
    assert json.loads(ran.out)["profiles"][0]["action"] == "conflict"
    assert "omniprofile rename ci NEW" in ran.err


def test_the_key_of_a_protected_profile_is_exported_only_by_its_name(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_KEY", KEY)
    cli.profiles(OURS + '[profiles.live]\nextends = "ci"\nprotected = true\n')
    for line in ("export omni-cli --with-secrets -q -p ci", "export omni-cli --with-secrets -q -p ci -p live"):
        assert cli(*line.split(), status=0).err.count("is protected") == 0
        assert (KEY in str(json.loads(_target(cli).read_bytes())["profiles"].get("live"))) == line.endswith("live")
    _target(cli).unlink()
    ran = cli("export", "omni-cli", "--with-secrets", "-q", "--json", status=1)  # `bi` has no key
    assert "warning: `live` is protected: its key is exported only if you name it with `-p live`" in ran.err
    written = json.loads(_target(cli).read_bytes())["profiles"]
    assert (written["ci"].get("apiKey"), written["live"].get("apiKey")) == (KEY, None)


def test_a_key_that_is_replaced_is_in_a_backup(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI_KEY", KEY)
    path = write_vendor(cli, {"profiles": {"ci": {"apiEndpoint": "https://acme.omniapp.co/", "apiKey": "old", "x": 1}}})
    cli.profiles(OURS)
    before = path.read_bytes()
    ran = cli("export", "omni-cli", "--with-secrets", "-p", "ci", "--json", status=0)
    report = json.loads(ran.out)
    assert Path(report["backup"]).read_bytes() == before
    assert json.loads(path.read_bytes())["profiles"]["ci"] == {
        "apiEndpoint": "https://acme.omniapp.co/",
        "apiKey": KEY,
        "x": 1,
    }


def test_a_missing_key_is_reported_and_the_others_are_exported(cli: Cli) -> None:
    cli.profiles(OURS)
    ran = cli("export", "omni-cli", "--with-secrets", status=1)
    assert "the key of `ci` cannot be exported" in ran.err
    assert set(json.loads(_target(cli).read_bytes())["profiles"]) == {"prod", "ci", "bi"}


def test_broken_entries_of_others_are_left_as_they_are(cli: Cli) -> None:
    path = write_vendor(cli, {"defaultProfile": "mine", "profiles": {"mine": {"apiEndpoint": "nope", "new": [1]}}})
    cli.profiles(OURS)
    assert cli("export", "omni-cli").status == 0
    after = json.loads(path.read_bytes())
    assert after["profiles"]["mine"] == {"apiEndpoint": "nope", "new": [1]}
    assert after["defaultProfile"] == "mine"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"profiles": {"a": {"apiKey": 1}}}'])
def test_a_broken_config_is_not_overwritten(cli: Cli, content: bytes) -> None:
    path = write_vendor(cli, content)
    cli.profiles(OURS)
    cli("export", "omni-cli", status=3)
    assert path.read_bytes() == content


def test_a_dry_run_writes_nothing(cli: Cli) -> None:
    cli.profiles(OURS)
    ran = cli("export", "omni-cli", "--with-secrets", "--dry-run", env={"CI_KEY": KEY})
    assert ran.out.count("would be added") == 3
    assert "key would be written" in ran.out
    assert "session would not be copied" in ran.out
    assert "was not written" in ran.err
    assert not _target(cli).parent.exists()


def test_a_link_stays_a_link(cli: Cli, tmp_path: Path) -> None:
    path = write_vendor(cli, {"profiles": {}})
    target = tmp_path / "theirs.json"
    path.rename(target)
    path.symlink_to(target)
    cli.profiles(OURS)
    assert cli("export", "omni-cli").status == 0
    assert path.is_symlink()
    assert "prod" in target.read_text()


def test_a_folder_that_cannot_be_made_is_an_error(cli: Cli) -> None:
    cli.profiles(OURS)
    (cli.work / "file").write_text("")
    ran = cli("export", "omni-cli", os.path.join(cli.work, "file", "config.json"), status=1)
    assert "file" in ran.err


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (["export"], 2),
        (["export", "dotenv"], 2),
        (["export", "omni-cli", "-p", "gone"], 5),
        (["export", "omni-cli"], 5),
    ],
)
def test_wrong_usage(cli: Cli, argv: list[str], status: int) -> None:
    assert cli(*argv).status == status
