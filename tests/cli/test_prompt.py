"""The prompt segment: what it shows is what the program would use, or `?`; it starts no process; the prompt stays whole."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.shells import HARDENED, START, install_program, run_script
from tests.cli.terminal import Terminal
from tests.conftest import Cli

SHELLS = ["bash", "zsh", "fish"]
SEGMENT = re.compile(r"^\(omni (\?|([A-Za-z0-9._-]+)(, protected\??)?)\) $")

PINS = {
    'profile = "staging"\n': "staging",
    "profile='prod'": "prod, protected",
    '# of this folder\r\n\r\n  profile\t=  "staging"   # why\r\n': "staging",
    'profile = "gone"\n': "gone",
    'profile = "prod"\nprofile = "staging"\n': "?",
    'profile = "staging"\nhost = "x"\n': "?",
    'profile = "\\u0070rod"\n': "?",
    'profile = """staging"""\n': "?",
    '"profile" = "prod"\n': "?",
    'profile = "staging" x\n': "?",
    "profile = staging\n": "?",
    'profile = "$(touch hacked)"\n': "?",
    'profile = "`touch hacked`"\n': "?",
    'profile = "\\\\[\\\\e[31m%{%F{red}"\n': "?",
    'profile = "a%F{red}"\n': "?",
    'profile = "a\x1b[31mb"\n': "?",
    'profile = "-n"\n': "?",
    'profile = "' + "a" * 65 + '"\n': "?",
    'profile = "' + "a" * 64 + '"\n': "a" * 64,
    'profile = ""\n': "?",
    "": "?",
    "# nothing\n": "?",
    'profile = "staging"\n' + "#" * 5000: "?",
    'profile = "staging"\n# \x07': "?",
    'profile = "staging"\n\x00': "?",
    '[profile]\nname = "prod"\n': "?",
    'profiles = "prod"\n': "?",
    'profile = "staging\n': "?",
}


@pytest.fixture
def renewed(cli: Cli, two: Path) -> None:
    """What the hook has the program do where its prompt knows nothing current."""
    assert cli("current", env={"OMNIPROFILE_PROMPT": "stale"}).status == 0


def _load(shell: str, cli: Cli, folder: Path) -> str:
    hook = folder / f"hook.{shell}"
    hook.write_text(cli("hook", shell, "--prompt").out)
    return f". '{hook}'\n"


def _show(shell: str) -> str:
    if shell == "fish":
        return '__omniprofile_segment; printf "%s\\n" "$OMNIPROFILE_SEGMENT"\n'
    return '__omniprofile_segment\nprintf "%s\\n" "$OMNIPROFILE_SEGMENT"\n'


def _shown(shell: str, cli: Cli, folder: Path, *steps: str, env: dict[str, str] | None = None) -> list[str]:
    """The segment after each of `steps`, in a hardened shell with no program to be found."""
    script = HARDENED[shell] + "\n" + _load(shell, cli, folder)
    script += "".join(f"{step}\n{_show(shell)}" for step in steps)
    ran = run_script(shell, script, folder, env=env)
    assert ran.returncode == 0, ran
    assert ran.stderr == "", ran
    segments = ran.stdout.split("\n")[:-1]
    assert len(segments) == len(steps)
    for segment in segments:
        assert segment == "" or SEGMENT.match(segment), segment
    return [segment.removeprefix("(omni ").removesuffix(") ") for segment in segments]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_pin_is_shown_as_the_program_reads_it_or_as_unknown(
    shell: str, cli: Cli, renewed: None, tmp_path: Path
) -> None:
    folders = []
    for at, text in enumerate(PINS):
        folder = tmp_path / "pins $(touch hacked)" / str(at)
        (folder / "deeper" / "still").mkdir(parents=True)
        (folder / ".omniprofile.toml").write_bytes(text.encode())
        folders.append(folder / "deeper" / "still")
    shown = _shown(shell, cli, tmp_path, *(f"cd '{folder}'" for folder in folders))
    assert dict(zip(PINS, shown, strict=True)) == PINS
    assert not list(tmp_path.rglob("hacked"))
    for folder, segment in zip(folders, shown, strict=True):
        ran = cli("current", "--json", cwd=folder)
        name = segment.partition(",")[0]
        if name != "?" and len(name) < 64 and name != "gone":
            assert json.loads(ran.out)["profile"] == name
        else:
            assert name in ("?", "gone", "a" * 64)


@pytest.mark.parametrize("shell", SHELLS)
def test_the_layers_are_in_the_programs_order(shell: str, cli: Cli, renewed: None, tmp_path: Path) -> None:
    outer, inner = tmp_path / "outer", tmp_path / "outer" / "inner"
    (inner / "deep").mkdir(parents=True)
    (outer / ".omniprofile.toml").write_text('profile = "staging"\n')
    (inner / ".omniprofile.toml").write_text('profile = "prod"\n')
    (tmp_path / "link").symlink_to(inner / "deep")
    (tmp_path / "dangling").mkdir()
    (tmp_path / "dangling" / ".omniprofile.toml").symlink_to("nowhere")
    (tmp_path / "pipe").mkdir()
    os.mkfifo(tmp_path / "pipe" / ".omniprofile.toml")
    active = cli.state / "active"
    setenv = "set -gx {} {}" if shell == "fish" else "export {}={}"
    unset = "set -e OMNI_PROFILE" if shell == "fish" else "unset OMNI_PROFILE"
    shown = _shown(
        shell,
        cli,
        tmp_path,
        f"cd '{tmp_path}'",  # the file's default
        f"printf 'staging\\n\\n' >'{active}'",
        f"cd '{inner / 'deep'}'",
        "cd ../..",
        f"cd '{tmp_path / 'link'}'",  # upward is where the link leads
        f"cd '{tmp_path / 'dangling'}'",
        f"cd '{tmp_path / 'pipe'}'",  # is not waited for
        setenv.format("OMNI_PROFILE", "prod"),
        setenv.format("OMNI_PROFILE", "'$(touch hacked)'"),
        setenv.format("OMNI_PROFILE", "''"),
        f"{unset}; cd /",
        f"printf ' \\r\\n' >|'{active}'" if shell != "fish" else f"printf ' \\r\\n' >'{active}'",
        f"rm '{active}'; mkdir '{active}'",
    )
    assert shown == [
        *("prod, protected", "staging", "prod, protected", "staging", "prod, protected", "?", "?"),
        *("prod, protected", "?", "?", "staging", "prod, protected", "?"),
    ]


@pytest.mark.parametrize("shell", SHELLS)
def test_what_the_files_say_is_unknown_as_soon_as_they_change(
    shell: str, cli: Cli, renewed: None, two: Path, tmp_path: Path
) -> None:
    def shown(env: dict[str, str] | None = None) -> str:
        return _shown(shell, cli, tmp_path, "", env={"OMNI_PROFILE": "prod", **(env or {})})[0]

    def renew() -> None:
        cli("list", env={"OMNIPROFILE_PROMPT": "stale", "OMNI_PROFILE": "prod"})

    assert shown() == "prod, protected"
    two.write_text(two.read_text().replace("protected = true\n", ""))
    assert shown() == "prod, protected?"
    renew()
    assert shown() == "prod"
    status = two.stat()
    os.utime(two, ns=(status.st_atime_ns, status.st_mtime_ns - 10**12))
    assert shown() == "prod, protected?", "an older file in its place is another one"
    renew()
    (two.parent / "profiles.d").mkdir()
    assert shown() == "prod, protected?", "a folder that was not there"
    renew()
    drop_in = two.parent / "profiles.d" / "more.toml"
    drop_in.write_text('[profiles.more]\nbase_url = "https://more.omniapp.co"\n')
    assert shown() == "prod, protected?", "a file that was not there"
    renew()
    assert shown() == "prod"
    real = tmp_path / "dotfiles.toml"
    two.rename(real)
    two.symlink_to(real)
    assert shown() == "prod", "the same file, through a link"
    renew()
    other = tmp_path / "other.toml"
    other.write_bytes(real.read_bytes())
    os.utime(other, ns=(real.stat().st_atime_ns, real.stat().st_mtime_ns))
    two.unlink()
    two.symlink_to(other)
    assert shown() == "prod, protected?", "another file of the same time, as Nix has them"
    renew()
    assert shown() == "prod"
    assert shown({"OMNIPROFILE_CONFIG": str(real)}) == "prod, protected?", "another file"
    assert shown({"OMNIPROFILE_CONFIG": "relative.toml"}) == "?"


@pytest.mark.parametrize("shell", SHELLS)
def test_with_nothing_set_up_nothing_is_shown(shell: str, cli: Cli, tmp_path: Path) -> None:
    assert _shown(shell, cli, tmp_path, "") == [""]


@pytest.mark.parametrize("shell", SHELLS)
def test_no_process_is_started(shell: str, cli: Cli, renewed: None, tmp_path: Path) -> None:
    assert shutil.which("strace"), "tests/all installs it"
    trace = tmp_path / "trace"
    script = _load(shell, cli, tmp_path) + _show(shell)
    ran = subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork,execve", "-o", trace, *START[shell], "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout == "(omni prod, protected) \n"
    # fish has threads of its own.
    calls = [line for line in trace.read_text().splitlines() if "CLONE_THREAD" not in line and "resumed" not in line]
    assert len(calls) == 1, calls
    assert "execve(" in calls[0]


PROMPT = {
    "bash": "PS1='$? ready> '; PROMPT_COMMAND=(true)",
    "zsh": "PROMPT='%? ready> '; setopt no_unset; unsetopt prompt_sp",
    "fish": 'function fish_prompt; echo "$status ready> "; end; set -g fish_greeting',
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, cli: Cli, renewed: None, tmp_path: Path) -> Iterator[Terminal]:
    """An interactive shell that has loaded the hook with the prompt, twice."""
    programs = install_program(tmp_path)
    load = _load(request.param, cli, tmp_path).strip()
    environ = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    terminal = Terminal([*START[request.param], "-i"], environ, columns=120)
    terminal.read(1.0)
    terminal.type(f"{PROMPT[request.param]}; {load}; {load}; clear\r")
    yield terminal
    terminal.close()


def test_the_prompt_follows_and_keeps_the_status(shell: Terminal, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "pinned").mkdir()
    (tmp_path / "pinned" / ".omniprofile.toml").write_text('profile = "staging"\n')
    shell.until(lambda _: shell.line == "(omni prod, protected) 0 ready>", "the prompt")
    shell.type("omniprofile use --shell staging\r")
    shell.until(lambda _: shell.line == "(omni staging) 0 ready>", "this shell's")
    shell.type("sh -c 'exit 3'\r")
    shell.until(lambda _: shell.line == "(omni staging) 3 ready>", "the status is the command's")
    shell.type("omniprofile use --shell - --yes; clear\r")
    shell.until(lambda _: shell.line == "(omni prod, protected) 0 ready>", "back")
    shell.type(f"cd '{tmp_path}/pinned'; export OMNI_PROFILE=; clear\r")
    shell.until(lambda _: shell.line == "(omni staging) 0 ready>", "the pin's")
    file = cli.config
    file.write_text(file.read_text() + "\n")
    shell.type("clear\r")
    shell.until(lambda _: shell.line == "(omni staging, protected?) 0 ready>", "a changed file")
    shell.type("omniprofile current\r")
    shell.until(lambda _: shell.line == "(omni staging) 0 ready>", "renewed by any command")


def test_powershell_has_no_prompt_and_says_so(cli: Cli) -> None:
    ran = cli("hook", "powershell", "--prompt")
    assert ran.status == 2
    assert "there is no prompt for PowerShell" in ran.err
