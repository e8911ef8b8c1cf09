"""Attacks with prepared input: a cloned repository, a stray variable, a file system, a name, a host, a redirecting server.

Each test is one attack, which must not leak a secret, run a command or silently switch the profile.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from omniprofile.cli.fast_path import answer
from omniprofile.errors import OperationFailed
from omniprofile.system import loopback
from tests import warm
from tests.conftest import CANARY, Cli, Ran
from tests.programs import run_program
from tests.sampling import sample
from tests.sockets import free_port
from tests.standin import Standin
from tests.users import another_user
from tests.waiting import PATIENCE, wait_until

PROFILES = """\
version = 1
default = "staging"
[profiles.prod]
base_url = "https://acme.omniapp.co"
key = { env = "PROD_KEY" }
protected = true
[profiles.staging]
base_url = "https://acme-staging.omniapp.co"
key = { env = "STAGING_KEY" }
"""


@pytest.fixture(autouse=True)
def profiles(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with a protected profile and another one."""
    monkeypatch.setenv("PROD_KEY", CANARY + "P")
    monkeypatch.setenv("STAGING_KEY", CANARY + "S")
    return cli.profiles(PROFILES)


# A cloned repository


@pytest.mark.parametrize(
    "line",
    [
        'base_url = "https://evil.example"',
        'key = { command = ["sh", "-c", "touch ran"] }',
        '[profiles.prod]\nbase_url = "https://evil.example"',
        'extends = "prod"',
        'env = { PATH = "." }',
    ],
)
def test_a_pin_can_do_nothing_but_name_a_profile(cli: Cli, line: str) -> None:
    (cli.work / ".omniprofile.toml").write_text(f'profile = "staging"\n{line}\n')
    for command in (("token",), ("current",), ("exec", "--", "true"), ("env",)):
        assert cli(*command).status == 3
    assert not (cli.work / "ran").exists()


def test_profiles_in_a_repository_are_not_read(cli: Cli) -> None:
    for folder in ("profiles.d", ".config/omniprofile", "omniprofile"):
        (cli.work / folder).mkdir(parents=True)
        (cli.work / folder / "profiles.toml").write_text('[profiles.mine]\nbase_url = "https://m.omniapp.co"\n')
    assert cli("token", "mine").status == 5


@pytest.mark.parametrize(("command", "status"), [("token", 3), ("lint", 1)])
def test_a_pin_of_more_than_64_kib_is_not_read(cli: Cli, command: str, status: int) -> None:
    pin = cli.work / ".omniprofile.toml"
    pin.write_text('profile = "a"\n' + "#" * 64 * 1024)
    ran = cli(command, status=status)
    assert "it is larger than 64 KiB" in ran.out + ran.err


def test_a_pin_that_links_to_a_device_which_all_may_write_is_passed_over(cli: Cli) -> None:
    (cli.work / ".omniprofile.toml").symlink_to("/dev/zero")
    assert "/dev/zero" in cli("current").err


@pytest.mark.parametrize("argv", [["--config", "/dev/null", "lint"], ["lint", ".env"], ["lint", "pins.toml"]])
def test_no_hint_suggests_changing_the_mode_of_a_device(argv: list[str], cli: Cli) -> None:
    for name in (".env", "pins.toml"):
        (cli.work / name).symlink_to("/dev/null")
    ran = cli(*argv, status=1)
    assert "anyone can write to `/dev/null`" in ran.out
    assert "chmod" not in ran.out
    assert "chown" not in ran.out


@pytest.mark.parametrize("folder", ["/a\\u0000b", "~/\\u0000", "~\\u0000", "/\\u0000"])
@pytest.mark.parametrize("command", ["token", "list", "lint", "doctor"])
def test_a_trusted_folder_that_no_path_can_name_is_an_error_and_no_crash(cli: Cli, folder: str, command: str) -> None:
    pin = cli.work / ".omniprofile.toml"
    pin.write_text('profile = "staging"\n')
    pin.chmod(0o666)
    cli.profiles(f'[settings]\ntrusted_folders = ["/mnt", "{folder}"]\n')
    ran = cli(command)
    assert ran.status == (1 if command in ("lint", "doctor") else 3)
    assert "`settings.trusted_folders[1]` is `" in ran.out + ran.err
    assert "which is not a whole path" in ran.out + ran.err


LINKED = [
    'user = "hunter2"\n',
    'profile = "staging"\nphrase = "hunter2"\n',
    "x = [hunter2\n",
    "hunter2\n",
    '[hunter2]\nprofile = "staging"\n',
    'profile = ["hunter2"]\n',
]


@pytest.mark.parametrize("content", LINKED)
@pytest.mark.parametrize("command", ["lint", "current", "token", "list", "doctor"])
def test_nothing_of_what_a_pin_links_to_is_shown_where_it_is_not_a_pin(cli: Cli, content: str, command: str) -> None:
    """A repository chooses the link's target, and messages may appear in a public CI log."""
    elsewhere = cli.work.parent / "private.toml"
    elsewhere.write_text(content)
    pin = cli.work / ".omniprofile.toml"
    pin.symlink_to(elsewhere)
    ran = cli(command)
    assert "hunter2" not in ran.out + ran.err
    assert f"`{pin}` is a link out of its folder, to a file that is not a project pin" in ran.out + ran.err


def test_a_pin_may_be_a_link_out_of_its_folder_for_lint_as_for_commands(cli: Cli) -> None:
    elsewhere = cli.work.parent / "pin.toml"
    elsewhere.write_text('profile = "staging"\n')
    (cli.work / ".omniprofile.toml").symlink_to(elsewhere)
    assert cli("current").out == "staging\n"
    assert cli("lint").status == 0


@pytest.mark.parametrize("kind", ["fifo", "folder", "loop", "dangling"])
def test_a_pin_that_is_not_a_file_is_an_error_not_a_hang(cli: Cli, kind: str) -> None:
    pin = cli.work / ".omniprofile.toml"
    match kind:
        case "fifo":
            os.mkfifo(pin)
        case "folder":
            pin.mkdir()
        case "loop":
            pin.symlink_to(pin)
        case "dangling":
            pin.symlink_to("nowhere")
    ran = cli("current", status=3)
    assert str(pin) in ran.err


@pytest.mark.parametrize(
    "name", ["a\\u202eb", "a\\u001b[31m", "a\\nb", "$(touch ran)", "`touch ran`", "../prod", "-rf", ""]
)
def test_a_hostile_name_is_shown_escaped_and_never_used(cli: Cli, name: str) -> None:
    (cli.work / ".omniprofile.toml").write_text(f'profile = "{name}"\n')
    ran = cli("token")
    assert ran.status == (5 if name else 3)
    assert all(char.isprintable() or char == "\n" for char in ran.err)
    assert not (cli.work / "ran").exists()


# A stray variable


OTHER_ORIGINS = (
    "https://evilomniapp.co",
    "https://omniapp.co.evil.example",
    "http://acme.omniapp.co",
    "http://127.0.0.1",
    "http://localhost.evil.example",
)


@pytest.mark.parametrize(
    "url",
    [
        *OTHER_ORIGINS,
        "https://acme.omniapp.co@evil.example",
        "https://evil.example\\.omniapp.co",
        "https://acme.omniapp.co.",
        "//acme.omniapp.co",
    ],
)
def test_no_spelling_of_a_host_gets_a_token(cli: Cli, url: str) -> None:
    pair = {"OMNI_PROFILE_PROD_TOKEN": CANARY, "OMNI_PROFILE_PROD_BASE_URL": url}
    other = url in OTHER_ORIGINS  # origins with a refused host or scheme; the rest are not origins
    assert cli("token", "prod", env=pair).status == (6 if other else 3)
    assert cli("token", "prod", "--base-url", url).status == (6 if other else 2)


@pytest.mark.parametrize("url", ["HTTPS://ACME.OMNIAPP.CO/", "https://acme.omniapp.co:443"])
def test_another_spelling_of_the_same_origin_is_the_same_origin(cli: Cli, url: str) -> None:
    assert cli("token", "prod", "--base-url", url, shows=True).out == CANARY + "P\n"


def test_a_stray_base_url_does_not_take_the_key_along(cli: Cli) -> None:
    for variables in (
        {"OMNI_BASE_URL": "https://other.omniapp.co"},
        {"OMNI_PROFILE_STAGING_BASE_URL": "https://other.omniapp.co"},
    ):
        for command in (("token",), ("exec", "--", "true"), ("env",), ("test",)):
            assert cli(*command, env=variables).status == 6


def test_thousands_of_variables_and_non_text_bytes_change_nothing(process: Callable[..., object]) -> None:
    environ = {f"V{number}": "x" for number in range(10_000)}
    ran = subprocess.run(
        [sys.executable, "-m", "omniprofile", "exec", "staging", "--", "sh", "-c", 'printf %s "$ODD"'],
        env={**os.environb, **{k.encode(): v.encode() for k, v in environ.items()}, b"ODD": b"\xff\xfe"},
        capture_output=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, b"\xff\xfe"), ran.stderr
    ran = subprocess.run(
        [sys.executable, "-m", "omniprofile", "current"],
        env={**os.environb, b"OMNI_PROFILE": b"\xff\xfe"},
        capture_output=True,
        check=False,
    )
    assert ran.returncode == 5
    assert b"Traceback" not in ran.stderr


def test_no_variable_chooses_what_python_runs(tmp_path: Path) -> None:
    """`exec` keeps the user's `PATH`, but never runs a program from the working directory by its bare name."""
    program = Path.cwd() / "op"
    program.write_text("#!/bin/sh\ntouch ran; echo stolen\n")
    program.chmod(0o755)
    config = Path(os.environ["XDG_CONFIG_HOME"], "omniprofile/profiles.toml")
    config.write_text('[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = { command = ["op", "read", "x"] }\n')
    for path in (f":{os.environ['PATH']}", f".:{os.environ['PATH']}", f"{os.environ['PATH']}:"):
        ran = warm.run("token", "a", env={**os.environ, "PATH": path})
        assert ran.returncode == 4
        assert not Path("ran").exists()


@pytest.mark.parametrize("path", ["bin:{}", ":{}", ".:{}", "{}:bin", "bin"])
def test_no_browser_or_editor_is_run_from_the_working_directory(path: str) -> None:
    names = ("xdg-open", "xdg-settings", "gio", "gvfs-open", "www-browser", "x-www-browser", "firefox", "w3m", "chosen")
    Path("bin").mkdir()
    for program in (Path(folder, name) for folder in (".", "bin") for name in names):
        program.write_text('#!/bin/sh\nPATH=/usr/bin:/bin; touch "$MARK"\n')
        program.chmod(0o755)
    config = Path(os.environ["XDG_CONFIG_HOME"], "omniprofile/profiles.toml")
    config.write_text('[profiles.a]\nbase_url = "https://a.omniapp.co"\n')
    mark = Path("ran").absolute()
    environ = os.environ | {"PATH": path.format("/usr/bin:/bin"), "MARK": str(mark), "DISPLAY": ":0"}
    environ.pop("BROWSER", None)
    warm.run("open", "a", env=environ)
    warm.run("open", "a", env=environ | {"BROWSER": "chosen"})
    assert warm.run("edit", env=environ | {"EDITOR": "chosen"}).returncode == 1
    assert not mark.exists()


# The file system


def test_a_profile_file_that_everybody_may_write_is_refused(cli: Cli, profiles: Path) -> None:
    profiles.chmod(0o646)
    ran = cli("token", "prod", status=6)
    assert f"chmod o-w {profiles}" in ran.err


@pytest.mark.parametrize("snapshot", [False, True], ids=["files", "snapshot"])
@pytest.mark.parametrize("where", ["config", "profiles.d", "a link's target"])
@pytest.mark.parametrize("attack", [0o777, 0o757, "another user's", "another user's file"], ids=str)
def test_files_that_others_can_put_there_are_refused(
    cli: Cli, profiles: Path, tmp_path: Path, where: str, attack: int | str, *, snapshot: bool
) -> None:
    """Anyone who may write the folder can add a file that runs commands as the user: load, lint and doctor all refuse it."""
    target = profiles
    if where == "profiles.d":
        (cli.config.parent / "profiles.d").mkdir()
        target = cli.profiles('[profiles.more]\nbase_url = "https://more.omniapp.co"\n', "profiles.d/more.toml")
    elif where == "a link's target":
        (tmp_path / "dotfiles").mkdir()
        target = profiles.rename(tmp_path / "dotfiles/p.toml")
        profiles.symlink_to(target)
    if snapshot:
        for _ in range(2):
            assert cli("token", "prod", shows=True).status == 0
    bad = target if attack == "another user's file" else target.parent
    if isinstance(attack, int):
        bad.chmod(attack)
    else:
        if os.geteuid() != 0:
            pytest.skip("only root can give a file away")
        os.chown(bad, 12345, -1)
    with _as_user(12345 if isinstance(attack, int) else 54321):
        for command in (("token", "prod"), ("current",), ("exec", "prod", "--", "true"), ("list",)):
            ran = cli(*command, status=6)
            assert str(bad) in ran.err or (profiles.is_symlink() and str(profiles) in ran.err)
            assert ("hint: run `chmod o-w" if isinstance(attack, int) else "belongs to another user") in ran.err
        for line in (["token", "prod"], ["current"], ["__complete", "profiles"]):
            assert answer(line, os.environ, sys.platform, str(cli.work), acting=True) is None, "the fast path"
        linted = cli("lint", str(target))
        assert (linted.status, "OP103" in linted.out) == (1, True)
        assert "OP103" in cli("doctor", "--offline").out


@contextmanager
def _as_user(uid: int) -> Iterator[None]:
    """Simulate `uid` by `geteuid`: root accepts any owner, everybody else does not."""
    with pytest.MonkeyPatch.context() as patch:
        if os.geteuid() == 0 and uid == 54321:
            patch.setattr(os, "geteuid", lambda: uid)
        yield


def test_a_sticky_or_unwritable_folder_is_accepted(cli: Cli, profiles: Path) -> None:
    profiles.parent.chmod(0o1777)
    for _ in range(2):
        assert cli("token", "prod", shows=True).status == 0
    drop_ins = profiles.parent / "profiles.d"
    drop_ins.mkdir()
    (drop_ins / "a.toml").write_text('[profiles.more]\nbase_url = "https://more.omniapp.co"\n')
    drop_ins.chmod(0o1777)
    assert cli("token", "prod").status == 6


@pytest.mark.parametrize("linked", [False, True], ids=["folder", "link"])
def test_a_sticky_folder_of_drop_ins_is_refused_from_a_snapshot_too(cli: Cli, profiles: Path, *, linked: bool) -> None:
    drop_ins = folder = profiles.parent / "profiles.d"
    if linked:
        folder = cli.work / "mine"
        drop_ins.symlink_to(folder)
    folder.mkdir()
    (folder / "a.toml").write_text('[profiles.more]\nbase_url = "https://more.omniapp.co"\n')
    for _ in range(2):
        assert cli("token", "prod", shows=True).status == 0
    folder.chmod(0o1777)
    for line in (["token", "prod"], ["current"], ["exec", "prod", "--", "true"], ["list"]):
        assert answer(line, os.environ, sys.platform, str(cli.work), acting=True) is None, "the fast path"
        assert "can write to the folder" in cli(*line, status=6).err


@pytest.mark.parametrize("store", [False, True], ids=["active", "secrets"])
@pytest.mark.parametrize("attack", ["folder", "file"])
def test_a_state_folder_that_everybody_may_write_is_refused(
    cli: Cli, profiles: Path, monkeypatch: pytest.MonkeyPatch, attack: str, *, store: bool
) -> None:
    """Anyone who may write it can switch the profile, or replace the user's key."""
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    cli.profiles('[profiles.s]\nbase_url = "https://s.omniapp.co"\n', "profiles.d/s.toml")
    assert cli("use", "s").status == 0
    assert cli("login", "s", "--no-test", stdin=CANARY).status == 0
    bad = cli.state if attack == "folder" else cli.state / ("secrets.json" if store else "active")
    bad.chmod(0o777 if attack == "folder" else 0o606)
    ran = cli("token", *(["s"] if store else []), status=6)
    assert answer(["token"], os.environ, sys.platform, str(cli.work)) is None
    assert str(bad) in ran.err
    assert "hint: run `chmod" in ran.err
    assert cli("use", "staging").status == (6 if attack == "folder" or not store else 0)


def test_a_config_that_is_a_link_to_a_fifo_ends(cli: Cli, profiles: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    profiles.unlink()
    profiles.symlink_to(tmp_path / "fifo")
    for status, command in ((3, ("current",)), (1, ("lint",)), (3, ("list",)), (3, ("token", "prod"))):
        assert cli(*command).status == status, command


# A server


# Another user of the same machine


def test_a_squatted_folder_for_locks_is_refused(tmp_path: Path) -> None:
    """Whoever controls a lock can block or interleave its users, and in `/tmp` any user can take the name first."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can become two users")
    with another_user(squatted=True) as uid:
        home = tmp_path / "home"
        os.chown(home / ".config", uid, uid)
        for path in home.rglob("*"):
            os.chown(path, uid, uid)
        become = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        become += ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]  # the tree under test may be private
        for command in (("set", "staging", "description", "x"), ("doctor", "--offline")):
            ran = run_program([*become, sys.executable, "-m", "omniprofile", *command])
            said = ran.stdout + ran.stderr
            assert ran.returncode == (6 if command[0] == "set" else 1), said
            assert f"`/tmp/omniprofile-{uid}` belongs to another user" in said
            assert "Traceback" not in said


def test_a_port_that_somebody_has_on_the_other_family_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Browsers try `::1` for `localhost` first: with only 127.0.0.1, the code would go to whoever listens on `::1`."""
    real = loopback._bound
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as squatter:
        port = squatter.getsockname()[1]
        asked: list[int] = []

        def bound(family: int, address: str, wanted: int) -> socket.socket | None:
            if family == socket.AF_INET and not asked:
                wanted = port
            asked.append(wanted)
            return real(family, address, wanted)

        monkeypatch.setattr(loopback, "_bound", bound)
        listening = loopback.listen(0, "the login")
        ports = {each.getsockname()[1] for each in listening}
        assert len(ports) == 1
        assert port not in ports
        assert len(listening) == 2
        for each in listening:
            with pytest.raises(OSError, match="in use"):
                socket.create_server(each.getsockname()[:2], family=each.family)
            each.close()
        asked.clear()
        monkeypatch.setattr(loopback, "_bound", lambda family, address, wanted: real(family, address, wanted or port))
        with pytest.raises(OperationFailed, match="the login cannot start: no free port"):
            loopback.listen(0, "the login")


BROWSERS = (
    "sh -c 'touch ran' %s", "x; touch ran", "$(touch ran)", "`touch ran`:|touch ran", "%s", "'", ":::", "/dev/null",
)  # fmt: skip


@pytest.mark.parametrize("browser", sample(BROWSERS, 3, "browsers"))
def test_no_browser_variable_is_read_by_a_shell_or_breaks_the_login(cli: Cli, browser: str) -> None:
    """It is run as the user's program with its arguments and one address, without a shell."""
    with Standin() as omni:
        cli.profiles(f'[profiles.o]\nbase_url = "{omni.base_url}"\nallow_insecure = true\nauth = "oauth"\n')
        running = subprocess.Popen(
            [sys.executable, "-m", "omniprofile", "login", "o", "--port", str(free_port())],
            env={
                **os.environ,
                "BROWSER": browser,
                "OMNIPROFILE_SECRET_STORE": "file",
                "PATH": "/usr/bin:/bin",
                "DISPLAY": "",
            },
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        own = browser.startswith("sh -c")
        assert running.stderr
        running.stderr.readline()  # it has begun
        if own:
            wait_until(Path("ran").exists)
        else:
            time.sleep(1)
        assert running.poll() is None, "the login goes on: the address can be opened by hand"
        running.send_signal(signal.SIGINT)
        err = running.communicate(timeout=PATIENCE)[1]
        assert running.returncode == 130, err
        assert "Traceback" not in err
        assert Path("ran").exists() == (browser.startswith("sh -c")), (
            "what it says is run as it is, by no shell of ours"
        )


def test_no_command_but_exec_runs_what_is_called_omni(cli: Cli, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "omni"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    fake.chmod(0o755)
    path = {"PATH": f"{fake.parent}:{os.environ['PATH']}"}
    for command in (
        ("doctor", "--offline"),
        ("list",),
        ("current",),
        ("env", "staging", "--shell", "bash"),
        ("export", "omni-cli", "--dry-run"),
        ("import", "omni-cli"),
        ("test", "staging", "--timeout", "0.2"),
        ("hook", "bash"),
    ):
        cli(*command, env=path, shows=command[0] == "env")
        assert not (tmp_path / "ran").exists(), command


# A name, wherever it comes from

BIDI = "a\u202eb\u2066c\x1b[31m\x07\x9b2Jd\u200f"


def _assert_plain(ran: Ran) -> None:
    for text in (ran.err, ran.out):
        bad = {char for char in text if not char.isprintable() and char not in "\n\t"}
        assert not bad, f"{bad} in\n{ran}"


def test_no_text_of_a_file_reaches_the_terminal_as_a_control(cli: Cli) -> None:
    escaped = json.dumps(BIDI)[1:-1]
    texts = [
        f'[profiles."{escaped}"]\nbase_url = "https://a.omniapp.co"\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\ndescription = "{escaped}"\n',
        f'[profiles.a]\nbase_url = "https://{escaped}.omniapp.co"\n',
        f'[profiles.a]\ninstance = "{escaped}"\n',
        f'[profiles.a]\nextends = "{escaped}"\n',
        f'[profiles.a]\n"{escaped}" = 1\n',
        f'default = "{escaped}"\n',
        f'[settings]\nallowed_hosts = ["{escaped}"]\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ env = "{escaped}" }}\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ command = ["{escaped}"] }}\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ file = "{escaped}" }}\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nexpect = {{ user = "{escaped}" }}\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nauth = "{escaped}"\n',
        f"[profiles.a]\nbase_url = {BIDI}\n",
        f"# {BIDI}\n[profiles.a\n",
    ]
    for text in texts:
        cli.profiles(text)
        for command in (
            ("current",), ("list",), ("show",), ("explain",), ("token",), ("lint",), ("lint", "--format", "github"),
            ("doctor", "--offline"), ("use", "a"), ("use", BIDI), ("set", "a", "description", BIDI), ("test", "--timeout", "0.2"),
            ("add", BIDI), ("rename", "a", BIDI), ("__complete", "profiles"), ("logout", "a"),
        ):  # fmt: skip
            _assert_plain(cli(*command))


def test_no_file_name_reaches_the_terminal_as_a_control(cli: Cli) -> None:
    folder = cli.home / BIDI
    folder.mkdir()
    (folder / "profiles.toml").write_text("[profiles.a\n")
    (folder / ".omniprofile.toml").write_text("x = 1\n")
    for command in (("current",), ("lint",), ("doctor", "--offline"), ("lint", str(folder / "none.toml"))):
        for config in ("profiles.toml", "none.toml"):
            _assert_plain(cli("--config", str(folder / config), *command))
        _assert_plain(cli(*command, cwd=folder))


@pytest.mark.parametrize("pin", ['profile = "a"\n', 'profile = "nowhere"\n', "x = 1\n", "x = [\n"])
def test_no_file_name_begins_a_line_of_its_own(cli: Cli, pin: str) -> None:
    """It could pass for a message of ours, or for one of GitHub's workflow commands."""
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = { env = "K" }\n')
    folder = cli.work / "a\n::error::planted\r\n::error::planted"
    folder.mkdir()
    (folder / ".omniprofile.toml").write_text(pin)
    (folder / "sound.toml").write_text('[profiles.b]\nbase_url = "https://a.omniapp.co"\n')
    for command in (
        ("current",), ("current", "-v"), ("status",), ("list",), ("show",), ("explain",), ("token",), ("env",), ("lint",),
        ("lint", str(folder / "none.toml")), ("lint", "--format", "github"), ("doctor", "--offline"), ("use", "nobody"),
        ("exec", "--", "no-such-program"), ("test", "--timeout", "0.2"),
        ("--config", str(folder / "none.toml"), "list"), ("--config", str(folder / ".omniprofile.toml"), "list"),
        ("--config", str(folder / "sound.toml"), "show", "b"), ("--config", str(folder / "sound.toml"), "set", "b", "auth", "x"),
    ):  # fmt: skip
        ran = cli(*command, cwd=folder)
        assert not [line for line in (ran.out + ran.err).splitlines() if line.lstrip().startswith("::error::")], ran


def test_no_text_of_an_instance_reaches_the_terminal_as_a_control(cli: Cli) -> None:
    user = {
        "keyScope": "user",
        "orgRole": BIDI,
        "user": {"id": BIDI, "membershipId": BIDI, "name": BIDI, "email": BIDI},
    }
    answers = [
        (200, user),
        (401, {"detail": BIDI}),
        (403, {"detail": BIDI, "status": 403}),
        (429, {"detail": BIDI}),
        (500, {"error": BIDI, "error_description": BIDI}),
        (302, {}),
    ]
    with Standin() as omni:
        omni.add_key(CANARY)
        cli.profiles(
            f'[profiles.a]\nbase_url = "{omni.base_url}"\nallow_insecure = true\nkey = {{ env = "K" }}\n'
            f'[profiles.s]\nbase_url = "{omni.base_url}"\nallow_insecure = true\n'
        )
        for status, answer_ in answers:
            headers = {"Content-Type": "application/json", "Retry-After": "\x9b31m", "Location": "/\x9b31m"}
            reply = (status, headers, json.dumps(answer_).encode())
            omni.switches.answer = partial(lambda reply, _: reply, reply)
            store = {"K": CANARY, "OMNIPROFILE_SECRET_STORE": "file"}
            _assert_plain(cli("test", "a", "--timeout", "1", env=store))
            _assert_plain(cli("-v", "-v", "login", "s", stdin=CANARY, env=store))
            _assert_plain(cli("doctor", env=store))
