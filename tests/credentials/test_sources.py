"""Key sources: variables, files and commands, the real `pass` among them."""

import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.credentials import key_file
from omniprofile.credentials.key_check import checked_key
from omniprofile.credentials.key_command import CHAIN_VARIABLE
from omniprofile.credentials.key_file import read_token_file
from omniprofile.credentials.sources import read_key
from omniprofile.errors import Error, KeySourceFailed, UnsafePermissions
from omniprofile.model.declaration import KeySource
from omniprofile.model.secret import LONGEST_KEY
from tests.conftest import CANARY
from tests.programs import run_program
from tests.waiting import FOR_EVER, PATIENCE, wait_until, without_waiting


def told_nothing(sentence: str) -> None:
    """Fail if a message is printed."""
    raise AssertionError(sentence)


GOOD = {
    "bare": CANARY,
    "newline": f"{CANARY}\n",
    "windows newline": f"{CANARY}\r\n",
    "largest": "k" * LONGEST_KEY + "\r\n",
}

BAD = {
    "empty": ("", "is empty"),
    "only a newline": ("\n", "is empty"),
    "two newlines": (f"{CANARY}\n\n", "empty line"),
    "two lines": (f"{CANARY}\n{CANARY}\n", "several lines"),
    "old Mac lines": (f"{CANARY}\rx", "several lines"),
    "a second line of one letter": (f"{CANARY}\nX\n", "several lines"),
    "an old Mac's second line of one letter": (f"{CANARY}\rX\r", "several lines"),
    "a line of spaces": (f"{CANARY}\n ", "several lines"),
    "an old Mac's line of spaces": (f"{CANARY}\r ", "several lines"),
    "an old Mac's newline": (f"{CANARY}\r", "empty line"),
    "leading newline": (f"\n{CANARY}", "several lines"),
    "NUL": (f"{CANARY}\0", "NUL"),
    "space inside": (f"{CANARY} {CANARY}", "space"),
    "space before": (f" {CANARY}", "space"),
    "space after": (f"{CANARY} \n", "space"),
    "tab": (f"{CANARY}\t", "character that no key has"),
    "escape": (f"\x1b[31m{CANARY}", "character that no key has"),
    "delete": (f"{CANARY}\x7f", "character that no key has"),
    "bidi": (f"{CANARY}\u202e", "character that no key has"),
    "line separator": (f"{CANARY}\u2028x", "character that no key has"),
    "byte order mark": (f"\ufeff{CANARY}", "byte order mark"),
    "not ASCII": (f"{CANARY}é", "character that no key has"),
    "too large": ("k" * (LONGEST_KEY + 1), "larger than 64 KiB"),
    "a line after the largest": ("k" * LONGEST_KEY + "\r\nk", "larger than 64 KiB"),
}


def get(source: KeySource, environ: dict[str, str] | None = None, *, profile: str = "ci") -> str:
    """Return the key of a source."""
    environ = {**os.environ, **(environ or {})}
    return read_key(
        source, profile=profile, base_url="https://acme.omniapp.co", environ=environ, interactive=False
    ).reveal()


def command(*argv: str, timeout: float = 30.0) -> KeySource:
    """A command source."""
    return KeySource("command", argv=argv, timeout=timeout)


def failure(source: KeySource, environ: dict[str, str] | None = None, *, profile: str = "ci") -> Error:
    """Return the error of a source, which must not contain the canary."""
    with pytest.raises(Error) as caught:
        get(source, environ, profile=profile)
    problem: BaseException | None = caught.value
    while problem is not None:
        assert CANARY not in f"{problem!r} {problem}"
        problem = problem.__cause__ or problem.__context__
    assert CANARY not in str(caught.value.hint)
    assert f"`{profile}`" in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize("text", GOOD.values(), ids=GOOD)
def test_one_line_is_a_key_whatever_source_it_comes_from(text: str, tmp_path: Path) -> None:
    key = text.rstrip("\r\n")
    path = tmp_path / "key"
    path.write_bytes(text.encode())
    path.chmod(0o600)

    assert checked_key(text, "it").reveal() == key
    assert get(KeySource("file", path=str(path))) == key
    assert get(command("cat", str(path))) == key
    assert read_token_file(str(path), stdin=io.BytesIO(), tell=told_nothing).reveal() == key
    assert read_token_file("-", stdin=io.BytesIO(text.encode()), tell=told_nothing).reveal() == key
    if len(text) < LONGEST_KEY:  # the kernel lets one variable have 128 KiB, but let us not try
        assert get(KeySource("env", variable="ACME_KEY"), {"ACME_KEY": text}) == key


@pytest.mark.parametrize(("text", "why"), BAD.values(), ids=BAD)
def test_anything_else_is_refused_with_the_reason_whatever_source_it_comes_from(
    text: str, why: str, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    path.write_bytes(text.encode())
    path.chmod(0o600)
    whys = (why, "more than 64 KiB") if "larger" in why else (why,)  # a stream's reader stops before it knows the size

    with pytest.raises(KeySourceFailed, match=why):
        checked_key(text, "it")
    for source in (KeySource("file", path=str(path)), command("cat", str(path))):
        error = failure(source)
        assert isinstance(error, KeySourceFailed)
        assert any(part in error.message for part in whys), error.message
    for path_given in (str(path), "-"):
        with pytest.raises(KeySourceFailed) as caught:
            read_token_file(path_given, stdin=io.BytesIO(text.encode()), tell=told_nothing)
        assert any(part in caught.value.message for part in whys)
        assert CANARY not in caught.value.message
    if text and "\0" not in text and len(text) < LONGEST_KEY:
        assert why in failure(KeySource("env", variable="ACME_KEY"), {"ACME_KEY": text}).message


@given(st.text())
def test_a_checked_key_is_one_word_of_ascii(text: str) -> None:
    try:
        key = checked_key(text, "it").reveal()
    except KeySourceFailed:
        return
    assert key
    assert key in (text, text.removesuffix("\n"), text.removesuffix("\r\n"))
    assert all("!" <= char <= "~" for char in key)


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    for content in (b"\xff\xfek\0e\0y\0", b"key\xe9", b"\xc3"):
        path = tmp_path / "key"
        path.write_bytes(content)
        path.chmod(0o600)
        failure(KeySource("file", path=str(path)))
        failure(command("cat", str(path)))


@pytest.mark.parametrize("environ", [{}, {"ACME_KEY": ""}])
def test_an_empty_variable_is_an_unset_one(environ: dict[str, str]) -> None:
    error = failure(KeySource("env", variable="ACME_KEY"), environ)

    assert error.message == "the key of `ci` cannot be read from environment variable `ACME_KEY`: it is not set"
    assert error.hint == "set `ACME_KEY` to the key"


# Files


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o602])
def test_a_key_file_that_others_can_read_is_refused_even_in_a_private_folder(mode: int, tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    path = tmp_path / "a key"
    path.write_text(CANARY)
    path.chmod(mode)

    error = failure(KeySource("file", path=str(path)))
    assert isinstance(error, UnsafePermissions)
    assert error.hint == f"run `chmod 600 '{path}'`"
    told: list[str] = []
    assert read_token_file(str(path), stdin=io.BytesIO(), tell=told.append).reveal() == CANARY
    assert told == [f"others can read or write the token file `{path}`: `chmod 600 '{path}'` keeps it to you"]


def test_a_key_file_of_mode_0400_and_a_link_to_one_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(CANARY)
    path.chmod(0o400)
    (tmp_path / "link").symlink_to(path)

    assert get(KeySource("file", path=str(tmp_path / "link"))) == CANARY


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(CANARY)
    path.chmod(0o600)
    os.chown(path, 12345, -1)

    assert "another user" in failure(KeySource("file", path=str(path))).message


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a file of root's")
def test_a_key_file_of_root_s_is_fine_for_everybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_text(CANARY)
    path.chmod(0o600)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)

    assert get(KeySource("file", path=str(path))) == CANARY


def test_a_key_in_place_of_a_variables_name_is_recognized() -> None:
    error = failure(KeySource("env", variable=CANARY))
    assert "it is a key, not the name of a variable" in error.message
    assert "`omniprofile login ci`" in str(error.hint)
    assert CANARY not in f"{error.message}{error.hint}"


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for name, why in (
        ("missing", "does not exist"),
        ("fifo", "FIFO"),
        ("loop", "cannot be read"),
        (".", "folder"),
    ):
        path = str(tmp_path / name)
        error = failure(KeySource("file", path=path))
        assert why in error.message
        assert path in error.message


def test_a_pipe_or_standard_input_is_read_no_further_than_a_key_goes(tmp_path: Path) -> None:
    endless = io.BytesIO(b"k" * LONGEST_KEY * 2)
    with pytest.raises(KeySourceFailed, match="larger than 64 KiB"):
        read_token_file("-", stdin=endless, tell=told_nothing)
    assert endless.tell() == LONGEST_KEY + 3, "the largest key, its newline, and one byte that says that there is more"

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused = []

    def write() -> None:
        try:
            pipe.write_bytes(b"k" * LONGEST_KEY * 40)
        except BrokenPipeError as problem:
            refused.append(problem)

    writer = threading.Thread(target=write)
    writer.start()
    with pytest.raises(KeySourceFailed, match="larger than 64 KiB") as caught:
        read_token_file(str(pipe), stdin=io.BytesIO(), tell=told_nothing)
    writer.join()
    assert str(pipe) in caught.value.message
    assert refused


def test_the_largest_key_comes_whole_out_of_a_pipe_as_of_process_substitution(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"k" * LONGEST_KEY + b"\r\n"))
    writer.start()

    assert read_token_file(str(pipe), stdin=io.BytesIO(), tell=told_nothing).reveal() == "k" * LONGEST_KEY
    writer.join()


def test_a_missing_token_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeySourceFailed, match=r"no\\x1bsuch"):
        read_token_file(str(tmp_path / "no\x1bsuch"), stdin=io.BytesIO(), tell=told_nothing)


# Commands


def test_the_error_output_of_a_command_is_shown_and_its_output_never(capfd: pytest.CaptureFixture[str]) -> None:
    error = failure(command("sh", "-c", f"echo {CANARY}; echo why it failed >&2; exit 3"))

    assert "exited with status 3" in error.message
    out, err = capfd.readouterr()
    assert err == "why it failed\n"
    assert out == ""


def test_no_shell_is_involved() -> None:
    assert get(command("printf", "%s", "$HOME;`id`|*")) == "$HOME;`id`|*"


def test_a_command_gets_no_standard_input() -> None:
    assert get(command("sh", "-c", "cat; echo key")) == "key"


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "`no-such-program`: it is not found on `PATH`" in failure(command("no-such-program")).message
    assert "no such file" in failure(command(str(tmp_path / "nothing"))).message
    not_executable = tmp_path / "plain"
    not_executable.write_text("echo key")
    assert "permission denied" in failure(command(str(not_executable))).message
    not_executable.chmod(0o700)
    assert "exec format error" in failure(command(str(not_executable))).message


def test_a_program_of_the_working_directory_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "get-key"
    program.write_text("#!/bin/sh\necho key\n")
    program.chmod(0o700)
    monkeypatch.chdir(tmp_path)

    assert "relative" in failure(command("./get-key")).message
    for path in ("", ".", f":{os.environ['PATH']}", f"relative:{os.environ['PATH']}"):
        assert "not found" in failure(command("get-key"), {"PATH": path}).message
    assert get(command("get-key"), {"PATH": str(tmp_path)}) == "key"
    assert get(command(str(program))) == "key"


def processes_of(mark: str) -> list[str]:
    """Return the processes that have `mark` in their argv and are not zombies."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                argv = Path("/proc", entry, "cmdline").read_bytes().decode(errors="replace")
            except OSError:
                continue
            if mark in argv.split("\0"):
                found.append(argv)
    return found


@pytest.mark.parametrize("script", ["{s}", "{s} & wait", "trap '' TERM INT HUP; {s} & {s}; {s}", "kill -STOP $$; {s}"])
def test_a_command_that_takes_too_long_is_killed_with_its_children(script: str, tmp_path: Path) -> None:
    seconds = f"9{os.getpid()}.25"  # known by its argv
    with without_waiting():
        error = failure(command("sh", "-c", script.format(s=f"sleep {seconds}"), timeout=0.4))

    assert "0.4 s" in error.message
    wait_until(lambda: processes_of(seconds) == [])


def test_a_child_that_keeps_the_pipe_open_does_not_make_us_wait(tmp_path: Path) -> None:
    child = tmp_path / "child"
    with without_waiting():
        assert get(command("sh", "-c", f"sleep {FOR_EVER} & echo $! > {child}; echo {CANARY}")) == CANARY
    os.kill(int(child.read_text()), signal.SIGKILL)


def test_a_command_that_closes_its_output_is_still_waited_for() -> None:
    assert "status 7" in failure(command("sh", "-c", "exec >&-; sleep 0.3; exit 7")).message
    assert "0.2 s" in failure(command("sh", "-c", "exec >&-; sleep 30", timeout=0.2)).message


@pytest.mark.parametrize("program", ["yes", "cat /dev/zero"])
def test_output_without_end_is_not_read_for_ever(program: str) -> None:
    with without_waiting():
        assert "more than 64 KiB" in failure(command(*program.split(), timeout=FOR_EVER)).message


def test_a_slow_writer_is_read_whole() -> None:
    assert get(command("sh", "-c", "printf a; sleep 0.2; printf b; sleep 0.2; echo c")) == "abc"


def test_the_chain_of_key_commands_is_handed_on() -> None:
    script = f'echo "${CHAIN_VARIABLE}"'
    assert get(command("sh", "-c", script)) == "ci"
    assert get(command("sh", "-c", script), {CHAIN_VARIABLE: "prod"}) == "prod,ci"


def test_a_command_has_no_terminal_unless_it_may_ask() -> None:
    assert get(command("sh", "-c", "( : < /dev/tty ) 2>/dev/null && echo terminal || echo nothing")) == "nothing"


def test_ctrl_c_while_a_command_asks_is_an_interruption() -> None:
    code = (
        "import os; from omniprofile.credentials.sources import read_key; "
        "from omniprofile.model.declaration import KeySource; "
        "source = KeySource('command', argv=('sh', '-c', 'printf PIN? > /dev/tty; read pin < /dev/tty; echo $pin')); "
        "read_key(source, profile='ci', base_url='https://acme.omniapp.co', environ=os.environ, interactive=True)"
    )
    program = pexpect.spawn(
        sys.executable, ["-c", code], cwd=str(Path(__file__).parents[2]), encoding="utf-8", timeout=PATIENCE
    )
    try:
        program.expect_exact("PIN?")
        # The command may ask before it is given the terminal.
        wait_until(lambda: os.tcgetpgrp(program.child_fd) != program.pid)
        program.sendintr()
        program.expect_exact("omniprofile.errors.Interrupted: the key of `ci` from command `sh`: interrupted")
    finally:
        program.close(force=True)


# The real pass


@pytest.fixture
def password_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store of the real `pass`, with a GPG key that has no passphrase."""
    missing = [tool for tool in ("pass", "gpg", "gpgconf") if shutil.which(tool) is None]
    if missing:
        if os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL") == "1":
            raise AssertionError(f"{', '.join(missing)} must be installed")
        pytest.skip(f"{', '.join(missing)} not installed")
    folder = Path(tempfile.mkdtemp(prefix="omni-gpg-"))  # short, for the agent's socket lies there
    monkeypatch.setenv("GNUPGHOME", str(folder))
    monkeypatch.setenv("PASSWORD_STORE_DIR", str(folder / "store"))
    who = "test@example.invalid"
    try:
        make_key = [
            "gpg",
            "--batch",
            "--quiet",
            "--passphrase",
            "",
            "--quick-gen-key",
            who,
            "default",
            "default",
            "never",
        ]
        nothing = subprocess.DEVNULL  # which the agent keeps open
        subprocess.run(
            ["gpg-agent", "--daemon"], check=True, stdout=nothing, stderr=nothing
        )  # gpg waits only seconds for one
        subprocess.run(make_key, check=True, capture_output=True)
        subprocess.run(["pass", "init", who], check=True, capture_output=True)
        yield folder
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def test_pass_gives_a_key(password_store: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_program(["pass", "insert", "-e", "omni/ci"], input=f"{CANARY}\n", check=True)
    run_program(["pass", "insert", "-m", "omni/notes"], input=f"{CANARY}\nuser: me\n", check=True)

    assert get(command("pass", "show", "omni/ci")) == CANARY
    assert "several lines" in failure(command("pass", "show", "omni/notes")).message
    assert "exited with status 1" in failure(command("pass", "show", "omni/missing")).message
    assert "omni/missing is not in the password store" in capfd.readouterr().err


def test_importing_the_sources_imports_nothing_heavy() -> None:
    code = (
        "import sys, omniprofile.credentials.sources; "
        "print([name for name in ('subprocess', 'threading', 'select', 'shlex', 'json') if name in sys.modules])"
    )
    ran = run_program([sys.executable, "-c", code], check=True)
    assert ran.stdout == "[]\n"


STAND_INS = ["op://Work/Omni staging/credential", "encrypted:BAbc", "$OMNI_KEY", "<your-api-key>", "changeme", "'abc'"]
STAND_INS += [
    "vault:secret/omni",
    "https://acme.omniapp.co/key",
    "<!DOCTYPE html><title>Sign in</title>",
    "error:unauthorized",
    "null",
]


@pytest.mark.parametrize("text", STAND_INS)
def test_a_text_in_place_of_a_key_is_refused_and_described(text: str, tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text(text + "\n")
    path.chmod(0o600)
    for error in (
        failure(KeySource("env", variable="ACME_KEY"), {"ACME_KEY": text}),
        failure(KeySource("file", path=str(path))),
        failure(command("cat", str(path))),
    ):
        assert "not a key" in error.message
        assert text not in error.message


def test_a_program_that_prints_more_than_the_key_gets_a_hint() -> None:
    for printed, what, hint in (
        ('"abc"', "is a text in quotes", "remove the quotes"),
        ("`abc`", "is a text in backticks", "remove the backticks"),
        ('{"token":"abc"}', "is a text in braces", "remove all but the key"),
        ("KEY=omni_osk_abc", "is an assignment to a variable", "remove the variable's name and the `=`"),
        ("Bearer omni_osk_abc", "begins with `Bearer`", "remove that word and the space after it"),
    ):
        error = failure(command("printf", "%s", printed))
        assert what in error.message
        assert error.hint == hint
    assert "`head -n 1`" in str(failure(command("printf", "%s", "omni_osk_abc\nuser: me\n")).hint)
    assert "let the command print the key itself" in str(failure(command("printf", "%s", "op://a/b/c")).hint)


def test_a_pipe_that_nobody_writes_into_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr(key_file, "WRITER_SECONDS", 0.01)
    with pytest.raises(KeySourceFailed, match="into which no program writes"):
        read_token_file(str(pipe), stdin=io.BytesIO(), tell=told_nothing)
    pipe.open("wb").close()  # ends the thread that waits
