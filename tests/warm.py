"""Starts `omniprofile` processes ten times faster, by forking a process that has already imported everything.

A fork has its own pid, streams, folder, variables, signals and exit status, as after `python -m omniprofile`. It differs in
the start of the interpreter, the order of imports, the command line that other programs see, the parent process, and
`preexec_fn`. Tests of those start a real process.
"""

import atexit
import fcntl
import gc
import importlib
import io
import marshal
import os
import pkgutil
import runpy
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

PROGRAM = (sys.executable, "-m", "omniprofile")
LIBRARIES = (
    "anyio._backends._asyncio", "asyncio", "dotenv", "encodings.idna", "http.server", "httpcore", "httpx", "jeepney.io.blocking",
    "keyring.backends.SecretService", "prompt_toolkit", "pydantic", "tomlkit", "truststore", "wcwidth",
)  # fmt: skip
"""Modules that the program imports lazily."""
AT_START = ("PYTHON", "LANG", "LC_", "LD_", "TZ", "FAKETIME", "NO_FAKE_STAT")
"""Prefixes of variables that are read when a process starts: each set of their values gets its own server."""
AT_RUN = ("PYTHON_KEYRING_BACKEND", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "LD_LIBRARY_PATH")
_servers: dict[object, socket.socket] = {}


class Popen(subprocess.Popen[Any]):
    """Like `subprocess.Popen`, for `[*prefix, *PROGRAM, *argv]`. A prefix wraps the server: `faketime -f +1h`, `setpriv …`."""

    terminal = False
    """Whether its new session takes the terminal on standard input."""
    _report: socket.socket | None = None

    def _execute_child(
        self, args, executable, preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell,
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite, restore_signals, gid, gids, uid, umask, start_new_session,
        process_group,
    ):  # fmt: skip
        assert (preexec_fn, tuple(pass_fds), shell) == (None, (), False), "for a real start"
        words = [os.fsdecode(word) for word in args]
        at = words.index(PROGRAM[0])
        assert tuple(words[at : at + 3]) == PROGRAM, words
        environ = {
            os.fsdecode(name): os.fsdecode(value) for name, value in (os.environ if env is None else env).items()
        }
        streams = [number if given == -1 else given for number, given in enumerate((p2cread, c2pwrite, errwrite))]
        request = {
            "argv": words[at + 3 :],
            "environ": environ,
            "folder": os.path.join(os.getcwd(), os.fsdecode(cwd or "")),
            "umask": next(
                int(line.split()[1], 8)
                for line in Path("/proc/self/status").read_text().splitlines()
                if line.startswith("Umask:")
            ),
            "ignored": [int(number) for number in signal.valid_signals() if signal.getsignal(number) == signal.SIG_IGN],
            "session": start_new_session,
            "terminal": self.terminal,
        }
        server = _server(tuple(words[:at]), environ)
        self._report, reporting = socket.socketpair()
        with reporting:
            socket.send_fds(server, [marshal.dumps(request)], [*streams, reporting.fileno()])
        self.pid = int.from_bytes(self._report.recv(4), "little")
        self._child_created = True
        self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)  # type: ignore[attr-defined]

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        """Ask the server, which is its parent, instead of the kernel."""
        assert self._report
        if self._report.fileno() < 0:  # another thread has received the status
            return (0, 0)
        if wait_flags & os.WNOHANG and not select.select([self._report], [], [], 0)[0]:
            return (0, 0)
        status = self._report.recv(4)
        self._report.close()
        return (self.pid, int.from_bytes(status, "little"))

    def _internal_poll(self, **_: object) -> int | None:
        """Answer `poll` without waiting for another waiting thread."""
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):  # type: ignore[attr-defined]
            try:
                pid, status = self._try_wait(os.WNOHANG)
                if pid:
                    self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()  # type: ignore[attr-defined]
        return self.returncode


def run(
    *argv: str, prefix: Sequence[str] = (), stdin: str = "", timeout: float = 60, check: bool = False, **options: Any
) -> "subprocess.CompletedProcess[str]":
    """Run `omniprofile *argv` to its end, with texts for its streams."""
    command = [*prefix, *PROGRAM, *argv]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    with Popen(command, stdin=subprocess.PIPE, **options) as process:
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    ran = subprocess.CompletedProcess(command, process.returncode, out, err)
    if check:
        ran.check_returncode()
    return ran


CLIENT = """\
#!{python} -ISs
import _socket, marshal, posix, sys
environ = {{name.decode(): value.decode(errors="surrogateescape") for name, value in posix.environ.items()}}
at_start = {{name: value for name, value in environ.items() if name.startswith({names}) and name not in {others}}}
try:
    if at_start != {at_start}:
        raise OSError
    server = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    server.connect({path})
    report, reporting = _socket.socketpair()
    request = {{
        "argv": sys.argv[1:], "environ": environ, "folder": posix.getcwd(), "umask": posix.umask(0), "ignored": [],
        "session": False, "terminal": False,
    }}
    posix.umask(request["umask"])
    passed = b"".join(number.to_bytes(4, sys.byteorder) for number in (0, 1, 2, reporting.fileno()))
    server.sendmsg([marshal.dumps(request)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, passed)])
except OSError:  # another start of the interpreter, a closed stream, no working directory
    posix.execv({python!r}, [{python!r}, "-m", "omniprofile", *sys.argv[1:]])
reporting.close()
report.recv(4)
status = posix.waitstatus_to_exitcode(int.from_bytes(report.recv(4), "little"))
posix._exit(status) if status >= 0 else posix.kill(posix.getpid(), -status)
"""


def install(program: Path) -> None:
    """Write a script that runs `omniprofile` as a fork, for a shell without a terminal."""
    environ = _at_start(os.environ)
    folder = tempfile.mkdtemp(prefix="omni-warm-")  # short, for a socket's path has at most 108 bytes
    path = f"{folder}/socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(path)
        listening.listen(64)
        socket.send_fds(_server((), os.environ), [b"listen"], [listening.fileno()])
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    names = {"python": sys.executable, "names": AT_START, "others": AT_RUN, "at_start": environ, "path": repr(path)}
    program.write_text(CLIENT.format(**names))
    program.chmod(0o755)


def _at_start(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if name.startswith(AT_START) and name not in AT_RUN}


def _server(prefix: tuple[str, ...], environ: Mapping[str, str]) -> socket.socket:
    """Return the connection to a server of this process; the server ends with it."""
    at_start = _at_start(environ)
    key = (os.getpid(), prefix, *sorted(at_start.items()))
    if key not in _servers:
        import omniprofile

        connection, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [*prefix, sys.executable, __file__, str(theirs.fileno()), *omniprofile.__path__],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, cwd="/", env={"PATH": os.environ["PATH"], **at_start},
            )  # fmt: skip
        atexit.register(process.wait)
        atexit.register(connection.close)  # runs first, because it is registered last
        _servers[key] = connection
    return _servers[key]


def import_all() -> None:
    """Import what the program and its libraries import, for the forks of this process."""
    import omniprofile

    for name in LIBRARIES:
        importlib.import_module(name)
    for module in pkgutil.walk_packages(omniprofile.__path__, "omniprofile."):
        if module.name != "omniprofile.__main__" and "windows" not in module.name:
            importlib.import_module(module.name)
    gc.collect()
    gc.freeze()


def _serve(connection: socket.socket) -> None:
    """Run the program in a fork for each request."""
    sys.path[0] = os.path.dirname(sys.argv[2])  # not the folder of the tests, but that of the package under test
    wrapped = {name: value for name, value in os.environ.items() if name.startswith(AT_START)}
    import_all()
    children: dict[int, tuple[int, int]] = {}
    listening: dict[int, socket.socket] = {}
    asking = {connection.fileno(): connection}
    while True:
        for ready in select.select([*asking, *listening, *children], [], [])[0]:
            if ready in children:
                pid, report = children.pop(ready)
                _report(report, os.waitpid(pid, 0)[1])
                os.close(report)
                os.close(ready)
                continue
            if ready in listening:
                client = listening[ready].accept()[0]
                asking[client.fileno()] = client
                continue
            data, received, _, _ = socket.recv_fds(asking[ready], 1 << 20, 4)
            if not data:
                if ready == connection.fileno():
                    return
                asking.pop(ready).close()
                continue
            if data == b"listen":
                listening[received[0]] = socket.socket(fileno=received[0])
                continue
            pid = os.fork()
            if not pid:
                for kept in (*asking.values(), *listening.values()):
                    kept.detach()
                request = marshal.loads(data)
                _be({**request, "environ": {**request["environ"], **wrapped}}, received[:3])
            *streams, report = received
            _report(report, pid)
            children[os.pidfd_open(pid)] = (pid, report)
            for stream in streams:
                os.close(stream)


def _report(report: int, number: int) -> None:
    with suppress(BrokenPipeError):  # the requesting program was killed
        os.write(report, number.to_bytes(4, "little"))


def _be(request: Mapping[str, Any], streams: Sequence[int]) -> None:
    """Run the program in this process as requested, and exit."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    if request["session"]:
        os.setsid()
    if request["terminal"]:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    for number in request["ignored"]:
        signal.signal(number, signal.SIG_IGN)
    os.umask(request["umask"])
    os.environ.clear()
    os.environ.update(request["environ"])
    os.chdir(request["folder"])
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        before, at_once = getattr(sys, name), number > 0 and bool(os.environ.get("PYTHONUNBUFFERED"))
        made = io.TextIOWrapper(
            os.fdopen(number, "rw"[number > 0] + "b", 0 if at_once else -1, closefd=False),
            before.encoding, before.errors, line_buffering=number == 2 or os.isatty(number), write_through=at_once,
        )  # fmt: skip
        setattr(sys, name, made)
        setattr(sys, f"__{name}__", made)
    sys.argv = ["-m", *request["argv"]]
    sys.path[:0] = [request["folder"], *filter(None, os.environ.get("PYTHONPATH", "").split(":"))]
    status: object = 0
    try:
        runpy.run_module("omniprofile", run_name="__main__", alter_sys=True)
    except SystemExit as leaving:
        status = leaving.code
    assert isinstance(status, int), status
    # Like the interpreter's exit, without freeing everything.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        status = 120
    os._exit(status)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
