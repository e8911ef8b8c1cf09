"""`login` and `logout` for API keys: tested before stored, bound to the origin, deleted for good."""

import json
import os
import subprocess
from pathlib import Path

import pexpect
import pytest

from tests.cli.conftest import PRODUCTION_KEY, STAGING_KEY, Instances
from tests.cli.terminal import spawn
from tests.conftest import CANARY, Cli
from tests.programs import changed
from tests.sockets import NOBODY
from tests.waiting import PATIENCE


def test_a_key_from_stdin_is_tested_and_stored_with_its_origin(cli: Cli, instances: Instances) -> None:
    ran = cli("login", "staging", stdin=STAGING_KEY + "\n", status=0)
    assert f"will be stored in the file `{cli.state / 'secrets.json'}`" in ran.err
    assert "accepts the key (MEMBER" in ran.err
    file = cli.state / "secrets.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert instances.staging.base_url in file.read_text()
    assert cli("token", "staging", shows=True).out == STAGING_KEY + "\n"


def test_the_place_of_storage_is_shown_before_the_instance_is_asked(cli: Cli, instances: Instances) -> None:
    ran = cli("login", "staging", stdin=STAGING_KEY)
    assert ran.err.index("will be stored") < ran.err.index("accepts the key")


def test_a_refused_key_is_not_stored(cli: Cli, instances: Instances) -> None:
    ran = cli("login", "staging", stdin=PRODUCTION_KEY, status=8)
    assert "nothing was stored" in ran.err
    assert cli("token", "staging").status == 4


def test_a_refused_key_leaves_the_old_one_in_place(cli: Cli, instances: Instances) -> None:
    cli("login", "staging", stdin=STAGING_KEY)
    assert cli("login", "staging", stdin=CANARY + "wrong").status == 8
    assert cli("token", "staging", shows=True).out == STAGING_KEY + "\n"


def test_the_right_key_in_the_wrong_profile_is_refused_by_the_identity_pin(cli: Cli, instances: Instances) -> None:
    instances.production.add_key(CANARY + "M", role="MEMBER")
    ran = cli("login", "prod", stdin=CANARY + "M", status=6)
    assert "ORG_ADMIN" in ran.err
    assert "MEMBER" in ran.err
    assert "nothing was stored" in ran.err
    assert cli("token", "prod").status == 4


def test_an_unreachable_instance_is_exit_7_and_nothing_is_stored(cli: Cli, file_store: None) -> None:
    cli.profiles(f'[profiles.a]\nbase_url = "{NOBODY}"\nallow_insecure = true\n')
    ran = cli("login", "a", stdin=STAGING_KEY, status=7)
    assert "nothing was stored" in ran.err
    assert not (cli.state / "secrets.json").exists()
    assert cli("login", "a", "--no-test", stdin=STAGING_KEY).status == 0
    assert cli("token", "a", shows=True).out == STAGING_KEY + "\n"


@pytest.mark.parametrize("text", ["", "\n", "a\nb\n", "with space", "nul\0byte", "tab\tbed", "\x1b[31m", "x" * 70_000])
def test_texts_that_cannot_be_a_key_are_refused_with_the_reason(cli: Cli, instances: Instances, text: str) -> None:
    cli("login", "staging", stdin=text, status=4)
    assert not instances.staging.requests
    assert not (cli.state / "secrets.json").exists()


@pytest.mark.parametrize("around", [" {}", "{} \n", "\t{}\t", "\n\n{}\n\n", "\r\n {}\r\n \r\n"])
def test_blanks_around_a_piped_key_are_dropped_and_those_around_a_secret_are_refused(
    cli: Cli, instances: Instances, around: str
) -> None:
    assert cli("login", "staging", stdin=around.format(STAGING_KEY)).status == 0
    assert cli("token", "staging", shows=True).out == STAGING_KEY + "\n"
    cli.profiles(cli.config.read_text() + "[profiles.staging.env]\nOMNI_EMBED_SECRET = { keyring = true }\n")
    ran = cli("login", "staging", "--secret", "OMNI_EMBED_SECRET", stdin=around.format(CANARY), status=4)
    assert "the given secret has" in ran.err


def test_login_without_a_usable_store_is_exit_9_before_the_key_is_read(cli: Cli, instances: Instances) -> None:
    ran = cli("login", "staging", stdin=STAGING_KEY, env={"OMNIPROFILE_SECRET_STORE": ""}, status=9)
    assert "OMNIPROFILE_SECRET_STORE=file" in ran.err
    assert not instances.staging.requests
    assert not (cli.state / "secrets.json").exists(), "a silent downgrade to plain text"


def test_an_unknown_store_name_is_an_error(cli: Cli, instances: Instances) -> None:
    ran = cli("login", "staging", stdin=STAGING_KEY, env={"OMNIPROFILE_SECRET_STORE": "plaintext"}, status=3)
    assert "`keyring` or `file`" in ran.err


def test_settings_may_ask_for_the_file_store(cli: Cli, instances: Instances, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNIPROFILE_SECRET_STORE")
    text = instances.file.read_text().replace("version = 1\n", 'version = 1\n[settings]\nsecret_store = "file"\n')
    instances.file.write_text(text)
    assert cli("login", "staging", stdin=STAGING_KEY).status == 0
    assert (cli.state / "secrets.json").exists()


def test_login_to_a_profile_with_another_key_source_says_where_the_key_goes(cli: Cli, two: Path) -> None:
    ran = cli("login", "staging", stdin=STAGING_KEY, status=2)
    assert "environment variable `STAGING_KEY`" in ran.err


def test_login_ignores_overrides_by_variables(cli: Cli, instances: Instances) -> None:
    env = {"OMNI_PROFILE_STAGING_BASE_URL": instances.production.base_url}
    assert cli("login", "staging", stdin=STAGING_KEY, env=env).status == 0
    assert not instances.production.requests


def test_a_secrets_file_that_others_can_read_is_refused(cli: Cli, instances: Instances) -> None:
    cli("login", "staging", stdin=STAGING_KEY)
    file = cli.state / "secrets.json"
    file.chmod(0o644)
    ran = cli("token", "staging", status=6)
    assert f"chmod 600 {file}" in ran.err.replace("`", "").replace("'", "")


def test_logout_deletes_and_says_where_to_revoke(cli: Cli, instances: Instances) -> None:
    cli("login", "staging", stdin=STAGING_KEY)
    ran = cli("logout", "staging", status=0)
    assert "was deleted" in ran.err
    assert "Settings > API access" in ran.err
    assert STAGING_KEY not in (cli.state / "secrets.json").read_text()
    assert cli("token", "staging").status == 4
    assert "nothing is stored" in cli("logout", "staging").err


def test_no_file_but_the_store_ever_holds_the_key(cli: Cli, instances: Instances) -> None:
    cli("login", "staging", stdin=STAGING_KEY)
    cli("use", "staging")
    cli("test", "staging")
    cli("explain", "staging")
    for folder, _, names in os.walk(cli.home):
        for name in names:
            path = Path(folder, name)
            assert path.name == "secrets.json" or CANARY.encode() not in path.read_bytes(), path


def test_the_live_test_has_the_documented_json(cli: Cli, instances: Instances) -> None:
    cli("login", "prod", stdin=PRODUCTION_KEY)
    ran = cli("test", "--all", "--json")
    assert ran.status == 4  # staging has no key
    results = json.loads(ran.out)["results"]
    assert [row["profile"] for row in results] == ["prod", "staging"]
    documented = {"profile", "status", "http_status", "reason", "remedy", "identity", "latency_ms"}
    assert all(documented <= set(row) for row in results)
    assert results[0]["status"] == "ok"
    assert results[0]["http_status"] == 200
    assert set(results[0]["identity"]) == {"user", "membership_id", "key_scope", "org_role"}
    assert results[1]["status"] == "untested"
    assert "omniprofile login staging" in results[1]["remedy"]


def test_a_revoked_key_is_invalid_with_a_remedy(cli: Cli, instances: Instances) -> None:
    cli("login", "prod", stdin=PRODUCTION_KEY)
    instances.production.revoke(PRODUCTION_KEY)
    ran = cli("test", "prod", status=8)
    assert "invalid" in ran.out
    assert "revoked" in ran.out


def test_the_gravest_outcome_decides_the_exit(cli: Cli, instances: Instances) -> None:
    cli("login", "prod", stdin=PRODUCTION_KEY)
    cli("login", "staging", stdin=STAGING_KEY)
    instances.staging.revoke(STAGING_KEY)
    instances.file.write_text(
        instances.file.read_text()
        + f'[profiles.gone]\nbase_url = "{NOBODY}"\nallow_insecure = true\nkey = {{ env = "GONE_KEY" }}\n'
    )
    assert cli("test", "--all", env={"GONE_KEY": CANARY}).status == 8
    assert cli("test", "prod", "gone", env={"GONE_KEY": CANARY}).status == 7
    assert cli("test", "prod").status == 0


def test_test_never_calls_another_host_with_an_overridden_url(cli: Cli, instances: Instances) -> None:
    cli("login", "staging", stdin=STAGING_KEY)
    before = len(instances.production.requests)
    cli("test", "staging", env={"OMNI_PROFILE_STAGING_BASE_URL": instances.production.base_url}, status=6)
    assert len(instances.production.requests) == before


def test_login_to_an_oauth_profile_in_use_by_file(cli: Cli, file_store: None) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\nauth = "oauth"\n')
    ran = cli("token", "a", status=4)
    assert "omniprofile login a" in ran.err


def _process(*argv: str, stdin: int, seconds: float = 30.0) -> "subprocess.Popen[str]":
    """Run `omniprofile *argv` as a process with a shorter time limit for a key."""
    program = changed(f"from omniprofile.cli import new_credential; new_credential.KEY_SECONDS = {seconds}")
    return subprocess.Popen([*program, *argv], stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_silent_standard_input_is_announced_and_not_waited_for_for_ever(cli: Cli, instances: Instances) -> None:
    with _process("login", "staging", stdin=subprocess.PIPE, seconds=0.5) as process:
        assert process.stderr is not None
        assert process.wait(PATIENCE) == 4
        err = process.stderr.read()
    assert "reading the key from standard input" in err
    assert "standard input did not end within 0.5 s" in err
    assert "--with-key" in err
    assert not (cli.state / "secrets.json").exists()


def test_timeout_bounds_the_wait_for_a_key_as_it_does_the_wait_for_the_browser(cli: Cli, instances: Instances) -> None:
    with _process("login", "staging", "--with-key", "--timeout", "0.5", stdin=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.wait(PATIENCE) == 4
        assert "standard input did not end within 0.5 s" in process.stderr.read()


def test_options_of_the_browser_login_are_ignored_for_a_key_with_a_warning(cli: Cli, instances: Instances) -> None:
    ran = cli("login", "staging", "--no-browser", "--port", "8765", stdin=STAGING_KEY, status=0)
    assert "warning: `--no-browser` and `--port` ignored: `staging` has an API key" in ran.err
    assert "ignored" not in cli("login", "staging", "--timeout", "9", stdin=STAGING_KEY).err


def test_with_key_waits_for_the_key(cli: Cli, instances: Instances) -> None:
    with _process("login", "staging", "--with-key", stdin=subprocess.PIPE, seconds=0.0) as process:
        _, err = process.communicate(STAGING_KEY + "\n", timeout=PATIENCE)
    assert process.returncode == 0, err
    assert "reading the key from standard input" in err
    assert cli("token", "staging", shows=True).out == STAGING_KEY + "\n"


def test_with_key_is_of_no_use_to_a_browser_login(cli: Cli, file_store: None) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\nauth = "oauth"\n')
    ran = cli("login", "a", "--with-key", stdin=STAGING_KEY, status=2)
    assert "so it has no key to read" in ran.err


def test_a_refused_key_is_asked_for_again_on_a_terminal(cli: Cli, instances: Instances) -> None:
    terminal = spawn("login", "staging", env={**os.environ}, dimensions=(24, 300))
    terminal.expect("API key for staging: ")
    terminal.sendline("omni_osk_of-another-instance")
    terminal.expect("refuses the organization API key; try another key")
    terminal.expect("API key for staging: ")
    terminal.sendline("not a key")
    terminal.expect("try another key")
    terminal.expect("API key for staging: ")
    terminal.sendline(STAGING_KEY)
    terminal.expect("stored; ")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert cli("token", "staging", shows=True).out == STAGING_KEY + "\n"
