"""Habits from other tools: each is understood or answered with the right command, and every hint can be followed."""

import ast
import json
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import omniprofile
from omniprofile.cli.parser import parse
from omniprofile.cli.registry import ALIASES, BY_NAME, COMMANDS
from omniprofile.cli.synonyms import DELETING, SYNONYMS, commands_for
from omniprofile.errors import UsageError
from tests.conftest import CANARY, Cli
from tests.sockets import NOBODY

Process = Callable[..., subprocess.CompletedProcess[str]]

NAMES = [command.name for command in COMMANDS]


def help_of(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """Return the output of a command line that prints help or the version and exits with 0."""
    with pytest.raises(SystemExit) as left:
        parse(argv)
    assert left.value.code in (0, None)
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "same"),
    [
        ([], ["--help"]),
        (["-q"], ["--help"]),
        (["help"], ["--help"]),
        (["help", "use"], ["use", "--help"]),
        (["help", "rm"], ["remove", "--help"]),
        (["help", "status"], ["status", "--help"]),
        (["-q", "help", "exec"], ["exec", "--help"]),
        (["version"], ["--version"]),
        (["-V"], ["--version"]),
    ],
)
def test_help_and_version_have_the_usual_forms(
    argv: list[str], same: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert help_of(capsys, *argv) == help_of(capsys, *same) != ""


@pytest.mark.parametrize(
    ("switches", "same"),
    [
        (["-vvv"], ["-v", "-v", "-v"]),
        (["-qv"], ["-q", "-v"]),
        (["-vpprod"], ["-v", "-p", "prod"]),
        (["-qvp", "prod"], ["-q", "-v", "-p", "prod"]),
    ],
)
def test_short_options_before_the_command_may_share_a_dash(
    cli: Cli, two: Path, switches: list[str], same: list[str]
) -> None:
    ran, apart = cli(*switches, "current"), cli(*same, "current")
    assert (ran.status, ran.out, ran.err) == (apart.status, apart.out, apart.err)
    assert ran.out in ("staging\n", "prod\n")


def test_json_before_help_does_not_take_the_place_of_the_command(
    cli: Cli, two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cli("--json", "help", "list")
    assert capsys.readouterr().out.startswith("usage: omniprofile list ")


def test_json_before_the_command_belongs_to_the_command(cli: Cli, two: Path) -> None:
    assert cli("--json", "list").out == cli("list", "--json").out
    assert cli("-q", "--json", "-p", "prod", "show").out == cli("show", "-p", "prod", "--json").out
    assert json.loads(cli("--json", "show", "nosuch").out)["error"]["code"] == "no-such-profile"
    assert "did you mean `--shell json`?" in cli("--json", "env", "prod").err
    assert "no command is given" in cli("--json").err


@pytest.mark.parametrize("line", ["show", "use", "test", "list", "remove --yes", "rename", "each", "set", "-p"])
def test_an_empty_name_is_called_empty(cli: Cli, two: Path, line: str) -> None:
    more = {"rename": ["new"], "each": ["--", "true"], "set": ["description", "x"], "-p": ["show"]}.get(line, [])
    ran = cli(*line.split(), "", *more)
    assert ran.status in (2, 5)
    assert "the profile's name is empty\n" in ran.err
    assert "did you mean" not in ran.err


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (["--config", "", "list"], "the value of `--config` is empty"),
        (["list", "--config="], "the value of `--config` is empty"),
        (["export", "omni-cli", ""], "the file's name is empty"),
        (["login", "prod", "--secret", ""], "the value of `--secret` is empty"),
    ],
)
def test_an_option_with_an_empty_value_is_not_ignored(cli: Cli, two: Path, argv: list[str], what: str) -> None:
    ran = cli(*argv, status=2)
    assert what in ran.err


@pytest.mark.parametrize("line", ["test --json --format junit", "lint --format sarif --json"])
def test_two_formats_at_once_are_refused(cli: Cli, two: Path, line: str) -> None:
    ran = cli(*line.split(), status=2)
    assert "cannot be given together" in ran.err


def test_other_names_of_commands_do_the_same(cli: Cli, two: Path) -> None:
    assert cli("ls").out == cli("list").out
    assert cli("ls", "--json").out == cli("list", "--json").out
    cli.profiles(
        f'[profiles.gone]\nextends = "staging"\nbase_url = "{NOBODY}"\nallow_insecure = true\n', "profiles.d/gone.toml"
    )
    gone = {"OMNI_PROFILE_GONE_TOKEN": CANARY}
    assert cli("whoami", "gone", env=gone).status == cli("test", "gone", env=gone).status == 7
    (two.parent / "profiles.d/gone.toml").unlink()
    assert cli("mv", "staging", "stage").status == 0
    assert cli("rm", "stage", "--yes").status == 0
    assert set(ALIASES.values()) <= set(BY_NAME)


def test_status_is_the_current_profile_with_its_row(cli: Cli, two: Path) -> None:
    ran = cli("status", env={"OMNI_PROFILE": "staging"})
    assert ran.out.splitlines()[1].split()[:3] == ["*", "staging", "https://acme-staging.omniapp.co"]
    assert "selected by environment variable `OMNI_PROFILE`" in ran.err
    assert cli("-p", "staging", "status", "--json").status == 0
    assert cli("status", "--json", env={"OMNI_PROFILE": "nosuch"}).status == 5


def test_a_word_that_is_a_profile_suggests_what_can_be_done_with_one(cli: Cli, two: Path, tmp_path: Path) -> None:
    for argv in (["staging"], ["staging", "env"], ["-q", "staging", "--", "env"]):
        ran = cli(*argv, status=2)
        assert "`omniprofile use staging`" in ran.err
        assert "`omniprofile exec staging -- COMMAND`" in ran.err
    other = tmp_path / "other.toml"
    other.write_text('[profiles.only-here]\nbase_url = "https://a.omniapp.co"\n')
    assert "`omniprofile use only-here`" in cli("--config", str(other), "only-here").err
    cli.profiles("[profiles")
    assert "unknown command `staging`" in cli("staging").err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["staging", "env"], "omniprofile exec staging -- env"),
        (["staging", "python", "report.py"], "omniprofile exec staging -- python report.py"),
        (["sh", "-c", "echo $OMNI_PROFILE"], "omniprofile exec -- sh -c …"),
        (["env"], "omniprofile exec -- env"),
        (["--yes", "prod", "omni", "whoami"], "omniprofile exec --yes prod -- omni whoami"),
        (["-p", "staging", "omni", "whoami"], "omniprofile exec -p staging -- omni whoami"),
        (["staging", "curl", "-H", f"Authorization: Bearer {CANARY}"], "omniprofile exec staging -- curl -H …"),
        (["staging", "login", "Tr0ub4dor&3"], "omniprofile exec staging -- login …"),
        (["prod", "--yes", "omni", "whoami"], "omniprofile exec prod --yes -- omni whoami"),
        (["prod", "--for", "2h", "ls", "-la"], "omniprofile exec prod --for 2h -- ls -la"),
        (["stagign", "ls", "-la"], "omniprofile exec staging -- ls -la"),
        (["prdo", "no-such-program"], "omniprofile exec prod -- no-such-program"),
        (["-p", "staging", "env"], "omniprofile exec -p staging -- env"),
        (["--profile=staging", "env"], "omniprofile exec --profile=staging -- env"),
        (["staging", "-", "env"], "omniprofile exec staging -- env"),
        (["--token-file", "-", "staging", "env"], "omniprofile exec --token-file - staging -- env"),
    ],
)
def test_exec_without_its_dashes_says_the_line_that_was_meant(cli: Cli, two: Path, words: list[str], line: str) -> None:
    ran = cli("exec", *words, status=2)
    assert f"run `{line}`" in ran.err


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("exec -- staging sh", "omniprofile exec staging -- sh"),
        ("exec -- staging", "omniprofile exec staging -- COMMAND"),
        ("exec -- staging -- sh", "omniprofile exec staging -- sh"),
        ("exec prod -- staging sh", "omniprofile exec staging -- sh"),
        ("exec staging -- staging ls -l", "omniprofile exec staging -- ls -l"),
        ("exec --gateway staging -- staging ls", "omniprofile exec staging -- ls"),
        ("each staging -- staging ls", "omniprofile each staging -- ls"),
    ],
)
def test_a_profile_in_place_of_the_command_gets_the_corrected_line(
    cli: Cli, process: Process, two: Path, line: str, meant: str
) -> None:
    cli("use", "prod", "--yes")
    ran = process(*line.split())  # by the fast path where it can
    assert ran.returncode == 127, ran
    assert "command `staging` not found, but there is a profile of that name" in ran.stderr
    assert f"hint: run `{meant}`" in ran.stderr


def test_a_program_that_has_a_profile_s_name_is_run(
    process: Process, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin/staging"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho ran $OMNI_PROFILE\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    for line, folder in (["exec", "staging"], str(program.parent)), (["exec", "-q", "staging"], "bin"):
        ran = process(*line, "--", "staging", env={"PATH": f"{folder}:/usr/bin:/bin"})
        assert (ran.returncode, ran.stdout) == (0, "ran staging\n"), ran


@pytest.mark.parametrize("line", ["export staging", "export staging --shell bash", "export staging -p prod"])
def test_exporting_a_profile_suggests_env(cli: Cli, two: Path, line: str) -> None:
    ran = cli(*line.split(), status=2)
    assert "`omniprofile env staging`" in ran.err
    assert "`omniprofile export omni-cli -p staging`" in ran.err


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("each prod stag* true", "omniprofile each prod 'stag*' -- true"),
        ("each @acme --json ls -la", "omniprofile each @acme --json -- ls -la"),
        ("each --all ls -la", "omniprofile each --all -- ls -la"),
        ("each --all ls", "omniprofile each --all -- ls"),
        ("exec --as A_=staging", "omniprofile exec --as A_=staging -- COMMAND"),
        ("each true", "omniprofile each PATTERN -- COMMAND"),
        ("gateway prod -- curl x", "omniprofile exec prod --gateway -- curl x"),
        ("env staging -- make", "omniprofile exec staging -- make"),
        ("use staging -- make", "omniprofile exec staging -- make"),
    ],
)
def test_a_misplaced_command_gets_the_corrected_line(cli: Cli, two: Path, line: str, meant: str) -> None:
    ran = cli(*line.split(), status=2)
    assert f"`{meant}`" in ran.err


@pytest.mark.parametrize("name", [*NAMES, *ALIASES, "status"])
def test_every_usage_error_names_the_page_of_its_command(cli: Cli, name: str) -> None:
    page = f"`omniprofile {ALIASES.get(name, name)} --help`"
    many = ["x"] * 5
    for argv in (
        [name, "--no-such-option"],
        [name, "--no-such-option", *many],
        [name, "-Z"],
        [name, *many, "--config"],
    ):
        ran = cli(*argv, status=2)
        assert page in ran.err or (name == "exec" and "run `omniprofile exec -- " in ran.err), ran
    ran = cli(name, *many)
    assert page in ran.err or ran.status != 2 or "hint: " in ran.err, ran
    assert "unrecognized" not in ran.err


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("login staging KEY", "takes no API key as an argument"),
        ("login staging --KEY", "takes no API key as an argument"),
        ("login staging --token KEY", "unknown option `--token`"),
        ("login staging --token=KEY", "unknown option `--token`"),
        ("init --api-key KEY", "unknown option `--api-key`"),
        ("KEY", "API key where a command belongs"),
    ],
)
def test_a_key_in_the_arguments_is_called_public_and_not_shown(cli: Cli, two: Path, line: str, what: str) -> None:
    ran = cli(*line.replace("KEY", CANARY).split(), status=2)
    assert what in ran.err.splitlines()[0]
    assert "`omniprofile login NAME` asks for the key without showing it; revoke this one" in ran.err
    assert CANARY not in ran.err


@pytest.mark.parametrize("dash", "‐‑‒–—―−")
def test_a_dash_that_a_word_processor_has_changed_is_named(cli: Cli, two: Path, dash: str) -> None:
    for line in (f"use {dash}shell staging", f"use staging {dash}{dash}shell", f"use {dash}shell=fish"):
        ran = cli(*line.split(), status=2)
        assert "does not begin with `--`" in ran.err
        assert "hint: type `--shell`\n" in ran.err
    assert cli("set", "staging", "description", f"{dash} a list").status == 0


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("init staging", "give a name with `--name`"),
        ("import dotenv --profile x", "did you mean `--name`?"),
        ("add --name play", "give `NAME` alone, without an option"),
        ("rename --old play --new lab", "give `OLD` alone, without an option"),
        ("add play --tags acme", "`omniprofile set NAME tags VALUE`"),
        ("add play --tag acme", "`omniprofile set NAME tags VALUE`"),
        ("add play --base-url https://play.omniapp.co --description Play ground", "quote a value that contains spaces"),
        ("test --format junit --output r.xml", "`> FILE` at the end of the line writes the output to a file"),
        ("test --output=r.xml --format junit", "`> FILE` at the end of the line writes the output to a file"),
        ("test --timeout 0", "`omniprofile test --help`"),
        ("unset prod nosuch", "`omniprofile explain prod`"),
        ("set protected true prod", "`omniprofile set prod KEY VALUE`: the profile comes first"),
        ("add prod --base-url https://acme.omniapp.co", "`omniprofile set prod KEY VALUE` changes this one"),
        ("set prod --protected true", "`omniprofile set NAME protected VALUE`"),
        ("set prod --base-url x", "`omniprofile set NAME base_url VALUE`"),
        ("pin staging", '`profile = "NAME"` into its `.omniprofile.toml`'),
        ("local staging", '`profile = "NAME"` into its `.omniprofile.toml`'),
        ("uninstall", "`uv tool uninstall omniprofile`"),
        ("upgrade", "`uv tool upgrade omniprofile`"),
        ("mcp", "did you mean `gateway`?"),
    ],
)
def test_options_of_other_tools_are_answered_with_ours(cli: Cli, two: Path, line: str, hint: str) -> None:
    assert hint in cli(*line.split(), status=2).err


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("import .env", "dotenv"), ("import ./app/.env", "dotenv"), ("import omni", "omni-cli"), ("import dotnev", "dotenv"),
        ("import ~/.config/omni-cli/config.json", "omni-cli"), ("add x --base-url y --auth apikey", "api-key"),
        ("add x --base-url y --auth sso", "oauth"), ("hook pwsh", "powershell"), ("env --shell bsh", "bash"),
        ("env --shell sh", "bash"),
    ],
)  # fmt: skip
def test_a_wrong_choice_suggests_the_right_one(cli: Cli, two: Path, line: str, meant: str) -> None:
    ran = cli(*line.split(), status=2)
    assert (
        f"hint: did you mean `{meant}`? `omniprofile {line.split(maxsplit=1)[0]} --help` shows how to use it" in ran.err
    )
    assert "did you mean" not in cli("import", CANARY, status=2).err


def test_an_address_in_place_of_a_name_finds_the_profiles_that_have_it(cli: Cli, two: Path) -> None:
    for line in ("use https://acme.omniapp.co", "show https://acme.omniapp.co/", "token https://ACME.omniapp.co:443"):
        assert "hint: did you mean `prod`?" in cli(*line.split(), status=5).err
    assert "hint: did you mean `play`?" in cli("use", "https://play.omniapp.co", status=5).err
    assert "hint: did you mean `play`?" in cli("add", "https://play.omniapp.co/home?x=1", status=2).err


def test_an_unknown_option_is_named_in_any_position(cli: Cli) -> None:
    for argv in (["--conf", "x", "list"], ["--conf=x", "list"]):
        ran = cli(*argv)
        assert "unknown option `--conf`" in ran.err
        assert "did you mean `--config`?" in ran.err
    shown = cli("login", "--key", CANARY, status=2).err
    assert "did you mean `--with-key`?" in shown
    assert "revoke this one" in shown


def test_the_line_that_was_meant_keeps_the_options_before_the_command(cli: Cli, two: Path) -> None:
    assert "hint: run `omniprofile exec -v staging -- true`" in cli("-v", "exec", "staging", "true").err


OTHER_TOOLS = """
mv move new run inspect prune uninstall switch check clear staging create get ping print shell select push keys secrets
clean info whoami status version help config activate verify describe use-context set-context reset preset inset offset
insert renew resume recover restore refresh rotate update upgrade unlock undo redo sync save load open close start stop
reload
"""


@pytest.mark.parametrize("word", [word for word in OTHER_TOOLS.split() if word not in ("clear", *ALIASES)])
def test_no_suggestion_deletes_for_a_word_that_does_not(word: str) -> None:
    assert not DELETING & set(commands_for(word, BY_NAME))


@pytest.mark.parametrize(
    ("word", "command"),
    [
        ("switch", "use"), ("new", "add"), ("run", "exec"), ("move", "rename"), ("ren", "rename"), ("delete", "remove"),
        ("inspect", "show"),
        ("lits", "list"), ("exce", "exec"), ("lgoin", "login"), ("hlep", "help"), ("stauts", "status"),
        ("swich", "use"), ("creat", "add"), ("verfy", "test"), ("descibe", "show"), ("whomai", "whoami"), ("erase", "remove"),
        ("audit", "log"), ("histroy", "log"), ("proxy", "gateway"), ("drop", "remove"),
    ],
)  # fmt: skip
def test_the_intended_command_is_suggested(cli: Cli, word: str, command: str) -> None:
    assert f"did you mean `{command}`?" in cli(word).err


@pytest.mark.parametrize(
    "word", [*sorted(DELETING), *(word for command in sorted(DELETING) for word in SYNONYMS.get(command, ()))]
)
def test_no_misspelt_word_suggests_a_deletion(word: str) -> None:
    typos = {word[:at] + word[at + 1 :] for at in range(len(word))}
    typos |= {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)}
    typos |= {word + "s", "x" + word}
    known = {each for words in SYNONYMS.values() for each in words}
    for typo in typos - known - {word, "", *BY_NAME}:
        assert not {*DELETING, "rm"} & set(commands_for(typo, BY_NAME)), typo


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("auth token", "token"), ("auth status", "status"), ("auth switch", "use"), ("auth", "login"), ("auth logout", "logout"),
        ("config use-context staging", "use"), ("config get-contexts", "list"), ("config view", "show"), ("config", "edit"),
        ("profile list", "list"), ("profile delete staging", "remove"), ("get profiles", "list"), ("get staging", "show"),
    ],
)  # fmt: skip
def test_a_verb_behind_the_group_of_another_tool_is_what_was_meant(cli: Cli, line: str, command: str) -> None:
    assert f"did you mean `{command}`?" in cli(*line.split()).err


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("list -o json", "--json"),
        ("list --output json", "--json"),
        ("remove x --force", "--yes"),
        ("test -a", "--all"),
        ("env --json", "--shell json"),
        ("exec staging --duration=1h -- true", "--for"),
    ],
)
def test_an_option_of_other_tools_suggests_ours(cli: Cli, line: str, option: str) -> None:
    assert f"did you mean `{option}`?" in cli(*line.split()).err


def test_help_is_never_what_an_unknown_option_meant(cli: Cli) -> None:
    """The hint names `--help` anyway."""
    assert "did you mean" not in cli("demo", "--keep", status=2).err


def test_a_duration_of_nothing_is_refused_with_both_bounds(cli: Cli) -> None:
    ran = cli("log", "--since", "0", status=2)
    assert "above 0" in ran.err
    assert "at most 366 d" in ran.err


def test_words_of_other_tools_are_not_our_commands() -> None:
    words = {word for each in SYNONYMS.values() for word in each}
    assert not words & {*BY_NAME, *ALIASES}
    assert all(set(commands_for(word, BY_NAME)) <= set(BY_NAME) for word in words)


def hints() -> Iterator[tuple[str, str]]:
    """Yield every omniprofile command line quoted in the source, the manual and the golden files."""
    package = Path(omniprofile.__file__).parent
    root = Path(__file__).parents[2]
    pages = (*root.glob("tests/*/golden/*.txt"), *root.glob("man/*.md"), root / "README.md")
    texts = [(path.name, path.read_text()) for path in pages]
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text())
        docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else "placeholder" for part in node.values]
                texts.append((f"{path.name}:{node.lineno}", "".join(map(str, parts))))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
                texts.append((f"{path.name}:{node.lineno}", node.value))
    for place, text in texts:
        text = re.sub(r"(?<=[a-z])placeholder", "", text)  # the rest of a command line
        for line in re.findall(r"`(?:eval \"\$\(|… \| )?(omniprofile [^`]+)`", text):
            if not line.startswith(("omniprofile placeholder", "omniprofile COMMAND")):
                yield place, re.sub(r"[)|>].*", "", line)


def test_every_command_that_is_quoted_can_be_typed() -> None:
    wrong = []
    for place, line in sorted(set(hints())):
        try:
            parse(shlex.split(line)[1:])
        except SystemExit as left:
            if left.code:
                wrong.append(f"{place}: `{line}` ends with {left.code}")
        except UsageError as error:
            if not (any(word in line for word in ("placeholder", "{}")) and "must be" in error.message):
                wrong.append(f"{place}: `{line}`: {error}")
    assert not wrong


@pytest.mark.parametrize(
    ("line", "plain"),
    [
        ("set a --json description x", "set --json a description x"),
        ("set a description -5 --json", "set --json a description -5"),
        ("set a --json description '- a list'", "set --json a description '- a list'"),
        ("set a description --json -- --x", "set --json -- a description --x"),
        ("unset a --json tags description", "unset --json a tags description"),
        ("rename a --json b", "rename --json a b"),
        ("each @t --json -j 2 b --yes -- true --json", "each --json -j 2 --yes @t b -- true --json"),
        ("list a --json 'b*'", "list --json a 'b*'"),
        ("test a --timeout 5 b -q c", "test --timeout 5 -q a b c"),
        ("lint a.toml --format json b.toml --strict", "lint --format json --strict a.toml b.toml"),
        ("export omni-cli --dry-run out.json -p a", "export --dry-run -p a omni-cli out.json"),
        ("import omni-cli --dry-run --only a in.json", "import --dry-run --only a omni-cli in.json"),
        ("import dotenv --scrub .env --name x", "import --scrub --name x dotenv .env"),
        ("use --json -", "use - --json"),
        ("-p a token --token-file - --json", "token -p a --json --token-file -"),
        ("lint --explain --format json", "lint --format json --explain"),
        ("-v --config x.toml -qp a token -v", "token -v --config x.toml -q -p a -v"),
    ],
)
def test_an_option_may_stand_anywhere(line: str, plain: str) -> None:
    (args, module), (expected, same) = parse(shlex.split(line)), parse(shlex.split(plain))
    assert sorted(args.with_yes) == sorted(expected.with_yes), "in the order in which they were typed"
    assert (vars(args) | {"with_yes": None}, module) == (vars(expected) | {"with_yes": None}, same)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("token a --token-file --json", "`--token-file` needs a value"),
        ("list a --jsno b", "unknown option `--jsno`"),
        ("list a -x b", "unknown option `-x`"),
        ("set --force", "unknown option `--force`"),
        ("remove --force", "did you mean `--yes`"),
        ("rename -x a", "unknown option `-x`"),
        ("import --nope", "unknown option `--nope`"),
        ("set ci key --token=SECRET", "unknown option `--token` for"),
        ("set -q", "are missing|is missing"),
        ("rename a --json b c", "too many arguments"),
        ("current --json a", "too many arguments"),
    ],
)
def test_an_option_that_does_not_fit_is_reported_in_any_position(line: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(shlex.split(line))
    assert re.search(message, f"{raised.value} {raised.value.hint}")
    assert "SECRET" not in f"{raised.value} {raised.value.hint}"


def test_help_refuses_an_option_that_it_does_not_know(cli: Cli) -> None:
    assert "unknown option `-x`" in cli("help", "-x", status=2).err
