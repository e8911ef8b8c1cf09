"""`env`, `exec` and `token` hand over the whole credential and nothing else."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from omniprofile.cli import fast_path
from omniprofile.handover.variables import SHIM
from omniprofile.model.export_mark import mark_of
from tests.cli.conftest import PRODUCTION_KEY, STAGING_KEY
from tests.conftest import CANARY, Cli

Process = Callable[..., subprocess.CompletedProcess[str]]
PRINT_ENVIRONMENT = "import json, os; print(json.dumps(dict(os.environ)))"


def _child(process: Process, *argv: str, env: dict[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a child of `omniprofile exec`."""
    ran = process("exec", *argv, "--", sys.executable, "-c", PRINT_ENVIRONMENT, env=env)
    assert ran.returncode == 0, ran.stderr
    return dict(json.loads(ran.stdout))


def test_token_json_has_the_documented_keys(cli: Cli, two: Path) -> None:
    assert json.loads(cli("token", "staging", "--json", shows=True).out) == {
        "version": 1,
        "profile": "staging",
        "base_url": "https://acme-staging.omniapp.co",
        "auth": "api-key",
        "token": STAGING_KEY,
        "expires_at": None,
    }


def test_token_header_is_what_a_headers_helper_prints(cli: Cli, two: Path) -> None:
    ran = cli("token", "staging", "--header", shows=True)
    assert json.loads(ran.out) == {"Authorization": f"Bearer {STAGING_KEY}"}
    assert (ran.out.count("\n"), ran.err) == (1, "")


def test_a_token_file_is_for_this_call(cli: Cli, two: Path) -> None:
    file = cli.work / "key"
    file.write_text(CANARY + "F\n")
    file.chmod(0o600)
    assert cli("token", "staging", "--token-file", str(file), shows=True).out == CANARY + "F\n"
    assert cli("token", "staging", "--token-file", "-", stdin=CANARY + "I\n", shows=True).out == CANARY + "I\n"
    ran = cli("token", "staging", "--token-file", str(cli.work / "gone"), status=4)
    assert "gone" in ran.err


def test_env_json_is_one_flat_object(cli: Cli, two: Path) -> None:
    variables = json.loads(cli("env", "staging", "--shell", "json", shows=True).out)
    assert variables["OMNI_BASE_URL"] == "https://acme-staging.omniapp.co"
    assert variables["OMNI_API_TOKEN"] == variables["OMNI_API_KEY"] == STAGING_KEY
    assert variables["OMNI_PROFILE"] == "staging"
    assert variables["OMNI_ORGANIZATION_NAME"] == "acme-staging"
    assert variables["OMNI_OUTPUT_FORMAT"] == "json"


def test_variables_exported_by_env_are_not_overrides(cli: Cli, two: Path) -> None:
    exported = json.loads(cli("env", "staging", "--shell", "json", shows=True).out)
    assert cli("token", "prod", env=exported, shows=True).out == PRODUCTION_KEY + "\n"
    assert cli("current", env=exported).out == "staging\n"
    assert cli("token", env=exported, shows=True).out == STAGING_KEY + "\n"
    changed = exported | {"OMNI_API_TOKEN": CANARY + "mine", "OMNI_BASE_URL": "https://mine.omniapp.co"}
    assert cli("token", env=changed, shows=True).out == CANARY + "mine\n"


def test_env_of_another_profile_takes_the_variables_of_the_first_away(cli: Cli, two: Path) -> None:
    exported = json.loads(cli("env", "staging", "--shell", "json", shows=True).out)
    next_ = json.loads(cli("env", "prod", "--shell", "json", env=exported, shows=True).out)
    assert next_["OMNI_OUTPUT_FORMAT"] is None
    unset = json.loads(cli("env", "--unset", "--shell", "json", env=exported).out)
    assert set(unset) == set(exported)
    assert set(unset.values()) == {None}


@pytest.mark.parametrize("before", ["BEFORE=1\n", "BEFORE=1"])
def test_env_github_masks_before_it_writes(cli: Cli, two: Path, before: str) -> None:
    file = cli.work / "github_env"
    file.write_text(before)
    ran = cli("env", "staging", "--shell", "github", env={"GITHUB_ENV": str(file)}, shows=True)
    assert ran.out == f"::add-mask::{STAGING_KEY}\n"
    text = file.read_text()
    assert text.startswith("BEFORE=1\nOMNI_")
    assert STAGING_KEY in text
    assert cli("env", "staging", "--shell", "github").status == 2


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can make a file of another user")
def test_env_github_in_a_container_appends_to_the_file_of_the_runners_user(cli: Cli, two: Path) -> None:
    """A job's steps run as root, the runner on the host as another user; whoever sets `GITHUB_ENV` already runs as the user."""
    file = cli.work / "github_env"
    file.touch()
    os.chown(file, 1001, 1001)
    ran = cli("env", "staging", "--shell", "github", env={"GITHUB_ENV": str(file)}, shows=True, status=0)
    assert ran.out == f"::add-mask::{STAGING_KEY}\n"
    assert STAGING_KEY in file.read_text()
    assert file.stat().st_uid == 1001


def test_env_github_creates_a_private_file_and_keeps_the_runners_mode(cli: Cli, two: Path, tmp_path: Path) -> None:
    def run(path: Path) -> int:
        return cli("env", "staging", "--shell", "github", env={"GITHUB_ENV": str(path)}, shows=True).status

    before = os.umask(0)
    try:
        made, runners, target = tmp_path / "made", tmp_path / "runners", tmp_path / "target"
        assert run(made) == 0
        assert made.stat().st_mode & 0o777 == 0o600
        runners.touch()
        runners.chmod(0o644)
        assert run(runners) == 0
        assert runners.stat().st_mode & 0o777 == 0o644
        for text in ("", "before\n"):
            target.write_text(text)
            link = tmp_path / "link"
            link.unlink(missing_ok=True)
            link.symlink_to(target)
            assert run(link) == 6
            assert target.read_text() == text
        (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
        assert run(tmp_path / "dangling") == 6
        assert not (tmp_path / "nowhere").exists()
        os.mkfifo(tmp_path / "pipe")
        assert run(tmp_path / "pipe") == 6
        reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
        assert run(tmp_path / "pipe") == 6
        assert os.read(reader, 10) == b""
        os.close(reader)
        assert run(tmp_path) == 1
        assert run(Path("/dev/null")) == 6
    finally:
        os.umask(before)


@pytest.mark.parametrize("before", [None, "old", "old, and others can read it"])
def test_env_output_writes_a_file_for_its_owner_alone(cli: Cli, two: Path, before: str | None) -> None:
    file = cli.work / "credential.json"
    if before:
        file.write_text(before)
        file.chmod(0o644 if "others" in before else 0o400)
    ran = cli("env", "staging", "--shell", "json", "--output", "credential.json")
    assert (ran.status, ran.out) == (0, "")
    assert "credential.json" in ran.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert json.loads(file.read_text())["OMNI_API_TOKEN"] == STAGING_KEY
    assert [path.name for path in cli.work.iterdir()] == ["credential.json"]
    assert cli("-q", "env", "staging", "--output", str(file)).err == ""
    ran = cli("env", "staging", "--output", "no/such/folder.json", status=1)
    assert "hint: name a file in a folder that exists, and that you can write to" in ran.err


@pytest.mark.parametrize(
    ("name", "start"),
    [(".env", "OMNI_"), (".env.local", "OMNI_"), ("acme.env", "OMNI_"), ("env", "export "), ("my.envelope", "export ")],
)
def test_env_output_of_a_dotenv_file_is_dotenv(cli: Cli, two: Path, name: str, start: str) -> None:
    cli("env", "staging", "--output", name, env={"OMNIPROFILE_SHELL": "bash"})
    assert (cli.work / name).read_text().startswith(start)
    cli("env", "staging", "--output", name, "--shell", "fish")
    assert (cli.work / name).read_text().startswith("set -gx ")


def test_env_output_goes_into_no_link_pipe_device_or_folder(cli: Cli, two: Path, tmp_path: Path) -> None:
    target, link, dangling, pipe = (tmp_path / name for name in ("target", "link", "dangling", "pipe"))
    target.write_text("before")
    link.symlink_to(target)
    dangling.symlink_to(tmp_path / "nowhere")
    os.mkfifo(pipe)
    for place, status in ((link, 6), (dangling, 6), (pipe, 6), (Path("/dev/null"), 6), (tmp_path, 1)):
        ran = cli("env", "staging", "--output", str(place))
        assert (ran.status, ran.out) == (status, ""), ran
        assert place.name in ran.err
    assert target.read_text() == "before"
    assert not (tmp_path / "nowhere").exists()
    assert cli("env", "staging", "--output", str(tmp_path / "gone" / "file")).status == 1
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]


def test_env_output_to_standard_output_and_what_contradicts_it(cli: Cli, two: Path) -> None:
    assert STAGING_KEY in cli("env", "staging", "--shell", "dotenv", "--output", "-", shows=True).out
    assert list(cli.work.iterdir()) == []
    assert cli("env", "staging", "--output", "").status == 2
    assert cli("env", "staging", "--output", "f", "--shell", "github", env={"GITHUB_ENV": "g"}).status == 2
    assert list(cli.work.iterdir()) == []


def test_env_output_removes_what_a_killed_one_left(cli: Cli, two: Path) -> None:
    left = cli.work / f".credential.{'0' * 16}.tmp"
    left.write_text(STAGING_KEY)
    assert cli("env", "staging", "--output", "credential").status == 0
    assert not left.exists()


def test_exec_gives_the_credential_and_removes_every_rival(process: Process, cli: Cli, two: Path) -> None:
    rivals = {
        "OMNI_API_TOKEN": "stale",
        "OMNI_API_KEY": "stale",
        "OMNI_BASE_URL": "https://stale.omniapp.co",
        "OMNI_ORGANIZATION_NAME": "stale",
        "OMNI_VANITY_DOMAIN": "stale",
        "OMNI_EMBED_SECRET": "stale",
        "OMNI_CONFIG_PATH": "/stale",
        "OMNI_CONFIG_DIR": "/stale",
    }
    child = _child(process, "staging", env=rivals)
    assert child["OMNI_API_TOKEN"] == child["OMNI_API_KEY"] == STAGING_KEY
    assert child["OMNI_BASE_URL"] == "https://acme-staging.omniapp.co"
    assert child["OMNI_ORGANIZATION_NAME"] == "acme-staging"
    assert child["OMNI_PROFILE"] == "staging"
    assert child["OMNI_OUTPUT_FORMAT"] == "json"
    assert not [value for value in child.values() if "stale" in value]


def test_a_child_cannot_save_a_config_of_the_vendors_cli(process: Process, cli: Cli, two: Path) -> None:
    save = (
        'rm -rf "$XDG_CACHE_HOME"; mkdir -p "${OMNI_CONFIG_PATH%/*}"; echo secret >"$OMNI_CONFIG_PATH"; [ -e ~/.cache ]'
    )
    assert process("exec", "staging", "--", "sh", "-c", save).returncode == 1
    assert "`omni` will not see its own config" in cli("-v", "exec", "staging", "--", "true").err


def test_exec_in_a_shell_with_another_profile_exported_uses_the_named_one(
    process: Process, cli: Cli, two: Path
) -> None:
    exported = json.loads(cli("env", "staging", "--shell", "json", shows=True).out)
    child = _child(process, "prod", "--yes", env=exported)
    assert child["OMNI_API_TOKEN"] == PRODUCTION_KEY
    assert "OMNI_OUTPUT_FORMAT" not in child


def test_exec_for_is_always_met_by_a_key(process: Process, cli: Cli, two: Path) -> None:
    assert process("exec", "staging", "--for", "300d", "--", "true").returncode == 0
    assert "does not expire" in cli("-v", "exec", "staging", "--for", "2h", "--", "true").err
    assert "does not expire" in cli("-v", "token", "staging", shows=True).err


@pytest.mark.parametrize("length", ["", "0", "0h", "-1h", "h", "2x", "1e9", "inf", "2h30", "400d", "١h"])
def test_exec_for_needs_a_duration(cli: Cli, two: Path, length: str) -> None:
    ran = cli("exec", "staging", f"--for={length}", "--", "true", status=2)
    assert "`2h`" in ran.err


def test_exec_ends_as_its_command_does(process: Process, two: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/nowhere/at/all\n")
    script.chmod(0o755)
    for command, why in (
        ("/etc/passwd", "permission denied"),
        (str(script), "the interpreter in its first line is missing"),
    ):
        ran = process("exec", "staging", "--", command)
        assert (ran.returncode, f"`{command}` cannot be run: {why}" in ran.stderr) == (126, True), ran
    ran = process("exec", "staging", "--", "true", "x" * 200_000)
    assert (ran.returncode, "hint: pass less" in ran.stderr) == (126, True), ran
    assert process("exec", "staging", "--", "sh", "-c", "exit 42").returncode == 42
    assert process("exec", "staging", "--", "sh", "-c", "kill -TERM $$").returncode == -15
    assert process("exec", "staging", "--", "no-such-command-here").returncode == 127
    for command, hint in (("printf x", "needs `sh -c`"), ("./nope.sh", "check the path")):
        ran = process("exec", "staging", "--", command)
        assert (ran.returncode, hint in ran.stderr) == (127, True)


@pytest.mark.parametrize("argv", [("exec", "staging"), ("exec", "--gateway", "staging"), ("each", "--all")])
def test_a_command_without_a_name_is_wrong_usage(process: Process, two: Path, argv: tuple[str, ...]) -> None:
    ran = process(*argv, "--", "", "x")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "the command is empty" in ran.stderr


def test_exec_passes_options_of_the_child_through(process: Process, two: Path) -> None:
    ran = process("exec", "staging", "--", "printf", "%s\n", "--json", "-h", "--", "--yes")
    assert ran.stdout == "--json\n-h\n--\n--yes\n"


def test_the_secret_is_in_no_processes_argv(process: Process, two: Path) -> None:
    script = "import pathlib, os; print(pathlib.Path(f'/proc/{os.getpid()}/cmdline').read_bytes())"
    ran = process("exec", "staging", "--", sys.executable, "-c", script)
    assert CANARY not in ran.stdout


def test_nested_exec_uses_the_inner_profile(process: Process, two: Path) -> None:
    ran = process(
        "exec", "staging", "--", sys.executable, "-m", "omniprofile", "exec", "prod", "--yes", "--",
        sys.executable, "-c", PRINT_ENVIRONMENT,
    )  # fmt: skip
    child = json.loads(ran.stdout)
    assert child["OMNI_API_TOKEN"] == PRODUCTION_KEY
    assert child["OMNI_PROFILE"] == "prod"
    assert "OMNI_OUTPUT_FORMAT" not in child


def test_a_command_source_is_run_without_a_shell(cli: Cli, two: Path) -> None:
    cli.profiles(
        f"""[profiles.a]
base_url = "https://a.omniapp.co"
key = {{ command = ["printf", "%s", "{CANARY[:4]}$HOME`id`"] }}
"""
    )
    ran = cli("token", "a", shows=True)
    assert ran.out == CANARY[:4] + "$HOME`id`\n"


def test_the_output_is_utf8_whatever_the_locale(process: Process, cli: Cli) -> None:
    cli.profiles(
        '[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = { env = "K" }\nenv = { GREETING = "grüß 🌍" }\n'
    )
    ran = process("env", "a", "--shell", "json", env={"K": CANARY, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"})
    assert "grüß 🌍" in ran.stdout
    assert os.environ["HOME"]


@pytest.mark.parametrize("variable", ["OMNI_API_TOKEN", "OMNI_API_KEY", "OMNI_OUTPUT_FORMAT"])
def test_an_exported_token_is_not_another_profiles_key(cli: Cli, two: Path, variable: str) -> None:
    """Neither the token nor a variable of the profile's `env` is, nor does either go to another address of the same profile."""
    exported = json.loads(cli("env", "staging", "--shell", "json", shows=True).out)
    cli.profiles(
        f"""[profiles.other]
base_url = "https://other.omniapp.co"
key = {{ env = "{variable}" }}
[profiles.staging]
base_url = "https://elsewhere.omniapp.co"
key = {{ env = "{variable}" }}
"""
    )
    for name in ("other", "staging"):
        for argv in (("token", name), ("env", name, "--shell", "json"), ("exec", name, "--", "true")):
            ran = cli(*argv, env=exported)
            assert (ran.status, ran.out) == (4, "")
            assert "exported by omniprofile for `staging`" in ran.err
            assert fast_path.answer(argv, {**os.environ, **exported}, sys.platform) is None
    assert json.loads(cli("list", "--json", env=exported).out)["profiles"][0]["credential"] == "missing"
    assert json.loads(cli("explain", "other", "--json", env=exported).out)["fields"]["token"]["value"] is None
    changed = exported | {variable: CANARY + "mine"}
    assert cli("token", "other", env=changed, shows=True).out == CANARY + "mine\n"


def test_an_exported_token_stays_the_key_of_its_own_profile(cli: Cli) -> None:
    cli.profiles('[profiles.ci]\nbase_url = "https://ci.omniapp.co"\nkey = { env = "OMNI_API_TOKEN" }\n')
    exported = json.loads(cli("env", "ci", "--shell", "json", env={"OMNI_API_TOKEN": CANARY}, shows=True).out)
    assert cli("token", "ci", env=exported, shows=True).out == CANARY + "\n"


@pytest.mark.parametrize("name", ["status", "path", "PPID", "LINENO"])
def test_a_variable_at_which_zsh_stops_leaves_no_token_without_its_mark(cli: Cli, two: Path, name: str) -> None:
    """Without the mark, the token would count as the key of any other profile, and go to its host."""
    if (zsh := shutil.which("zsh")) is None:
        pytest.skip("zsh is not installed")
    cli.profiles(
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ env = "A_KEY" }}\n[profiles.a.env]\n{name} = "x"\n'
        '[profiles.b]\nbase_url = "https://b.omniapp.co"\nkey = { env = "B_KEY" }\n'
        '[profiles.ci]\nbase_url = "https://ci.omniapp.co"\nkey = { env = "OMNI_API_TOKEN" }\n'
    )
    keys = {"A_KEY": CANARY + "A", "B_KEY": CANARY + "B"}
    first = cli("env", "b", "--shell", "zsh", env=keys, shows=True).out
    second = cli("env", "a", "--shell", "zsh", env=keys, shows=True).out
    ran = subprocess.run(
        [zsh, "-fc", 'eval "$1"; eval "$2"; /usr/bin/env -0', "zsh", first, second], capture_output=True
    )
    assert ran.stderr, "zsh takes this name by now"
    shell = dict(each.split("=", 1) for each in ran.stdout.decode().split("\0") if "=" in each)
    left = {each: value for each, value in shell.items() if each.startswith("OMNI")}
    assert left["OMNI_API_TOKEN"] == CANARY + "A"
    assert cli("token", "ci", env=left).status == 4
    assert cli("token", "b", env={**left, **keys}, shows=True).out == CANARY + "B\n"


def test_a_key_command_does_not_get_what_was_exported_for_another_profile(cli: Cli, two: Path) -> None:
    exported = json.loads(cli("env", "staging", "--shell", "json", shows=True).out)
    program = json.dumps([sys.executable, "-c", "import os; print('key' + ','.join(sorted(os.environ)))"])
    cli.profiles(
        "".join(
            f'[profiles.{name}]\nbase_url = "https://{name}.omniapp.co"\nkey = {{ command = {program} }}\n'
            for name in ("other", "acme-staging", "staging")
        )
    )
    for name in ("other", "acme-staging", "staging"):
        seen = set(cli("token", name, env=exported, shows=True).out.strip().split(","))
        assert not seen & set(exported), name
    changed = exported | {"OMNI_OUTPUT_FORMAT": "csv"}
    assert "OMNI_OUTPUT_FORMAT" in cli("token", "other", env=changed, shows=True).out


def test_only_unchanged_values_are_taken_away_again(cli: Cli, two: Path) -> None:
    exported = json.loads(cli("env", "staging", "--shell", "json", shows=True).out)
    changed = exported | {"OMNI_API_KEY": CANARY + "mine", "OMNI_OUTPUT_FORMAT": "csv"}
    unset = set(json.loads(cli("env", "--unset", "--shell", "json", env=changed).out))
    assert unset == set(exported) - {"OMNI_API_KEY", "OMNI_OUTPUT_FORMAT"}
    assert "OMNI_OUTPUT_FORMAT" not in json.loads(cli("env", "prod", "--shell", "json", env=changed, shows=True).out)
    assert "OMNI_OUTPUT_FORMAT" not in cli("use", "--shell", "prod", env=changed).out
    unmarked = {"OMNI_API_TOKEN": CANARY + "mine"}
    unset = set(json.loads(cli("env", "--unset", "--shell", "json", env=unmarked).out))
    assert "OMNI_API_TOKEN" not in unset
    assert {"OMNI_API_KEY", "OMNI_BASE_URL", "OMNIPROFILE_EXPORTED"} <= unset


def test_env_takes_rivals_of_the_shell_away(cli: Cli, two: Path) -> None:
    cli.profiles(
        '[profiles.bi]\nbase_url = "https://bi.example"\nkey = { env = "PROD_KEY" }\n'
        '[settings]\nallowed_hosts = ["bi.example"]\n'
    )
    rivals = {
        "OMNI_ORGANIZATION_NAME": "old",
        "OMNI_VANITY_DOMAIN": "old",
        "OMNI_CONFIG_DIR": "/old",
        "OMNIPROFILE_HOOK": "bash",
    }
    out = json.loads(cli("env", "bi", "--shell", "json", env=rivals, shows=True).out)
    assert {name for name, value in out.items() if value is None} == set(rivals) - {"OMNIPROFILE_HOOK"}


def test_env_in_a_child_of_exec_hides_the_vendors_config(process: Process, two: Path) -> None:
    argv = (sys.executable, "-m", "omniprofile", "env", "prod", "--shell", "json")
    out = json.loads(process("exec", "staging", "--", *argv).stdout)
    assert out["OMNI_API_TOKEN"] == PRODUCTION_KEY
    assert out["OMNI_OUTPUT_FORMAT"] is None
    assert "OMNI_CONFIG_PATH" not in out


def test_exec_removes_the_variable_of_the_key_and_nested_calls_still_have_it(process: Process, two: Path) -> None:
    assert "STAGING_KEY" not in _child(process, "staging")
    assert _child(process, "staging")["PROD_KEY"] == PRODUCTION_KEY
    nested = (sys.executable, "-m", "omniprofile")
    assert process("exec", "staging", "--", *nested, "token", "staging").stdout == STAGING_KEY + "\n"
    assert process("exec", "staging", "--", *nested, "token", "staging", "--json").returncode == 0
    listed = json.loads(process("exec", "staging", "--", *nested, "list", "--json").stdout)["profiles"]
    assert [each["credential"] for each in listed] == ["present", "present"]
    assert process("exec", "prod", "--yes", "--", *nested, "token", "staging").stdout == STAGING_KEY + "\n"


@pytest.mark.parametrize("options", [["staging"], ["staging", "--gateway"], ["--as", "S_=staging"]])
def test_within_exec_the_hint_explains_the_removed_variable(
    process: Process, cli: Cli, two: Path, options: list[str]
) -> None:
    cli.profiles(two.read_text() + '[profiles.twin]\nextends = "staging"\n')
    ran = process("exec", *options, "--", sys.executable, "-m", "omniprofile", "token", "twin")
    assert (ran.returncode, ran.stdout) == (4, "")
    assert "hint: `exec` removes the variable of its own profile's key: set `STAGING_KEY` to the key, or" in ran.stderr
    assert "`exec`" not in cli("token", "twin", env={"STAGING_KEY": ""}, status=4).err


def test_an_exported_token_counts_only_for_its_own_profile_and_address(cli: Cli, two: Path) -> None:
    exported = json.loads(cli("env", "staging", "--shell", "json", shows=True).out) | {"STAGING_KEY": ""}
    assert cli("token", "staging", env=exported, shows=True).out == STAGING_KEY + "\n"
    cli.profiles(
        """[profiles.staging]
base_url = "https://elsewhere.omniapp.co"
key = { env = "STAGING_KEY" }
[profiles.other]
base_url = "https://acme-staging.omniapp.co"
key = { env = "STAGING_KEY" }
"""
    )
    for name in ("staging", "other"):
        assert cli("token", name, env=exported).status == 4
    listed = json.loads(cli("list", "--json", env=exported).out)["profiles"]
    assert [each["credential"] for each in listed] == ["missing", "missing"]


def test_a_forged_mark_takes_nothing_from_a_child_that_every_program_needs(process: Process, two: Path) -> None:
    forged = mark_of(
        "staging", {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "MINE": "other"}, "https://a.co"
    )
    child = _child(process, "staging", env={"OMNIPROFILE_EXPORTED": forged, "MINE": "kept"})
    assert (child["HOME"], child["MINE"]) == (os.environ["HOME"], "kept")
    assert child["PATH"] == f"{SHIM}{os.pathsep}{os.environ['PATH']}"


INHERITING = """\
[profiles.base]
base_url = "https://base.omniapp.co"
key = {{ {source} }}
[profiles.child]
extends = "base"
base_url = "https://child.omniapp.co"
[profiles.grandchild]
extends = "child"
[profiles.by-instance]
extends = "base"
instance = "other"
[profiles.repeats]
extends = "base"
base_url = "https://child.omniapp.co"
key = {{ {source} }}
[profiles.same]
extends = "base"
base_url = "https://BASE.omniapp.co:443/"
[profiles.mixin]
key = {{ {source} }}
[profiles.one]
extends = "mixin"
base_url = "https://one.omniapp.co"
[profiles.two]
extends = "mixin"
base_url = "https://two.omniapp.co"
[instances.other]
base_url = "https://other.omniapp.co"
"""


@pytest.mark.parametrize("kind", ["env", "file", "command"])
def test_an_inherited_key_goes_to_the_address_of_its_own_table_only(cli: Cli, kind: str) -> None:
    key = cli.work / "key"
    key.write_text(CANARY)
    key.chmod(0o600)
    source = {"env": 'env = "K"', "file": f'file = "{key}"', "command": f'command = ["cat", "{key}"]'}[kind]
    cli.profiles(INHERITING.format(source=source))
    env = {"K": CANARY}
    refused = {
        "child": "https://child.omniapp.co",
        "grandchild": "https://child.omniapp.co",
        "by-instance": "https://other.omniapp.co",
    }
    for name, origin in refused.items():
        for argv in (("token", name), ("env", name), ("exec", name, "--", "true")):
            ran = cli(*argv, env=env)
            assert (ran.status, ran.out) == (6, ""), ran
            assert "https://base.omniapp.co" in ran.err
            assert origin in ran.err
            assert f"`[profiles.{name}]`" in ran.err
            assert fast_path.answer(argv, {**os.environ, **env}, sys.platform) is None
        explained = cli("explain", name, "--json", env=env)
        assert (explained.status, json.loads(explained.out)["error"]["code"]) == (6, "origin-mismatch")
        assert cli("token", name, "--base-url", "https://base.omniapp.co", env=env, shows=True).out == CANARY + "\n"
        assert (
            cli(
                "token", name, env=env | {f"OMNI_PROFILE_{name.upper().replace('-', '_')}_TOKEN": CANARY}, shows=True
            ).status
            == 0
        )
    for name in ("base", "repeats", "same", "one", "two"):
        assert cli("token", name, env=env, shows=True).out == CANARY + "\n"
    listed = {each["name"]: each["credential"] for each in json.loads(cli("list", "--json", env=env).out)["profiles"]}
    assert {name for name, state in listed.items() if state == "missing"} == set(refused)


def test_a_key_beside_an_address_in_defaults_goes_there_only(cli: Cli) -> None:
    cli.profiles(
        """[defaults]
base_url = "https://usual.omniapp.co"
key = { env = "K" }
[profiles.usual]
[profiles.other]
base_url = "https://other.omniapp.co"
"""
    )
    assert cli("token", "usual", env={"K": CANARY}, shows=True).out == CANARY + "\n"
    ran = cli("token", "other", env={"K": CANARY}, status=6)
    assert "https://usual.omniapp.co" in ran.err
    cli.profiles(
        '[defaults]\nkey = { env = "K" }\n[profiles.a]\nbase_url = "https://a.omniapp.co"\n'
        '[profiles.b]\nbase_url = "https://b.omniapp.co"\n'
    )
    assert (
        cli("token", "a", env={"K": CANARY}, shows=True).status
        == cli("token", "b", env={"K": CANARY}, shows=True).status
        == 0
    )
    lint = cli("lint", status=0)
    assert "OP307" in lint.out


def test_the_cli_fixture_holds_the_fast_path_to_the_full_one(
    cli: Cli, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fixture fails if the fast path answers differently, or the exit status is not the expected one."""
    with pytest.raises(AssertionError, match="not exit 3"):
        cli("current", status=3)
    for argv in (["current"], ["token", "staging"], ["env", "staging"], ["exec", "staging", "--", "true"]):
        assert cli(*argv, shows=True).status == 0
        right = fast_path.answer(argv, os.environ, sys.platform)
        wrong: fast_path.Answer = right + "x" if isinstance(right, str) else (["false"], {})
        with monkeypatch.context() as patch:
            patch.setattr(fast_path, "answer", lambda *_, wrong=wrong: wrong)
            with pytest.raises(AssertionError):
                cli(*argv, shows=True)
