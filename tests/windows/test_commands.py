"""Runs every command once with the installed `omniprofile.exe`."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from windows_home import EXE, Home, user_environment

from omniprofile.standin.server import Standin

KEY = "omni_osk_windows_0123456789abcdef"
BROWSER = "import sys, urllib.request\nurllib.request.urlopen(sys.argv[-1], timeout=30).read()\n"
CI = 'version = 1\n[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "CI_KEY" }\n'
STAGING = 'version = 1\r\n[profiles.staging]\r\nbase_url = "https://acme-staging.omniapp.co"\r\n'


def _profiles(standin: Standin, auth: str = "api-key") -> str:
    browser = json.dumps([sys.executable, "-c", BROWSER])
    return (
        f'version = 1\n[profiles.staging]\nbase_url = "{standin.base_url}"\nallow_insecure = true\nauth = "{auth}"\n'
        f"browser = {browser}\n"
        f'[profiles.ci]\nbase_url = "{standin.base_url}"\nallow_insecure = true\nkey = {{ env = "CI_KEY" }}\n'
    )


def test_a_days_use(vault: Home) -> None:
    home = vault
    with Standin() as standin:
        standin.add_key(KEY, role="MEMBER")
        home.run("init", "--name", "staging", "--base-url", standin.base_url, "--allow-insecure", "--no-login")
        home.run("login", "staging", stdin=KEY + "\n")
        assert json.loads(home.run("list", "--json").out)["profiles"][0]["credential"] == "present"
        home.run("use", "staging")
        assert home.run("current").out.strip() == "staging"
        assert (home.state / "active").read_bytes().splitlines()[0] == b"staging"
        assert home.run("token").out == KEY + "\n"
        assert standin.base_url in home.run("show").out
        explained = json.loads(home.run("explain", "--json").out)
        assert explained["fields"]["base_url"]["provenance"]["file"] == str(home.config)
        assert json.loads(home.run("test", "--json").out)["results"][0]["status"] == "ok"
        home.run("rename", "staging", "play")
        assert home.run("token", "play").out == KEY + "\n"
        assert home.run("lint").status == 0
        home.run("doctor", status=None)
        home.run("logout", "play")
        home.run("token", "play", status=4)
        home.run("remove", "play", "--yes")


def test_the_vault_is_read_without_the_keyring_package(vault: Home) -> None:
    """That includes the entry stored last, whose target is the service's name, and the others, which have their own targets."""
    vault.write(
        "".join(f'[profiles.{name}]\nbase_url = "https://{name}.omniapp.co"\n' for name in ("one", "two", "three"))
    )
    code = """
import sys
from omniprofile.cli.fast_path import run
for name in ("one", "two", "three"):
    sys.argv[1:] = ["token", name]
    assert run() == 0
print(*sys.modules)
"""
    for name in ("one", "two", "three"):
        vault.run("login", name, "--no-test", stdin=f"{KEY}{name}\n")
    argv = [sys.executable, "-c", code]
    ran = subprocess.run(argv, env=vault.environ, stdin=subprocess.PIPE, capture_output=True, check=True)
    *keys, modules = ran.stdout.decode().splitlines()
    assert keys == [f"{KEY}{name}" for name in ("one", "two", "three")]
    assert not {"keyring", "argparse"} & set(modules.split())
    vault.run("logout", "two")
    vault.run("token", "two", status=4)
    assert vault.run("token", "three").out == f"{KEY}three\n"


def test_names_that_differ_in_case_have_entries_of_their_own_in_the_vault(vault: Home) -> None:
    names = ("prod", "Prod", "PROD")
    vault.write("".join(f'[profiles.{name}]\nbase_url = "https://acme.omniapp.co"\n' for name in names))
    for name in names:
        vault.run("login", name, "--no-test", stdin=f"{KEY}{name}\n")
    assert [vault.run("token", name).out for name in names] == [f"{KEY}{name}\n" for name in names]
    vault.run("logout", "Prod")
    assert [vault.run("token", name, status=None).status for name in names] == [0, 4, 0]


def test_the_vault_keeps_a_session_that_is_too_long_for_one_entry(vault: Home) -> None:
    browser = vault.folder / "browser.py"
    browser.write_text(BROWSER)
    with Standin() as standin:
        standin.oauth.token_bytes = 2250
        standin.oauth.lifetime = 1
        vault.write("\n".join(line for line in _profiles(standin, "oauth").splitlines() if "browser" not in line))
        command = f'"{Path(sys.executable).as_posix()}" "{browser.as_posix()}" %s'
        vault.exe("login", "staging", environ={"BROWSER": command})
        standin.oauth.lifetime = 8 * 3600
        before = len(standin.oauth.grants)
        token = vault.run("token", "staging").out.strip()
        assert len(token) >= 3000
        assert len(standin.oauth.grants) == before + 1
        assert vault.run("token", "staging").out.strip() == token
        assert json.loads(vault.run("test", "staging", "--json").out)["results"][0]["status"] == "ok"


CHILD = """
import json, os, sys
config = os.environ["OMNI_CONFIG_PATH"]
def error(does, *words):
    try:
        does(*words)
    except OSError as problem:
        return problem.winerror
tries = [error(os.makedirs, os.path.dirname(config)), error(open, config, "w"), error(os.stat, config)]
json.dump([sys.argv[1:], dict(os.environ), tries], open("seen", "w"))
os.kill(os.getpid(), 0xC000013A)
"""
"""A program that records its arguments, variables and attempts to use a config of omni's, and exits with a 32-bit status."""
ARGUMENTS = ["a b", 'q"q', "%PATH%", "^x&y|<>", "", "trailing\\", "é漢", "--", "-p", "*.py", "~", "a\nb"]


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], dict[str, str], list[int | None]]:
    """Return what a child of `exec` got: arguments, variables, and the errors of attempts to create, write and find a config."""
    folder = tmp_path_factory.mktemp("child")
    home = Home(folder, {**user_environment(folder), "CI_KEY": KEY, "NOTE": "theirs"})
    home.write(CI.replace("CI_KEY", "ci_Key") + '[profiles.ci.env]\nnote = "ours"\nLINES = "a\\nb"\n')
    home.exe("exec", "ci", "--", sys.executable, "-c", CHILD, *ARGUMENTS, status=0xC000013A)
    given, variables, tries = json.loads((folder / "seen").read_text())
    return given, variables, tries


def test_exec_passes_any_argument_unharmed(child: tuple[list[str], dict[str, str], list[int | None]]) -> None:
    assert child[0] == ARGUMENTS


def test_exec_sets_variables_whatever_the_case_of_their_names(
    child: tuple[list[str], dict[str, str], list[int | None]],
) -> None:
    variables = child[1]
    assert variables["OMNI_API_TOKEN"] == KEY
    assert [variables[name] for name in ("NOTE", "LINES")] == ["ours", "a\nb"]
    assert "CI_KEY" not in variables


def test_a_child_omni_can_neither_have_a_config_nor_save_one(
    child: tuple[list[str], dict[str, str], list[int | None]],
) -> None:
    assert child[2] == [123, None, 123], "ERROR_INVALID_NAME"


def test_exec_finds_a_batch_file_as_cmd_does(home: Home) -> None:
    home.write(CI)
    folder = home.folder / "tools"
    folder.mkdir()
    (folder / "omni.cmd").write_text("@echo called with %OMNI_BASE_URL% %1\r\n@exit 3\r\n")
    environ = {"CI_KEY": KEY, "PATH": f"{folder};{home.environ.get('PATH', '')}"}
    ran = home.exe("exec", "ci", "--", "omni", "models", status=3, environ=environ)
    assert ran.out.strip() == "called with https://acme.omniapp.co models"


def test_omni_that_cmd_runs_is_omniprofiles_own(home: Home) -> None:
    home.write(CI)
    folder = home.folder / "tools"
    folder.mkdir()
    (folder / "omni.cmd").write_text("@echo called with %OMNI_API_TOKEN% %~2\r\n@exit /b 3\r\n")
    environ = {"CI_KEY": KEY, "PATH": f"{folder};{home.environ.get('PATH', '')}"}
    ran = home.exe("exec", "ci", "--", "cmd", "/c", "omni models x", status=3, environ=environ)
    assert ran.out.split() == ["called", "with", KEY, "x"]
    ran = home.exe("exec", "ci", "--", "cmd", "/c", "omni -p other models", status=6, environ=environ)
    assert "exec other -- omni models" in ran.err


def test_our_omni_passes_on_arguments_quoted_in_a_batch_file(home: Home) -> None:
    home.write(CI)
    folder = home.folder / "tools"
    folder.mkdir()
    (folder / "show.py").write_text("import json, sys; sys.stdout.write(json.dumps(sys.argv[1:]))")
    (folder / "omni.cmd").write_text(f'@"{sys.executable}" "%~dp0show.py" %*\n@exit /b 4\n'.replace("\n", "\r\n"))
    words = ["a & b", "c|d", "<e>", "f^g", "!h!", "(i)", "j=k,l;m", "n o\\p", "--flag=x y"]
    line = " ".join(f'"{word}"' for word in words)
    (home.folder / "script.cmd").write_bytes(f"@chcp 65001 >nul\r\n@omni {line}\r\n".encode())
    environ = {"CI_KEY": KEY, "PATH": f"{folder};{home.environ.get('PATH', '')}"}
    ran = home.exe("exec", "ci", "--", r".\script.cmd", status=4, environ=environ)
    assert json.loads(ran.out) == words


def test_exec_runs_nothing_that_only_the_working_directory_has(home: Home) -> None:
    home.write(CI)
    (home.folder / "planted.cmd").write_text("@echo %OMNI_API_TOKEN%\r\n")
    refused = home.exe("exec", "ci", "--", "planted", status=127, environ={"CI_KEY": KEY})
    assert (refused.out, "`planted`" in refused.err) == ("", True)
    assert home.exe("exec", "ci", "--", r".\planted.cmd", environ={"CI_KEY": KEY}).out.strip() == KEY


def test_cmd_evaluates_what_env_prints(home: Home, tmp_path: Path) -> None:
    values = [
        'a "b" & c ^ %PATH% | <d> !e!',
        "100%",
        '"',
        " blanks ",
        "it's",
        "back\\",
        "(x)",
        '"%OS%"',
        'a"&"b"^c',
        "a\tb",
    ]
    home.write(
        'version = 1\n[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "CI_KEY" }\n'
        "[profiles.ci.env]\n" + "".join(f"NOTE{at} = {json.dumps(value)}\n" for at, value in enumerate(values))
    )
    printed = home.run("env", "ci", "--shell", "cmd", environ={"CI_KEY": KEY}).out
    program = (
        "import json, os, sys\nnames = ['OMNI_API_TOKEN', *(f'NOTE{at}' for at in range(10))]\n"
        "sys.stdout.write(json.dumps([os.environ[name] for name in names]))"
    )
    (home.folder / "show.py").write_text(program)
    (home.folder / "check.cmd").write_bytes(
        b"@echo off\r\n"
        + printed.replace("\r\n", "\n").replace("\n", "\r\n").encode()
        + f'"{sys.executable}" show.py\r\n'.encode()
    )
    ran = subprocess.run(
        ["cmd", "/c", "check.cmd"],
        cwd=home.folder,
        env=home.environ,
        stdin=subprocess.PIPE,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert json.loads(ran.stdout) == [KEY, *values], ran


def test_env_speaks_the_language_of_the_shell_that_called(home: Home) -> None:
    home.write(CI)
    (home.folder / "ask.cmd").write_text(f'@"{EXE}" env ci\r\n')
    ran = subprocess.run(
        ["cmd", "/c", "ask.cmd"],
        cwd=home.folder,
        env={**home.environ, "CI_KEY": KEY},
        stdin=subprocess.PIPE,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert ran.stdout.startswith(b'set "OMNI'), ran


TWO = (
    '# top\n[profiles.a] # A\ndescription = "x"\nbase_url = "https://acme.omniapp.co"\n\n[profiles.b]\nextends = "a"\n'
)


@pytest.mark.parametrize(
    ("line", "before", "after"),
    [
        ("set b description höher", "", 'description = "höher"\n'),
        ("set b env.NOTE x", "", 'env = { NOTE = "x" }\n'),
        ("unset a description", 'description = "x"\n', ""),
        ("rename a c", '.a] # A\ndescription = "x"\nbase_url = "https://acme.omniapp.co"\n\n[profiles.b]\nextends = "a"',
            '.c] # A\ndescription = "x"\nbase_url = "https://acme.omniapp.co"\n\n[profiles.b]\nextends = "c"'),
        ("remove b --yes", '\n[profiles.b]\nextends = "a"\n', ""),
        ("add c --base-url https://c.omniapp.co", "", '\n[profiles.c]\nbase_url = "https://c.omniapp.co"\n'),
    ],
)  # fmt: skip
def test_an_edit_keeps_every_line_end(home: Home, line: str, before: str, after: str) -> None:
    mark = "\ufeff"
    home.write(mark + TWO.replace("\n", "\r\n"))
    home.run(*line.split())
    edited = TWO.replace(before, after) if before else TWO + after
    assert home.config.read_bytes().decode() == mark + edited.replace("\n", "\r\n")


def test_a_change_that_cannot_be_made_is_shown_with_one_line_end_a_line(home: Home) -> None:
    home.write(STAGING)
    home.config.chmod(0o444)
    shown = home.exe("set", "staging", "description", "new", status=1).err
    home.config.chmod(0o644)
    assert '+description = "new"\r\nomniprofile: error: ' in shown
    assert "\r\r" not in shown


def test_an_edit_waits_for_a_reader_to_let_go_of_the_file(home: Home) -> None:
    home.write(STAGING)
    with home.config.open("rb") as reader:
        process = home.start("set", "staging", "description", "new")
        while not list(home.config.parent.glob(".profiles.toml.*.tmp")):  # it is about to replace the file
            assert process.poll() is None, process.communicate()
        assert reader.read() == STAGING.encode()
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert home.config.read_bytes() == STAGING.encode() + b'description = "new"\r\n'
    assert os.listdir(home.config.parent) == ["profiles.toml"]


def test_texts_are_printed(home: Home) -> None:
    home.write(STAGING)
    for argv in (
        ("hook", "powershell"),
        ("completion", "powershell"),
        ("schema",),
        ("exec", "--help"),
        ("__complete", "profiles"),
        ("lint", "--explain", "OP201"),
    ):
        assert home.run(*argv).out.strip(), argv


def test_import_and_export(files: Home) -> None:
    vendor = Path(files.environ["APPDATA"]) / "omni-cli" / "config.json"
    vendor.parent.mkdir(parents=True)
    prod = {"apiEndpoint": "https://acme.omniapp.co", "authMethod": "api-key", "apiKey": KEY}
    vendor.write_text(json.dumps({"version": 1, "defaultProfile": "prod", "profiles": {"prod": prod}}))
    files.run("import", "omni-cli", status=None)
    assert files.run("token", "prod").out == KEY + "\n"
    target = files.folder / "exported.json"
    files.run("export", "omni-cli", str(target), "--with-secrets", status=None)
    env = files.folder / ".env"
    env.write_text(f"OMNI_BASE_URL=https://play.omniapp.co\nOMNI_API_KEY={KEY}\n")
    files.run("import", "dotenv", str(env), "--name", "play", status=None)
    assert json.loads(vendor.read_text())["profiles"]["prod"]["apiKey"] == KEY


@pytest.mark.parametrize("spelling", ["relative", "drive-relative", "unc-like", "forward"])
def test_config_is_found_by_any_spelling_of_its_path(home: Home, spelling: str) -> None:
    path = home.folder / "other.toml"
    path.write_text('version = 1\n[profiles.other]\nbase_url = "https://acme.omniapp.co"\n')
    written = {
        "relative": r".\other.toml",
        "drive-relative": path.drive + "other.toml",
        "unc-like": "\\\\?\\" + str(path),
        "forward": path.as_posix(),
    }[spelling]
    assert home.run("--config", written, "current").out.strip() == "other"
