"""`edit`: the user's editor works on a copy, which replaces the file once it lints."""

import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pexpect
import pytest

from tests.cli.terminal import spawn
from tests.conftest import Cli

TEXT = '# mine\n[profiles.a]\nbase_url = "https://a.omniapp.co"'
Editor = Callable[[str], dict[str, str]]


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    """An editor that executes a line of Python, with `path`, `text` and `save(text)`."""

    def made(line: str) -> dict[str, str]:
        script = tmp_path / "my editor"
        body = (
            f"#!{sys.executable}\nimport pathlib, sys\npath = pathlib.Path(sys.argv[-1])\n"
            "text = path.read_bytes().decode()\nsave = lambda text: path.write_bytes(text.encode())\n"
        )
        script.write_text(f"{body}{line}\n")
        script.chmod(0o755)
        return {"VISUAL": f"'{script}' --wait", "EDITOR": "false"}

    return made


def test_a_file_that_lints_is_saved_byte_for_byte(cli: Cli, editor: Editor) -> None:
    file = cli.profiles(TEXT)
    file.chmod(0o640)
    ran = cli("edit", env=editor("save(text + '\\r\\nauth = \"oauth\"')"), status=0)
    assert file.read_bytes() == (TEXT + '\r\nauth = "oauth"').encode()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert f"`{file}` was saved" in ran.err


def test_nothing_changed_is_nothing_written(cli: Cli, editor: Editor) -> None:
    file = cli.profiles(TEXT)
    before = file.stat().st_mtime_ns
    ran = cli("edit", env=editor("pass"), status=0)
    assert "nothing was changed" in ran.err
    assert file.stat().st_mtime_ns == before


def test_without_a_terminal_what_does_not_lint_is_refused_and_kept_in_the_copy(cli: Cli, editor: Editor) -> None:
    file = cli.profiles(TEXT)
    ran = cli("edit", env=editor("save(text + '\\nauth = \"bogus\"\\n')"), status=3)
    assert f"{file}:4:8" in ran.err
    assert file.read_text() == TEXT
    (copy,) = re.findall(r"what you wrote is in `(.*)`", ran.err)
    assert Path(copy).read_text() == TEXT + '\nauth = "bogus"\n'
    assert Path(copy).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("sys.exit(3)", 1, "exited with status 3"),
        ("path.unlink()", 3, "left no file"),
        ("import os; save('lost'); os.kill(os.getpid(), 15)", 1, "was ended by signal SIGTERM"),
        ("save('')", 6, "profiles.toml` empty"),
        ("save(' \\n\\t\\r\\n')", 6, "profiles.toml` empty"),
    ],
)
def test_an_editor_that_fails_changes_nothing(cli: Cli, editor: Editor, line: str, status: int, says: str) -> None:
    file = cli.profiles(TEXT)
    ran = cli("edit", env=editor(line), status=status)
    assert says in ran.err
    assert file.read_text() == TEXT


@pytest.mark.parametrize(
    ("options", "waits"), [("", False), (" --new-window", False), (" --wait", True), (" -w", True), (" -nw", True)]
)
def test_an_editor_with_a_window_needs_its_wait_option(cli: Cli, tmp_path: Path, options: str, waits: bool) -> None:
    file, editor = cli.profiles(TEXT), tmp_path / "code"
    editor.write_text('#!/bin/sh\nfor last; do :; done; echo >> "$last"\n')
    editor.chmod(0o755)
    ran = cli("edit", env={"VISUAL": f"{editor}{options}"})
    if waits:
        assert (ran.status, file.read_text()) == (0, TEXT + "\n")
    else:
        assert (ran.status, file.read_text()) == (2, TEXT)
        assert f"hint: set `VISUAL` to `{editor}{options} --wait`" in ran.err


def test_a_missing_editor_is_reported(cli: Cli) -> None:
    cli.profiles(TEXT)
    ran = cli("edit", env={"VISUAL": "no-such-editor"}, status=1)
    assert "`no-such-editor` cannot be run" in ran.err
    assert cli("edit", env={"VISUAL": "", "EDITOR": "", "PATH": "/nonexistent"}).status == 2


def test_without_a_terminal_no_editor_is_chosen_that_would_wait_for_keys(cli: Cli, tmp_path: Path) -> None:
    file = cli.profiles(TEXT)
    usual = tmp_path / "bin" / "vi"
    usual.parent.mkdir()
    usual.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    usual.chmod(0o755)
    ran = cli("edit", env={"VISUAL": "", "EDITOR": "", "PATH": str(usual.parent)}, status=2)
    assert "hint: set `EDITOR`" in ran.err
    assert not (tmp_path / "started").exists()
    assert file.read_text() == TEXT


def test_a_file_that_changed_meanwhile_is_not_overwritten(cli: Cli, editor: Editor) -> None:
    file = cli.profiles(TEXT)
    other = f"pathlib.Path({str(file)!r}).write_text({TEXT + '  # theirs'!r})"
    ran = cli("edit", env=editor(f"save(text + ' # mine'); {other}"))
    assert ran.status == 1
    assert "was changed by another program meanwhile" in ran.err
    assert file.read_text() == TEXT + "  # theirs"
    assert "what you wrote is in" in ran.err


def test_edit_of_a_profile_opens_the_file_that_defines_it(cli: Cli, editor: Editor) -> None:
    cli.profiles(TEXT)
    drop_in = cli.profiles('[profiles.b]\nextends = "a"\n', "profiles.d/b.toml")
    assert cli("edit", "b", env=editor("save(text + '# edited\\n')")).status == 0
    assert drop_in.read_text().endswith("# edited\n")
    assert cli("edit", "nobody", env=editor("pass")).status == 5


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_the_copy_of_an_edit_that_was_killed_is_removed_by_the_next_unless_something_was_written(
    cli: Cli, editor: Editor, process: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    cli.profiles(TEXT)
    drafts, kill = cli.state / "drafts", "import os; os.kill(os.getppid(), 9)"
    assert process("edit", env=editor(kill)).returncode == -9
    (left,) = drafts.iterdir()
    assert stat.S_IMODE(drafts.stat().st_mode) == stat.S_IMODE(left.stat().st_mode) == 0o700
    assert process("edit", env=editor(f"save(text + '# mine'); {kill}")).returncode == -9
    (written,) = drafts.iterdir()
    assert written != left
    ran = cli("edit", env=editor("pass"))
    assert f"what it had written is in `{written}`" in ran.err
    assert (written / "profiles.toml").read_text() == TEXT + "# mine"
    ran = cli("edit", env=editor("pass"))
    assert "interrupted" not in ran.err, "it is said once, and kept"
    assert list(drafts.iterdir()) == [written]


def test_edit_creates_a_missing_file(cli: Cli, editor: Editor) -> None:
    assert cli("edit", env=editor("pass")).status == 0
    assert not cli.config.exists()
    assert cli("edit", env=editor("save(text.replace('# [', '[').replace('# base', 'base'))")).status == 0
    assert cli("lint").status == 0
    assert cli("list").status == 0


@pytest.mark.parametrize(
    ("answers", "status", "saved"),
    [(["s", "y"], 0, True), (["s", "n", "l"], 130, False), (["l"], 130, False), (["e", "l"], 130, False)],
)
def test_on_a_terminal_one_is_asked_before_anything_invalid_is_saved(
    cli: Cli, editor: Editor, answers: list[str], status: int, saved: bool
) -> None:
    file = cli.profiles(TEXT)
    child = spawn(
        "edit",
        env={**os.environ, "TERM": "xterm", **editor("save(text + '\\nauth = \"bogus\"\\n')")},
        timeout=60,
        dimensions=(40, 200),
    )
    for answer in answers:
        child.expect_exact("[y/N] " if answer in ("y", "n") else "[E/s/l] ")
        assert file.read_text() == TEXT
        child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == status, child.before
    assert ("bogus" in file.read_text()) == saved


@pytest.mark.parametrize(("answer", "status", "left"), [("n", 6, TEXT), ("y", 0, "")])
def test_on_a_terminal_one_is_asked_before_an_empty_file_is_saved(
    cli: Cli, editor: Editor, answer: str, status: int, left: str
) -> None:
    file = cli.profiles(TEXT)
    child = spawn("edit", env={**os.environ, "TERM": "xterm", **editor("save('')")}, timeout=60, dimensions=(40, 200))
    child.expect_exact("Really save an empty file? [y/N] ")
    assert file.read_text() == TEXT
    child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == status, child.before
    assert file.read_text() == left


def test_removing_and_init_ask_on_a_terminal(cli: Cli, tmp_path: Path) -> None:
    file = cli.profiles(TEXT)
    for answer, status in (("n", 6), ("y", 0)):
        child = spawn(
            "remove", "a", "--leave-secret", env={**os.environ, "TERM": "xterm"}, timeout=60, dimensions=(40, 200)
        )
        child.expect_exact("remove the profile `a` (https://a.omniapp.co)? [y/N] ")
        child.sendline(answer)
        child.expect(pexpect.EOF)
        child.close()
        assert child.exitstatus == status, child.before
    assert file.read_text() == "# mine"


def _spawn(*argv: str, **environ: str) -> pexpect.spawn:
    return spawn(*argv, env={**os.environ, "TERM": "xterm", **environ}, timeout=60, dimensions=(40, 200))


@pytest.mark.parametrize("key", ["\x03", "\x1c"], ids=["Ctrl-C", "SIGQUIT"])
def test_keys_that_interrupt_are_the_editor_s(cli: Cli, tmp_path: Path, key: str) -> None:
    file = cli.profiles(TEXT)
    script = tmp_path / "ed"
    script.write_text(
        '#!/bin/sh\ntrap "echo caught" INT QUIT\necho ready\nread line\nread line\necho "# edited" >> "$1"\n'
    )
    script.chmod(0o700)
    child = _spawn("edit", EDITOR=str(script))
    child.expect_exact("ready")
    child.send(key)
    child.expect_exact("caught")
    child.sendline("")
    child.sendline("")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0, child.before
    assert file.read_text().endswith("# edited\n")


def test_remove_asks_in_the_future_tense_and_reports_in_the_past(cli: Cli) -> None:
    cli.profiles(TEXT)
    child = _spawn("remove", "a", "--leave-secret")
    child.expect_exact("this will:\r\n  remove `a` from ")
    child.expect_exact("[y/N] ")
    child.sendline("n")
    child.expect_exact("not confirmed: nothing was changed")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 6
    assert "removed `a` from" in cli("remove", "a", "--yes", "--leave-secret").err


def test_init_asks_nothing_that_was_given(cli: Cli) -> None:
    child = _spawn("init", "--name", "a", "--base-url", "https://a.omniapp.co", OMNIPROFILE_SECRET_STORE="file")
    child.expect_exact("API key for a (Enter alone: log in by the browser): ")
    assert "?" not in child.before
    child.sendcontrol("c")
    child.expect(pexpect.EOF)


@pytest.mark.parametrize(
    ("host", "meant"),
    [
        ("acme.omniap.co", "acme.omniapp.co"),
        ("acme.omniapp.com", "acme.omniapp.co"),
        ("acme.omniapp.dev", "acme.omniapp.co"),
        ("acmeomniapp.co", "acme.omniapp.co"),
        ("acme.omni.app.co", "acme.omniapp.co"),
        ("a.b.exploreomin.dev", "a.b.exploreomni.dev"),
        ("acme.exploreomni.com", "acme.exploreomni.dev"),
        ("acme.embed-omniap.co", "acme.embed-omniapp.co"),
        ("acme.thundersalmond.com", "acme.thundersalmon.com"),
        ("myorg.omni.co", "myorg.omniapp.co"),
        ("omni.co", None),
        ("bi.acme.example", None),
        ("omniapp.co.evil.example", None),
    ],
)
def test_a_misspelt_omni_host_offers_the_right_one_and_no_allow_list(cli: Cli, host: str, meant: str | None) -> None:
    adding = cli("add", "a", "--base-url", f"https://{host}").err
    cli.profiles(f'version = 1\n[profiles.a]\nbase_url = "https://{host}"\nkey = {{ env = "K" }}\n')
    for text in (adding, cli("token", "a", env={"K": "k" * 20}).err, cli("lint").out):
        assert (f"did you mean `{meant}`?" in text) == (meant is not None), text
        assert ("allowed_hosts` in `[settings]`" in text) == (meant is None), text


def test_nobody_is_accused_of_a_command_line_that_held_no_secret(cli: Cli, tmp_path: Path) -> None:
    cli.profiles(TEXT)
    vendor = tmp_path / "config.json"
    key = "omni_osk_Qw7Zk2Xv9Lb4"
    entry = {"apiEndpoint": "https://b.omniapp.co", "authMethod": "api-key", "apiKey": "k" * 20}
    vendor.write_text(json.dumps({"version": 1, "profiles": {key: entry}}))
    ran = cli("import", "omni-cli", str(vendor), env={"OMNIPROFILE_SECRET_STORE": "file"}, status=6)
    assert "command line" not in ran.err
