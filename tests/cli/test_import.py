"""`import`: copies, verifies and reports; removes only with `--scrub`; all or nothing."""

import json
import os
import re
import stat
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dotenv import dotenv_values

from omniprofile.credentials.file_store import FileStore
from omniprofile.errors import StoreUnavailable
from omniprofile.model.credential_variables import NO_CONFIG
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import Account, StoredSecret
from tests.conftest import CANARY, Cli, Ran
from tests.standin import Standin

KEY, STAGING, ACCESS, REFRESH = (CANARY + letter for letter in "KSAR")

VENDOR = {
    "version": 1,
    "telemetry": {"enabled": False, "sample": 0.25},
    "defaultProfile": "prod",
    "defaultOutputFormat": "json",
    "profiles": {
        "prod": {
            "apiEndpoint": "https://ACME.omniapp.co:443/",
            "authMethod": "oauth",
            "accessToken": ACCESS,
            "refreshToken": REFRESH,
            "tokenExpiresAt": "2026-11-24T12:00:00.123456789+02:00",
        },
        "Playground (Org-scoped)": {
            "colour": "green",
            "apiEndpoint": "https://play.omniapp.co",
            "authMethod": "api-key",
            "apiKey": KEY,
        },
        "staging": {
            "apiEndpoint": "https://acme-staging.omniapp.co",
            "apiKey": STAGING,
            "defaultOutputFormat": "human",
        },
    },
}

pytestmark = pytest.mark.usefixtures("file_store")


@pytest.fixture
def vendor(cli: Cli) -> Path:
    """Write a realistic config where the vendor's CLI keeps it."""
    return write_vendor(cli, VENDOR)


def write_vendor(cli: Cli, content: object) -> Path:
    path = cli.home / ".config/omni-cli/config.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content, indent=2).encode())
    path.chmod(0o600)
    return path


def snapshot(cli: Cli) -> dict[str, tuple[int, bytes]]:
    """Return every file of the home with its mode, except locks and the cache."""
    return {
        str(path.relative_to(cli.home)): (stat.S_IMODE(path.stat().st_mode), path.read_bytes())
        for path in sorted(cli.home.rglob("*"))
        if path.is_file() and path.suffix != ".lock" and ".cache" not in path.parts
    }


def stored(cli: Cli) -> dict[str, StoredSecret | None]:
    store = FileStore(str(cli.state))
    return {account.profile: store.get(account) for account in store.summaries()}


def test_the_vendors_config_becomes_profiles_and_secrets(cli: Cli, vendor: Path) -> None:
    before = vendor.read_bytes()
    ran = cli("import", "omni-cli", status=0)
    assert tomllib.loads(cli.config.read_text()) == {
        "version": 1,
        "default": "prod",
        "profiles": {
            "prod": {"base_url": "https://acme.omniapp.co", "auth": "oauth", "env": {"OMNI_OUTPUT_FORMAT": "json"}},
            "Playground-Org-scoped": {
                "description": "Playground (Org-scoped)",
                "base_url": "https://play.omniapp.co",
                "auth": "api-key",
                "env": {"OMNI_OUTPUT_FORMAT": "json"},
            },
            "staging": {
                "base_url": "https://acme-staging.omniapp.co",
                "auth": "api-key",
                "env": {"OMNI_OUTPUT_FORMAT": "human"},
            },
        },
    }
    assert "Playground-Org-scoped  Playground (Org-scoped)" in ran.out, "the mapping is said"
    assert vendor.read_bytes() == before, "a copy"
    assert CANARY not in cli.config.read_text()
    assert cli("lint", "--strict").status == 0
    assert cli("token", "staging", shows=True).out == STAGING + "\n"
    assert cli("token", "Playground-Org-scoped", shows=True).out == KEY + "\n"
    assert "still in plain text" in ran.err
    assert "read back and compared" in ran.err


def test_without_scrub_a_session_stays_in_the_file_with_a_note(cli: Cli, vendor: Path) -> None:
    ran = cli("import", "omni-cli")
    assert "prod" not in stored(cli)
    assert "`prod`: its OAuth session was not copied" in ran.err
    assert "`omniprofile login prod`" in ran.err
    assert cli("token", "prod").status == 4


def test_scrub_moves_everything_and_keeps_the_rest_of_the_file(cli: Cli, vendor: Path) -> None:
    before = vendor.read_bytes()
    ran = cli("import", "omni-cli", "--scrub", "--json", status=0)
    report = json.loads(ran.out)
    backup = Path(report["backup"])
    assert backup.parent == cli.state / "backups"
    assert stat.S_IMODE(backup.parent.stat().st_mode) == 0o700
    assert backup.read_bytes() == before
    assert [stat.S_IMODE(path.stat().st_mode) for path in (backup, vendor)] == [0o600, 0o600]
    expected = json.loads(before)
    for table in expected["profiles"].values():
        for key in ("apiKey", "accessToken", "refreshToken", "tokenExpiresAt"):
            table.pop(key, None)
    assert json.dumps(json.loads(vendor.read_bytes())) == json.dumps(expected), "order and unknown keys too"
    session = stored(cli)["prod"]
    assert session is not None
    assert session.refresh_token is not None
    assert (session.token.reveal(), session.refresh_token.reveal()) == (ACCESS, REFRESH)
    assert (session.client_id, session.scope) == ("omni-cli", "user:default")
    assert session.expires_at == datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC)
    assert [profile["scrubbed"] for profile in report["profiles"]] == [True] * 3
    assert [profile["secret"] for profile in report["profiles"]] == ["store"] * 3
    assert "delete it once everything works" in ran.err
    assert "`omni` has no credential of its own now" in ran.err


@pytest.mark.parametrize("flags", [[], ["--scrub"]])
def test_a_second_run_changes_nothing(cli: Cli, vendor: Path, flags: list[str]) -> None:
    cli("import", "omni-cli", *flags)
    before = snapshot(cli)
    ran = cli("import", "omni-cli", *flags, status=0)
    assert snapshot(cli) == before
    assert "added" not in ran.out


def test_scrub_after_a_copy_removes_what_is_stored_already(cli: Cli, vendor: Path) -> None:
    cli("import", "omni-cli")
    assert cli("import", "omni-cli", "--scrub").status == 0
    assert CANARY not in vendor.read_text()
    assert set(stored(cli)) == {"prod", "Playground-Org-scoped", "staging"}


def test_a_dry_run_changes_nothing_and_says_what_would_be(cli: Cli, vendor: Path) -> None:
    before = snapshot(cli)
    for flags, word in ([], "not be copied"), (["--scrub"], "be removed from"):
        ran = cli("import", "omni-cli", *flags, "--dry-run", status=0)
        assert snapshot(cli) == before
        assert ran.out.count("would be added") == 3
        assert "this is a dry run: nothing was changed" in ran.err
        for said in (word, "be written to", "be stored in"):
            assert f"would {said}" in ran.err, ran
        assert not re.search(r"\b(was|were|is now)\b", ran.err.replace("nothing was changed", "")), ran


def test_an_existing_file_keeps_its_bytes_and_its_default(cli: Cli, vendor: Path) -> None:
    text = (
        "#:schema https://example.invalid/s.json\r\n# mine\r\nversion = 1\r\n\r\n"
        '[instances.play]\r\nbase_url = "https://play.omniapp.co"\r\n\r\n'
        '# production\r\n[profiles.prod]\r\nbase_url = "https://other.omniapp.co"\r\n'
    )
    file = cli.profiles("")
    file.write_bytes(text.encode())
    cli("import", "omni-cli", status=0)
    after = file.read_bytes().decode()
    assert after.replace('default = "prod-2"\r\n', "").startswith(text)
    assert "\n" not in after.replace("\r\n", "")
    parsed = tomllib.loads(after)
    assert parsed["default"] == "prod-2", "the name of another instance is not taken"
    assert parsed["profiles"]["Playground-Org-scoped"]["instance"] == "play"
    file.write_bytes(after.replace('"prod-2"', '"prod"', 1).encode())
    assert "default" not in cli("import", "omni-cli").err


def test_a_named_file_that_is_not_there_is_made(cli: Cli, vendor: Path, tmp_path: Path) -> None:
    named = tmp_path / "new" / "mine.toml"
    cli("--config", str(named), "import", "omni-cli", env={"OMNIPROFILE_SECRET_STORE": "file"}, status=0)
    assert set(tomllib.loads(named.read_text())["profiles"]) == {"prod", "staging", "Playground-Org-scoped"}
    assert not cli.config.exists()
    assert cli("--config", str(tmp_path / "gone.toml"), "import", "dotenv").status == 3
    assert not (tmp_path / "gone.toml").exists()


def test_a_default_goes_above_a_commented_table(cli: Cli, vendor: Path) -> None:
    file = cli.profiles('# the one that I use\n[profiles.mine]\nbase_url = "https://mine.omniapp.co"\n')
    cli("import", "omni-cli")
    assert file.read_text().startswith('default = "prod"\n\n# the one that I use\n[profiles.mine]\n')


def test_a_different_stored_key_is_kept_and_the_files_key_stays(cli: Cli, vendor: Path) -> None:
    cli("import", "omni-cli", "--only", "staging")
    FileStore(str(cli.state)).put(
        "staging",
        StoredSecret(
            Origin.parse("https://acme-staging.omniapp.co"), Secret("newer"), datetime(2026, 11, 25, tzinfo=UTC)
        ),
    )  # fmt: skip
    ran = cli("import", "omni-cli", "--scrub", status=1)
    assert "`staging`: another secret is stored for it and was kept" in ran.err
    assert STAGING in vendor.read_text()
    assert KEY not in vendor.read_text()
    assert cli("token", "staging", shows=True).out == "newer\n"


def test_only_imports_the_named_and_asks_nothing_of_the_others(cli: Cli) -> None:
    bad = {**VENDOR, "profiles": {**VENDOR["profiles"], "bad": {"apiEndpoint": "nope"}}}  # type: ignore[dict-item]
    write_vendor(cli, bad)
    assert cli("import", "omni-cli").status == 3
    cli("import", "omni-cli", "--only", "staging", "--only", "Playground (Org-scoped)", status=0)
    assert set(stored(cli)) == {"staging", "Playground-Org-scoped"}
    wrong = cli("import", "omni-cli", "--only", "stagign")
    assert (wrong.status, "did you mean `staging`" in wrong.err) == (2, True)


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"apiEndpoint": "https://acme.omniapp.co/api/v1"}, 3, "write `https://acme.omniapp.co` there"),
        ({"apiEndpoint": "https://me:pw@acme.omniapp.co"}, 3, "it looks like `https://acme.omniapp.co`"),
        ({"apiEndpoint": ""}, 3, "has no `apiEndpoint`"),
        ({"authMethod": "oauth", "accessToken": "a", "tokenExpiresAt": "soon"}, 3, "run `omni config login staging`"),
        ({"apiEndpoint": "https://bi.acme.example"}, 6, 'add "bi.acme.example" to `allowed_hosts`'),
        ({"apiEndpoint": "https://acme.omniap.co"}, 6, "did you mean `acme.omniapp.co`?"),
        ({"apiEndpoint": "http://acme.omniapp.co"}, 6, "plain http"),
        ({"apiEndpoint": "http://127.0.0.1:9"}, 6, "--allow-insecure"),
        ({"apiKey": "two\nlines"}, 4, "profile `staging`: its key"),
        ({"apiKey": "sp ace"}, 4, "has a space"),
        ({"apiKey": 5}, 3, "`apiKey` is not a string"),
        ({"tokenExpiresAt": 5}, 3, "`tokenExpiresAt` is not a string"),
    ],
)
def test_one_bad_profile_and_nothing_is_imported(cli: Cli, change: dict[str, object], status: int, says: str) -> None:
    profiles = VENDOR["profiles"]
    assert isinstance(profiles, dict)
    write_vendor(cli, {**VENDOR, "profiles": {**profiles, "staging": {**profiles["staging"], **change}}})
    before = snapshot(cli)
    ran = cli("import", "omni-cli", "--scrub", status=status)
    assert says in ran.err
    assert "staging" in ran.err
    assert "pw@" not in ran.err
    assert ran.err.count("error:") == 1
    assert snapshot(cli) == before


def test_an_allowed_host_and_loopback_are_imported(cli: Cli) -> None:
    with Standin() as omni:
        omni.add_key(KEY)
        cli.profiles('[settings]\nallowed_hosts = ["bi.acme.example"]\n')
        table = {"bi": {"apiEndpoint": "https://bi.acme.example", "apiKey": STAGING}}
        write_vendor(cli, {"profiles": {**table, "here": {"apiEndpoint": omni.base_url, "apiKey": KEY}}})
        cli("import", "omni-cli", "--allow-insecure", status=0)
        assert cli("test", "here").status == 0


def test_without_a_working_store_nothing_changes(cli: Cli, vendor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNIPROFILE_SECRET_STORE")
    before = snapshot(cli)
    ran = cli("import", "omni-cli", "--scrub", status=9)
    assert "OMNIPROFILE_SECRET_STORE=file" in ran.err
    assert snapshot(cli) == before


def test_an_invalid_profile_file_and_nothing_changes(cli: Cli, vendor: Path) -> None:
    cli.profiles("[profiles.a\n")
    before = snapshot(cli)
    assert cli("import", "omni-cli", "--scrub").status == 3
    assert snapshot(cli) == before


def test_a_store_that_lies_is_detected_and_restored(cli: Cli, vendor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = FileStore.get

    def lie(self: FileStore, account: Account) -> StoredSecret | None:
        found = real(self, account)
        return None if account.profile == "staging" else found

    monkeypatch.setattr(FileStore, "get", lie)
    before = vendor.read_bytes()
    ran = cli("import", "omni-cli", "--scrub", status=9)
    assert "returned something other" in ran.err
    assert FileStore(str(cli.state)).summaries() == {}
    assert vendor.read_bytes() == before
    assert not cli.config.exists()


def test_a_profile_file_that_cannot_be_written_leaves_no_secret_behind(
    cli: Cli, vendor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from omniprofile.config.editing import replace

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "it is read-only")

    monkeypatch.setattr(replace, "stage", refuse)
    ran = cli("import", "omni-cli", "--scrub", status=1)
    assert "make the change above by hand" in ran.err
    assert "+[profiles.Playground-Org-scoped]\n" in ran.err
    assert FileStore(str(cli.state)).summaries() == {}


def test_a_file_that_may_not_be_written_keeps_its_secrets(
    cli: Cli, vendor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner made it read-only; replacing the file would work, but undo that."""
    before = vendor.read_bytes()
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: str(path) != str(vendor) and real(path, mode)
    )  # root may write any
    ran = cli("import", "omni-cli", "--scrub", status=1)
    assert "cannot be written: it is read-only" in ran.err
    assert vendor.read_bytes() == before


def test_a_session_that_cannot_leave_the_file_is_not_kept_here(
    cli: Cli, vendor: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vendor's CLI refreshes at that moment, so the session that was read is spent."""
    from omniprofile.transfer.foreign_file import ForeignFile

    real = ForeignFile.back_up

    def rotate(self: ForeignFile, now: datetime, folder: str) -> str:
        backup = real(self, now, folder)
        vendor.write_text(vendor.read_text().replace(REFRESH, REFRESH + "2"))
        return backup

    monkeypatch.setattr(ForeignFile, "back_up", rotate)
    ran = cli("import", "omni-cli", "--scrub", status=1)
    assert "was changed by another program meanwhile" in ran.err
    assert set(stored(cli)) == {"staging", "Playground-Org-scoped"}, "keys are copied, the session is not"
    assert [path.name for path in vendor.parent.iterdir()] == ["config.json"]
    assert not list((cli.state / "backups").iterdir()), "no backup of nothing"


def test_the_file_of_the_vendor_may_be_a_link_and_stays_one(cli: Cli, vendor: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.json"
    target.write_bytes(vendor.read_bytes())
    target.chmod(0o644)
    vendor.unlink()
    vendor.symlink_to(target)
    ran = cli("import", "omni-cli", "--scrub", status=0)
    assert vendor.is_symlink()
    assert CANARY not in target.read_text()
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "others can read" in ran.err


def test_secrets_left_by_a_killed_run_are_removed(cli: Cli, vendor: Path) -> None:
    mine = [".config.json.tmp", ".config.json.mine.tmp"]
    for name in [".config.json.0123456789abcdef.tmp", *mine]:
        (vendor.parent / name).write_text(CANARY)
    backups = cli.state / "backups"
    backups.mkdir(parents=True, mode=0o700)
    (backups / ".config.json-20261125T000000Z.bak.0123456789abcdef.tmp").write_text(CANARY)
    cli("import", "omni-cli", "--scrub")
    assert {path.name for path in vendor.parent.iterdir() if path.suffix == ".tmp"} == set(mine)
    assert [path.suffix for path in backups.iterdir()] == [".bak"]


def test_the_config_of_exec_is_not_mistaken_for_the_users(cli: Cli, vendor: Path) -> None:
    cli("import", "omni-cli")
    ran = cli("import", "omni-cli", "--json", env={"OMNI_CONFIG_PATH": NO_CONFIG})
    assert json.loads(ran.out)["file"] == str(vendor)


def test_left_over_secrets_are_named(cli: Cli) -> None:
    write_vendor(
        cli, {"profiles": {"a": {"apiEndpoint": "https://a.omniapp.co", "apiKey": KEY, "refreshToken": REFRESH}}}
    )
    ran = cli("import", "omni-cli", "--scrub")
    assert "`a` also has `refreshToken`" in ran.err
    checks = json.loads(cli("doctor", "--json").out)["checks"]
    (found,) = [check for check in checks if check["check"] == "omni-cli" and check["status"] == "warning"]
    assert "`refreshToken` of `a` in plain text" in found["message"]
    assert found["remedy"] == "no import takes them: remove them with an editor", "another scrub would not"


def test_no_config_is_an_error_that_says_where_it_was_looked_for(cli: Cli) -> None:
    ran = cli("import", "omni-cli", status=3)
    assert str(cli.home / ".config/omni-cli/config.json") in ran.err
    for argv in (["omni-cli", "nowhere.json"], ["dotenv", "nowhere.env"], ["dotenv"]):
        ran = cli("import", *argv, status=3)
        assert "hint: give the path of the file" in ran.err


@pytest.mark.parametrize(
    "argv",
    [
        ["import"],
        ["import", "aws"],
        ["import", "omni-cli", "--name", "x"],
        ["import", "omni-cli", "--base-url", "https://a.omniapp.co"],
        ["import", "dotenv", "--only", "x"],
        ["import", "dotenv", "--name", "a b"],
        ["import", "dotenv", ""],
    ],
)
def test_wrong_usage(cli: Cli, argv: list[str]) -> None:
    cli(*argv, status=2)


DOTENV = f"""\
# of the report job
export OMNI_BASE_URL="https://acme.omniapp.co/api/v1/"
OMNI_API_KEY='{KEY}' # do not share

OTHER=1
"""


def _dotenv(cli: Cli, text: str = DOTENV, mode: int = 0o600) -> Path:
    path = cli.work / ".env"
    path.write_bytes(text.encode())
    path.chmod(mode)
    return path


def test_a_dotenv_becomes_a_profile(cli: Cli) -> None:
    path = _dotenv(cli)
    cli("import", "dotenv", status=0)
    assert tomllib.loads(cli.config.read_text())["profiles"] == {
        "acme": {"base_url": "https://acme.omniapp.co", "auth": "api-key"}
    }
    assert cli("token", "acme", shows=True).out == KEY + "\n"
    assert path.read_text() == DOTENV
    before = snapshot(cli)
    assert cli("import", "dotenv").status == 0
    assert snapshot(cli) == before


def test_scrub_leaves_a_comment_where_the_key_was_and_every_other_byte(cli: Cli) -> None:
    path = _dotenv(cli, DOTENV.replace("\n", "\r\n"), mode=0o640)
    ran = cli("import", "dotenv", str(path), "--name", "report", "--scrub", status=0)
    assert "`omni` has no credential" not in ran.err
    line = f"OMNI_API_KEY='{KEY}' # do not share"
    comment = "# OMNI_API_KEY is stored: omniprofile exec report -- COMMAND"
    assert path.read_bytes().decode() == DOTENV.replace(line, comment).replace("\n", "\r\n")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (backup,) = (cli.state / "backups").glob(".env-*.bak")
    assert [each.name for each in path.parent.iterdir()] == [".env"], "nothing beside a file that git may take"
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert dotenv_values(path) == {"OMNI_BASE_URL": "https://acme.omniapp.co/api/v1/", "OTHER": "1"}
    before = snapshot(cli)
    for again in (("--name", "report", "--scrub"), ("--scrub",), ()):
        assert cli("import", "dotenv", str(path), *again).status == 0
        assert snapshot(cli) == before
    assert len(list(path.parent.iterdir())) == 1


BAD_DOTENV = {
    "two values": (f"OMNI_BASE_URL=https://a.omniapp.co\nOMNI_API_KEY={KEY}\nOMNI_API_TOKEN={KEY}2\n", 3, "OKEN` have"),
    "a name twice": (f"OMNI_BASE_URL=https://a.omniapp.co\nOMNI_API_KEY={KEY}\nOMNI_API_KEY=x", 3, "env:3: `OMNI_API_KEY` has"),
    "a reference": ("OMNI_BASE_URL=https://a.omniapp.co\nOMNI_API_KEY=${SECRET}\n", 3, "is a reference to a variable"),
    "half a reference": ("OMNI_BASE_URL=https://a.omniapp.co\nOMNI_API_KEY=a${SECRET}\n", 3, "is a reference to a variable"),
    "an encrypted key": ("OMNI_BASE_URL=https://a.omniapp.co\nOMNI_API_KEY=encrypted:BAbc\n", 3, "dotenvx encrypted"),
    "a placeholder": ("OMNI_BASE_URL=https://a.omniapp.co\nOMNI_API_KEY=<your-api-key>\n", 3, "is a placeholder"),
    "an open quote": (f"OMNI_BASE_URL=https://a.omniapp.co\n\nOMNI_API_KEY='{KEY}\n", 3, "/.env:3: the line cannot be read"),
    "nothing of Omni's": ("OTHER=1\n", 3, "has none of"),
    "no base URL": (f"OMNI_API_KEY={KEY}\n", 2, "--base-url"),
    "the community SDK's": (
        f"OMNI_API_KEY={KEY}\nOMNI_ORGANIZATION_NAME=big-co\n", 2, "`--base-url https://big-co.omniapp.co`",
    ),
    "an empty base URL": (f"OMNI_BASE_URL=\nOMNI_API_KEY={KEY}\n", 2, "--base-url"),
    "a bad base URL": (f"OMNI_BASE_URL=acme.omniapp.co\nOMNI_API_KEY={KEY}\n", 3, "/.env:1: `OMNI_BASE_URL` has no scheme"),
    "a path": (f"OMNI_BASE_URL=https://acme.omniapp.co/x\nOMNI_API_KEY={KEY}\n", 3, "after the host"),
    "not allowed": (f"OMNI_BASE_URL=https://acme.example\nOMNI_API_KEY={KEY}\n", 6, "allowed_hosts"),
    "two lines in quotes": (f'OMNI_BASE_URL=https://a.omniapp.co\nOMNI_API_KEY="{KEY}\nx"\n', 4, "several lines"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_DOTENV)
def test_a_bad_dotenv_is_one_error_and_nothing_is_imported(cli: Cli, case: str) -> None:
    text, status, says = BAD_DOTENV[case]
    path = _dotenv(cli, text)
    ran = cli("import", "dotenv", "--scrub", status=status)
    assert says in ran.err
    assert path.read_text() == text
    assert not cli.config.exists()
    assert not (cli.state / "secrets.json").exists()


def test_a_dotenv_that_is_not_text_or_not_a_file(cli: Cli) -> None:
    (cli.work / ".env").write_bytes(b"OMNI_API_KEY=\xff\n")
    assert cli("import", "dotenv").status == 3
    os.mkfifo(cli.work / "fifo")
    assert "a FIFO" in cli("import", "dotenv", "fifo").err


def test_a_base_url_can_be_given_and_must_agree(cli: Cli) -> None:
    _dotenv(cli, f"OMNI_API_TOKEN={KEY}\n")
    cli("import", "dotenv", "--base-url", "https://acme.omniapp.co", status=0)
    _dotenv(cli)
    assert cli("import", "dotenv", "--base-url", "https://b.omniapp.co").status == 2


def test_a_name_that_is_taken_by_another_instance_is_refused(cli: Cli) -> None:
    cli.profiles('[profiles.acme]\nbase_url = "https://other.omniapp.co"\n')
    _dotenv(cli)
    assert cli("import", "dotenv", "--name", "acme").status == 2
    ran: Ran = cli("import", "dotenv")
    assert "acme-2" in ran.out


def test_store_errors_are_the_stores(cli: Cli, vendor: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: FileStore, account: str, secret: StoredSecret) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(FileStore, "put", full)
    before = snapshot(cli)
    assert cli("import", "omni-cli").status == 9
    assert snapshot(cli) == before


REFERENCE = "op://Work/Omni staging/credential"


def test_a_reference_of_a_known_program_becomes_its_command_and_stays_in_the_file(cli: Cli) -> None:
    text = f"OMNI_BASE_URL=https://acme.omniapp.co\nOMNI_API_KEY='{REFERENCE}'\n"
    path = _dotenv(cli, text)
    ran = cli("import", "dotenv", "--scrub", status=0)
    assert "comes from `op read`" in ran.err
    assert path.read_text() == text
    assert tomllib.loads(cli.config.read_text())["profiles"]["acme"]["key"] == {"command": ["op", "read", REFERENCE]}
    assert stored(cli) == {}
    assert not (cli.state / "backups").exists()
    before = snapshot(cli)
    ran = cli("import", "dotenv", "--json", status=0)
    assert [(each["action"], each["secret"]) for each in json.loads(ran.out)["profiles"]] == [("unchanged", "command")]
    assert snapshot(cli) == before
    assert cli("lint", "--strict").status == 0


def test_a_reference_in_the_vendors_config_is_one_too_and_stays(cli: Cli) -> None:
    profiles = {
        "a": {"apiEndpoint": "https://a.omniapp.co", "apiKey": REFERENCE},
        "b": {"apiEndpoint": "https://b.omniapp.co", "apiKey": KEY},
    }
    path = write_vendor(cli, {"version": 1, "profiles": profiles})
    cli("import", "omni-cli", "--scrub", status=0)
    assert json.loads(path.read_text())["profiles"]["a"]["apiKey"] == REFERENCE
    assert "apiKey" not in json.loads(path.read_text())["profiles"]["b"]
    assert tomllib.loads(cli.config.read_text())["profiles"]["a"]["key"] == {"command": ["op", "read", REFERENCE]}


@pytest.mark.parametrize(
    "value", ["ENC[AES256_GCM,data:x]", "ref+vault://a", "vault:a/b", "$OMNI_KEY", "changeme", "xxx", "'quoted'"]
)
@pytest.mark.parametrize("auth", ["api-key", "oauth"])
def test_a_text_in_place_of_a_secret_of_the_vendors_config_is_refused(cli: Cli, auth: str, value: str) -> None:
    keys = {"authMethod": auth, "apiKey": value, "accessToken": KEY, "refreshToken": value}
    path = write_vendor(cli, {"version": 1, "profiles": {"a": {"apiEndpoint": "https://a.omniapp.co", **keys}}})
    before = path.read_bytes()
    ran = cli("import", "omni-cli", "--scrub", status=3)
    assert "not a key" in ran.err
    assert value not in ran.err
    assert path.read_bytes() == before
    assert not cli.config.exists()


OLD = CANARY + "OLD"


def test_keys_in_comments_are_named_and_removed_too(cli: Cli) -> None:
    text = f"""\
# OMNI_API_KEY={OLD}
#OMNI_API_TOKEN = not-of-a-known-shape
# OMNI_API_KEY={REFERENCE.replace(" ", "")}
# the key {OLD} was for play
# about OMNI_API_KEY: see the wiki
OMNI_BASE_URL=https://acme.omniapp.co
OMNI_API_KEY={KEY}
OTHER='a # b' # once {OLD}
"""
    path = _dotenv(cli, text)
    ran = cli("import", "dotenv")
    assert "has a key in a comment, too: lines 1, 2, 4, 8" in ran.err, ran
    checks = json.loads(cli("doctor", "--offline", "--json").out)["checks"]
    (check,) = [check for check in checks if check["check"] == "dotenv"]
    assert "a key in the comment of line 4" in check["message"]
    assert cli("import", "dotenv", "--scrub").status == 0
    scrubbed = path.read_text()
    assert CANARY not in scrubbed
    assert scrubbed == text.replace(OLD, "(removed)").replace("not-of-a-known-shape", "(removed)").replace(
        f"OMNI_API_KEY={KEY}", "# OMNI_API_KEY is stored: omniprofile exec acme -- COMMAND"
    )
    assert dotenv_values(path)["OTHER"] == "a # b"
    checks = json.loads(cli("doctor", "--offline", "--json").out)["checks"]
    assert [check["status"] for check in checks if check["check"] == "dotenv"] == ["ok"]
    (check,) = [check for check in checks if check["check"] == "backups"]
    assert (check["status"], ".env-" in check["message"]) == ("warning", True)


def test_a_key_in_another_variable_is_named_and_stays(cli: Cli) -> None:
    other = f"MCP_API_KEY='{OLD}'\nAUTH=\"Bearer {KEY}\" # for a script\nPLAIN=omni_osk_\n"
    path = _dotenv(cli, f"OMNI_BASE_URL=https://acme.omniapp.co\nOMNI_API_KEY={KEY}\n{other}")
    for scrub in ((), ("--scrub",)):
        ran = cli("import", "dotenv", *scrub)
        assert "has a key elsewhere, too, and it stays there: `MCP_API_KEY` (line 3), `AUTH` (line 4)\n" in ran.err
    assert path.read_text().endswith(other)
    checks = json.loads(cli("doctor", "--offline", "--json").out)["checks"]
    (check,) = [check for check in checks if check["check"] == "dotenv"]
    assert (check["status"], "`MCP_API_KEY` (line 3), `AUTH` (line 4)" in check["message"]) == ("warning", True)


def test_the_files_default_chooses_its_name_first_and_a_changed_name_says_why(cli: Cli) -> None:
    profiles = {
        name: {"apiEndpoint": f"https://{host}.omniapp.co", "apiKey": KEY + host}
        for name, host in (("PROD", "a"), ("prod", "b"), ("my prod", "c"))
    }
    write_vendor(cli, {"version": 1, "defaultProfile": "prod", "profiles": profiles})
    ran = cli("import", "omni-cli", status=0)
    config = tomllib.loads(cli.config.read_text())
    assert config["default"] == "prod"
    assert config["profiles"]["prod"]["base_url"] == "https://b.omniapp.co"
    assert "`PROD` was imported as `PROD-2`: the variables of `PROD` would be those of `prod`" in ran.err
    assert "`my prod` was imported as `my-prod`: `my prod` is not a valid profile name" in ran.err


def test_no_name_of_the_file_means_another_instance_here(cli: Cli) -> None:
    profiles = {
        name: {"apiEndpoint": f"https://{host}.omniapp.co", "apiKey": KEY + host}
        for name, host in (("Prod (EU)", "a"), ("Prod-EU", "b"))
    }
    write_vendor(cli, {"version": 1, "defaultProfile": "Prod (EU)", "profiles": profiles})
    cli("import", "omni-cli", status=0)
    config = tomllib.loads(cli.config.read_text())
    assert config["default"] == "Prod-EU-2"
    assert config["profiles"]["Prod-EU"]["base_url"] == "https://b.omniapp.co"


def test_a_new_name_for_a_known_profile_gets_a_hint_to_rename(cli: Cli) -> None:
    _dotenv(cli)
    assert "rename" not in cli("import", "dotenv", "--name", "sdk", status=0).err
    ran = cli("import", "dotenv", "--name", "acme", status=0)
    assert "it is here as `sdk` already: run `omniprofile rename sdk acme` to rename it" in ran.err


def test_every_bad_profile_is_named_at_once_with_the_way_out(cli: Cli) -> None:
    good = {"apiEndpoint": "https://acme.omniapp.co", "apiKey": KEY}
    bad: dict[str, object] = {
        "path": {**good, "apiEndpoint": "https://acme.omniapp.co/api"},
        "empty": {**good, "apiEndpoint": ""},
        "host": {**good, "apiEndpoint": "https://acme.example"},
        "plain": {**good, "apiEndpoint": "http://acme.omniapp.co"},
        "user": {**good, "apiEndpoint": "https://me@acme.omniapp.co"},
        "method": {**good, "authMethod": "magic"},
        "number": {**good, "apiKey": 5},
        "list": [],
        "time": {**good, "authMethod": "oauth", "accessToken": "a", "tokenExpiresAt": "soon"},
        "space": {**good, "apiKey": "a b"},
    }
    write_vendor(cli, {"version": 1, "profiles": {"good": good, **bad}})
    ran = cli("import", "omni-cli", status=3)
    assert [name for name in bad if f"`{name}`" not in ran.err] == []
    assert "`good`" not in ran.err
    assert "--only" in ran.err
    assert len(ran.err.splitlines()) == 2
    for name in bad:
        alone = cli("import", "omni-cli", "--only", name)
        assert alone.status in (3, 4, 6), alone
        assert "--only" in alone.err
        assert "config rename" not in alone.err
        assert "login -p" not in alone.err
    assert cli("import", "omni-cli", "--only", "good").status == 0


def test_the_backup_of_a_session_says_what_putting_it_back_does(cli: Cli, vendor: Path) -> None:
    assert "restoring it ends the OAuth sessions" in cli("import", "omni-cli", "--scrub").err


@pytest.mark.parametrize("format_", ["human", "json", None])
def test_the_output_format_of_the_whole_file_survives_import_and_export(cli: Cli, format_: str | None) -> None:
    profiles = {name: {"apiEndpoint": f"https://{name}.omniapp.co", "apiKey": KEY + name} for name in "ab"}
    head = {"defaultOutputFormat": format_} if format_ else {}
    write_vendor(cli, {"version": 1, **head, "profiles": profiles})
    assert cli("import", "omni-cli").status == 0
    assert cli("export", "omni-cli", str(cli.work / "new.json")).status == 0
    exported = json.loads((cli.work / "new.json").read_text())
    assert exported.get("defaultOutputFormat") == format_
    assert not any("defaultOutputFormat" in profile for profile in exported["profiles"].values())
    assert cli("export", "omni-cli", str(cli.work / "new.json")).status == 0
    assert json.loads((cli.work / "new.json").read_text()) == exported


@pytest.mark.parametrize("how", [[], ["--dry-run"]], ids=["import", "dry run"])
def test_a_world_writable_file_is_reported_because_it_chooses_the_hosts(cli: Cli, how: list[str]) -> None:
    file = cli.work / ".env"
    file.write_text("OMNI_BASE_URL=https://acme.omniapp.co\n")
    assert "choose the hosts" not in cli("import", "dotenv", "--dry-run").err
    file.chmod(0o666)
    ran = cli("import", "dotenv", *how, status=0)
    assert f"warning: anyone can write to `{file}`, and so choose the hosts of these profiles" in ran.err
