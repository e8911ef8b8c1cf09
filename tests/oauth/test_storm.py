"""Fifty real processes that need a new access token at the same moment: one POST, fifty equal valid tokens, nobody logged out.

The instance revokes a session whose refresh token is used twice, which reveals any extra refresh.
"""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from omniprofile.credentials.file_store import FileStore
from omniprofile.credentials.keyring_store import KeyringStore
from omniprofile.credentials.session import _lock_name
from omniprofile.model.stored import SecretStore
from omniprofile.system.user_lock import user_lock_folders
from tests import warm
from tests.conftest import Cli
from tests.credentials import conftest as stores
from tests.oauth.conftest import PROFILE, Login, expire
from tests.programs import changed, run_program
from tests.sampling import WHOLE
from tests.standin import Standin
from tests.waiting import wait_until

PROCESSES = 50

secret_service = stores.secret_service


@pytest.fixture
def storm(login: Login) -> Login:
    """A session with an expired access token, and a slow token endpoint."""
    login.seed(left=timedelta(hours=-1))
    login.omni.oauth.latency = 1.5
    return login


def run_at_once(omni: Standin, environs: Sequence[Mapping[str, str]], *argv: str) -> list[tuple[int, str, str]]:
    """Run `omniprofile *argv` in each environment, all before the token endpoint answers; return how each ended.

    By then, each has read the old session, and holds its lock or waits for it. The result is status, stdout and stderr.
    """
    lock = os.path.join(user_lock_folders(sys.platform, os.environ, os.getuid())[0], "")
    omni.oauth.may_answer.clear()
    processes = [
        warm.Popen(
            [*warm.PROGRAM, *argv],
            env={**os.environ, **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for environ in environs
    ]
    try:
        for process in processes:
            wait_until(lambda process=process: _locks(process.pid, lock) or process.poll() is not None)  # type: ignore[misc]
        omni.oauth.may_answer.set()
        ended = [process.communicate(timeout=120) for process in processes]
        return [(process.returncode, out, err) for process, (out, err) in zip(processes, ended, strict=True)]
    finally:
        omni.oauth.may_answer.set()
        for process in processes:
            process.kill()
            process.wait()


def _locks(pid: int, folder: str) -> bool:
    """Whether a process has a lock of a session open in the folder for the user's locks."""
    with suppress(OSError):  # the process, or one of its files, may be gone meanwhile
        return any(os.readlink(entry).startswith(f"{folder}session-") for entry in Path(f"/proc/{pid}/fd").iterdir())
    return False


def check(results: list[tuple[int, str, str]], omni: Standin, store: SecretStore) -> None:
    """Check that there was one POST, that the tokens are equal and accepted, and that the new pair is stored."""
    tokens = Counter(out for _, out, _ in results)
    shown = (
        f"{len(results)} processes: {len(omni.oauth.grants)} POSTs {Counter(outcome for _, outcome in omni.oauth.grants)}, "
        f"statuses {Counter(status for status, _, _ in results)}, {len(tokens)} different outputs, "
        f"{omni.oauth.live_sessions} live sessions"
    )
    print(shown)
    assert omni.oauth.grants == [("refresh_token", "granted")], shown
    assert {status for status, _, _ in results} == {0}, shown
    assert {err for _, _, err in results} == {""}, shown
    assert len(tokens) == 1, shown
    (token,) = tokens
    (account,) = store.summaries()
    session = store.get(account)
    assert session is not None
    assert session.token.reveal() == token.strip()
    assert omni.knows(token.strip()), shown
    assert omni.oauth.live_sessions == 1, shown


def test_fifty_processes_with_an_expired_token(storm: Login, tmp_path: Path) -> None:
    store = FileStore(str(storm.cli.state))
    results = run_at_once(storm.omni, [storm.environ] * PROCESSES, "token", "prod")
    check(results, storm.omni, store)


def test_fifty_processes_that_all_force_a_refresh_with_two_configurations(storm: Login, tmp_path: Path) -> None:
    store = FileStore(str(storm.cli.state))
    environs = [{**storm.environ, "XDG_CONFIG_HOME": folder} for folder in two_configurations(storm, tmp_path)]
    results = run_at_once(storm.omni, environs * (PROCESSES // 2), "token", "prod", "--force-refresh")
    check(results, storm.omni, store)


def two_configurations(login: Login, folder: Path) -> list[str]:
    """The same profile in two folders for `XDG_CONFIG_HOME`."""
    folders = []
    for name in ("one", "two"):
        (folder / name / "omniprofile").mkdir(parents=True)
        (folder / name / "omniprofile" / "profiles.toml").write_text(PROFILE.format(url=login.omni.base_url, more=""))
        folders.append(str(folder / name))
    return folders


@pytest.mark.secret_service
def test_processes_with_the_secret_service_and_two_homes(
    secret_service: stores.SecretService,
    cli: Cli,
    tmp_path: Path,
    login: Login,
) -> None:
    """Configuration and state are in two places, but the secret and its lock are shared."""
    login.environ["OMNIPROFILE_SECRET_STORE"] = "keyring"
    login.environ["OMNIPROFILE_KEYRING_TIMEOUT"] = "60"
    login.log_in()
    login.omni.oauth.latency = 1.5
    login.omni.oauth.grants.clear()
    locks = user_lock_folders(sys.platform, os.environ, os.getuid())[0]
    store = KeyringStore(str(cli.state), timeout=60, lock_folders=[locks])
    expire(store)
    environs = [
        {**login.environ, "XDG_CONFIG_HOME": folder, "XDG_STATE_HOME": f"{folder}/state"}
        for folder in two_configurations(login, tmp_path)
    ]
    results = run_at_once(login.omni, environs * ((PROCESSES if WHOLE else 16) // 2), "token", "prod")
    check(results, login.omni, store)
    assert secret_service.daemon.poll() is None, "the daemon died"


def test_a_lock_timeout_is_an_error_without_a_refresh(storm: Login, tmp_path: Path) -> None:
    """One process hangs at the token endpoint; another gives up without sending anything."""
    storm.omni.oauth.may_answer.clear()
    holder = storm.start("token", "prod")
    wait_until(lambda: storm.omni.oauth.arrived)
    hurried = changed("from omniprofile.credentials import session; session.LOCK_SECONDS = 0.5")
    ran = run_program([*hurried, "token", "prod"], env={**os.environ, **storm.environ})
    storm.omni.oauth.may_answer.set()
    assert ran.returncode == 1
    assert ran.stdout == ""
    assert "another process has held the session of `prod` for more than 0.5 s" in ran.stderr
    out, err = holder.communicate(timeout=60)
    assert holder.returncode == 0, err
    assert storm.omni.knows(out.strip())
    assert storm.omni.oauth.grants == [("refresh_token", "granted")]


def _two_homes(environ: dict[str, str], folder: Path) -> list[dict[str, str]]:
    return [{**environ, "HOME": str(folder / name), "XDG_RUNTIME_DIR": str(folder / name)} for name in ("a", "b")]


def _two_tmps(environ: dict[str, str], folder: Path) -> list[dict[str, str]]:
    return [{**environ, "TMPDIR": str(folder / name)} for name in ("a", "b")]


def _linked_state(environ: dict[str, str], folder: Path) -> list[dict[str, str]]:
    (folder / "link").symlink_to(environ["OMNIPROFILE_STATE_DIR"])
    return [environ, {**environ, "OMNIPROFILE_STATE_DIR": str(folder / "link")}]


def _bound_state(environ: dict[str, str], folder: Path) -> list[dict[str, str]]:
    (folder / "bound").mkdir()
    subprocess.run(["mount", "--bind", environ["OMNIPROFILE_STATE_DIR"], str(folder / "bound")], check=True)
    return [environ, {**environ, "OMNIPROFILE_STATE_DIR": str(folder / "bound")}]


@pytest.mark.parametrize("differ", [_two_homes, _two_tmps, _linked_state, _bound_state])
def test_two_surroundings_of_one_store_have_one_lock(
    storm: Login, tmp_path: Path, differ: Callable[[dict[str, str], Path], list[dict[str, str]]]
) -> None:
    if differ is _bound_state and os.geteuid() != 0:
        pytest.skip("only root can mount")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    environs = differ({**storm.environ, "OMNIPROFILE_STATE_DIR": str(storm.cli.state)}, tmp_path)
    try:
        results = run_at_once(storm.omni, environs * 3, "token", "prod")
    finally:
        if differ is _bound_state:
            subprocess.run(["umount", "-l", str(tmp_path / "bound")], check=True)
    check(results, storm.omni, FileStore(str(storm.cli.state)))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can unshare mounts")
def test_a_login_session_and_a_private_tmp_that_come_meanwhile_change_no_lock(storm: Login) -> None:
    """The one process is a cron job, with no /run/user; the other starts in a mount namespace that has it and another /tmp."""
    first = storm.start("token", "prod")
    wait_until(lambda: storm.omni.oauth.arrived)
    uid = os.getuid()
    session = (
        f'mount -t tmpfs tmpfs /run/user && mkdir -m 700 /run/user/{uid} && mount -t tmpfs tmpfs /var/tmp && exec "$@"'
    )
    second = run_program(
        ["unshare", "-m", "sh", "-c", session, "sh", sys.executable, "-m", "omniprofile", "token", "prod"],
        env={**os.environ, **storm.environ, "XDG_RUNTIME_DIR": f"/run/user/{uid}"},
    )
    out, err = first.communicate(timeout=60)
    check(
        [(first.returncode, out, err), (second.returncode, second.stdout, second.stderr)],
        storm.omni,
        FileStore(str(storm.cli.state)),
    )


@pytest.mark.parametrize("which", ["beside", "user"])
def test_a_lock_file_that_is_removed_while_it_is_held_leaves_the_other(storm: Login, which: str) -> None:
    first = storm.start("token", "prod")
    wait_until(lambda: storm.omni.oauth.arrived)
    store = FileStore(str(storm.cli.state))
    if which == "beside":
        (found,) = storm.cli.state.glob("session-*.lock")
    else:
        name = _lock_name(f"{store.identity}\0prod@{storm.omni.base_url}")
        found = Path(user_lock_folders(sys.platform, os.environ, os.getuid())[0], name)
    found.unlink()
    second = storm.start("token", "prod")
    results = [(process.wait(60), *process.communicate()) for process in (first, second)]
    check(results, storm.omni, store)
