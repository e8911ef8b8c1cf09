"""The command `lint`: formats, explanations, fixes, file sets, statuses, and no secret in the output."""

import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest

from omniprofile.checks.rule_texts import rules
from tests.conftest import CANARY, Cli

DATA = Path(__file__).parents[1] / "data"
CORPUS = Path(__file__).parents[1] / "corpus"
BAD = sorted(CORPUS.glob("bad/*.toml"))
GOOD = '[profiles.a]\nbase_url = "https://a.omniapp.co"\n'
SECRETS = ("0123456789abcdef", "hunter2", "correct-horse")
"""The beginnings of the corpus's secrets."""


@pytest.mark.parametrize("rule", rules().values(), ids=lambda rule: rule.code.value)
def test_every_code_is_explained(rule: Any, cli: Cli) -> None:
    ran = cli("lint", "--explain", rule.code.lower(), status=0)
    assert ran.out.startswith(f"{rule.code} ({rule.code.level}): {rule.title}\n")
    assert max(map(len, ran.out.splitlines())) <= 100
    if rule.bad:
        for example in (rule.bad, rule.good):
            assert all(f"    {line}" in ran.out for line in example.splitlines())
    assert ("ignore[" in ran.out) == rule.code.can_be_silenced or rule.code == "OP501"


@pytest.mark.parametrize(
    ("before", "column"),
    [("timeout = ", 11), ('a = 1\nb = "12345"\n\nc = { d = [1, -', 16), (f"# {'7' * 9000}\nx = ", 5)],
)
def test_an_unconvertible_number_is_found_at_its_position(before: str, column: int, cli: Cli) -> None:
    file = cli.work / "profiles.toml"
    file.write_text(f"{before}{'9' * 5000}")
    ran = cli("lint", "--format", "json", str(file))
    (finding,) = json.loads(ran.out)["findings"]
    assert (finding["line"], finding["column"]) == (before.count("\n") + 1, column)
    assert finding["message"] == "a number has too many digits"


@pytest.mark.parametrize("content", [GOOD, GOOD + "unknown = 1\n", GOOD + "broken"])
def test_a_file_is_parsed_once(content: str, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing takes most of the time for a large file."""
    cli.config.parent.mkdir(parents=True, exist_ok=True)
    cli.config.write_text(content)
    read: list[str] = []
    parse = tomllib.loads

    def counted(text: str) -> object:
        read.append(text)
        return parse(text)

    monkeypatch.setattr(tomllib, "loads", counted)
    cli("lint")
    assert read.count(content) == 1


def test_explain_without_a_code_lists_them_all(cli: Cli) -> None:
    lines = cli("lint", "--explain").out.splitlines()
    assert [line.split()[0] for line in lines] == list(rules())
    described = json.loads(cli("lint", "--explain", "--json").out)["rules"]
    assert [rule["code"] for rule in described] == list(rules())


def test_an_unknown_code_gets_the_nearest(cli: Cli) -> None:
    ran = cli("lint", "--explain", "OP31", status=2)
    assert "OP301" in ran.err


@pytest.mark.parametrize("style", ["human", "json", "sarif", "github"])
@pytest.mark.parametrize(
    "path", [path for path in BAD if "secret" in path.stem or path.stem == "userinfo"], ids=lambda p: p.stem
)
def test_no_format_prints_a_secret(path: Path, style: str, cli: Cli) -> None:
    ran = cli("lint", "--format", style, str(path), status=1)
    assert "OP301" in ran.out
    assert not [secret for secret in SECRETS if secret in ran.out + ran.err]


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_the_caret_is_below_the_position(path: Path, cli: Cli) -> None:
    out = cli("lint", str(path)).out.splitlines()
    text = path.read_bytes().decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    for index, line in enumerate(out):
        if line.lstrip().startswith("|"):
            caret = line.index("^")
            shown = out[index - 1]
            head = next(head for head in reversed(out[:index]) if head.startswith(str(path)))
            row, column = map(int, head.split(": ")[0].rsplit(":", 2)[1:])
            pointed = text[row - 1][column - 1 : column]
            at = next((char for position, char in _columns(shown) if position == caret), "")
            assert at in (pointed, "*", "", "\\") or not pointed.isprintable(), (shown, line)


def _columns(line: str) -> list[tuple[int, str]]:
    import unicodedata

    column, places = 0, []
    for char in line:
        places.append((column, char))
        column += 2 if unicodedata.east_asian_width(char) in "WF" else 0 if unicodedata.combining(char) else 1
    return places


def test_sarif_is_valid_and_says_what_json_says(cli: Cli) -> None:
    schema = json.loads((DATA / "sarif-2.1.0.schema.json").read_text())
    paths = [str(path) for path in BAD]
    log = json.loads(cli("lint", "--format", "sarif", *paths).out)
    jsonschema.Draft4Validator(schema).validate(log)
    (run,) = log["runs"]
    places = []
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
        location = result["locations"][0]["physicalLocation"]
        file = unquote(urlsplit(location["artifactLocation"]["uri"]).path)
        places.append((file, location["region"]["startLine"], location["region"]["startColumn"], result["ruleId"]))
    found = json.loads(cli("lint", "--json", *paths).out)["findings"]
    assert places == [(each["file"], each["line"], each["column"], each["code"]) for each in found]
    assert len({code for *_, code in places}) > 15


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a name is text")
@pytest.mark.parametrize("style", ["human", "json", "sarif", "github"])
def test_a_file_whose_name_is_not_utf_8_is_linted_in_every_format(style: str, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/n\xff.toml"
    with open(name, "wb") as file:
        file.write(b"[profiles")
    command = [os.fsencode(sys.executable), b"-m", b"omniprofile", b"lint", b"--format", style.encode(), name]
    ran = subprocess.run(command, capture_output=True, check=False)
    assert ran.returncode == 1, ran.stderr
    assert (b"n%FF.toml" if style == "sarif" else b".toml") in ran.stdout
    if style in ("json", "sarif"):
        json.loads(ran.stdout.decode("utf-8", "surrogateescape"))


IN_A_NAME = {
    "a key": '[profiles.a]\nbase_url = "https://a.omniapp.co"\n%s = "x"\n',
    "a profile": '[profiles."%s x"]\nbase_url = "https://a.omniapp.co"\n',
    "the default": 'default = "%s"\n[profiles.a]\nbase_url = "https://a.omniapp.co"\n',
    "a parent": '[profiles.a]\nextends = "%s"\n',
    "a variable": '[profiles.a]\nbase_url = "https://a.omniapp.co"\nenv = { "%s" = "x" }\n',
    "a host": '[settings]\nallowed_hosts = ["%s.example"]\n',
}


@pytest.mark.parametrize("where", IN_A_NAME)
def test_a_key_in_place_of_a_name_is_not_repeated_in_any_message(where: str, cli: Cli) -> None:
    """Every run searches its output for the canary."""
    cli.profiles(IN_A_NAME[where] % CANARY)
    for style in ("human", "json", "sarif", "github"):
        assert cli("lint", "--format", style).status == 1
    for command in (["list"], ["list", "--json"], ["use", CANARY], ["token", CANARY, "--json"]):
        cli(*command)


def test_sarif_of_a_good_file_and_of_a_relative_path(cli: Cli) -> None:
    schema = json.loads((DATA / "sarif-2.1.0.schema.json").read_text())
    Path("with space.toml").write_text("x = 1\n")
    Path("good.toml").write_text(GOOD)
    log = json.loads(cli("lint", "--format", "sarif", "good.toml", "with space.toml").out)
    jsonschema.Draft4Validator(schema).validate(log)
    (result,) = log["runs"][0]["results"]
    where = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert where == {"uri": "with%20space.toml", "uriBaseId": "%SRCROOT%"}


def test_github_commands_are_escaped(cli: Cli) -> None:
    name = "100%, a:b.toml"
    Path(name).write_text('[profiles."100%\\n"]\nbase_url = "https://a.omniapp.co"\n')
    ran = cli("lint", "--format", "github", name)
    assert ran.out.startswith(
        "::error file=100%25%2C a%3Ab.toml,line=1,col=11,title=OP203::`100%25\\n` is not a valid name"
    )
    assert ran.out.count("\n") == 1


def test_warnings_fail_only_when_strict(cli: Cli) -> None:
    cli.profiles('[instances.spare]\nbase_url = "https://a.omniapp.co"\n' + GOOD)
    ran = cli("lint")
    assert (ran.status, "OP406" in ran.out, "(warning)" in ran.out) == (0, True, True)
    assert cli("lint", "--strict").status == 1
    assert "1 warning" in ran.err


def test_a_syntax_error_is_a_finding_here_and_exit_3_elsewhere(cli: Cli) -> None:
    cli.profiles("[profiles.a\n")
    assert cli("lint").status == 1
    assert cli("list").status == 3


# --- which files -------------------------------------------------------------------------------------------------------


def test_the_neighbours_of_a_file_are_checked_with_it(cli: Cli) -> None:
    main = cli.profiles('[instances.acme]\nbase_url = "https://a.omniapp.co"\n')
    drop_in = cli.profiles('[profiles.a]\ninstance = "acme"\n', "profiles.d/a.toml")
    for given in (main, drop_in):
        ran = cli("lint", str(given), status=0)
        assert "2 files checked" in ran.err
    os.chdir(drop_in.parent)
    cli.profiles('[profiles.a]\ninstance = "acne"\n', "profiles.d/a.toml")
    ran = cli("lint", "../profiles.d/a.toml")
    assert ran.out.startswith("../profiles.d/a.toml:2:12: OP401")


def test_two_configurations_are_not_mixed(cli: Cli) -> None:
    for host in ("laptop", "server"):
        Path(host).mkdir()
        Path(host, "profiles.toml").write_text(GOOD)
    assert cli("lint", "laptop/profiles.toml", "server/profiles.toml").status == 0
    Path("a.toml").write_text(GOOD)
    Path("b.toml").write_text(GOOD)
    assert "OP403" in cli("lint", "a.toml", "b.toml").out, "others that are given are taken together"


def test_the_pin_is_checked_too(cli: Cli) -> None:
    cli.profiles(GOOD)
    pin = cli.work / ".omniprofile.toml"
    pin.write_text('profile = "a"\n')
    assert cli("lint").status == 0
    pin.write_text('profile = "A"\n')
    ran = cli("lint")
    assert (ran.status, "did you mean `a`" in ran.out) == (1, True)
    assert ran.out.startswith(f"{pin}:1:11: OP401")
    for name, near in (("my prod", "my-prod"), ("-a", "a"), ("\u00e4", "a")):
        pin.write_text(f'profile = "{name}"\n')
        for argv in (["lint"], ["lint", str(pin)]):
            ran = cli(*argv)
            assert ran.out.startswith(f"{pin}:1:11: OP203 the pin names `{name}`, which is not a valid profile name"), (
                ran
            )
            assert (ran.status, f"the nearest valid name is `{near}`" in ran.out) == (1, True)
    pin.write_text(f'profile = "{CANARY}"\n')
    assert [line.split()[1] for line in cli("lint").out.splitlines() if ": OP" in line] == ["OP301"]
    pin.write_text(f'profile = "a"\nkey = "{CANARY}"\n')
    assert f"{pin}:2:8: OP301" in cli("lint").out
    os.remove(pin)
    os.mkfifo(pin)
    assert f"{pin}:1:1: OP101" in cli("lint").out


def test_standard_input_is_a_file_like_any_other(cli: Cli) -> None:
    ran = cli("lint", "-", stdin="[profiles.a]\nprotectd = true\n")
    assert ran.out.startswith("<stdin>:2:1: OP201")
    cli.profiles('[instances.acme]\nbase_url = "https://a.omniapp.co"\n')
    name = str(cli.config.parent / "profiles.d/new.toml")
    unsaved = '[profiles.a]\ninstance = "acme"\n'
    assert cli("lint", "-", "--stdin-filename", name, stdin=unsaved).status == 0
    assert cli("lint", "-", "--stdin-filename", name, stdin=unsaved.replace("acme", "acne")).status == 1
    assert cli("lint", "-", "--fix", stdin=GOOD).status == 2


@pytest.mark.parametrize("kind", ["gone", "folder", "fifo", "secret", "loop", "huge", "device"])
def test_an_unreadable_file_is_a_finding(kind: str, cli: Cli) -> None:
    path = Path(kind)
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "secret":
            path.write_text(GOOD)
            path.chmod(0)
            if os.access(path, os.R_OK):
                os.remove(path)  # root can read everything
                path.symlink_to("/proc/1/mem/none")
        case "loop":
            path.symlink_to("loop")
        case "huge":
            with path.open("wb") as file:
                file.truncate(17 * 1024 * 1024)
        case "device":
            path.symlink_to("/dev/zero")
    ran = cli("lint", kind, status=1)
    assert ran.out.startswith(f"{kind}:1:1: OP101")


def test_a_file_that_vanishes_or_changes_between_two_reads(cli: Cli) -> None:
    """Lint while another process replaces, truncates and removes the file: always findings, never a traceback."""
    file = cli.profiles(GOOD)
    storm = (
        "import os, sys\n"
        "path, end = sys.argv[1], 400\n"
        "for turn in range(end):\n"
        "    if turn % 4 == 0: open(path, 'w').close()\n"
        "    if turn % 4 == 1: open(path, 'w').write('[profiles.a')\n"
        "    if turn % 4 == 2: os.remove(path)\n"
        "    if turn % 4 == 3: open(path, 'w').write('[profiles.a]\\nprotectd = true\\n' * 50)\n"
    )
    with subprocess.Popen([sys.executable, "-c", storm, file]) as writer:
        while writer.poll() is None:
            assert cli("lint", str(file)).status in (0, 1)
            assert cli("lint").status in (0, 1)
    assert writer.returncode == 0


# --- fixes -------------------------------------------------------------------------------------------------------------

BROKEN = (
    "# dotfiles\r\n"
    'version = "1"\r\n'
    "[settings]\r\n"
    'allowed_hosts = ["https://bi.acme.example/"]   # the board\r\n'
    "[profiles.a]   # omniprofile: ignore[OP206]\r\n"
    "  'baseUrl'='acme.omniapp.co/login'# no blank\r\n"
    'Auth = "OAuth"\r\n'
    "\tprotected = 'True'\r\n"
    "[profiles.b] # omniprofile: ignore[OP303, OP206]\r\n"
    'base_url = "http://b.omniapp.co/"\r\n'
)
FIXED = (
    "# dotfiles\r\n"
    "version = 1\r\n"
    "[settings]\r\n"
    'allowed_hosts = ["bi.acme.example"]   # the board\r\n'
    "[profiles.a]\r\n"
    '  base_url="https://acme.omniapp.co"# no blank\r\n'
    'auth = "oauth"\r\n'
    "\tprotected = true\r\n"
    "[profiles.b]\r\n"
    'base_url = "https://b.omniapp.co"\r\n'
)


def test_fix_changes_what_cannot_be_wrong_and_nothing_else(cli: Cli) -> None:
    """The file is a link into a repository, with a byte-order mark and a special mode; `--diff` shows the change first."""
    repository = cli.work / "dotfiles.toml"
    repository.write_bytes(b"\xef\xbb\xbf" + BROKEN.encode())
    repository.chmod(0o640)
    link = cli.config
    link.parent.mkdir(parents=True)
    link.symlink_to(repository)
    shown = cli("lint", "--diff", status=1)
    assert repository.read_bytes() == b"\xef\xbb\xbf" + BROKEN.encode()
    assert [line for line in shown.out.splitlines() if line.startswith("+")][1:] == [
        f"+{line}" for line in FIXED.splitlines() if line not in BROKEN.splitlines()
    ]
    cli("lint", "--fix", status=0)
    assert repository.read_bytes() == b"\xef\xbb\xbf" + FIXED.encode()
    assert link.is_symlink()
    assert stat.S_IMODE(repository.stat().st_mode) == 0o640
    again = cli("lint", "--fix", "--strict")
    assert (again.status, again.out) == (0, ""), again
    assert repository.read_bytes() == b"\xef\xbb\xbf" + FIXED.encode()


def test_fix_does_not_guess(cli: Cli) -> None:
    text = (
        '[profiles.a]\nbase_url = "https://a.omniapp.co"\nprotectd = true\nurl = "x"\nauth = "basic"\n'
        'BASE_URL = "https://b.omniapp.co"\nexpect = { role = "x" }\nkey = "hunter2"\n'
    )
    file = cli.profiles(text)
    ran = cli("lint", "--fix", status=1)
    assert file.read_text() == text
    assert "hunter2" not in ran.out + cli("lint", "--diff").out


def test_fix_masks_secrets_in_its_diff(cli: Cli) -> None:
    cli.profiles(f'version = "1"\n[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = "hunter2"\n# {CANARY}\n')
    ran = cli("lint", "--diff")
    assert "-version" in ran.out
    assert "hunter2" not in ran.out


def test_fix_of_a_read_only_folder_says_what_to_write(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    file = cli.profiles(BROKEN)
    file.write_bytes(BROKEN.encode() + b'key = "hunter2"\n')
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    ran = cli("lint", "--fix", status=1)
    assert "by hand" in ran.err
    assert "+version = 1" in ran.err
    assert "hunter2" not in ran.err
    assert file.read_bytes() == BROKEN.encode() + b'key = "hunter2"\n'


def test_fix_changes_each_file_of_several(cli: Cli) -> None:
    main = cli.profiles("Version = 1\n" + GOOD)
    other = cli.profiles('[profiles.b]\nbaseUrl = "https://b.omniapp.co"\n', "profiles.d/b.toml")
    ran = cli("lint", "--fix", status=0)
    assert main.read_text() == "version = 1\n" + GOOD
    assert other.read_text() == '[profiles.b]\nbase_url = "https://b.omniapp.co"\n'
    assert ran.err.count("1 mistake fixed") == 2


def test_a_file_under_two_names_is_checked_once(cli: Cli, tmp_path: Path) -> None:
    folder = cli.work
    (folder / "a.toml").write_text('version = 1\n[profiles.p]\nbase_url = "https://a.omniapp.co"\n')
    (folder / "link.toml").symlink_to("a.toml")
    assert "1 file checked" in cli("lint", "a.toml", "./a.toml", str(folder / "a.toml"), "link.toml").err
    (folder / "profiles.d").mkdir()
    (folder / "profiles.d" / "b.toml").write_text("version = 1\n")
    (folder / "profiles.toml").write_text("version = 1\n")
    assert "2 files checked" in cli("lint", "profiles.toml", "./profiles.d/b.toml", str(folder / "profiles.toml")).err
