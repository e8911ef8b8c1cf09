"""A profile's `env`: literals, aliases of the credential, and its own secrets."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

import omniprofile
from omniprofile.errors import OriginMismatch
from tests.cli.conftest import STAGING_KEY
from tests.cli.terminal import spawn
from tests.cli.test_handing_over import Process
from tests.conftest import CANARY, Cli
from tests.programs import run_program

EMBED = CANARY + "-embed"
URL = "https://acme-staging.omniapp.co"
ALIASES = """\
[profiles.staging]
base_url = "https://acme-staging.omniapp.co"
key = { env = "STAGING_KEY" }
[profiles.staging.env]
MCP_API_KEY = { from = "token" }
MCP_SERVER_URL = { from = "base_url", append = "/mcp/https" }
OMNI_HOST = { from = "host" }
TENANT = { from = "organization", append = "-eu" }
OMNI_BASE_URL = { from = "base_url", append = "/api" }
OMNI_PROFILE = ""
OMNI_ORGANIZATION_NAME = ""
"""
SECRETS = """\
[profiles.staging]
base_url = "https://acme-staging.omniapp.co"
key = { env = "STAGING_KEY" }
[profiles.staging.env]
OMNI_EMBED_SECRET = { env = "STAGING_EMBED" }
FROM_FILE = { file = "embed" }
"""


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STAGING_KEY", STAGING_KEY)
    monkeypatch.setenv("STAGING_EMBED", EMBED)


STORED = """\
[profiles.staging]
base_url = "https://acme-staging.omniapp.co"
key = { env = "STAGING_KEY" }
env = { OMNI_EMBED_SECRET = { keyring = true }, TEAM = "a", OTHER = { env = "STAGING_EMBED" } }
[profiles.child]
extends = "staging"
base_url = "https://acme.omniapp.co"
key = { env = "STAGING_KEY" }
env = { OTHER = "" }
"""


def _given(cli: Cli, *argv: str, env: dict[str, str] | None = None) -> dict[str, str | None]:
    ran = cli("env", *argv, "--shell", "json", env=env, shows=True, status=0)
    given: dict[str, str | None] = json.loads(ran.out)
    return given


def _child(process: Process, *argv: str, env: dict[str, str] | None = None) -> dict[str, str]:
    ran = process(
        "exec", *argv, "--", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))", env=env
    )
    assert ran.returncode == 0, ran.stderr
    child: dict[str, str] = json.loads(ran.stdout)
    return child


def _secret_file(cli: Cli, text: str = EMBED + "F\n") -> Path:
    path = cli.config.parent / "embed"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_an_alias_is_a_part_of_the_credential_with_text_after_it(cli: Cli) -> None:
    cli.profiles(ALIASES)
    given = _given(cli, "staging", env={"OMNI_PROFILE": "x", "OMNI_ORGANIZATION_NAME": "stale"})
    assert given.pop("OMNIPROFILE_EXPORTED")
    assert given == {
        "OMNI_BASE_URL": URL + "/api", "OMNI_API_TOKEN": STAGING_KEY, "OMNI_API_KEY": STAGING_KEY, "MCP_API_KEY": STAGING_KEY,
        "MCP_SERVER_URL": URL + "/mcp/https", "OMNI_HOST": "acme-staging.omniapp.co", "TENANT": "acme-staging-eu",
        "OMNI_PROFILE": None, "OMNI_ORGANIZATION_NAME": None,
    }  # fmt: skip


def test_an_alias_follows_the_token_and_the_address_that_a_call_gives(cli: Cli) -> None:
    cli.profiles(ALIASES)
    file = cli.work / "token"
    file.write_text(CANARY + "T")
    file.chmod(0o600)
    other = "https://acme.omniapp.co"
    given = _given(cli, "staging", "--base-url", other, "--token-file", str(file))
    assert (given["MCP_API_KEY"], given["MCP_SERVER_URL"]) == (CANARY + "T", other + "/mcp/https")
    assert given["TENANT"] == "acme-eu"


def test_a_nested_call_takes_what_was_exported_in_another_form_for_what_it_is(process: Process, cli: Cli) -> None:
    """`OMNI_BASE_URL` with `/api` does not count as an override, and the key's removed variable is not needed."""
    cli.profiles(ALIASES)
    child = _child(process, "staging")
    assert child["OMNI_BASE_URL"] == URL + "/api"
    assert {"OMNI_PROFILE", "STAGING_KEY"}.isdisjoint(child)
    nested = process("token", "staging", env={**child, "STAGING_KEY": ""})
    assert (nested.returncode, nested.stdout, nested.stderr) == (0, STAGING_KEY + "\n", "")


def test_secrets_come_from_a_variable_a_file_and_a_command(process: Process, cli: Cli) -> None:
    _secret_file(cli)
    command = f'PRINTED = {{ command = ["{sys.executable}", "-c", "print({EMBED + "C"!r})"] }}\n'.replace("'", '\\"')
    cli.profiles(SECRETS + command)
    given = _given(cli, "staging")
    assert (given["OMNI_EMBED_SECRET"], given["FROM_FILE"], given["PRINTED"]) == (EMBED, EMBED + "F", EMBED + "C")
    child = _child(process, "staging")
    assert (child["OMNI_EMBED_SECRET"], child["FROM_FILE"], child["PRINTED"]) == (EMBED, EMBED + "F", EMBED + "C")
    assert "STAGING_EMBED" not in child, "the variable that the secret came from goes, as the key's does"
    nested = process("exec", "staging", "--", "printenv", "OMNI_EMBED_SECRET", env={**child, "STAGING_EMBED": ""})
    assert nested.stdout == EMBED + "\n", "a nested call finds the secret again"


@pytest.mark.parametrize("how", ["variable", "file", "quoted", "open"])
def test_a_secret_that_cannot_be_read_is_named_in_the_error(cli: Cli, how: str) -> None:
    path = _secret_file(cli, f'"{EMBED}"\n' if how == "quoted" else EMBED)
    cli.profiles(SECRETS)
    if how == "file":
        path.unlink()
    if how == "open":
        path.chmod(0o644)
    ran = cli("exec", "staging", "--", "true", env={"STAGING_EMBED": ""} if how == "variable" else None)
    assert ran.status == (6 if how == "open" else 4), ran
    assert f"the secret `{'OMNI_EMBED_SECRET' if how == 'variable' else 'FROM_FILE'}` of `staging`" in ran.err
    assert how != "quoted" or "is a text in quotes, not a secret" in ran.err
    assert cli("token", "staging", shows=True).status == 0, "the token needs no secret of `env`"


def test_a_secret_goes_to_its_own_origin_alone(cli: Cli) -> None:
    _secret_file(cli)
    cli.profiles(
        SECRETS
        + '[profiles.child]\nextends = "staging"\nbase_url = "https://acme.omniapp.co"\nkey = { env = "STAGING_KEY" }\n'
        '[profiles.repeats]\nextends = "child"\n[profiles.repeats.env]\n'
        'OMNI_EMBED_SECRET = { env = "STAGING_EMBED" }\nFROM_FILE = "text"\n'
    )
    ran = cli("exec", "child", "--", "true", status=6)
    assert "the secret `OMNI_EMBED_SECRET` that profile `child` inherits from parent profile `staging`" in ran.err
    assert f"is for {URL}, not for https://acme.omniapp.co" in ran.err
    assert _given(cli, "repeats")["OMNI_EMBED_SECRET"] == EMBED
    found = cli("lint").out
    assert found.count("OP305") == 2, found
    assert (
        "profile `child` (https://acme.omniapp.co) inherits the secret `OMNI_EMBED_SECRET` of `[profiles.staging]`"
        in found
    )


@pytest.mark.parametrize("pair", [False, True], ids=["flags", "the environment's pair"])
def test_a_secret_is_left_out_of_what_is_for_another_host(cli: Cli, pair: bool) -> None:
    _secret_file(cli)
    cli.profiles(SECRETS)
    other, token = "https://acme.omniapp.co", cli.work / "token"
    token.write_text(CANARY + "T")
    token.chmod(0o600)
    argv = [] if pair else ["staging", "--base-url", other, "--token-file", str(token)]
    environ = {"OMNI_BASE_URL": other, "OMNI_API_TOKEN": CANARY + "T"} if pair else {}
    ran = cli("env", *argv, "--shell", "json", env=environ, shows=True)
    given = json.loads(ran.out)
    assert given["OMNI_BASE_URL"] == other
    assert {"OMNI_EMBED_SECRET", "FROM_FILE"}.isdisjoint(given)
    assert f"`OMNI_EMBED_SECRET` is left out: it is a secret for {URL}, not for {other}" in ran.err


def test_an_organization_that_the_host_does_not_name_is_refused_where_it_is_needed(cli: Cli) -> None:
    file = cli.profiles(
        '[profiles.eu]\nbase_url = "https://acme.eu.omniapp.co"\nkey = { env = "STAGING_KEY" }\n'
        'env = { ORG = { from = "organization" } }\n'
    )
    ran = cli("exec", "eu", "--", "true")
    assert (ran.status, ran.err.splitlines()[0].partition("error: ")[2]) == (
        3,
        f"{file}:4: `ORG` is an alias of the organization, which https://acme.eu.omniapp.co does not name",
    )
    assert cli("token", "eu", shows=True).status == 0


def test_foreign_variables_that_choose_a_credential_go(process: Process, cli: Cli) -> None:
    cli.profiles(ALIASES)
    foreign = {"OMNI_HOST": "evil.example", "OMNI_VANITY_DOMAIN": "evil.example", "OMNI_EMBED_SECRET": "other"}
    child = _child(process, "staging", env=foreign)
    assert child["OMNI_HOST"] == "acme-staging.omniapp.co"
    assert {"OMNI_VANITY_DOMAIN", "OMNI_EMBED_SECRET"}.isdisjoint(child)
    given = _given(cli, "staging", env=foreign)
    assert [given[name] for name in foreign] == ["acme-staging.omniapp.co", None, None]


def test_variables_of_env_are_removed_again(cli: Cli) -> None:
    _secret_file(cli)
    cli.profiles(SECRETS)
    exported = {name: str(value) for name, value in _given(cli, "staging").items()}
    ran = cli("env", "--unset", "--shell", "json", env={**exported, "FROM_FILE": "changed"})
    removed = json.loads(ran.out)
    assert {"OMNI_API_TOKEN", "OMNI_EMBED_SECRET", "OMNIPROFILE_EXPORTED"} <= set(removed)
    assert "FROM_FILE" not in removed, "the user changed it"


def test_github_masks_every_secret(cli: Cli) -> None:
    _secret_file(cli)
    cli.profiles(SECRETS)
    target = cli.work / "github"
    ran = cli("env", "staging", "--shell", "github", env={"GITHUB_ENV": str(target)}, shows=True)
    assert ran.out.splitlines() == [f"::add-mask::{text}" for text in (STAGING_KEY, EMBED, EMBED + "F")]
    assert f"OMNI_EMBED_SECRET<<OMNIPROFILE\n{EMBED}\n" in target.read_text()


def test_the_output_has_no_secret_and_names_what_is_missing(cli: Cli) -> None:
    _secret_file(cli)
    cli.profiles(ALIASES + SECRETS.partition("[profiles.staging.env]\n")[2])
    fields = json.loads(cli("explain", "staging", "--json").out)["fields"]
    shown = {name.removeprefix("env."): field["value"] for name, field in fields.items() if name.startswith("env.")}
    assert shown == {
        "MCP_API_KEY": "********", "MCP_SERVER_URL": URL + "/mcp/https", "OMNI_HOST": "acme-staging.omniapp.co",
        "TENANT": "acme-staging-eu", "OMNI_BASE_URL": URL + "/api", "OMNI_PROFILE": "", "OMNI_ORGANIZATION_NAME": "",
        "OMNI_EMBED_SECRET": "omni_osk_********", "FROM_FILE": "********",
    }  # fmt: skip
    missing = json.loads(cli("show", "staging", "--json", env={"STAGING_EMBED": ""}).out)["fields"]
    assert missing["env.OMNI_EMBED_SECRET"]["value"] is None


def test_the_library_gives_the_variables_and_shows_none(cli: Cli) -> None:
    _secret_file(cli)
    cli.profiles(SECRETS + '[profiles.child]\nextends = "staging"\nbase_url = "https://acme.omniapp.co"\n')
    credential = omniprofile.resolve("staging")
    variables = credential.variables()
    assert (variables["OMNI_EMBED_SECRET"], variables["OMNI_API_KEY"]) == (EMBED, STAGING_KEY)
    assert os.environ | variables == {**os.environ, **variables}
    assert CANARY not in f"{variables!r} {variables} {credential!r}"
    with pytest.raises(OriginMismatch):
        omniprofile.resolve("child")


def test_the_fast_path_reads_what_needs_neither_store_nor_command(cli: Cli) -> None:
    """`Cli` compares both paths; here the fast path must not decline."""
    from omniprofile.cli import fast_path

    _secret_file(cli)
    cli.profiles(ALIASES + SECRETS.partition("[profiles.staging.env]\n")[2])
    given = _given(cli, "staging")
    answer = fast_path.answer(["env", "staging", "--shell", "json"], os.environ, sys.platform)
    assert isinstance(answer, str)
    assert json.loads(answer) == given
    assert stat.S_IMODE((cli.config.parent / "embed").stat().st_mode) == 0o600


def _login(cli: Cli, profile: str = "staging", secret: str = EMBED) -> None:
    cli("login", profile, "--secret", "OMNI_EMBED_SECRET", stdin=secret + "\n", status=0)


def _stored(cli: Cli) -> list[str]:
    return sorted(json.loads((cli.state / "secrets.json").read_text())["secrets"])


def test_a_secret_of_the_store_is_the_profiles_own_for_its_own_origin(cli: Cli, file_store: None) -> None:
    cli.profiles(STORED)
    ran = cli("exec", "staging", "--", "true")
    assert (ran.status, ran.err.splitlines()) == (
        4,
        [
            "omniprofile: error: the secret `OMNI_EMBED_SECRET` of `staging` is not stored",
            "hint: run `omniprofile login staging --secret OMNI_EMBED_SECRET`",
        ],
    )
    _login(cli)
    assert _given(cli, "staging")["OMNI_EMBED_SECRET"] == EMBED
    assert _stored(cli) == [f"staging@{URL}#OMNI_EMBED_SECRET"]
    assert cli("exec", "child", "--", "true").status == 4, "a child of another origin has a secret of its own"
    _login(cli, "child", EMBED + "2")
    assert _given(cli, "child")["OMNI_EMBED_SECRET"] == EMBED + "2"
    cli.profiles(STORED.replace("acme-staging", "acme-other"))
    ran = cli("exec", "staging", "--", "true", status=6)
    assert f"the stored secret `OMNI_EMBED_SECRET` of `staging` is for {URL}, but its base URL is now" in ran.err
    assert "run `omniprofile login staging --secret OMNI_EMBED_SECRET`" in ran.err


@pytest.mark.parametrize(
    ("variable", "says"),
    [
        ("OMNI_EMBED_SECRTE", "did you mean `OMNI_EMBED_SECRET`?"),
        ("PASSWORD", "write `PASSWORD = { keyring = true }` in `[profiles.staging.env]`"),
        ("TEAM", "`TEAM` of `staging` is not a secret"),
        ("OTHER", "`staging` takes `OTHER` from environment variable `STAGING_EMBED`"),
        ("\x1b[2J", "is not among the variables of `staging`"),
    ],
)
def test_only_a_declared_secret_is_stored(cli: Cli, file_store: None, variable: str, says: str) -> None:
    cli.profiles(STORED)
    ran = cli("login", "staging", "--secret", variable, stdin=EMBED, status=2)
    assert says in ran.err
    assert not (cli.state / "secrets.json").exists()


@pytest.mark.parametrize(
    "given",
    [
        "",
        " ",
        " around",
        "two\nlines",
        "tab\tin it",
        "bell\a",
        "\u2028",
        f'"{EMBED}"',
        "$SECRET",
        "${SECRET}",
        "x" * 65537,
    ],
)
def test_an_invalid_secret_is_not_stored(cli: Cli, file_store: None, given: str) -> None:
    cli.profiles(STORED)
    assert cli("login", "staging", "--secret", "OMNI_EMBED_SECRET", stdin=given).status == 4
    assert not (cli.state / "secrets.json").exists()


ANY_TEXT = [
    "correct horse battery staple",
    "Zo\u00eb's \U0001f989 caf\u00e9",
    "!begins so",
    "$2b$12$R9h/cIPz0gi.URNNX3kh2O",
    '"a" and "b',
    "back\\slash `tick` $HOME %PATH% #;&|<>",
]


@pytest.mark.parametrize("secret", ANY_TEXT)
def test_a_secret_may_be_any_line_of_text_in_any_source(
    process: Process, cli: Cli, file_store: None, secret: str
) -> None:
    path = _secret_file(cli, secret + "\n")
    cli.profiles(STORED + '[profiles.more]\nextends = "staging"\nenv = { FROM_FILE = { file = "embed" } }\n')
    assert path.exists()
    for profile in ("staging", "more"):
        assert cli("login", profile, "--secret", "OMNI_EMBED_SECRET", stdin=secret + "\n").status == 0
    given = _given(cli, "more", env={"STAGING_EMBED": secret})
    names = ("OMNI_EMBED_SECRET", "OTHER", "FROM_FILE")
    assert [given[name] for name in names] == [secret] * 3
    child = _child(process, "more", env={"STAGING_EMBED": secret})
    assert [child[name] for name in names] == [secret] * 3
    script = cli("env", "more", "--shell", "bash", env={"STAGING_EMBED": secret}, shows=True).out
    shown = run_program(["bash", "-c", script + 'printf %s "$FROM_FILE"'], check=True)
    assert shown.stdout == secret
    for line in (("list",), ("show", "more"), ("explain", "more", "--json"), ("doctor",)):
        ran = cli(*line, env={"STAGING_EMBED": secret})
        assert secret not in ran.out + ran.err


def test_a_secret_that_is_not_utf8_is_refused(cli: Cli, process: Process, file_store: None) -> None:
    path = _secret_file(cli, "x")
    path.write_bytes(b"caf\xe9\n")
    cli.profiles(SECRETS + STORED.replace("staging", "stored"))
    ran = cli("env", "staging")
    assert (ran.status, "has a character that is not printable, or is not UTF-8" in ran.err) == (4, True)
    line = [sys.executable, "-m", "omniprofile", "login", "stored", "--secret", "OMNI_EMBED_SECRET"]
    piped = subprocess.run(line, input=b"caf\xe9", capture_output=True, check=False)
    assert (piped.returncode, b"is not UTF-8" in piped.stderr) == (4, True)


def test_a_person_types_a_secret_that_is_not_shown(cli: Cli, file_store: None) -> None:
    cli.profiles(STORED)
    terminal = spawn("login", "staging", "--secret", "OMNI_EMBED_SECRET")
    terminal.expect("OMNI_EMBED_SECRET for staging: ")
    terminal.sendline(EMBED)
    terminal.expect("stored; ")
    assert CANARY not in str(terminal.before)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    assert _given(cli, "staging")["OMNI_EMBED_SECRET"] == EMBED


def test_a_secret_is_never_stored_otherwise_than_it_was_typed(cli: Cli, file_store: None) -> None:
    cli.profiles(STORED)
    terminal = spawn("login", "staging", "--secret", "OMNI_EMBED_SECRET", dimensions=(24, 200))
    terminal.expect("OMNI_EMBED_SECRET for staging: ")
    terminal.sendline(f" {EMBED} ")
    terminal.expect("the given secret has a space around it")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 4
    assert not (cli.state / "secrets.json").exists()


def test_a_pinned_protected_profile_gets_no_secret_without_a_yes(cli: Cli, file_store: None) -> None:
    cli.profiles(STORED.replace("[profiles.child]", "protected = true\n[profiles.child]"))
    (cli.work / ".omniprofile.toml").write_text('profile = "staging"\n')
    ran = cli("login", "--secret", "OMNI_EMBED_SECRET", stdin=EMBED, cwd=cli.work, status=6)
    assert "omniprofile login staging --secret OMNI_EMBED_SECRET" in ran.err


def test_rename_logout_and_remove_take_the_secrets_along(cli: Cli, file_store: None) -> None:
    cli.profiles(STORED)
    _login(cli)
    _login(cli, "child")
    assert cli("rename", "staging", "stage").status == 0
    assert _stored(cli) == ["child@https://acme.omniapp.co#OMNI_EMBED_SECRET", f"stage@{URL}#OMNI_EMBED_SECRET"]
    assert _given(cli, "stage")["OMNI_EMBED_SECRET"] == EMBED
    ran = cli("logout", "stage")
    assert "the secret `OMNI_EMBED_SECRET` of `stage` was deleted from the file" in ran.err
    assert _stored(cli) == ["child@https://acme.omniapp.co#OMNI_EMBED_SECRET"]
    assert cli("remove", "child", "--yes").status == 0
    assert _stored(cli) == []
    assert "nothing is stored for `stage`" in cli("logout", "stage").err


def test_list_and_doctor_count_secrets_and_prune_those_that_nothing_declares(cli: Cli, file_store: None) -> None:
    cli.profiles(STORED)
    _login(cli)
    rows = {row["name"]: row["secrets"] for row in json.loads(cli("list", "--json").out)["profiles"]}
    assert rows == {
        "staging": [
            {"variable": "OMNI_EMBED_SECRET", "state": "present"},
            {"variable": "OTHER", "state": "present"},
        ],
        "child": [{"variable": "OMNI_EMBED_SECRET", "state": "missing"}],
    }
    listed = cli("list").out
    assert "present, 2 secrets" in listed
    assert "present, 1 of 1 secret missing" in listed
    assert (
        "1 secret stored, each for its profile's instance; not stored: `OMNI_EMBED_SECRET` of `child`"
        in cli("doctor").out
    )
    assert cli("doctor", "--prune", "--yes").status == 1
    assert len(_stored(cli)) == 1
    cli.profiles(STORED.replace("OMNI_EMBED_SECRET", "EMBED_SECRET"))
    assert "the secret `OMNI_EMBED_SECRET` is stored for `staging`" in cli("doctor").out
    assert "the secrets of `OMNI_EMBED_SECRET` of `staging` (" in cli("doctor", "--prune", "--yes").err
    assert _stored(cli) == []


def test_set_and_unset_write_texts_aliases_and_sources(cli: Cli) -> None:
    file = cli.profiles(
        '[profiles.staging]\nbase_url = "https://acme.omniapp.co"\n[profiles.staging.env]\nTEAM = "a"\n'
    )
    steps = [
        (("set", "TEAM", "b c"), 'TEAM = "b c"'),
        (("set", "TEAM", "{ from = 'host' }"), "TEAM = { from = 'host' }"),
        (("set", "TEAM.append", "/x"), "TEAM = { from = 'host', append = \"/x\" }"),
        (("set", "TEAM.keyring", "true"), "TEAM = { keyring = true }"),
        (("set", "TEAM.env", "X"), 'TEAM = { env = "X" }'),
        (("set", "TEAM", "[1]"), 'TEAM = "[1]"'),
        (("set", "TEAM.from", "token"), 'TEAM = { from = "token" }'),
        (("set", "TEAM.append", "x"), 'TEAM = { from = "token", append = "x" }'),
        (("unset", "TEAM.append"), 'TEAM = { from = "token" }'),
        (("unset", "TEAM.from"), None),
    ]
    for (command, key, *value), line in steps:
        ran = cli(command, "staging", f"env.{key}", *value, status=0)
        found = [each for each in file.read_text().splitlines() if each.startswith("TEAM")]
        assert found == ([line] if line else []), (command, key, value)
    for wrong in ("{ form = 'token' }", "{ keyring = false }", "{}"):
        ran = cli("set", "staging", "env.TEAM", wrong)
        assert (ran.status, "nothing was written" in ran.err) == (3, True), ran
    assert cli("set", "staging", "env.OMNI_BASE_URL.from", "token").status == 3
    assert (
        cli(
            "add", "other", "--base-url", "https://b.omniapp.co", "--env", "A={ from = 'token' }", "--env", "B={}x"
        ).status
        == 0
    )
    assert 'env = { A = { from = "token" }, B = "{}x" }' in file.read_text()


def test_the_words_of_completion_are_the_declared_secrets(cli: Cli) -> None:
    cli.profiles(STORED)
    assert cli("__complete", "secrets").out == "OMNI_EMBED_SECRET\tof staging, child\n"
