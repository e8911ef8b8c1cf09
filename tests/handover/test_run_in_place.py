"""`exec` on real processes: exit codes, signals, streams, bytes that are not UTF-8."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from omniprofile.errors import UsageError
from omniprofile.handover.calling_shell import parent_command
from omniprofile.handover.variables import SHIM, child_environment
from omniprofile.model.credential import Credential
from omniprofile.model.credential_variables import NO_CONFIG, credential_variables
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from tests.conftest import CANARY, Cli
from tests.programs import run_program
from tests.waiting import PATIENCE

RUN = """
import os, sys
from omniprofile.handover.run_in_place import run_command
sys.exit(run_command(sys.argv[1:], os.environ))
"""


def _run(*argv: str | bytes, **options: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([sys.executable, "-c", RUN, *argv], capture_output=True, check=False, **options)  # type: ignore[call-overload,no-any-return]


def _variables(*env: tuple[str, str]) -> dict[str, str]:
    origin = Origin.parse("https://acme.omniapp.co")
    credential = Credential("staging", origin, "api-key", Secret("t0ken"), read_env=lambda: env)
    return credential_variables(credential, credential.base_url, credential.token)


def test_the_process_becomes_the_command(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", RUN, "sh", "-c", "echo $$"], stdout=subprocess.PIPE, text=True)
    out, _ = child.communicate(timeout=PATIENCE)
    assert int(out) == child.pid


def test_stdin_goes_through_and_status_comes_back() -> None:
    ran = _run("sh", "-c", "cat; exit 7", input=b"\xff\x00data")
    assert (ran.returncode, ran.stdout) == (7, b"\xff\x00data")


def test_bytes_that_are_not_utf8_survive_in_argv_and_environment() -> None:
    ran = _run("sh", "-c", 'printf %s "$1$BYTES"', "sh", b"\xff\xfe", env={**os.environb, b"BYTES": b"\xfd"})
    assert ran.stdout == b"\xff\xfe\xfd", ran.stderr


def test_a_signal_ends_the_command_itself() -> None:
    child = subprocess.Popen([sys.executable, "-c", RUN, "sleep", "60"])
    while Path(f"/proc/{child.pid}/comm").read_text().strip() != "sleep":
        time.sleep(0.01)
    child.send_signal(signal.SIGTERM)
    assert child.wait(timeout=PATIENCE) == -signal.SIGTERM


def test_sigpipe_is_the_commands_default_again() -> None:
    ran = _run("sh", "-c", "grep -i sigign /proc/$$/status")
    ignored = int(ran.stdout.split()[1], 16)
    assert not ignored & (1 << (signal.SIGPIPE - 1))
    assert not ignored & (1 << (signal.SIGXFSZ - 1))


def test_a_command_that_is_not_there_leaves_the_signals_as_they_were() -> None:
    """Otherwise this process would die of SIGPIPE if its message has no reader, and its exit status would be lost."""
    script = """
import os, signal, sys
from omniprofile.errors import Error
from omniprofile.handover.run_in_place import run_command
try:
    run_command(["no-such-command"], os.environ)
except Error:
    sys.exit(signal.getsignal(signal.SIGPIPE) is not signal.SIG_IGN)
sys.exit(2)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_the_parents_name_is_read_where_proc_is() -> None:
    script = "from omniprofile.handover.calling_shell import parent_command; print(parent_command())"
    ran = run_program(["bash", "-c", f'"{sys.executable}" -c "{script}"; true'], check=True)
    assert ran.stdout == "bash\n"
    assert parent_command()


def test_a_path_of_the_profile_s_own_is_the_child_s() -> None:
    child = child_environment(_variables(("PATH", "/opt/omni/bin")), {"PATH": "/bin"})
    assert child["PATH"] == os.pathsep.join([SHIM, "/opt/omni/bin"])


@pytest.mark.parametrize("command", ["exec", "each"])
def test_a_locale_that_lacks_a_character_gets_it_as_utf8(cli: Cli, command: str) -> None:
    cli.profiles(
        '[profiles.x]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "KEY" }\nenv = { TEAM = "Zo\u00eb \U0001f989" }\n'
    )
    narrow = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "KEY": CANARY}
    line = [sys.executable, "-m", "omniprofile", command, "x", "--"]
    ran = subprocess.run([*line, "printenv", "TEAM"], capture_output=True, env={**os.environ, **narrow}, check=False)
    assert ran.stdout.removeprefix(b"x | ") == "Zo\u00eb \U0001f989\n".encode(), ran.stderr
    nested = [*line, sys.executable, "-m", "omniprofile", "env", "--unset", "--shell", "bash"]
    ran = subprocess.run(nested, capture_output=True, env={**os.environ, **narrow}, check=False)
    assert b"unset TEAM\n" in ran.stdout, "it is known as the value that was exported"


def test_a_nul_in_a_value_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="`TEAM`"):
        _variables(("TEAM", "a\0b"))


def test_the_config_that_a_child_is_given_can_be_made_by_nobody() -> None:
    """Not even by root, as which these tests run in containers."""
    with pytest.raises(NotADirectoryError):
        os.makedirs(os.path.dirname(NO_CONFIG))
    with pytest.raises(NotADirectoryError):
        os.open(NO_CONFIG, os.O_WRONLY | os.O_CREAT)
    with pytest.raises(NotADirectoryError):
        os.symlink("/tmp", NO_CONFIG)
    assert not os.path.exists(NO_CONFIG)
