"""The prompt segment shows what the program would use, or `?`, starts no process, and leaves the prompt intact."""

import json
import os
import re
import shutil
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.shells import HARDENED, START, install_program, run_script
from tests.cli.terminal import Terminal
from tests.conftest import Cli
from tests.programs import run_program
from tests.sampling import sample

SHELLS = ["bash", "zsh", "fish"]
SEGMENT = re.compile(r"^\(omni (\?|([A-Za-z0-9._-]+)(, protected\??)?(, gateway|, read-only)?)(, env!)?\) $")

PINS = {
    'profile = "staging"\n': "staging",
    "profile='prod'": "prod, protected",
    '# of this folder\r\n\r\n  profile\t=  "staging"   # why\r\n': "staging",
    'profile = "gone"\n': "?",
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
    'profile = "' + "b" * 64 + '"\n': "?",
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
    """Run the command with which the hook renews the prompt's data."""
    two.write_text(two.read_text() + f'[profiles.{"a" * 64}]\nbase_url = "https://a.omniapp.co"\n')
    assert cli("current", env={"OMNIPROFILE_PROMPT": "stale"}).status == 0


def _load(shell: str, cli: Cli, folder: Path) -> str:
    hook = folder / f"hook.{shell}"
    if not hook.exists():  # really loading it would renew the prompt's data
        hook.write_text(cli("hook", shell, "--prompt", env={"OMNIPROFILE_STATE_DIR": str(folder / "elsewhere")}).out)
    return f". '{hook}'\n"


def _show(shell: str) -> str:
    if shell == "fish":
        return '__omniprofile_segment; printf "%s\\n" "$OMNIPROFILE_SEGMENT"\n'
    return '__omniprofile_segment\nprintf "%s\\n" "$OMNIPROFILE_SEGMENT"\n'


def _shown(shell: str, cli: Cli, folder: Path, *steps: str, env: dict[str, str] | None = None) -> list[str]:
    """Return the segment after each of `steps`, in a hardened shell that can find no program."""
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
        assert name == "?" or json.loads(ran.out)["profile"] == name


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
        f"cd '{tmp_path / 'link'}'",  # the parent folders are those of the link's target
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
def test_the_access_of_a_profile_is_shown(shell: str, cli: Cli, two: Path, tmp_path: Path) -> None:
    reader = '[profiles.reader]\nextends = "prod"\naccess = "read-only"\n'
    two.write_text(two.read_text() + reader + '[profiles.guarded]\nextends = "staging"\naccess = "gateway"\n')
    assert cli("current", env={"OMNIPROFILE_PROMPT": "stale"}).status == 0
    names = ("reader", "guarded", "staging")
    shown = [_shown(shell, cli, tmp_path, "", env={"OMNI_PROFILE": name})[0] for name in names]
    assert shown == ["reader, protected, read-only", "guarded, gateway", "staging"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_prompt_shows_unknown_as_soon_as_the_files_change(
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
    ran = run_program(
        ["strace", "-f", "-qq", "-e", "trace=clone,clone3,fork,vfork,execve", "-o", trace, *START[shell], "-c", script],
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
    programs = install_program(tmp_path, terminal=False)
    load = _load(request.param, cli, tmp_path).strip()
    environ = {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    environ.pop("NO_COLOR", None)
    terminal = Terminal([*START[request.param], "-i"], environ, columns=120)
    terminal.wait_for_prompt()
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


def test_a_protected_profile_is_yellow(shell: Terminal) -> None:
    shell.until(lambda _: shell.line == "(omni prod, protected) 0 ready>", "the prompt")
    assert [shell.colour_of(text) for text in ("(omni", "protected", "ready")] == ["brown", "brown", "default"]
    shell.type("omniprofile use --shell staging; clear\r")
    shell.until(lambda _: shell.line == "(omni staging) 0 ready>", "this shell's")
    assert [shell.colour_of(text) for text in ("(omni", "ready")] == ["default", "default"]
    shell.type("export NO_COLOR=1; omniprofile use --shell - --yes; clear\r")
    shell.until(lambda _: shell.line == "(omni prod, protected) 0 ready>", "back")
    assert shell.colour_of("protected") == "default"


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "no newline at its end": lambda text: text.rstrip(b"\n"),
    "cut in the middle": lambda text: text[: len(text) // 2],
    "cut after the names": lambda text: text[: text.index(b"protected ")],
    "empty": lambda _: b"",
    "one newline": lambda _: b"\n",
    "a NUL": lambda text: text.replace(b"names ", b"names \0", 1),
    "all NUL": lambda text: b"\0" * len(text),
    "binary": lambda _: bytes(range(256)) * 100,
    "one line of a megabyte": lambda _: b"x" * 1_000_000,
    "a megabyte of newlines": lambda _: b"\n" * 1_000_000,
    "a valid line, many times": lambda _: b"omniprofile prompt 3\n" * 15_000,
    "another version": lambda text: text.replace(b"prompt 3", b"prompt 4", 1),
    "a hostile line": lambda text: text + b"$(touch hacked)\n",
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("name", ["prompt", "active"])
def test_a_damaged_state_file_neither_hangs_a_prompt_nor_makes_it_certain(
    shell: str, name: str, cli: Cli, renewed: None, tmp_path: Path
) -> None:
    assert cli("use", "staging").status == 0
    path = cli.state / name
    whole = path.read_bytes()
    for what, damage in DAMAGE.items():
        if name == "active" and b"names" not in whole and "names" in what:
            continue
        path.write_bytes(damage(whole))
        (shown,) = _shown(shell, cli, tmp_path, "")
        unknown = (
            ("staging, protected?", "prod, protected") if name == "prompt" else ("?", "prod, protected", "staging")
        )
        if what == "no newline at its end" and name == "prompt":
            unknown = ("staging", "staging, protected?")
        assert shown in unknown or shown == "" or shown.startswith("?"), (what, shown)
    for what in ("a folder", "a pipe", "a link to itself"):
        path.unlink()
        if what == "a folder":
            path.mkdir()
        elif what == "a pipe":
            os.mkfifo(path)
        else:
            path.symlink_to(path)
        (shown,) = _shown(shell, cli, tmp_path, "")
        assert shown == ("staging, protected?" if name == "prompt" else "?"), what
        if what == "a folder":
            path.rmdir()
            path.touch()
    path.unlink()
    path.write_bytes(whole)
    assert _shown(shell, cli, tmp_path, "") == ["staging"]
    assert not list(tmp_path.rglob("hacked"))


@pytest.mark.parametrize("shell", SHELLS)
def test_far_below_a_pin_it_is_right_or_unknown(shell: str, cli: Cli, renewed: None, tmp_path: Path) -> None:
    (tmp_path / ".omniprofile.toml").write_text('profile = "staging"\n')
    folders = [tmp_path.joinpath(*["d"] * depth) for depth in (1, 99, 100, 101, 300)]
    folders[-1].mkdir(parents=True)
    shown = _shown(shell, cli, tmp_path, *(f"cd '{folder}'" for folder in folders))
    assert shown[:2] == ["staging"] * 2
    assert set(shown[2:]) <= {"staging", "?"}
    assert shown[-1] == "?"


@pytest.mark.parametrize("shell", SHELLS)
def test_a_huge_pin_behind_a_nul_does_not_hang_a_prompt(shell: str, cli: Cli, renewed: None, tmp_path: Path) -> None:
    pin = tmp_path / ".omniprofile.toml"
    pin.write_text('profile = "staging"\n')
    os.truncate(pin, 256 * 1024 * 1024)
    assert _shown(shell, cli, tmp_path, "") == ["?"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_name_that_no_profile_has_is_shown_as_unknown(shell: str, cli: Cli, renewed: None, tmp_path: Path) -> None:
    assert _shown(shell, cli, tmp_path, "", env={"OMNI_PROFILE": "nosuch"}) == ["?"]
    cli.state.joinpath("active").write_text("nosuch\n")
    assert _shown(shell, cli, tmp_path, "") == ["?"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_variable_that_programs_do_not_see_selects_nothing(
    shell: str, cli: Cli, renewed: None, tmp_path: Path
) -> None:
    unexported = "set -g OMNI_PROFILE staging" if shell == "fish" else "OMNI_PROFILE=staging"
    assert _shown(shell, cli, tmp_path, unexported) == ["prod, protected"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_pair_in_the_environment_is_shown_unless_omniprofile_exported_it(
    shell: str, cli: Cli, renewed: None, tmp_path: Path
) -> None:
    def shown(**env: str) -> str:
        return _shown(shell, cli, tmp_path, "", env={"OMNI_PROFILE": "staging", **env})[0]

    pair = {"OMNI_API_TOKEN": "omni_osk_x", "OMNI_BASE_URL": "https://x.omniapp.co"}
    assert shown(**pair) == "staging, env!"
    assert shown(**pair, OMNI_PROFILE="prod") == "prod, protected, env!"
    assert shown(**pair, OMNI_PROFILE="nosuch") == "?, env!"
    assert shown(OMNI_API_KEY="omni_osk_x", OMNI_BASE_URL="https://x.omniapp.co") == "staging, env!"
    assert shown(OMNI_API_TOKEN="omni_osk_x") == shown(OMNI_BASE_URL="https://x.omniapp.co") == "staging"
    assert shown(**pair | {"OMNI_API_TOKEN": ""}) == "staging"
    ours = dict(
        line.split("=", 1)
        for line in cli("env", "staging", "--shell", "dotenv", shows=True).out.replace("'", "").splitlines()
    )
    assert shown(**ours) == "staging"
    changed = ours | {"OMNI_API_TOKEN": ours["OMNI_API_TOKEN"] + "x"}
    assert shown(**changed) == "staging, env!", "changed since"
    assert shown(**ours | {"OMNI_BASE_URL": "https://x.omniapp.co"}) == "staging, env!", "changed since"
    assert shown(**ours | {"OMNIPROFILE_EXPORTED": "staging,OMNI_API_TOKEN=00000000"}) == "staging, env!"
    assert shown(**ours | {"OMNI_API_TOKEN": "\u00fc" * 10}) == "staging, env!"


@pytest.mark.parametrize("shell", SHELLS)
def test_after_its_own_edits_the_prompt_is_certain(
    shell: str, cli: Cli, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    assert cli("hook", shell, "--prompt").status == 0, "loading the hook tells the prompt what there is"
    assert _shown(shell, cli, tmp_path, "") == ["prod, protected"]
    for words, expected in (
        ("set staging description z", "staging"),
        ("unset staging description", "staging"),
        ("set staging protected true", "staging, protected"),
        ("add more --base-url https://more.omniapp.co", "staging, protected"),
        ("remove more --yes", "staging, protected"),
        ("rename staging other", "other, protected"),
    ):
        cli(*words.split(), status=0)
        assert _shown(shell, cli, tmp_path, "", env={"OMNI_PROFILE": expected.split(",")[0]}) == [expected], words
    before = (cli.state / "prompt").read_bytes()
    elsewhere = cli.profiles('[profiles.x]\nbase_url = "https://x.omniapp.co"\n', "elsewhere.toml")
    assert cli("list", env={"OMNIPROFILE_CONFIG": str(elsewhere)}).status == 0
    assert (cli.state / "prompt").read_bytes() == before, "a command for another file leaves it alone"


def test_a_process_removes_nothing_that_another_one_is_writing(cli: Cli, renewed: None, two: Path) -> None:
    folder = cli.state / "prompt.d"
    for name in (".0123abcd-0.0123456789abcdef.tmp", "0123abcd-0"):
        (folder / name).write_bytes(b"")
    two.write_text(two.read_text() + "\n")
    assert cli("list").status == 0
    assert (folder / ".0123abcd-0.0123456789abcdef.tmp").exists()
    assert (folder / "0123abcd-0").exists()


WRAPPERS = {
    "venv": ". '{venv}/bin/activate{suffix}'",
    "conda": "CONDA_PROMPT='(base) '; PS1=\"${{CONDA_PROMPT}}${{PS1-}}\"",
    # Like VS Code's shell integration: it puts marks around the prompt, again whenever that changes.
    "vscode": """__original=''; __custom=''
__wrap() {{
  [[ -z $__custom || $__custom != "$PS1" ]] || return 0
  __original=$PS1; __custom="[A]${{__original}}[B]"; PS1=$__custom
}}
{register}""",
    # Like Warp: it saves, empties and restores the prompt at each command.
    "restored": """__wrap() {{ PS1=${{__kept-$PS1}}; __kept=$PS1; }}
{register}""",
}


# All but the virtual environment's save PS1, which fish does not have; and without references in PS1, what puts an old text
# back after every hook shows it.
WRAPPED = [
    *((name, wrapper) for name in ("bash", "zsh", "zsh with prompt_subst") for wrapper in sorted(WRAPPERS)),
    *(("bash without promptvars", wrapper) for wrapper in sorted(WRAPPERS) if wrapper != "restored"),
    ("fish", "venv"),
]


@pytest.mark.parametrize(("name", "wrapper"), sample(WRAPPED, 7, "wrapped"))
def test_whatever_wraps_the_prompt_it_has_one_segment_and_the_right_one(
    name: str, wrapper: str, cli: Cli, renewed: None, tmp_path: Path
) -> None:
    shell, _, option = name.partition(" with")
    programs = install_program(tmp_path, terminal=False)
    venv.create(tmp_path / "v", with_pip=False, symlinks=True, prompt="venv")
    register = {"bash": "PROMPT_COMMAND+=($'\\n'__wrap)", "zsh": "precmd_functions+=(__wrap)", "fish": ""}[shell]
    wrapping = WRAPPERS[wrapper].format(
        venv=tmp_path / "v", suffix=".fish" if shell == "fish" else "", register=register
    )
    options = {"out promptvars": "shopt -u promptvars", " prompt_subst": "setopt prompt_subst"}.get(option, ":")
    (tmp_path / "rc").write_text(f"{options}\n{PROMPT[shell]}\n{_load(shell, cli, tmp_path)}")
    (tmp_path / "wrap").write_text(wrapping + "\n")
    environ = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "TERM": "xterm"}
    environ["PYTHONPATH"] = str(Path(__file__).parents[2])
    terminal = Terminal([*START[shell], "-i"], environ, columns=160)
    try:
        terminal.wait_for_prompt()
        terminal.type(f". '{tmp_path}/rc'; clear\r")
        terminal.until(
            lambda _: terminal.line.startswith("(omni prod, protected) ") and "ready>" in terminal.line, "loaded"
        )
        terminal.type(f". '{tmp_path}/wrap'; clear\r")
        for step, segment in (
            ("true", "prod, protected"),
            ("omniprofile use --shell staging", "staging"),
            ("true", "staging"),
        ):
            terminal.type(f"{step}\r")
            terminal.type("clear\r")
            terminal.wait_for_line(f"(omni {segment})")
            terminal.wait_for_line("ready>")
            assert terminal.line.count("(omni ") == 1, terminal.screen
            assert terminal.line.count("[A]") <= 3, "what wraps a prompt that changes does so only when it changed"
        if wrapper == "venv":
            terminal.type("deactivate; clear\r")
            terminal.until(
                lambda _: terminal.line in ("(omni staging) 0 ready>", "(omni staging) $? ready>"), "the old prompt"
            )
    finally:
        terminal.close()


ODD = {
    "unset PROMPT_COMMAND; set -u": "(omni prod, protected) 0 ready>",
    "PROMPT_COMMAND=(true true); set -u": "(omni prod, protected) 0 ready>",
    "PROMPT_COMMAND='true;'": "(omni prod, protected) 0 ready>",
    "PROMPT_COMMAND='true # why'": "(omni prod, protected) 0 ready>",
    "declare -a PROMPT_COMMAND; set -u": "(omni prod, protected) 0 ready>",
    "readonly PROMPT_COMMAND=true": "0 ready>",
    "unset PROMPT_COMMAND; readonly PROMPT_COMMAND; set -u": "0 ready>",
    "readonly PS1": "0 ready>",
    "set -f; set -o posix; set -C": "(omni prod, protected) 0 ready>",
    "set -e": "(omni prod, protected) 0 ready>",
    "readonly LC_ALL=C": "(omni prod, protected) 0 ready>",
    "readonly IFS": "(omni ?) 0 ready>",
}


@pytest.mark.parametrize("odd", sample(sorted(ODD), 5, "odd"))
def test_an_odd_bash_has_a_prompt_and_no_error(odd: str, cli: Cli, renewed: None, tmp_path: Path) -> None:
    (tmp_path / "rc").write_text(f"PS1='$? ready> '\n{odd}\n{_load('bash', cli, tmp_path) * 2}")
    terminal = Terminal(
        ["bash", "--noprofile", "--rcfile", str(tmp_path / "rc"), "-i"], {**os.environ, "TERM": "xterm"}, 160
    )
    try:
        terminal.until(lambda _: terminal.line == ODD[odd], ODD[odd])
        terminal.type("true\r")
        terminal.until(lambda screen: screen.count("ready>") == 2 and terminal.line == ODD[odd], ODD[odd])
        said = terminal.screen.replace(ODD[odd], "").replace(" true", "").split()
        assert not said or " ".join(said).startswith("omniprofile: PROMPT_COMMAND is read-only"), terminal.screen
    finally:
        terminal.close()


ZSH = [
    "no_unset", "err_return", "no_glob", "ksh_arrays", "ksh_glob", "sh_word_split", "no_prompt_percent;prompt_subst",
    "no_nomatch", "extended_glob", "glob_subst", "posix_builtins", "no_function_argzero", "warn_create_global",
    "no_multios",
]  # fmt: skip


@pytest.mark.parametrize("options", sample(ZSH, 5, "zsh"))
def test_an_odd_zsh_has_a_prompt_and_no_error(options: str, cli: Cli, renewed: None, tmp_path: Path) -> None:
    (tmp_path / ".zshrc").write_text(
        f"PROMPT='ready> '; unsetopt prompt_sp\nsetopt {options.replace(';', ' ')}\n{_load('zsh', cli, tmp_path) * 2}"
    )
    terminal = Terminal(["zsh", "-d", "-i"], {**os.environ, "TERM": "xterm", "ZDOTDIR": str(tmp_path)}, 160)
    try:
        terminal.until(lambda _: terminal.line == "(omni prod, protected) ready>", "the prompt")
        terminal.type("true\r")
        terminal.until(lambda screen: screen.count("ready>") == 2, "the next prompt")
        assert not terminal.screen.replace("(omni prod, protected) ready>", "").replace(" true", "").split(), (
            terminal.screen
        )
    finally:
        terminal.close()


def test_powershell_has_no_prompt_and_says_so(cli: Cli) -> None:
    ran = cli("hook", "powershell", "--prompt", status=2)
    assert "the prompt is not available for PowerShell" in ran.err
