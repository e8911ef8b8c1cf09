"""shellcheck(1) accepts the shell scripts of the tree and those that the program prints."""

import os
import shutil
from pathlib import Path

import pexpect
import pytest

from tests.programs import run_program
from tests.waiting import PATIENCE

ROOT = Path(__file__).parents[2]
SHELLS = ROOT / "omniprofile/cli/shells"
WINDOWS = [ROOT / "tests/windows" / name for name in ("environment", "run", "setup")]
SCRIPTS = [ROOT / ".ci/run", ROOT / "tests/all", *WINDOWS, *SHELLS.glob("*.bash"), *SHELLS.glob("*.posix")]
NOT_HERE = [
    "SC2034",  # one script sets variables that another reads
    "SC2128,SC2178",  # `PROMPT_COMMAND` may be an array or a string, as the user set it
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.relative_to(ROOT)))
def test_a_script_has_no_known_mistake(script: Path) -> None:
    if not shutil.which("shellcheck") and not os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL"):
        pytest.skip("shellcheck is not installed")
    command = ["shellcheck", "--shell=bash", "--severity=warning", f"--exclude={','.join(NOT_HERE)}"]
    command += ["--external-sources", str(script)]
    run_program(command, check=True)


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Return a PATH for a non-root user, without the programs that tests need, and with a `sudo` that records its arguments."""
    for name in ("bash", "dirname"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    for name, text in (("id", "echo 1000"), ("sudo", f'echo "$@" >> {tmp_path}/asked; exit 9')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def test_without_a_terminal_the_tests_say_what_they_need_and_install_nothing(bare: Path) -> None:
    ran = run_program(["bash", ROOT / "tests/all"], env={"PATH": str(bare)})
    assert (ran.returncode, ran.stdout) == (1, "")
    assert "needs these packages, which it installs as root, by sudo and apt-get: zsh fish fzf" in ran.stderr
    assert ran.stderr.endswith("install them first\n")
    assert not (bare / "asked").exists()


@pytest.mark.parametrize(("answer", "asked"), [("n", None), ("", None), ("y", "apt-get update\n")])
def test_on_a_terminal_the_tests_ask_before_they_call_sudo(bare: Path, answer: str, asked: str | None) -> None:
    terminal = pexpect.spawn(
        "bash", [str(ROOT / "tests/all")], env={"PATH": str(bare)}, encoding="utf-8", timeout=PATIENCE
    )
    terminal.expect_exact("gnome-keyring")
    terminal.expect_exact("Install them? [y/N] ")
    assert not (bare / "asked").exists()
    terminal.sendline(answer)
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == (9 if asked else 1)
    assert ((bare / "asked").read_text() if (bare / "asked").exists() else None) == asked
