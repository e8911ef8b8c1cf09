"""The hook in real shells: what it switches, what it leaves alone, and the shell options that it works under."""

import os
import shlex
from pathlib import Path

import pexpect
import pytest

from tests.cli.shells import HARDENED, LOAD, install_program, run_script
from tests.cli.vendor_omni import VendorOmni
from tests.conftest import Cli
from tests.sampling import sample

SHELLS = sorted(LOAD)


@pytest.fixture
def programs(tmp_path: Path, two: Path) -> Path:
    return install_program(tmp_path, terminal=False)


def _status(shell: str, command: str) -> str:
    """Print the exit status of a command that may fail, even where that ends the shell."""
    return f"{command}; echo $status" if shell == "fish" else f"s=0; {command} || s=$?; echo $s"


@pytest.mark.parametrize("shell", SHELLS)
def test_this_shell_alone_is_switched_and_back(shell: str, programs: Path, cli: Cli) -> None:
    script = f"""
{HARDENED[shell]}
{LOAD[shell].format("")}
{LOAD[shell].format("")}
omniprofile use --shell staging
echo "$OMNI_PROFILE"
omniprofile current
omniprofile use --shell - --yes
echo "$OMNI_PROFILE"
omniprofile -q use --shell -
echo "$OMNI_PROFILE"
"""
    ran = run_script(shell, script, programs)
    assert ran.returncode == 0, ran
    assert ran.stdout.split() == ["staging", "staging", "prod", "staging"]
    assert "this shell now uses `staging` (https://acme-staging.omniapp.co); other shells are unchanged" in ran.stderr
    assert ran.stderr.count("this shell now uses") == 2, "-q silences the third"
    assert not (cli.state / "active").exists(), "no other shell sees it"


@pytest.mark.parametrize("shell", SHELLS)
def test_everything_else_reaches_the_program_unchanged(shell: str, programs: Path) -> None:
    program = programs / "omniprofile"
    program.write_text('#!/bin/sh\nprintf "<%s>" "$OMNIPROFILE_EVAL" "$@"\ncat\nexit 42\n')
    words = """exec "a b" '' '$(touch hacked)' '*' -- "it's" "\\\\" --json use"""
    load = Path("omniprofile/cli/shells", "hook.fish" if shell == "fish" else "hook.posix")
    hook = (Path(__file__).parents[2] / load).as_posix()
    script = f"{HARDENED[shell]}\n. '{hook}'\n{_status(shell, f'echo in | omniprofile {words}')}"
    ran = run_script(shell, script, programs)
    backslash = "\\"
    expected = f"<><exec><a b><><$(touch hacked)><*><--><it's><{backslash}><--json><use>in\n42\n"
    assert ran.stdout == expected, ran


@pytest.mark.parametrize("shell", SHELLS)
def test_output_other_than_a_switch_is_printed_with_its_status(shell: str, programs: Path) -> None:
    script = f"""
{HARDENED[shell]}
{LOAD[shell].format("")}
{_status(shell, "omniprofile use nope")}
{_status(shell, "omniprofile use --shell nope")}
{_status(shell, "omniprofile use prod")}
{_status(shell, "omniprofile use -yh | head -1")}
{_status(shell, "omniprofile use --json --shell staging >/dev/null")}
"""
    ran = run_script(shell, script, programs)
    lines = ran.stdout.splitlines()
    assert lines[:3] == ["5", "5", "6"], ran
    assert lines[3].startswith("usage: omniprofile use")
    assert lines[-1] == "2"
    assert "OMNI_PROFILE" not in ran.stdout


@pytest.mark.parametrize(
    ("shell", "evaluation"),
    [
        ("bash", 'eval "$({})"'),
        ("bash", "eval $({})"),
        ("zsh", 'eval "$({})"'),
        ("fish", "{} | source"),
        ("fish", "eval ({})"),
    ],
)
@pytest.mark.parametrize("hook", [True, False])
def test_evaluating_by_hand_works_with_and_without_the_hook(
    shell: str, evaluation: str, hook: bool, programs: Path
) -> None:
    load = LOAD[shell].format("") if hook else ""
    script = f"{load}\n{evaluation.format('omniprofile use --shell staging')}\necho $OMNI_PROFILE"
    ran = run_script(shell, script, programs, env={"OMNIPROFILE_SHELL": shell})
    assert ran.stdout == "staging\n", ran


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_no_variable_is_evaluated_as_arithmetic(shell: str, programs: Path, tmp_path: Path) -> None:
    """A subscript in an arithmetic expression can run a command."""
    hostile = f"x[$(touch '{tmp_path}/hacked')]"
    environ = dict.fromkeys(("ZSH_SUBSHELL", "BASH_SUBSHELL", "COLUMNS", "EUID", "UID"), hostile)
    script = f"{LOAD[shell].format(' --prompt')}\nomniprofile -q use --shell staging\necho $OMNI_PROFILE\n__omniprofile_segment"
    if shell == "bash":  # as readline calls it to list matches
        script += f"""
COLUMNS="{hostile.replace("$", chr(92) + "$")}"
eval "$(omniprofile completion bash)"
COMP_WORDS=(omniprofile lint --explain OP10) COMP_CWORD=3 COMP_TYPE=63
_omniprofile
echo "${{COMPREPLY[0]}}"
"""
    ran = run_script(shell, script, programs, env=environ)
    assert ran.stdout.splitlines() == ["staging", "OP101  (a file cannot be read)"][: 2 if shell == "bash" else 1], ran
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("shell", SHELLS)
def test_nested_shells_and_exec_do_not_inherit_the_hooks_mark(shell: str, programs: Path) -> None:
    see = """sh -c 'echo "${OMNIPROFILE_HOOK-none} ${OMNIPROFILE_EVAL-none} ${OMNIPROFILE_PROMPT-none}"'"""
    ran = run_script(shell, f"{LOAD[shell].format('')}\n{see}\nomniprofile exec staging -- {see}", programs)
    assert ran.stdout == "none none none\n" * 2, ran


@pytest.mark.parametrize("shell", SHELLS)
def test_omni_runs_through_exec_only_where_that_was_asked_for(shell: str, programs: Path) -> None:
    omni = programs / "omni"
    omni.write_text('#!/bin/sh\necho "$OMNI_PROFILE <$1> <$2>"\nexit 3\n')
    omni.chmod(0o755)
    calls = "\n".join(_status(shell, f"omni {words}") for words in ("query 'a b'", "config show", "-p prod query"))
    plain = run_script(shell, f"{LOAD[shell].format('')}\n{calls}", programs)
    assert plain.stdout.splitlines() == [" <query> <a b>", "3", " <config> <show>", "3", " <-p> <prod>", "3"], plain


WRAPPED = {
    # The profile and arguments that reach `omni`. The current profile is `staging`.
    "query 'a b' '' '*'": "staging|query|a b||*",
    "--compact -o json query -- -p x --help": "staging|--compact|-o|json|query|--|-p|x|--help",
    "-p other query": "other|query",
    "-pother query": "other|query",
    "query --profile other x": "other|query|x",
    "query --profile=other x": "other|query|x",
    "--base-url https://acme-staging.omniapp.co query": "staging|query",
    "-p other --base-url https://o.omniapp.co query": "other|query",
    "query --base-url": "staging|query|--base-url",
    # No credential is needed, none is handed over, and no profile is asked for.
    "": "none",
    "-p x config show --help": "none|-p|x|config|show|--help",
    "--format json -p x help": "none|--format|json|-p|x|help",
    "--version": "none|--version",
    "-v": "none|-v",
    "query --help": "none|query|--help",
    "-p prod query -h": "none|-p|prod|query|-h",
    "__complete -p prod que": "none|__complete|-p|prod|que",
    "__completeNoDesc config ''": "none|__completeNoDesc|config|",
    "completion bash": "none|completion|bash",
}
ANSWERED = {
    "config use staging": (0, "`staging` is the current profile here already"),
    "config show": (0, '"defaultProfile": "staging"'),
    "-p prod config show": (0, '"defaultProfile": "prod"'),
    "-o json config show": (0, '"defaultProfile": "staging"'),
    "--compact config list": (0, "* staging"),
    "config use prod": (6, "omniprofile use prod"),
    "config init": (6, "omniprofile init"),
    "config login": (6, "omniprofile login staging"),
    "-p nope query": (5, "nope"),
    "-p staging -p other query": (2, "two profiles are named"),
    "--token x query": (6, "--token"),
    "query --token=x": (6, "--token"),
    "--base-url https://acme.omniapp.co query": (6, "acme.omniapp.co"),
    "-p prod query": (6, "hint: run `omniprofile exec --yes -p prod -- omni query`"),
}


@pytest.mark.parametrize("shell", SHELLS)
def test_wrapped_omni_gets_the_credential_of_the_profile_that_it_names(shell: str, programs: Path, two: Path) -> None:
    two.write_text(
        two.read_text() + '[profiles.other]\nbase_url = "https://o.omniapp.co"\nkey = { env = "STAGING_KEY" }\n'
    )
    omni = programs / "omni"
    omni.write_text(
        '#!/bin/sh\n[ -n "$OMNI_API_TOKEN" ] && printf %s "$OMNI_PROFILE" || printf none\n'
        'for word; do printf "|%s" "$word"; done; echo; exit 3\n'
    )
    omni.chmod(0o755)
    env = {"OMNI_PROFILE": "staging"}
    load = f"{HARDENED[shell]}\n{LOAD[shell].format(' --wrap-omni')}\n"
    ran = run_script(shell, load + "\n".join(_status(shell, f"omni {words}") for words in WRAPPED), programs, env=env)
    assert dict(zip(WRAPPED, ran.stdout.split("\n3\n"), strict=False)) == WRAPPED, ran
    for words, (status, text) in ANSWERED.items():
        ran = run_script(shell, load + _status(shell, f"omni {words}"), programs, env=env)
        assert ran.stdout.endswith(f"{status}\n"), ran
        assert text in ran.stdout + ran.stderr, ran
    # In a shell of `exec` it uses the profile and credential of `exec`.
    inner = f"{load}\n{_status(shell, 'omni query')}\n{_status(shell, 'omni -p other query')}"
    script = {"bash": "bash --norc -c", "zsh": "zsh -f -c", "fish": "fish --no-config -c"}[shell]
    outer = f'omniprofile exec other -- {script} "$INNER"'
    ran = run_script(shell, outer, programs, env={"INNER": inner})
    assert ran.stdout.splitlines() == ["other|query", "3", "other|query", "3"], ran


@pytest.mark.parametrize("shell", SHELLS)
def test_a_protected_profile_names_a_line_that_can_be_run(shell: str, programs: Path) -> None:
    load = f"{LOAD[shell].format(' --wrap-omni')}\n"
    ran = run_script(shell, load + _status(shell, "omni query"), programs, env={"OMNI_PROFILE": "prod"})
    assert "hint: run `omniprofile exec --yes -- omni query`" in ran.stderr, ran


LEFT = [(shell, inherited) for shell in SHELLS for inherited in ("bash", "zsh", "fish", "powershell", "cmd")]


@pytest.mark.parametrize(("shell", "inherited"), sample(LEFT, 5, "left"))
def test_marks_of_another_kind_of_shell_are_ignored(shell: str, inherited: str, programs: Path) -> None:
    install_program(programs.parent)  # it detects the shell that started it
    env = {"OMNIPROFILE_SHELL": inherited, "OMNIPROFILE_HOOK": inherited}
    script = (
        "omniprofile use --shell staging\necho $OMNI_PROFILE $-"
        if shell != "fish"
        else ("omniprofile use --shell staging\necho $OMNI_PROFILE")
    )
    ran = run_script(shell, f"{LOAD[shell].format('')}\n{script}", programs, env=env)
    assert ran.stdout.startswith("staging"), ran
    assert shell == "fish" or "e" not in ran.stdout.split()[1], "no option of the shell is switched on"
    by_hand = {"fish": "omniprofile use --shell staging | source"}.get(
        shell, 'eval "$(omniprofile use --shell staging)"'
    )
    ran = run_script(shell, f"{by_hand}\necho $OMNI_PROFILE", programs, env=env)
    assert (ran.stdout, ran.stderr) == ("staging\n", ""), ran


def test_powershell_gets_the_reason_why_omni_is_not_wrapped(cli: Cli) -> None:
    ran = cli("hook", "powershell", "--wrap-omni", status=2)
    assert "omniprofile exec -- omni" in ran.err


@pytest.mark.parametrize("shell", [*SHELLS, "powershell"])
def test_the_hook_needs_no_profile_and_reads_no_file(shell: str, cli: Cli) -> None:
    cli.profiles("not = [toml")
    ran = cli("hook", shell, *(() if shell == "powershell" else ("--prompt", "--wrap-omni")))
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.isascii(), "whatever encoding the shell reads it in"


COMPLETION = """
_omni() {
  local words=$(${COMP_WORDS[0]} __completeNoDesc "${COMP_WORDS[@]:1}" 2>/dev/null | sed '/^:/d')
  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _omni omni
"""
"""The essence of omni's own bash completion."""


@pytest.mark.parametrize("profile", ["staging", "prod", "keyless", "asks", "nosuch"])
def test_tab_of_wrapped_omni_needs_no_profile_and_asks_no_key(
    profile: str, programs: Path, two: Path, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    with two.open("a") as file:
        file.write('[profiles.keyless]\nextends = "staging"\nkey = { env = "UNSET" }\n')
        file.write(f'[profiles.asks]\nextends = "staging"\nkey = {{ command = ["touch", "{asked}"] }}\n')
    vendor = VendorOmni(tmp_path / "vendor")
    environ = {
        **os.environ,
        "PATH": f"{programs}:{vendor.folder}:{os.environ['PATH']}",
        "OMNI_PROFILE": profile,
        "TERM": "dumb",
    }
    bash = pexpect.spawn("bash", ["--norc", "-i"], env=environ, encoding="utf-8", timeout=60)
    bash.sendline("PS1='ready''> '")
    (tmp_path / "completion").write_text(COMPLETION)
    bash.sendline(f"{LOAD['bash'].format(' --wrap-omni')}; . {shlex.quote(str(tmp_path / 'completion'))}; echo loaded")
    bash.expect("\\r\\nloaded\\r\\n[^\\r\\n]*ready> ")
    bash.send("omni who\t")
    bash.expect("omni whoami ")
    bash.send("\x15omni quer\t")
    bash.expect("query ")
    bash.sendline("\x15exit")
    bash.expect(pexpect.EOF)
    bash.close()
    assert vendor.requests() == []
    assert not asked.exists()
