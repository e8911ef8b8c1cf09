"""Handing over a credential on Windows: consoles and Ctrl-C, exit statuses, arguments, gateways, and the audit log."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from windows_home import CREATE_NEW_CONSOLE, EXE, Home

from omniprofile.handover.run_as_child import run_child
from omniprofile.standin.server import Standin

KEY = "omni_osk_windows_0123456789abcdef"
ENDED_BY_CTRL_C = 0xC000013A
CI = 'version = 1\n[profiles.ci]\nbase_url = "https://acme.omniapp.co"\nkey = { env = "CI_KEY" }\n'

IN_A_CONSOLE = """
import os, signal, subprocess, sys, time
marker, done, *argv = sys.argv[1:]
signal.signal(signal.SIGINT, lambda *_: None)
pipe = subprocess.PIPE
process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe)
begun = b""
if marker == "output":
    begun = process.stdout.read(1)
else:
    while not os.path.exists(marker) and process.poll() is None:
        time.sleep(0.02)
os.kill(0, signal.CTRL_C_EVENT)
out, err = process.communicate(timeout=60)
open(done, "w", encoding="utf-8").write(repr((process.returncode, (begun + out).decode(), err.decode())))
"""
"""A program that starts a command in a new console, and sends its programs a Ctrl-C once the command has begun."""


@pytest.fixture
def ci(home: Home) -> Home:
    home.environ["CI_KEY"] = KEY
    home.write(CI)
    return home


def _after_ctrl_c(home: Home, child: str, *options: str) -> tuple[int, str, str]:
    marker = home.folder / "begun"
    code = "import sys, time\ndef begin():\n    open(sys.argv[1], 'w').close()\n    time.sleep(30)\n" + child
    argv = [str(EXE), "exec", "ci", *options, "--", sys.executable, "-c", code, str(marker)]
    return _in_a_console(home, marker, argv)


def _in_a_console(home: Home, marker: Path | None, argv: list[str]) -> tuple[int, str, str]:
    """Return the result of a command that gets a Ctrl-C once `marker` exists, or after its first output."""
    driver, done = home.folder / "driver.py", home.folder / "done"
    driver.write_text(IN_A_CONSOLE, encoding="utf-8")
    subprocess.run(
        [sys.executable, str(driver), str(marker or "output"), str(done), *argv],
        env=home.environ, cwd=home.folder, creationflags=CREATE_NEW_CONSOLE, stdin=subprocess.PIPE,
        capture_output=True, timeout=120, check=True,
    )  # fmt: skip
    status, out, err = eval(done.read_text(encoding="utf-8"))
    return status, out, err


@pytest.mark.parametrize("options", [(), ("--gateway",)])
def test_ctrl_c_is_the_commands(ci: Home, options: tuple[str, ...]) -> None:
    """The command decides what to do, and `exec` silently waits for it."""
    child = "try:\n    begin()\nexcept KeyboardInterrupt:\n    print('interrupted')\n    sys.exit(42)\n"
    assert _after_ctrl_c(ci, child, *options) == (42, "interrupted\r\n", "")


def test_ctrl_c_while_the_command_starts_is_the_commands_too(ci: Home) -> None:
    command = [sys.executable, "-c", "raise SystemExit(7)"]
    assert run_child(command, ci.environ, lambda: signal.raise_signal(signal.SIGINT)) == 7


def test_a_command_that_ctrl_c_ends_ends_exec_with_its_status(ci: Home) -> None:
    status, out, err = _after_ctrl_c(ci, "begin()\n")
    assert (status, out) == (ENDED_BY_CTRL_C, "")
    assert "omniprofile" not in err


def test_a_batch_file_passes_any_argument_on_unharmed(ci: Home) -> None:
    """Except for `%`, which Wine's cmd expands a second time in a batch file's arguments."""
    tools = ci.folder / "tools"
    tools.mkdir()
    (tools / "show.py").write_text("import json, sys; sys.stdout.buffer.write(json.dumps(sys.argv[1:]).encode())")
    (tools / "show.cmd").write_text(f'@"{sys.executable}" "%~dp0show.py" %*\r\n')
    arguments = ["a b", 'q"q', "^x&y|<>", "(x)", "trailing\\", "two words\\", "!PATH!", "--", "-p", "a=b,c;d"]
    ci.environ["PATH"] = f"{tools};{ci.environ.get('PATH', '')}"
    assert json.loads(ci.exe("exec", "ci", "--", "show", *arguments).out) == arguments


FAMILY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
with open("begun.new", "w") as file:
    print(os.getpid(), child.pid, file=file)
os.rename("begun.new", "begun")
time.sleep(300)
"""
"""A command and its child, both long-running; it writes their process ids to a file `begun`."""
_SYNCHRONIZE, _ENDED = 0x100000, 0


class Running:
    """A process that another one has started."""

    def __init__(self, pid: str) -> None:
        self.pid = int(pid)
        self._kernel = ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]  # mypy runs on Linux
        self._kernel.OpenProcess.restype = ctypes.c_void_p
        self._handle: int | None = self._kernel.OpenProcess(_SYNCHRONIZE, False, self.pid)

    def ends(self, seconds: float = 30) -> bool:
        """Return whether it ends within that time."""
        handle = ctypes.c_void_p(self._handle)
        return not self._handle or bool(self._kernel.WaitForSingleObject(handle, int(seconds * 1000)) == _ENDED)


def _family(home: Home, omniprofile: "subprocess.Popen[bytes]") -> list[Running]:
    """Return the command and its child once they run."""
    while not (home.folder / "begun").exists():
        assert omniprofile.poll() is None, omniprofile.communicate()
        time.sleep(0.05)
    family = [Running(pid) for pid in (home.folder / "begun").read_text().split()]
    assert [process.ends(0) for process in family] == [False, False]
    return family


def test_each_that_is_killed_takes_its_commands_and_their_children_along(ci: Home) -> None:
    run = ci.start("each", "--all", "--", sys.executable, "-c", FAMILY)
    family = _family(ci, run)
    run.kill()
    assert [process.ends() for process in family] == [True, True]


def test_killing_exec_kills_its_command(ci: Home) -> None:
    run = ci.start("exec", "ci", "--", sys.executable, "-c", FAMILY)
    command, child = _family(ci, run)
    run.kill()
    assert command.ends()
    assert not child.ends(0)
    os.kill(child.pid, signal.SIGTERM)
    assert child.ends()


def test_ctrl_c_ends_each_with_all_that_it_has_started(ci: Home) -> None:
    begun = ci.folder / "begun"
    status, _, err = _in_a_console(ci, begun, [str(EXE), "each", "--all", "--", sys.executable, "-c", FAMILY])
    assert (status, err) == (130, "omniprofile: error: interrupted\r\n")
    assert [Running(pid).ends() for pid in begun.read_text().split()] == [True, True]


def test_a_key_command_that_is_given_up_ends_with_its_children(ci: Home) -> None:
    program = FAMILY.replace("time.sleep(300)\n", "print('x' * 10_000_000)\ntime.sleep(300)\n")
    ci.write(CI.replace('{ env = "CI_KEY" }', f"{{ command = {json.dumps([sys.executable, '-c', program])} }}"))
    assert "more than" in ci.run("token", "ci", status=4).err
    assert [Running(pid).ends() for pid in (ci.folder / "begun").read_text().split()] == [True, True]


GET = """
import os, urllib.error, urllib.request
def ask(method):
    headers = {"Authorization": "Bearer " + os.environ["OMNI_API_TOKEN"]}
    request = urllib.request.Request(os.environ["OMNI_BASE_URL"] + "/api/v1/whoami", headers=headers, method=method)
    try:
        return urllib.request.urlopen(request, timeout=60).status
    except urllib.error.HTTPError as refused:
        return refused.code
"""
RESET = """
import socket, struct
for asks in (b"", b"GET / HTTP/1.1\\r\\n"):
    address = os.environ["OMNI_BASE_URL"].removeprefix("http://").split(":")
    client = socket.create_connection((address[0], int(address[1])))
    client.sendall(asks)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("hh", 1, 0))
    client.close()
"""


def test_gateways_each_and_the_log(home: Home) -> None:
    with Standin() as standin:
        standin.add_key(KEY, role="MEMBER")
        shared = f'base_url = "{standin.base_url}"\nallow_insecure = true\nkey = {{ env = "CI_KEY" }}\ntags = ["all"]\n'
        home.environ["CI_KEY"] = KEY
        home.write(
            f'version = 1\n[profiles.full]\n{shared}[profiles.ro]\n{shared}access = "read-only"\n'
            f"[profiles.prod]\n{shared}protected = true\n"
        )
        program = f"{GET}{RESET}print(ask('GET'), ask('DELETE'), os.environ['OMNI_API_TOKEN'] == {KEY!r})"
        ran = home.exe("exec", "ro", "--", sys.executable, "-c", program)
        assert (ran.out.split(), ran.err) == (["200", "403", "False"], ""), "after two clients that reset"
        ran = home.exe("each", "@all", "--json", "--", sys.executable, "-c", f"{GET}raise SystemExit(ask('GET') - 200)")
        assert [(each["profile"], each["exit_code"], each["skipped"]) for each in json.loads(ran.out)["results"]] == [
            ("full", 0, None),
            ("ro", 0, None),
            ("prod", None, "protected"),
        ]
        entries = json.loads(home.run("log", "--json").out)["entries"]
        assert {(entry["profile"], entry["how"], entry["command"]) for entry in entries} == {
            ("full", "exec", "python.exe"),
            ("ro", "gateway", "python.exe"),
        }
        assert [entry["refused"]["method"] for entry in entries if entry["refused"]] == ["DELETE"]
        assert next(entry["requests"] for entry in entries if entry["requests"]) == {
            "DELETE": {"403": 1},
            "GET": {"200": 1},
        }


def test_ctrl_c_ends_a_gateway_in_the_foreground(ci: Home) -> None:
    status, out, err = _in_a_console(ci, None, [str(EXE), "gateway", "ci"])
    assert json.loads(out).keys() == {"base_url", "token"}, err
    assert status == 130


def test_ctrl_c_ends_a_login_that_waits_for_the_browser(files: Home) -> None:
    browser = [sys.executable, "-c", "open('begun', 'w').close()"]
    with Standin() as standin:
        files.write(
            f'[profiles.me]\nbase_url = "{standin.base_url}"\nallow_insecure = true\nauth = "oauth"\n'
            f"browser = {json.dumps(browser)}\n"
        )
        status, _, err = _in_a_console(files, files.folder / "begun", [str(EXE), "login", "me"])
    assert status == 130
    assert err.endswith("omniprofile: error: interrupted\r\n")
    assert files.run("token", "me", status=4).out == ""


def test_a_secret_of_env_and_the_browser(files: Home) -> None:
    files.write(
        f'{CI}browser = ["{Path(sys.executable).as_posix()}", "see.py"]\nenv = {{ EMBED = {{ keyring = true }} }}\n'
    )
    files.environ["CI_KEY"] = KEY
    files.run("login", "ci", "--secret", "EMBED", stdin="s3cr3t&more\n")
    assert files.exe("exec", "ci", "--", "cmd", "/c", "set EMBED").out.strip() == "EMBED=s3cr3t&more"
    (files.folder / "see.py").write_text("import sys; open('seen', 'w').write(sys.argv[1])")
    files.run("open")
    assert (files.folder / "seen").read_text() == "https://acme.omniapp.co"
