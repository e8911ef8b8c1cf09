"""Completion: TAB pressed in real shells, and every shell's table compared with the parser."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from omniprofile.cli.completion_table import kinds_of, rows
from omniprofile.cli.parser import command_parser
from omniprofile.cli.registry import COMMANDS, Command
from tests.cli.shells import START, install_program
from tests.cli.terminal import Terminal
from tests.conftest import Cli
from tests.programs import run_program
from tests.sampling import sample

PROFILES = """\
[defaults]
key = { command = ["touch", "WITNESS"] }

[profiles.prod]
description = "Production: `$(touch hacked)` 'it' [x]"
base_url = "https://acme.omniapp.co"

[profiles.staging]
tags = ["eu-west", "trial"]
description = "Where changes are tried"
base_url = "https://acme-staging.omniapp.co"
env = { OMNI_EMBED_SECRET = { keyring = true } }

[instances.acme-eu]
base_url = "https://acme-eu.omniapp.co"

[profiles.stable]
base_url = "https://acme-stable.omniapp.co"
"""

SETUP = {
    "bash": "PS1='ready> '; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; set -u; "
    '. "{}/bash"; clear',
    "zsh": "PS1='ready> '; unsetopt beep; autoload -Uz compinit && compinit -u -d \"$HOME/.zcompdump\"; setopt no_unset; "
    '. "{}/zsh"; clear',
    "fish": "function fish_prompt; echo 'ready> '; end; set -g fish_greeting; set -g fish_autosuggestion_enabled 0; "
    'source "{}/fish"; clear',
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the completion that the program prints for every shell."""
    folder = tmp_path_factory.mktemp("completion")
    programs = install_program(folder, terminal=False)
    for shell in ("bash", "zsh", "fish", "powershell"):
        printed = subprocess.run([str(programs / "omniprofile"), "completion", shell], capture_output=True, check=True)
        (folder / shell).write_bytes(printed.stdout)
    return folder


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, texts: Path, cli: Cli, tmp_path: Path) -> Iterator[Terminal]:
    """An interactive shell with the completion loaded, three profiles, and a file `notes.txt` in its folder."""
    cli.profiles(PROFILES.replace("WITNESS", str(tmp_path / "witness")))
    (tmp_path / "other.toml").write_text('[profiles.elsewhere]\nbase_url = "https://a.omniapp.co"\n')
    (cli.work / "notes.txt").touch()
    environ = {
        **os.environ,
        "PATH": f"{texts / 'with space'}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm",
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    terminal = Terminal([*START[request.param], "-i"], environ, columns=100, rows=40)
    terminal.wait_for_prompt()
    terminal.type(SETUP[request.param].format(texts) + "\r")
    terminal.until(lambda screen: screen.strip() == "ready>", "the prompt")
    yield terminal
    terminal.close()


ONE_CANDIDATE = [
    ("expl", "explain"),
    ("use stag", "use staging"),
    ("-q use pro", "-q use prod"),
    ("use --te", "use --test"),
    ("exec prod -- tou", "exec prod -- tou"),
    ("each prod -- tou", "each prod -- tou"),
    ("each @tr", "each @trial"),
    ("show -p stag", "show -p staging"),
    ("list @tr", "list @trial"),
    ("test prod @eu", "test prod @eu-west"),
    ("list stag", "list staging"),
    ("--config OTHER use else", "--config OTHER use elsewhere"),
    ("lint --format js", "lint --format json"),
    ("lint --format=js", "lint --format=json"),
    ("env --shell pow", "env --shell powershell"),
    ("completion fi", "completion fish"),
    ("lint not", "lint notes.txt"),
    ("set prod key.com", "set prod key.command"),
    ("login staging --secret OMNI_E", "login staging --secret OMNI_EMBED_SECRET"),
    ("set staging env.OMNI_E", "set staging env.OMNI_EMBED_SECRET"),
    ("unset staging env.OMNI_E", "unset staging env.OMNI_EMBED_SECRET"),
    ("set prod protected t", "set prod protected true"),
    ("set prod access read", "set prod access read-only"),
    ("set prod auth oa", "set prod auth oauth"),
    ("set prod instance ac", "set prod instance acme-eu"),
    ("set prod extends stag", "set prod extends staging"),
    ("set prod expect.key_scope us", "set prod expect.key_scope user"),
    ("add new --instance ac", "add new --instance acme-eu"),
    ("add new --auth=oa", "add new --auth=oauth"),
    ("init --auth oa", "init --auth oauth"),
    ("unset stag", "unset staging"),
    ("rename stag", "rename staging"),
    ("mv stag", "mv staging"),
    ("whoami --fai", "whoami --failed"),
    ("help comp", "help completion"),
]


def test_tab_completes_what_can_only_be_one_word(shell: Terminal, tmp_path: Path) -> None:
    for typed, completed in sample(ONE_CANDIDATE, 14, os.path.basename(str(shell.child.command))):
        typed, completed = (text.replace("OTHER", "../other.toml") for text in (typed, completed))
        shell.type(f"\x15omniprofile {typed}")
        shell.wait_for_line(typed)
        shell.type("\t")
        shell.wait_for_line(f"ready> omniprofile {completed}")
    assert not (tmp_path / "witness").exists(), "nothing is resolved on TAB"


def test_tab_twice_shows_the_words_with_what_they_are(shell: Terminal, cli: Cli, tmp_path: Path) -> None:
    shell.type("omniprofile use \t\t")
    shell.see("prod", "Production: `$(touch hacked)` 'it' [x]", "staging", "Where changes are tried", "stable")
    shell.type("\x15omniprofile use --\t\t")
    shell.see("--test", "--shell", "--config")
    shell.type("\x15omniprofile ex\t\t")
    shell.see("exec", "run a command with the credential", "explain")
    shell.type("\x15clear; omniprofile lint --explain OP10\t\t")
    shell.see("OP101", "a file cannot be read", "OP102", "the file is not TOML")
    assert not list(tmp_path.rglob("hacked")), "a description is text"
    assert not (tmp_path / "witness").exists()


def test_a_broken_file_offers_nothing_and_says_nothing(shell: Terminal, cli: Cli) -> None:
    cli.profiles("[profiles.a\n")
    shell.type("omniprofile use \t\t")
    shell.read(1.0)
    assert "error" not in shell.screen
    shell.type("\x15omniprofile li\t")
    shell.see("omniprofile li")


def test_zsh_without_compinit_gets_a_hint(texts: Path) -> None:
    ran = run_program(["zsh", "-f", "-c", f'. "{texts}/zsh"'], check=True)
    assert "compinit comes before it" in ran.stderr


def test_every_command_and_every_option_is_in_every_table(texts: Path) -> None:
    table = {row.name: row for row in rows()}
    assert {command.name for command in COMMANDS} == {
        line.split("\t")[0] for line in table["@commands"].options.split("\n")
    }
    for command in COMMANDS:
        options = {option for action in command_parser(command).arguments for option in action.option_strings}
        assert options == {line.split("\t")[0] for line in table[command.name].options.split("\n")}
    for shell in ("bash", "zsh", "fish", "powershell"):
        text = (texts / shell).read_text(encoding="ascii")
        assert "@@TABLE@@" not in text
        assert all(command.name in text for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_the_kind_of_every_argument_is_known(command: Command) -> None:
    for action in command_parser(command).arguments:
        if action.nargs != 0:
            assert kinds_of(action), f"name its kind in omniprofile/cli/completion_table.py: {action}"


def test_lint_codes_and_keys_are_offered() -> None:
    table = {row.name: row for row in rows()}
    assert "lint" in table
    assert "key.env\t" in table["@keys"].options
    assert "expect.org_role\t" in table["@keys"].options
    from omniprofile.model.rule_codes import Code

    assert [line.split("\t")[0] for line in table["@codes"].options.split("\n")] == [code.value for code in Code]


def test_options_listed_twice_are_distinguished_by_command() -> None:
    table = {row.name: row for row in rows()}
    assert "--format:human" in table["lint"].takes
    assert "--name:@none" in table["init"].takes
    assert table["use"].operands == "@profiles"
    assert table["lint"].operands == "@files..."
    assert "--explain:@codes?" in table["lint"].takes
    assert table["set"].operands == "@profiles @keys @values"
    assert table["rename"].operands == "@profiles @none"


@pytest.mark.parametrize("part", ["hook", "completion"])
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_install_writes_once_says_what_it_changed_and_how_to_undo_it(cli: Cli, part: str, shell: str) -> None:
    start = cli.home / {"bash": ".bashrc", "zsh": ".zshrc", "fish": "none"}[shell]
    dotfile = cli.home / "dotfiles-rc"
    dotfile.write_text("# mine, with no newline at its end")
    start.symlink_to(dotfile)
    before = {path for path in cli.home.rglob("*") if path.is_file()}
    first = cli(part, shell, "--install", status=0)
    (written,) = {path for path in cli.home.rglob("*") if path.is_file()} - before
    assert written.read_text() == cli(part, shell).out
    assert f"`{written}` written" in first.err
    assert f"run `rm {written}`" in first.err
    assert start.is_symlink()
    reads_by_itself = shell == "fish" or (shell, part) == ("bash", "completion")
    after = dotfile.read_text()
    assert after.startswith("# mine, with no newline at its end")
    assert (f". '{written}'" in after) is not reads_by_itself
    again = cli(part, shell, "--install")
    assert "nothing to change" in again.err
    assert dotfile.read_text() == after


def test_install_leaves_a_read_only_file_alone_and_shows_the_change(cli: Cli) -> None:
    start = cli.home / ".bashrc"
    start.write_text("# mine\n")
    start.chmod(0o444)
    ran = cli("hook", "bash", "--install", status=1)
    assert "+[ ! -r " in ran.err
    assert start.read_text() == "# mine\n"


def test_install_for_powershell_says_the_line_to_add(cli: Cli) -> None:
    ran = cli("completion", "powershell", "--install")
    assert "omniprofile completion powershell | Out-String | Invoke-Expression" in ran.err


def test_install_finds_the_shell_that_calls(cli: Cli) -> None:
    assert "conf.d/omniprofile.fish` written" in cli("hook", "--install", env={"OMNIPROFILE_SHELL": "fish"}).err
    assert "`SHELL` is missing: give `bash`, `zsh`, `fish` or `powershell`" in cli("hook").err
