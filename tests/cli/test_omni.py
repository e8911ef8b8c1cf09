"""`omni` under `exec`: our wrapper precedes the real one, with the same rules wherever it is called from."""

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from omniprofile.handover.child_credential import handed_over
from omniprofile.handover.real_omni import unreached
from omniprofile.handover.variables import SHIM
from omniprofile.model.credential import Credential
from omniprofile.model.credential_variables import NO_CONFIG
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from tests.cli.conftest import PRODUCTION_KEY, STAGING_KEY
from tests.cli.shells import install_program
from tests.cli.vendor_omni import VendorOmni
from tests.conftest import CANARY, Cli
from tests.programs import run_program
from tests.sampling import sample

Process = Callable[..., subprocess.CompletedProcess[str]]

STAGING, PRODUCTION = "https://acme-staging.omniapp.co", "https://acme.omniapp.co"


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, two: Path) -> VendorOmni:
    """The vendor's CLI on `PATH`, with a trap in its own config: an expired OAuth default."""
    config = Path(os.environ["XDG_CONFIG_HOME"], "omni-cli", "config.json")
    config.parent.mkdir(parents=True)
    trap = {"apiEndpoint": "https://other.omniapp.co", "authMethod": "oauth", "tokenExpiresAt": "2020-01-01T00:00:00Z"}
    config.write_text(json.dumps({"version": 1, "defaultProfile": "trap", "profiles": {"trap": trap}}))
    installed = VendorOmni(tmp_path / "vendor")
    monkeypatch.setenv("PATH", f"{installed.folder}{os.pathsep}{os.environ['PATH']}")
    return installed


ALLOWED = {
    # The typed command, and the arguments that arrive; the profile is `staging`.
    "models list": ["models", "list"],
    "-p staging models list": ["models", "list"],
    "models -pstaging list": ["models", "list"],
    "models list -p=staging": ["models", "list"],
    "models list --profile staging": ["models", "list"],
    "--profile=staging --compact -o json models list": ["models", "list"],
    "models list -ojson": ["models", "list"],
    f"--base-url {STAGING} models list": ["models", "list"],
    f"models list --base-url={STAGING.upper()}/": ["models", "list"],
    f"models list --base-url {STAGING}:443/api": ["models", "list"],
    "query --limit 5 -- -p prod --token x --base-url https://acme.omniapp.co": [
        "query", "-p", "prod", "--token", "x", "--base-url", "https://acme.omniapp.co",
    ],
    "query -- --help": ["query", "--help"],
    "query - config use prod": ["query", "-", "config", "use", "prod"],
    "whoami whoami": ["whoami", "whoami"],
}  # fmt: skip
REFUSED = {
    "-p prod models list": "exec prod -- omni models list",
    "-pprod models": "exec prod -- omni models",
    "-p=prod models": "exec prod -- omni models",
    "--profile prod models": "exec prod -- omni models",
    "--profile=prod models --limit 3": "exec prod -- omni models …",
    "models list -p nope": "exec nope -- omni models list",
    "models list -p staging -p prod": "exec prod",
    "-ojson -pprod models": "exec prod",
    "--verbose -p prod models": "exec prod",
    "-h=false -p prod models": "exec prod",
    "query --body -- -p prod": "exec prod",
    f"--base-url {PRODUCTION} models": "exec NAME -- omni models",
    f"models --base-url={PRODUCTION}": "exec NAME -- omni models",
    f"models --base-url {STAGING}.evil.example": "exec NAME",
    f"models --base-url https://x@{STAGING[8:]}": "exec NAME",
    f"models --base-url http://{STAGING[8:]}": "exec NAME",
    f"models --base-url {STAGING}:8443": "exec NAME",
    f"query --verbose -- --base-url {PRODUCTION}": "exec NAME",
    "--token omni_osk_abcdefghijklmnopqrstuvwxyz models": "exec staging --token-file FILE -- omni models",
    "models --token=x": "exec staging --token-file FILE -- omni models",
    "config use prod": "omniprofile use prod",
    "--compact config use prod": "exec prod -- omni",
    "config init": "omniprofile init",
    "config login": "omniprofile login staging",
    "config login prod": "omniprofile login prod",
    "config logout": "omniprofile logout staging",
    "config rename a b": "omniprofile rename a b",
    "config delete staging --yes": "omniprofile remove staging",
    "-o json config set-format human": "omniprofile set staging env.OMNI_OUTPUT_FORMAT human",
}
DIRECT = ["", "--help", "-h", "models --help", "-p nope models -h", "help", "--version", "-v", "-hp prod", "completion zsh",
          "agent-help", "__complete mod", "__completeNoDesc mod", "config --help", "--format json help"]  # fmt: skip


@pytest.mark.parametrize("inside", [False, True], ids=["exec's own command", "within a script"])
def test_omni_runs_with_what_it_was_handed(inside: bool, process: Process, vendor: VendorOmni) -> None:
    for words, arrives in sample(ALLOWED.items(), 8, f"allowed {inside}"):
        line = ("sh", "-c", f"omni {words}") if inside else ("omni", *words.split())
        ran = process("exec", "staging", "--", *line)
        assert (ran.returncode, ran.stderr) == (0, ""), (words, ran)
        assert vendor.hosts() == [(STAGING, STAGING_KEY, arrives)], words


@pytest.mark.parametrize("inside", [False, True], ids=["exec's own command", "within a script"])
def test_redirected_commands_are_refused_with_the_intended_one(
    inside: bool, process: Process, vendor: VendorOmni
) -> None:
    for words, meant in sample(REFUSED.items(), 9, f"refused {inside}"):
        line = ("sh", "-c", f"omni {words}") if inside else ("omni", *words.split())
        ran = process("exec", "staging", "--", *line)
        assert (ran.returncode, ran.stdout) == (6, ""), (words, ran)
        assert meant in ran.stderr.partition("hint: ")[2], (words, ran)
        assert "abcdefghij" not in ran.stderr
    assert vendor.requests() == []


@pytest.mark.parametrize("program", ["path", "link", "copy of ours"])
def test_an_omni_that_is_named_by_its_path_keeps_the_same_rules(
    program: str, process: Process, vendor: VendorOmni, tmp_path: Path
) -> None:
    path = tmp_path / "elsewhere/omni"
    path.parent.mkdir()
    if program == "link":
        path.symlink_to(vendor.path)
    elif program == "copy of ours":
        shutil.copy(Path(SHIM, "omni"), path)
    else:
        path = vendor.path
    assert process("exec", "staging", "--", str(path), "models").returncode == 0
    assert vendor.hosts() == [(STAGING, STAGING_KEY, ["models"])]
    for words in ("-p prod models", f"--base-url {PRODUCTION} models", "config use prod"):
        assert process("exec", "staging", "--", str(path), *words.split()).returncode == 6, words
    assert vendor.requests() == []


@pytest.mark.parametrize("words", sample(DIRECT, 5, "direct"))
def test_help_version_and_completion_need_no_credential(words: str, process: Process, vendor: VendorOmni) -> None:
    bare = run_program([vendor.path, *words.split()])
    for line in (("omni", *words.split()), ("sh", "-c", f"omni {words}")):
        environ = {"STAGING_KEY": "" if line[0] == "omni" else STAGING_KEY}
        ran = process("exec", "staging", "--", *line, env=environ)
        assert (ran.returncode, ran.stdout, ran.stderr) == (bare.returncode, bare.stdout, bare.stderr), line
    assert process("exec", "nope", "--", "omni", "--help").returncode == 5


def test_the_current_profile_is_shown_without_a_secret(process: Process, vendor: VendorOmni) -> None:
    """The steps of the vendor's agent skills: show, use, whoami."""
    script = "omni config show && omni config use staging && omni -o json config list && omni config list && omni whoami whoami"
    ran = process("exec", "staging", "--", "sh", "-c", script)
    assert ran.returncode == 0, ran
    assert STAGING_KEY not in ran.stdout + ran.stderr
    decoder = json.JSONDecoder()
    shown, end = decoder.raw_decode(ran.stdout)
    profile = {"apiEndpoint": STAGING, "authMethod": "api-key"}
    assert shown == {"version": 1, "defaultProfile": "staging", "profiles": {"staging": profile}}
    said, _, rest = ran.stdout[end:].lstrip().partition("\n")
    assert "`staging` is the current profile here already" in said
    listed, end = decoder.raw_decode(rest)
    assert listed == shown
    assert rest[end:].split("\n")[1:] == [f"* staging  {STAGING}  (api-key, by omniprofile)", "sent", ""]


def test_no_password_manager_is_asked_to_show_or_to_refuse(cli: Cli, process: Process, vendor: VendorOmni) -> None:
    marks = cli.work / "asked"
    cli.profiles(
        f'[profiles.one]\nbase_url = "{STAGING}"\nkey = {{ command = ["sh", "-c", "echo x >>{marks}; echo {STAGING_KEY}"] }}\n'
    )
    assert process("exec", "one", "--", "omni", "config", "show").returncode == 0
    assert process("exec", "one", "--", "omni", "-p", "two", "models").returncode == 6
    assert process("exec", "one", "--", "omni", "--help").returncode == 0
    assert not marks.exists()
    ran = process("exec", "one", "--", "sh", "-c", "omni models; omni models")
    assert (ran.returncode, marks.read_text()) == (0, "x\n"), "once, by exec"
    assert vendor.hosts() == [(STAGING, STAGING_KEY, ["models"])] * 2


REACHED = [
    "timeout 10 omni models",
    "echo models | xargs omni",
    "env OTHER=1 omni models",
    "nice omni models",
    "bash -c 'omni models'",
    "find . -maxdepth 0 -exec omni models ';'",
    "printf 'all:\\n\\tomni models\\n' | make -f -",
    "PATH=/bin:/usr/bin:$PATH omni models",
    "cd / && omni models",
    'python3 -c \'import subprocess; subprocess.run(["omni", "models"], check=True)\'',
    "(unset OMNI_BASE_URL; omni models)",
    "(unset OMNI_API_TOKEN; omni models)",
    "(unset OMNIPROFILE_PYTHON; PATH=$PATH:{programs} omni models)",
    "ln -sf {shim}/omni link; ./link models",
    "ln -sfn {shim} folder; PATH=$PWD/folder:$PATH omni models",
    "cp {shim}/omni copy; ./copy models",
    "rm -rf two; cp -r {shim} two; PATH=$PWD/two:$PATH omni models",
]


@pytest.mark.parametrize("script", sample(REACHED, 6, "reached"))
def test_every_way_to_call_omni_in_a_child_meets_the_same_rules(
    script: str, process: Process, vendor: VendorOmni, tmp_path: Path
) -> None:
    programs = str(install_program(tmp_path)).replace(" ", r"\ ")
    script = script.replace("{shim}", SHIM).replace("{programs}", programs)
    ran = process("exec", "staging", "--", "sh", "-c", script)
    assert ran.returncode == 0, ran
    assert vendor.hosts() == [(STAGING, STAGING_KEY, ["models"])]
    other = process("exec", "staging", "--", "sh", "-c", script.replace("models", "-pprod"))
    assert "`omni` runs with profile `staging` here" in other.stderr, other
    assert vendor.requests() == []


@pytest.mark.parametrize("empty", ['env -i "PATH=$PATH" HOME=$HOME omni', "env -i {shim}/omni", "PATH= {shim}/omni"])
def test_without_what_was_handed_over_omni_does_not_go_on_with_its_own_config(
    empty: str, process: Process, vendor: VendorOmni, tmp_path: Path
) -> None:
    """In an empty environment the wrapper has to find our interpreter, by `omniprofile` on `PATH` or beside the package."""
    programs = str(install_program(tmp_path)).replace(" ", r"\ ")
    empty = empty.replace("{shim}", SHIM)
    ran = process("exec", "staging", "--", "sh", "-c", f"PATH=$PATH:{programs}; {empty} models")
    assert (
        ran.returncode in ((127,) if "env -i {shim}" in empty or "PATH= " in empty else (6,)) or "hint" in ran.stderr
    ), ran
    assert ran.returncode != 0
    assert "omniprofile: error: " in ran.stderr
    assert vendor.requests() == []
    if empty.startswith("env -i PATH"):
        assert process("exec", "staging", "--", "sh", "-c", f"PATH=$PATH:{programs}; {empty} --version").returncode == 0


CHANGED = {
    "OMNI_PROFILE=prod omni models": "not with `prod`, which `OMNI_PROFILE` names",
    "export OMNI_PROFILE=prod; omni -p staging config show": "not with `prod`, which `OMNI_PROFILE` names",
    "OMNI_BASE_URL=https://other.omniapp.co omni models": "`OMNI_BASE_URL` was changed",
    "OMNI_API_TOKEN=mine omni models": "`OMNI_API_TOKEN` was changed",
    "env -u OMNI_API_TOKEN -u OMNI_API_KEY omni models": "no longer in the environment",
    "env -u OMNIPROFILE_CHILD -u OMNIPROFILE_EXPORTED omni models": "nothing that `omniprofile exec` handed over",
    "unset OMNIPROFILE_EXPORTED; OMNIPROFILE_CHILD=$(echo $OMNIPROFILE_CHILD | sed s/,,/,soon,/) omni models": "nothing that",
}


@pytest.mark.parametrize("script", CHANGED)
def test_half_of_a_credential_that_was_changed_is_refused(script: str, process: Process, vendor: VendorOmni) -> None:
    ran = process("exec", "staging", "--", "sh", "-c", script)
    assert ran.returncode == 6, ran
    assert CHANGED[script] in ran.stderr
    assert vendor.requests() == []


def test_a_pair_that_the_child_sets_is_used_with_a_note(process: Process, vendor: VendorOmni) -> None:
    pair = "OMNI_BASE_URL=https://other.omniapp.co OMNI_API_TOKEN=mine"
    ran = process("exec", "staging", "--", "sh", "-c", f"{pair} omni models")
    assert (ran.returncode, vendor.hosts()) == (0, [("https://other.omniapp.co", "mine", ["models"])])
    assert "using the token and the base URL of the environment (https://other.omniapp.co)" in ran.stderr
    ran = process("exec", "staging", "--", "sh", "-c", f"{pair} omni --base-url {STAGING} models")
    assert (ran.returncode, vendor.requests()) == (6, [])
    ran = process("exec", "staging", "--", "sh", "-c", f"{pair.replace('other.omniapp.co', 'x.example')} omni models")
    assert "not a recognized Omni domain" in ran.stderr, "a host that nobody allowed"


@pytest.mark.parametrize(
    "script",
    [
        'env -u OMNI_API_TOKEN -u OMNI_API_KEY OMNI_PROFILE="$ODD" omni models',
        'OMNI_PROFILE="$ODD" omni models',
        'OMNI_BASE_URL="https://other.omniapp.co/$ODD" OMNI_API_TOKEN=mine omni models',
        'omni -p "$ODD" models',
        'OMNIPROFILE_CHILD="$ODD,api-key,,00000000,$ODD,$ODD," OMNI_BASE_URL=$ODD omni models',
    ],
)
def test_variables_set_by_a_child_are_escaped_and_masked(script: str, process: Process, vendor: VendorOmni) -> None:
    odd = "\x1b]0;x\x07\u202e\x9b" + CANARY
    ran = process("exec", "staging", "--", "sh", "-c", script, env={"ODD": odd})
    assert ran.stderr
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(ran.stderr), ran.stderr
    assert CANARY not in ran.stderr


def test_a_pair_that_exec_found_is_handed_on(process: Process, vendor: VendorOmni) -> None:
    pair = {"OMNI_BASE_URL": "https://own.omniapp.co", "OMNI_API_TOKEN": CANARY + "O"}
    for line in (("omni", "models"), ("sh", "-c", "omni models")):
        ran = process("exec", "--", *line, env={**pair, "OMNI_PROFILE": "staging"})
        assert (ran.returncode, vendor.hosts()) == (0, [("https://own.omniapp.co", CANARY + "O", ["models"])]), ran
        assert process("exec", "--", *line, "-p", "staging", env=pair).returncode == 6 or line[0] == "sh"


def test_variables_of_env_in_a_shell_of_exec_are_used(process: Process, vendor: VendorOmni) -> None:
    switch = f'eval "$({sys.executable} -m omniprofile env prod --shell bash)"; omni models; omni -p staging models'
    ran = process("exec", "staging", "--", "bash", "-c", switch, env={"OMNIPROFILE_SHELL": "bash"})
    assert (ran.returncode, vendor.hosts()) == (6, [(PRODUCTION, PRODUCTION_KEY, ["models"])]), ran


def test_with_prefixes_omni_gets_no_credential(process: Process, vendor: VendorOmni) -> None:
    ran = process("exec", "--as", "A_=staging", "--", "sh", "-c", "omni models")
    assert (ran.returncode, vendor.requests()) == (6, []), ran


def test_exit_statuses_input_and_output_are_the_real_ones(process: Process, vendor: VendorOmni) -> None:
    for line in (("omni", "query", "fail", "--body", "-"), ("sh", "-c", "omni query fail --body -")):
        ran = process("exec", "staging", "--", *line, stdin="from a pipe")
        assert (ran.returncode, ran.stdout) == (3, "sent\n")
        assert [each["body"] for each in vendor.requests()] == ["from a pipe"]
    ran = process("exec", "staging", "--", "sh", "-c", "omni nonsense")
    assert (ran.returncode, "unknown command" in ran.stderr) == (1, True), "unknown words go through"
    ran = process("exec", "staging", "--", "sh", "-c", "omni -p")
    assert (ran.returncode, "needs an argument" in ran.stderr) == (1, True)


def test_a_host_of_the_users_list_and_loopback_are_allowed_to_omni_alone(
    cli: Cli, process: Process, vendor: VendorOmni
) -> None:
    cli.profiles(
        '[settings]\nallowed_hosts = ["bi.acme.example"]\n'
        '[profiles.bi]\nbase_url = "https://bi.acme.example"\nkey = { env = "STAGING_KEY" }\n'
        '[profiles.here]\nbase_url = "http://127.0.0.1:8080"\nallow_insecure = true\nkey = { env = "STAGING_KEY" }\n'
    )
    for name, url in (("bi", "https://bi.acme.example"), ("here", "http://127.0.0.1:8080")):
        ran = process("exec", name, "--", "sh", "-c", "env | grep DANGEROUSLY; omni models")
        assert (ran.returncode, ran.stdout) == (0, "sent\n"), ran
        assert process("exec", name, "--", "omni", "models").returncode == 0
        assert vendor.hosts() == [(url, STAGING_KEY, ["models"])] * 2
        real = process("exec", name, "--", "sh", "-c", f"{vendor.path} models")
        assert "not a recognized Omni domain" in real.stderr, "for our own omni's call alone"


def test_a_gateway_is_the_one_address_that_its_child_may_use_http_for(vendor: VendorOmni) -> None:
    credential = Credential("staging", Origin.parse(STAGING), "oauth", Secret("real"), datetime.now(UTC))
    url, run_token = "http://127.0.0.1:40123", "token-of-this-run"
    environ = {**os.environ, "OMNI_BASE_URL": url, "OMNI_API_TOKEN": run_token, "OMNI_CONFIG_PATH": NO_CONFIG}
    environ |= {**handed_over(credential, url, run_token), "OMNIPROFILE_PYTHON": sys.executable}
    ran = run_program([f"{SHIM}/omni", "models"], env=environ)
    assert (ran.returncode, vendor.hosts()) == (0, [(url, run_token, ["models"])]), ran
    words = [f"{SHIM}/omni", "models", "--base-url"]
    ran = run_program([*words, STAGING], env=environ)
    assert (ran.returncode, vendor.hosts()) == (0, [(url, run_token, ["models"])]), "the instance behind it"
    for other in ("http://127.0.0.1:40124", PRODUCTION):
        ran = run_program([*words, other], env=environ)
        assert (ran.returncode, vendor.requests()) == (6, [])


def test_variables_that_a_profile_gives_another_form_do_not_reach_omni(
    cli: Cli, process: Process, vendor: VendorOmni
) -> None:
    cli.profiles(
        f'[profiles.api]\nbase_url = "{STAGING}"\nkey = {{ env = "STAGING_KEY" }}\n[profiles.api.env]\n'
        'OMNI_BASE_URL = { from = "base_url", append = "/api" }\nOMNI_API_TOKEN = ""\n'
    )
    assert process("exec", "api", "--", "sh", "-c", "omni models").returncode == 0
    assert vendor.hosts() == [(STAGING, STAGING_KEY, ["models"])]


def test_copies_of_our_omni_and_wrappers_that_call_exec_do_not_loop(
    process: Process, vendor: VendorOmni, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        shutil.copytree(SHIM, tmp_path / name)
    wrapper = tmp_path / "bin/omni"
    wrapper.parent.mkdir()
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m omniprofile exec -- omni "$@"\n')
    wrapper.chmod(0o755)
    front = f"{tmp_path}/one:{tmp_path}/bin:{tmp_path}/two"
    ran = process("exec", "staging", "--", "sh", "-c", f"PATH={front}:$PATH omni models")
    assert (ran.returncode, vendor.hosts()) == (0, [(STAGING, STAGING_KEY, ["models"])]), ran
    ran = process("exec", "staging", "--", "sh", "-c", "omni models", env={"PATH": f"{front}:/usr/bin:/bin"})
    assert (ran.returncode, "the real `omni` is not on `PATH`" in ran.stderr) == (127, True), ran


def test_a_real_omni_that_comes_first_on_path_has_no_config(process: Process, vendor: VendorOmni) -> None:
    ran = process("exec", "staging", "--", "sh", "-c", f"PATH={vendor.folder}:$PATH omni models")
    assert ran.returncode == 0
    (sent,) = vendor.requests()
    assert (sent["base_url"], sent["token"], sent["config"]) == (STAGING, STAGING_KEY, NO_CONFIG)


def test_a_config_that_the_child_names_is_not_seen(process: Process, vendor: VendorOmni) -> None:
    """Its default would replace the credential from `exec`, and renewed or saved secrets would be written to it."""
    trap = "OMNI_CONFIG_PATH=$XDG_CONFIG_HOME/omni-cli/config.json"
    ran = process("exec", "staging", "--", "sh", "-c", f"{trap} omni models")
    assert ran.returncode == 0, ran
    (sent,) = vendor.requests()
    assert (sent["base_url"], sent["token"], sent["config"]) == (STAGING, STAGING_KEY, NO_CONFIG)


def test_nothing_that_omni_saves_is_in_a_file(process: Process, cli: Cli, vendor: VendorOmni) -> None:
    """Tried with our `omni`, with the real one, and with a deleted cache, also as root."""
    for command in ("config init", "config set-format json"):
        for omni in ("omni", str(vendor.path)):
            script = f"rm -rf ~/.cache; {omni} {command}"
            ran = process("exec", "staging", "--", "sh", "-c", script, stdin="secret-of-init\n")
            assert ran.returncode in (1, 6), ran
            assert "saving config: " in ran.stderr or "can save nothing here" in ran.stderr
    for path in cli.home.rglob("*"):
        assert not path.is_file() or b"secret-of-init" not in path.read_bytes(), path


def test_exec_and_doctor_say_whether_omni_is_ours(process: Process, vendor: VendorOmni, tmp_path: Path) -> None:
    assert "`omni` is omniprofile's own" in process("-v", "exec", "staging", "--", "true").stderr
    look = f"{sys.executable} -m omniprofile doctor --offline --json"

    def found(script: str) -> tuple[str, str]:
        ran = process("exec", "staging", "--", "sh", "-c", script)
        (check,) = (each for each in json.loads(ran.stdout)["checks"] if each["check"] == "omni-under-exec")
        return check["status"], check["message"]

    assert found(look) == ("ok", "omniprofile's shim, which uses only the credential that it was given")
    status, message = found(f"PATH={vendor.folder}:$PATH {look}")
    assert (status, f"`{vendor.path}` comes first on `PATH`" in message) == ("warning", True)
    assert json.loads(process("doctor", "--offline", "--json").stdout)["checks"]


@pytest.mark.parametrize(
    ("make", "why", "remedy"),
    [
        (lambda folder: (folder / "omni").chmod(0o644), "cannot be run", "chmod +x"),
        (lambda folder: (folder / "omni").unlink(), "noexec", "file system"),
        (lambda folder: folder.rename(folder.with_name("a:b")), "cannot stand on `PATH`", "in its name"),
    ],
)
def test_a_shim_that_cannot_be_reached_says_why(
    make: Callable[[Path], object], why: str, remedy: str, vendor: VendorOmni, tmp_path: Path
) -> None:
    folder = tmp_path / "shim"
    shutil.copytree(SHIM, folder)
    assert unreached({"PATH": f"{folder}:{vendor.folder}"}, str(folder)) is None
    make(folder)
    if not folder.exists():
        folder = folder.with_name("a:b")
    found = unreached({"PATH": f"{folder}:{vendor.folder}"}, str(folder))
    assert found is not None
    assert (why in found[0], remedy in found[1]) == (True, True), found


def test_ours_is_installed_to_be_run_and_imports_little(vendor: VendorOmni) -> None:
    assert os.access(f"{SHIM}/omni", os.X_OK)
    assert stat.S_IMODE(os.stat(f"{SHIM}/omni").st_mode) & 0o555 == 0o555
    assert sorted(os.listdir(SHIM)) == ["omni", "omni.cmd"]
    script = (
        "import sys; before = set(sys.modules); import os; from omniprofile.cli import shim; "
        "from omniprofile.handover import run_in_place; "
        "run_in_place.run_command = lambda *_: print(*sorted(set(sys.modules) - before)) or 0; shim.shim(['models'])"
    )
    environ = {**os.environ, "OMNI_BASE_URL": STAGING, "OMNI_API_TOKEN": "t", "PYTHONPATH": str(Path(SHIM).parents[1])}
    environ |= handed_over(Credential("staging", Origin.parse(STAGING), "api-key", Secret("t")), STAGING, "t")
    ran = run_program([sys.executable, "-S", "-c", script], env=environ, check=True)
    foreign = {name for name in ran.stdout.split() if not name.startswith("omniprofile")}
    assert foreign <= {"os", "stat", "_stat", "posixpath", "genericpath", "os.path", "_collections_abc", "binascii"}, (
        foreign
    )
