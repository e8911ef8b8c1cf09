"""Output contains no secret, whatever was typed where, and no control sequences from untrusted text."""

import json
import os
import sys
import unicodedata
from pathlib import Path

import pytest

from omniprofile.cli import fast_path
from omniprofile.cli.style import as_json, shown
from omniprofile.model.secret import MASK, masked, remember
from omniprofile.model.shell_words import quoted_place
from tests.conftest import Cli, Ran
from tests.programs import run_program

HOSTILE = "\x1b]52;c;ZXZpbA==\x07 \x1b]8;;https://evil.example\x1b\\ \x9b31m \u202e \u200d \u2066 \x7f \x08"
KEY = "omni_osk_Qw7Zk2Xv9Lb4Nt6Rj1"
OPAQUE = "hunter2Hunter2Hunter2"
PROFILE = '[profiles.p]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "ACME_KEY" }\n'


def raw(text: str) -> set[str]:
    """Return the characters of a text that a terminal may interpret."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") and char not in "\n\t"}


def lines() -> list[list[str]]:
    """Return command lines of every kind, with hostile texts in place of user and file input."""
    return [
        *[
            [*words, *form]
            for words in (["list"], ["show", "p"], ["explain", "p"], ["current"])
            for form in ([], ["--json"])
        ],
        *[["lint", "--format", form] for form in ("human", "json", "sarif", "github")],
        ["lint", f"no-{HOSTILE}"],
        ["doctor", "--offline"],
        ["doctor", "--offline", "--json"],
        ["use", HOSTILE],
        ["use", HOSTILE, "--json"],
        ["set", "p", "description", f"x{HOSTILE}", "--diff"],
        ["set", "p", HOSTILE, "x"],
        ["add", HOSTILE, "--base-url", "https://a.omniapp.co"],
        ["add", "q", "--base-url", f"https://{HOSTILE}.omniapp.co"],
        ["add", "q", "--base-url", "https://a.omniapp.co", "--file", HOSTILE],
        ["rename", "p", HOSTILE],
        ["remove", HOSTILE, "--yes"],
        ["import", "dotenv", HOSTILE],
        ["export", "omni-cli", "--dry-run"],
        ["exec", "p", "--", HOSTILE],
        ["token", HOSTILE],
        [HOSTILE],
        ["list", f"--{HOSTILE}"],
        ["test", HOSTILE, "--format", "junit"],
        ["--config", HOSTILE, "list"],
    ]


@pytest.mark.parametrize("argv", lines(), ids=lambda argv: " ".join(argv[:2]).encode("unicode_escape").decode()[:30])
def test_no_text_of_others_reaches_a_terminal_raw(cli: Cli, argv: list[str], tmp_path: Path) -> None:
    folder = tmp_path / "work" / "a\x1b]0;evil\x07\x9b\u202e"
    folder.mkdir()
    (folder / ".omniprofile.toml").write_text('profile = "p"\n', encoding="utf-8")
    quoted = json.dumps(HOSTILE + " \u061c").replace("\x7f", "\\u007f")
    cli.profiles(
        f"version = 1\n{PROFILE}description = {quoted}\n[profiles.p.env]\nTEXT = {quoted}\n{quoted} = 1\n# \x9b \u202e\n"
    )
    if argv[0] not in ("lint", "doctor"):
        cli.profiles(f"version = 1\n{PROFILE}description = {quoted}\nenv = {{ TEXT = {quoted} }}\n# \x9b \u202e\n")
    ran = cli(*argv, cwd=folder, env={"ACME_KEY": "k" * 20})
    assert not raw(ran.out), ran.out
    assert not raw(ran.err), ran.err


def test_json_gives_the_very_characters_that_it_escapes(cli: Cli) -> None:
    quoted = json.dumps(HOSTILE).replace("\x7f", "\\u007f")
    cli.profiles(f"version = 1\n{PROFILE}description = {quoted}\n")
    assert json.loads(cli("list", "--json").out)["profiles"][0]["description"] == HOSTILE
    assert json.loads(as_json({"\x7f\u202e\U000e0001": "\ud800"})) == {"\x7f\u202e\U000e0001": "\ud800"}


WRONG = {
    "description": f'description = "{KEY}"',
    "env value": f'env = {{ X = "{KEY}" }}',
    "secret variable": f'env = {{ MCP_TOKEN = "{OPAQUE}" }}',
    "key": f'key = "{OPAQUE}"',
    "key.env": f'key = {{ env = "{KEY}" }}',
    "opaque key.env": f'key = {{ env = "{OPAQUE}" }}',
    "printed": f'key = {{ command = ["echo", "{OPAQUE}"] }}',
    "option": f'key = {{ command = ["get", "--token", "{OPAQUE}"] }}',
    "escaped": f'description = "\\u006f{KEY[1:]}"',
    "beside another finding": f'key = {{ command = ["echo", "{OPAQUE}"], tiemout = 3 }}',
    "comment": f"# token: {OPAQUE}",
    "a file that does not parse": f'"{KEY}',
    "userinfo": f'base_url = "https://me:{OPAQUE}@acme.omniapp.co"',
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_a_secret_in_the_wrong_place_of_a_file_is_shown_by_no_command(cli: Cli, wrong: str) -> None:
    address = "" if "base_url" in wrong else 'base_url = "https://acme.omniapp.co"\n'
    cli.profiles(f"version = 1\n[profiles.p]\n{address}{wrong}\n")
    ran: list[Ran] = [cli("lint", "--format", form) for form in ("human", "json", "sarif", "github")]
    ran += [
        cli("-v", "-v", *words, *form)
        for words in (["show", "p"], ["explain", "p"], ["list"], ["current"])
        for form in ([], ["--json"])
    ]
    ran += [cli("set", "p", "protected", "true", "--diff"), cli("doctor", "--offline")]
    for one in ran:
        assert KEY[9:14] not in one.out + one.err, str(one)
        assert OPAQUE not in one.out + one.err, str(one)


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.mark.parametrize("name", [KEY, f"my-{KEY}", JWT])
@pytest.mark.parametrize("table", ["profiles", "instances"])
def test_no_name_may_be_a_key_and_none_is_shown(cli: Cli, name: str, table: str) -> None:
    cli.profiles(f'version = 1\n[{table}."{name}"]\nbase_url = "https://acme.omniapp.co"\n')
    (cli.state / "active").parent.mkdir(parents=True, exist_ok=True)
    (cli.state / "active").write_text(f"{name}\n")
    commands = [
        ["current"],
        ["__complete", "profiles"],
        ["list"],
        ["use", name],
        ["exec", name, "--", "true"],
        ["lint"],
    ]
    for argv in [*commands, ["init", "--name", name, "--base-url", "https://acme.omniapp.co"], ["rename", "x", name]]:
        ran = cli(*argv)
        assert ran.status != 0, ran
        assert name[-12:] not in ran.out + ran.err, ran
        assert fast_path.answer(argv, os.environ, sys.platform) is None


def test_obtained_secrets_are_masked_in_any_spelling_or_part() -> None:
    secret = 'a<b&"c"%\u00e9 secret/with+all'
    remember(secret)
    for text in (secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), f"server said {secret[:12]}…"):
        assert "a<b&" not in shown(text)
        assert MASK in shown(text)
    assert json.loads(as_json({secret: [secret]})) == {MASK: [MASK]}
    assert json.loads(as_json(secret, exact=True)) == secret


def test_a_short_line_of_a_secret_is_masked_with_the_whole() -> None:
    remember("first-of-all")
    remember("first-line\nc3\nlast-line")
    assert masked("it is first-line\nc3\nlast-line.") == f"it is {MASK}."
    assert masked("last-line and first-line") == f"{MASK} and {MASK}"


def test_the_public_prefix_of_a_key_is_shown_in_an_example() -> None:
    remember("omni_osk_abcdefgh")
    assert masked("a key is one line, such as `omni_osk_\u2026`") == "a key is one line, such as `omni_osk_\u2026`"
    assert masked("`omni_osk_ab\u2026`") == f"`{MASK}\u2026`"


@pytest.mark.parametrize("count", [1, 300, 5000], ids="of {}".format)
def test_the_latest_of_many_secrets_are_masked_wherever_they_stand(count: int) -> None:
    """Secrets are found by their prefixes, which many share: keys of one kind, JSON Web Tokens."""
    for number in range(count):
        remember(f"omni_x_{number:08}")
        remember(f"{number:08}/é")
    latest = f"omni_x_{count - 1:08}"
    for text, expected in (
        (latest, MASK),
        (f"a {latest}, b {count - 1:08}/é {count - 1:08}", f"a {MASK}, b {MASK} {count - 1:08}"),
        (f"{count - 1:08}%2F%C3%A9{latest}", MASK + MASK),
        (f"{latest}{'.' * 20_000}{latest}", f"{MASK}{'.' * 20_000}{MASK}"),
        (f"cut short: {latest[:9]}…", f"cut short: {MASK}…"),
        (latest[:9], latest[:9]),
        ("omni_", "omni_"),
        ("", ""),
    ):
        assert masked(text) == expected


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (("token", "p", "--json"), 4),
        (("token", "p", "--header"), 4),
        (("token", "p", "--json", "--bogus"), 2),
        (("env", "p", "--shell", "json"), 4),
    ],
)
def test_an_error_of_what_gives_a_credential_goes_to_stderr_alone(cli: Cli, argv: tuple[str, ...], status: int) -> None:
    cli.profiles(f"version = 1\n{PROFILE}")
    ran = cli(*argv)
    assert (ran.status, ran.out) == (status, "")
    assert "error: " in ran.err


def test_a_json_option_of_the_child_is_the_child_s(cli: Cli) -> None:
    assert cli("exec", "--bogus", "--", "foo", "--json").out == ""
    assert json.loads(cli("list", "--bogus", "--json").out)["error"]["code"] == "usage"


@pytest.mark.parametrize("path", ["/a b/c", "/it's", "/" + "x" * 500, "/\x1b]0;a\x07\u202e'\\n", "/caf\u00e9"])
def test_a_path_in_a_command_to_paste_is_whole_and_means_that_path(path: str) -> None:
    word = quoted_place(path)
    assert word.isprintable()
    given = run_program(["bash", "-c", f"printf %s {word}"], check=True).stdout
    assert given == path


def test_the_demo_says_that_it_needs_a_folder(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    ran = cli("demo", status=1)
    assert "the demo needs a temporary folder that can be written" in ran.err
    assert "TMPDIR" in ran.err
