"""`doctor`: every check detects its problem, says what to do, shows no secret, and cannot stop the others."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import chain, repeat
from pathlib import Path

import keyring.core
import pytest
from keyrings.alt.file import PlaintextKeyring

from omniprofile.config.editing.journal import Journal, Unfinished
from omniprofile.credentials.file_store import FileStore
from omniprofile.doctor import examine as doctor
from omniprofile.doctor import shell
from omniprofile.doctor.diagnosis import Diagnosis
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.system.files import LARGEST
from omniprofile.system.threads import wait
from tests.cli.test_import import VENDOR, write_vendor
from tests.conftest import CANARY, Cli, Ran
from tests.waiting import FOR_EVER, PATIENCE, without_waiting

pytestmark = pytest.mark.usefixtures("file_store")

PROFILES, STATE = ".config/omniprofile/profiles.toml", ".local/state/omniprofile"
GOOD = 'version = 1\ndefault = "prod"\n[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n'


@pytest.fixture
def good(cli: Cli) -> Path:
    """One profile with its key stored, and nothing wrong."""
    put(cli, "prod")
    return cli.profiles(GOOD)


def put(cli: Cli, name: str, origin: str = "https://acme.omniapp.co") -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    FileStore(str(cli.state)).put(name, StoredSecret(Origin.parse(origin), Secret(CANARY), now))


def moved(cli: Cli) -> None:
    """The secret of `prod` is for another origin than the profile's."""
    store = FileStore(str(cli.state))
    for account in store.summaries():
        store.delete(account)
    put(cli, "prod", "https://b.omniapp.co")


def look(cli: Cli, *flags: str, **keys: object) -> tuple[Ran, list[dict[str, str]]]:
    ran = cli("doctor", "--offline", "--json", *flags, **keys)  # type: ignore[arg-type]
    return ran, json.loads(ran.out)["checks"]


def test_a_healthy_home_has_no_problem(cli: Cli, good: Path) -> None:
    ran, checks = look(cli)
    assert ran.status == 0, ran
    assert {check["status"] for check in checks} == {"ok", "skipped"}
    assert list(dict.fromkeys(check["check"] for check in checks)) == [check.name for check in doctor.CHECKS]
    assert [check["check"] for check in checks if check["status"] == "skipped"] == ["clock"]
    text = cli("doctor", "--offline", status=0)
    assert len(text.out.splitlines()) == len(doctor.CHECKS) + 1, "one screen"
    assert "no problems found" in text.err


def test_an_empty_home_needs_no_hand_and_says_where_to_begin(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNIPROFILE_SECRET_STORE")
    ran, checks = look(cli)
    assert ran.status == 0, ran
    assert ("profile-files", "run `omniprofile init`") in {(check["check"], check["remedy"]) for check in checks}
    assert not any("each for its" in check["message"] for check in checks), "no secret is stored yet"


Arrange = Callable[[Cli, pytest.MonkeyPatch], object]


def _folder(cli: Cli, _: object) -> None:
    cli.config.unlink()
    cli.config.mkdir()


def _state(text: str) -> Arrange:
    return lambda cli, _: (cli.state / "active").write_text(text)


def _environ(**variables: str) -> Arrange:
    def arrange(_: Cli, patch: pytest.MonkeyPatch) -> None:
        for name, value in variables.items():
            patch.setenv(name, value)

    return arrange


def _dotenv(text: str) -> Arrange:
    return lambda cli, _: (cli.work / ".env").write_text(text)


def _mode(path: str, mode: int) -> Arrange:
    return lambda cli, _: (cli.home / path).chmod(mode)


def _old(path: str) -> Arrange:
    def make(cli: Cli, _: object) -> None:
        (cli.home / path).parent.mkdir(parents=True, exist_ok=True)
        (cli.home / path).write_text(CANARY)
        os.utime(cli.home / path, (1, 1))

    return make


def _interrupted(cli: Cli, _: object) -> None:
    Journal(str(cli.state)).begin(Unfinished("rename", "prod", "live", str(cli.config), "2026-11-25T00:00:00Z"))


def _program(cli: Cli, patch: pytest.MonkeyPatch) -> None:
    folder = cli.home / "bin"
    folder.mkdir()
    folder.chmod(0o777)
    (folder / "omni").write_text('#!/bin/sh\ntouch "$HOME/it-was-run"\n')
    (folder / "omni").chmod(0o755)
    patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def _plain_keyring(_: Cli, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("OMNIPROFILE_SECRET_STORE", "keyring")
    patch.setattr(keyring.core, "_keyring_backend", PlaintextKeyring())


SICK: dict[str, tuple[Arrange, str, str, str, str]] = {
    "a syntax error": (lambda cli, _: cli.profiles("[profiles.a\n"), "profile-files", "problem", ":1:", "lint"),
    "a profile file as a folder": (_folder, "profile-files", "problem", "folder", ""),
    "a file for all to write": (_mode(PROFILES, 0o666), "permissions", "problem", "anyone", "chmod o-w"),
    "a folder for all to write": (_mode(".config/omniprofile", 0o777), "permissions", "problem", "anyone", "chmod o-w"),
    "a state folder for the group": (_mode(STATE, 0o770), "permissions", "problem", "its group", "chmod g-w"),
    "secrets for others to read": (
        _mode(STATE + "/secrets.json", 0o640), "permissions", "problem", "holds secrets", "chmod go-rwx",
    ),
    "a store that is unsafe": (
        _mode(STATE + "/secrets.json", 0o640), "secret-store", "problem", "others can read", "chmod 600",
    ),
    "a killed edit": (_old(".config/omniprofile/.profiles.toml.x.tmp"), "leftovers", "warning", "killed", "remove it"),
    "a killed store": (_old(".local/state/omniprofile/.secrets.json.x.tmp"), "leftovers", "warning", "killed", "remove it"),
    "a killed export": (_old(".config/omni-cli/.config.json.x.tmp"), "leftovers", "warning", "killed", "remove it"),
    "an interrupted rename": (_interrupted, "leftovers", "warning", "renaming of `prod` to `live`", "rename prod live"),
    "a damaged note of it": (_old(STATE + "/unfinished.json"), "leftovers", "problem", "cannot be read", "remove it"),
    "active is no profile": (_state("prd\nprod\n"), "selection", "problem", "`prd`", "did you mean `prod`?"),
    "previous is no profile": (_state("prod\ngone\n"), "selection", "warning", "`gone`", "use NAME"),
    "a pin to nowhere": (
        lambda cli, _: (cli.work / ".omniprofile.toml").write_text('profile = "gone"\n'),
        "selection", "problem", "gone", "",
    ),
    "a broken pin": (
        lambda cli, _: (cli.work / ".omniprofile.toml").write_text("profile = 1\n"), "selection", "problem", ":1:", "",
    ),
    "OMNI_PROFILE is none": (_environ(OMNI_PROFILE="gone"), "selection", "problem", "`OMNI_PROFILE`", ""),
    "a shadowing token": (_environ(OMNI_API_TOKEN=CANARY), "environment", "warning", "in place of", "unset OMNI_API_TOKEN"),
    "two tokens": (
        _environ(OMNI_API_TOKEN=CANARY, OMNI_API_KEY=CANARY + "2"), "environment", "problem", "different values", "unset",
    ),
    "one token twice": (
        _environ(OMNI_API_TOKEN=CANARY, OMNI_API_KEY=CANARY), "environment", "warning", "in place of",
        "unset OMNI_API_TOKEN OMNI_API_KEY",
    ),
    "an empty token": (_environ(OMNI_API_KEY=""), "environment", "warning", "`OMNI_API_KEY` is set and empty", "unset"),
    "a base URL alone": (
        _environ(OMNI_BASE_URL="https://b.omniapp.co"), "environment", "warning", "would be refused", "a pair",
    ),
    "the insecure switch": (
        _environ(OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS="0"), "environment", "problem", "any host", "unset",
    ),
    "a stale organization": (_environ(OMNI_ORGANIZATION_NAME="play"), "environment", "warning", "`play`", "unset"),
    "a profile's variable": (
        _environ(OMNI_PROFILE_PROD_TOKEN=CANARY), "environment", "warning", "a value of `prod`", "unset",
    ),
    "a variable of none": (
        _environ(OMNI_PROFILE_PRD_TOKEN=CANARY), "environment", "warning", "no profile", "mean `OMNI_PROFILE_PROD_TOKEN`?",
    ),
    "a damaged mark": (_environ(OMNIPROFILE_EXPORTED="?"), "environment", "warning", "is damaged", "unset"),
    "a foreign hook": (_environ(OMNIPROFILE_HOOK="tcsh"), "hook", "warning", "`tcsh`", "unset"),
    "an unknown store": (_environ(OMNIPROFILE_SECRET_STORE="vault"), "secret-store", "problem", "`vault`", "keyring"),
    "no keyring": (_environ(OMNIPROFILE_SECRET_STORE="keyring"), "secret-store", "problem", "no usable OS", "Secret Service"),
    "a forgotten file of secrets": (
        _environ(OMNIPROFILE_SECRET_STORE="keyring"), "secret-store", "warning", "not the one used",
        "OMNIPROFILE_SECRET_STORE=file",
    ),
    "a plain-text keyring": (_plain_keyring, "secret-store", "problem", "plain text", "choose another keyring"),
    "an orphan": (lambda cli, _: put(cli, "gone"), "stored-secrets", "warning", "`gone`", "--prune"),
    "another origin": (
        lambda cli, _: moved(cli), "stored-secrets", "problem", "b.omniapp.co", "login prod",
    ),
    "secrets of the vendor's": (
        lambda cli, _: write_vendor(cli, VENDOR), "omni-cli", "warning", "`Playground (Org-scoped)`", "import omni-cli --scrub",
    ),
    "secrets of the vendor's for all to read": (
        lambda cli, _: write_vendor(cli, VENDOR).chmod(0o644), "omni-cli", "problem", "others can read", "chmod 600",
    ),
    "a broken vendor's config": (
        lambda cli, _: write_vendor(cli, b"{"), "omni-cli", "problem", "no config at all", "repair",
    ),
    "an omni that all can replace": (_program, "omni-cli", "problem", "anyone can replace", "chmod o-w"),
    "a backup": (
        _old(STATE + "/backups/config.json-20261125T000000Z.bak"), "backups", "warning", "backup", "delete it",
    ),
    "a key in .env": (_dotenv(f"OMNI_API_KEY={CANARY}\n"), "dotenv", "warning", "OMNI_API_KEY", "import dotenv --scrub"),
    "a key in .mcp.json": (
        lambda cli, _: (cli.work / ".mcp.json").write_text(
            f'{{"mcpServers": {{"omni": {{"headers": {{"Authorization": "Bearer {CANARY}"}}}}}}}}'
        ),
        "mcp", "warning", "header `Authorization` of the MCP server `omni`", "omniprofile token --header NAME",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SICK)
def test_every_problem_is_found_with_its_remedy(
    cli: Cli, good: Path, case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrange, name, status, message, remedy = SICK[case]
    arrange(cli, monkeypatch)
    ran, checks = look(cli)
    assert ran.status == 1, ran
    found = [
        check for check in checks if (check["check"], check["status"]) == (name, status) and message in check["message"]
    ]
    assert found, ran
    assert any(remedy in (check["remedy"] or "") for check in found), ran
    assert not (cli.home / "it-was-run").exists()


def test_a_file_of_an_mcp_client_that_is_too_large_is_left_out(cli: Cli, good: Path) -> None:
    """Clients keep their history in it, so a large one is normal."""
    with (cli.home / ".claude.json").open("wb") as file:
        file.truncate(LARGEST + 1)
    ran, checks = look(cli)
    assert ran.status == 0, ran
    assert [check["status"] for check in checks if "it was not searched for keys" in check["message"]] == ["skipped"]


@pytest.mark.parametrize(
    "make", [os.mkfifo, os.mkdir, lambda path: os.symlink("nowhere", path)], ids=["pipe", "folder", "dangling link"]
)
def test_a_dotenv_that_is_not_a_regular_file_is_skipped(cli: Cli, good: Path, make: Callable[[str], None]) -> None:
    """Password managers make it a pipe, and people give a virtual environment this name: neither is wrong."""
    make(str(cli.work / ".env"))
    ran, checks = look(cli)
    assert ran.status == 0, ran
    assert [check["status"] for check in checks if "it was not searched for keys" in check["message"]] == ["skipped"]


def test_of_a_file_full_of_keys_some_are_shown(cli: Cli, good: Path) -> None:
    keys = [f"omni_osk_abcdefgh{number}" for number in range(200)]
    (cli.work / ".mcp.json").write_text(json.dumps({"mcpServers": {"omni": {"args": keys}}}, indent=1))
    found = [check for check in look(cli)[1] if check["check"] == "mcp"]
    assert "190 more keys" in found[-1]["message"]
    assert len(found) == 11


def test_a_group_may_write_profile_files_where_each_user_has_one(cli: Cli, good: Path) -> None:
    good.chmod(0o664)
    assert look(cli)[0].status == 0


def test_an_exported_variable_is_not_a_shadow(cli: Cli, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in json.loads(cli("env", "prod", "--shell", "json", shows=True).out).items():
        monkeypatch.setenv(name, value)
    ran, checks = look(cli)
    assert ran.status == 0, ran
    assert any("exported `prod`" in check["message"] for check in checks)


def test_an_exec_is_not_called_an_env(process: Callable[..., subprocess.CompletedProcess[str]], good: Path) -> None:
    words = ("doctor", "--offline", "--json")
    child = process("exec", "prod", "--", sys.executable, "-m", "omniprofile", *words)
    messages = [check["message"] for check in json.loads(child.stdout)["checks"]]
    assert any("`omniprofile exec` exported `prod`" in message for message in messages), messages
    assert any("`omni` does not see its own config here" in message for message in messages), messages


def test_the_insecure_switch_of_the_vendor_is_off_when_it_is_empty(cli: Cli, good: Path) -> None:
    ran, _ = look(cli, env={"OMNI_CLI_DANGEROUSLY_ALLOW_INSECURE_REQUESTS": ""})
    assert ran.status == 0, ran


@pytest.mark.parametrize(
    ("auth", "refresh", "default", "trap"),
    [("oauth", "r", "a", True), ("oauth", "r", "b", False), ("oauth", "", "a", False), ("api-key", "r", "a", False)],
)
def test_the_trap_that_an_oauth_default_of_omni_is_has_a_name(
    cli: Cli, good: Path, auth: str, refresh: str, default: str, trap: bool
) -> None:
    profile = {"apiEndpoint": "https://other.omniapp.co", "authMethod": auth, "refreshToken": refresh, "apiKey": "x"}
    profiles = {"a": profile, "b": {"apiEndpoint": "https://b.omniapp.co", "apiKey": "x"}}
    write_vendor(cli, json.dumps({"version": 1, "defaultProfile": default, "profiles": profiles}).encode())
    _, checks = look(cli)
    named = [check for check in checks if "in place of every other" in check["message"]]
    assert bool(named) == trap
    assert not named or "omniprofile exec -- omni" in named[0]["remedy"]


def test_an_unused_store_is_not_a_problem(cli: Cli) -> None:
    cli.profiles('[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "K" }\n')
    ran, checks = look(cli, env={"OMNIPROFILE_SECRET_STORE": "keyring"})
    assert ran.status == 0, ran
    assert any("no profile uses it" in check["message"] for check in checks)


def test_prune_deletes_what_no_profile_uses_and_nothing_else(cli: Cli, good: Path) -> None:
    for name in ("gone", "old"):
        put(cli, name)
    refused = cli("doctor", "--offline", "--prune", status=6)
    assert "`gone` (https://acme.omniapp.co), `old` (https://acme.omniapp.co)" in refused.err
    assert {account.profile for account in FileStore(str(cli.state)).summaries()} == {"prod", "gone", "old"}
    ran = cli("doctor", "--offline", "--prune", "--yes", "--json", status=0)
    assert json.loads(ran.out)["pruned"] == ["gone", "old"]
    assert {account.profile for account in FileStore(str(cli.state)).summaries()} == {"prod"}
    assert cli("doctor", "--offline", "--prune").status == 0


@pytest.mark.parametrize(("asked", "status"), [("file", "ok"), ("vault", "problem"), ("", "skipped")])
def test_the_store_that_a_variable_selects_is_checked_while_the_profile_files_are_invalid(
    asked: str, status: str, cli: Cli, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good.write_text("[profiles.a\n")
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", asked)
    _, checks = look(cli)
    assert [check["status"] for check in checks if check["check"] == "secret-store"] == [status]


def test_prune_deletes_nothing_while_the_profile_files_are_invalid(cli: Cli, good: Path) -> None:
    put(cli, "gone")
    good.write_text("[profiles.a\n")
    assert cli("doctor", "--offline", "--prune", "--yes").status == 3
    assert "prod" in {account.profile for account in FileStore(str(cli.state)).summaries()}


def test_a_secret_for_an_origin_that_the_profile_left_is_an_orphan_once_there_is_another(cli: Cli, good: Path) -> None:
    put(cli, "prod", "https://b.omniapp.co")
    _, checks = look(cli)
    (check,) = [check for check in checks if check["check"] == "stored-secrets"]
    assert (check["status"], "https://b.omniapp.co" in check["message"]) == ("warning", True)
    assert cli("doctor", "--offline", "--prune", "--yes").status == 0
    assert [str(one) for one in FileStore(str(cli.state)).summaries()] == ["prod@https://acme.omniapp.co"]


def test_a_check_that_fails_or_hangs_is_a_finding_and_stops_no_other(
    cli: Cli, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()

    def fail(_: object) -> Iterator[Diagnosis]:
        raise ValueError(CANARY)

    def hang(_: object) -> Iterator[Diagnosis]:
        release.wait(FOR_EVER)
        yield from ()

    first, second, *rest = doctor.CHECKS
    monkeypatch.setattr(doctor, "CHECKS", (replace(first, look=fail), replace(second, look=hang), *rest))
    monkeypatch.setattr(doctor.examine, "__kwdefaults__", {"limit": 0.5, "offline": True})
    limits = chain([PATIENCE, 0.5], repeat(PATIENCE))  # a slow machine stops any check for seconds
    monkeypatch.setattr(doctor, "wait", lambda call, _: wait(call, next(limits)))
    with without_waiting():
        ran, checks = look(cli)
    release.set()
    assert ran.status == 1
    assert "unexpected ValueError" in checks[0]["message"]
    assert "did not end within 0.5 s" in checks[1]["message"]
    assert len(checks) >= len(doctor.CHECKS)


@contextmanager
def _clock(date: Callable[[], str | None]) -> Iterator[str]:
    """Serve responses with what `date` then returns as their `Date`, which refuse any token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert "Authorization" not in self.headers
            self.send_response_only(200)
            if (now := date()) is not None:
                self.send_header("Date", now)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("minutes", "status", "says"),
    [(0, "ok", "agrees"), (3, "warning", "3 min behind"), (-3, "warning", "3 min ahead"), (60, "problem", "60 min behind"),
     (None, "skipped", "does not say"), ("soon", "skipped", "does not say")],
)  # fmt: skip
def test_the_clock_is_compared_with_the_instances(
    cli: Cli, minutes: object, status: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def date() -> str | None:
        if isinstance(minutes, int):
            return format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
        return minutes if isinstance(minutes, str) else None

    monkeypatch.setattr(shell, "_CLOCK_TIMEOUT", PATIENCE)
    with _clock(date) as url:
        cli.profiles(f'[profiles.a]\nbase_url = "{url}"\nallow_insecure = true\nkey = {{ env = "K" }}\n')
        ran = cli("doctor", "--json")
    (found,) = [check for check in json.loads(ran.out)["checks"] if check["check"] == "clock"]
    assert (found["status"], says in found["message"]) == (status, True), ran
    assert ran.status == (1 if status in ("warning", "problem") else 0)


def test_an_unreachable_instance_is_not_a_finding(cli: Cli) -> None:
    cli.profiles('[profiles.a]\nbase_url = "http://127.0.0.1:9"\nallow_insecure = true\nkey = { env = "K" }\n')
    ran = cli("doctor", "--json", status=0)
    assert "omniprofile test a" in ran.out


def test_without_a_working_directory_it_still_looks(cli: Cli, good: Path) -> None:
    from omniprofile.app import App
    from omniprofile.system.environment import Environment

    environment = Environment.real()._replace(cwd=None)
    assert not [one for one in doctor.examine(App(environment), offline=True) if one[1].actionable]


def test_access_is_reported_and_a_protected_token_is_not_a_finding(cli: Cli, two: Path) -> None:
    reader = '[profiles.reader]\nextends = "staging"\naccess = "read-only"\n'
    two.write_text(two.read_text() + reader + '[profiles.guarded]\nextends = "prod"\naccess = "gateway"\n')
    checks = json.loads(cli("doctor", "--offline", "--json").out)["checks"]
    assert [(each["status"], each["message"], each["remedy"]) for each in checks if each["check"] == "access"] == [
        ("ok", "gateway: `guarded`; read-only: `reader`", None),
        ("ok", "`prod` is protected, but gives programs its token", _HINT),
    ]
    ran = cli("lint")
    assert (ran.status, ran.out) == (0, "")
    assert _HINT in ran.err
    two.write_text(two.read_text().replace("protected = true\n", 'protected = true\naccess = "full"\n'))
    assert "`prod` is protected" not in cli("lint").err + cli("doctor", "--offline").out


_HINT = (
    "`omniprofile set prod access read-only` gives them a gateway that only reads; "
    "`omniprofile set prod access full` keeps it, without this note"
)
