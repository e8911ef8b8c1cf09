"""Provokes every error and notice of the stores, sessions, key sources and token endpoint, and compares the exact messages.

They are in `golden/words.txt`. After a change of wording, renew it and read the difference:
`OMNIPROFILE_TEST_RENEW=1 pytest tests/credentials/test_words.py`.
"""

import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import keyring.backends.null
import keyring.core
import keyring.errors
import pytest
from keyring.backend import KeyringBackend

from omniprofile.cli.exit_statuses import status_of
from omniprofile.credentials import keyring_store, keyring_time_limit
from omniprofile.credentials import session as session_module
from omniprofile.credentials.envelope import pack, summary_of
from omniprofile.credentials.file_store import FileStore
from omniprofile.credentials.key_check import checked_key
from omniprofile.credentials.key_command import CHAIN_VARIABLE
from omniprofile.credentials.key_file import read_token_file
from omniprofile.credentials.keyring_errors import no_keyring
from omniprofile.credentials.keyring_store import KeyringStore
from omniprofile.credentials.session import Sessions
from omniprofile.credentials.sources import read_key
from omniprofile.errors import Error, StoreUnavailable, Unreachable
from omniprofile.instance.client import Client
from omniprofile.instance.endpoints import USUAL
from omniprofile.instance.oauth_requests import AuthorizationRequest
from omniprofile.instance.token_endpoint import redeem, refresh, revoke
from omniprofile.model.declaration import KeySource
from omniprofile.model.origin import Origin
from omniprofile.model.secret import LONGEST_KEY, Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.system import locking
from tests.credentials.conftest import (
    PROD,
    HangingKeyring,
    LyingKeyring,
    MemoryKeyring,
    RaisingKeyring,
    account,
    make_secret,
)
from tests.sockets import NOBODY
from tests.standin import Standin
from tests.waiting import PATIENCE, wait_until

GOLDEN = Path(__file__).parent / "golden/words.txt"
RENEW = bool(os.environ.get("OMNIPROFILE_TEST_RENEW"))
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STRANGER = 54321
"""A user that is neither root nor the one who runs the tests."""


class Stage:
    """One situation: its folder, patches and notices."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, omni: Standin, client: Client) -> None:
        self.folder = folder
        self.patch = patch
        self.omni = omni
        self.client = client
        self.told: list[str] = []
        self.around = ExitStack()

    # The file store

    @property
    def files(self) -> FileStore:
        """The file store."""
        return FileStore(str(self.folder / "state"), lock_timeout=0.1)

    def file(self, content: object, mode: int = 0o600) -> FileStore:
        """Return the file store with the given content: bytes, or a value written as JSON."""
        store = self.files
        Path(store.path).parent.mkdir(mode=0o700)
        Path(store.path).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        os.chmod(store.path, mode)
        return store

    def entry(self, **changed: object) -> None:
        """Read an entry of the file store with the given keys changed."""
        whole = {**json.loads(pack(make_secret(), account("prod"))), **changed}
        self.file({"version": 1, "secrets": {PROD: whole}}).get(account("prod"))

    def as_another_user(self, path: str) -> None:
        """Make `path` belong to another user."""
        if os.geteuid() == 0:
            os.chown(path, STRANGER + 1, -1)
        self.patch.setattr(os, "geteuid", lambda: STRANGER)

    # The keyring

    def keyring(self, backend: KeyringBackend | None, **options: object) -> KeyringStore:
        """Return the keyring store on a backend, or without any."""
        if backend is not None:
            self.patch.setattr(keyring.core, "_keyring_backend", backend)
        made = {"lock_folders": [str(self.folder / "locks")], **options}
        return KeyringStore(str(self.folder / "state"), **made)  # type: ignore[arg-type]

    def lock(self, *names: str) -> None:
        """Hold a lock file as another process would."""
        self.around.enter_context(locking.lock(str(self.folder.joinpath(*names)), 5))

    # Sessions

    def session(self, **changed: object) -> StoredSecret:
        """Return an expired session, unless changed."""
        made = replace(make_secret("access", session=True), stored_at=NOW - timedelta(hours=8), expires_at=NOW)
        return replace(made, **changed)  # type: ignore[arg-type]

    def sessions(self, answer: Callable[[], StoredSecret] | None = None) -> Sessions:
        """Return sessions in the file store, whose instance calls `answer`."""
        renewed = self.session(token=Secret("new"), expires_at=NOW + timedelta(hours=8))
        return Sessions(
            store=self.files,
            refresh=lambda _account, _sent: answer() if answer else renewed,
            user_lock=lambda name, seconds: locking.lock(str(self.folder / "locks" / name), seconds),
            now=lambda: NOW,
            tell=self.told.append,
            lock_seconds=0.1,
        )

    # Key sources

    def key(self, source: KeySource, **environ: str) -> None:
        """Ask a key source."""
        read_key(
            source,
            profile="ci",
            base_url="https://acme.omniapp.co",
            environ={**os.environ, **environ},
            interactive=False,
        )

    def command(self, *argv: str, timeout: float = 30) -> None:
        """Ask a key command."""
        self.key(KeySource("command", argv=argv, timeout=timeout))

    def shell(self, script: str, timeout: float = 30) -> None:
        """Ask a key command that is a shell script."""
        self.command("sh", "-c", script, timeout=timeout)

    def path(self, name: str, content: str = "", mode: int = 0o600) -> str:
        """A file, made unless it has no content."""
        path = self.folder / name
        if content:
            path.write_text(content)
            path.chmod(mode)
        return str(path)

    # The token endpoint

    def answers(self, status: int, body: bytes, **fields: str) -> None:
        """Make the instance give this answer to everything."""
        self.omni.switches.answer = lambda _path: (status, {"Content-Type": "application/json", **fields}, body)

    def refresh(self, status: int, body: bytes, **fields: str) -> None:
        """Refresh a session, with this answer."""
        self.answers(status, body, **fields)
        session = replace(self.session(), origin=Origin.parse(self.omni.base_url))
        refresh(self.client, "prod", session, now=lambda: NOW)

    def redeem(self, status: int, body: bytes, **fields: str) -> None:
        """Redeem a code, with this answer."""
        self.answers(status, body, **fields)
        attempt = AuthorizationRequest("http://localhost:1/callback")
        redeem(self.client, Origin.parse(self.omni.base_url), USUAL, attempt, Secret("code"), now=lambda: NOW)

    def revoke(self, status: int, body: bytes) -> str | None:
        """Revoke a session's token, with this answer."""
        self.answers(status, body)
        session = replace(self.session(), origin=Origin.parse(self.omni.base_url))
        return revoke(self.client, session, "/oauth/revoke", "access_token", timeout=PATIENCE)


Situation = Callable[[Stage], object]
NULL: Callable[[], KeyringBackend] = keyring.backends.null.Keyring

ENVELOPES: list[tuple[str, Situation]] = [
    (
        "an entry that is not an object",
        lambda stage: stage.file({"version": 1, "secrets": {PROD: []}}).get(account("prod")),
    ),
    ("an entry of another version", lambda stage: stage.entry(version=2)),
    ("an entry without a token", lambda stage: stage.entry(token=None)),
    ("an entry whose token is a number", lambda stage: stage.entry(token=1)),
    ("an entry of another account", lambda stage: stage.entry(account="prod@https://other.omniapp.co")),
    ("an entry with a time that is none", lambda stage: stage.entry(stored_at="yesterday")),
    ("an entry with a path that is none", lambda stage: stage.entry(token_path="@evil.example")),
    (
        "a time without a zone",
        lambda stage: pack(replace(make_secret(), stored_at=NOW.replace(tzinfo=None)), account("prod")),
    ),
    ("a summary that is not an object", lambda stage: summary_of([])),
]


def _folder_that_everybody_writes(stage: Stage) -> None:
    store = stage.file({"version": 1, "secrets": {}})
    (stage.folder / "state").chmod(0o777)
    store.get(account("prod"))


def _file_of_another_user(stage: Stage) -> None:
    store = stage.file({"version": 1, "secrets": {}})
    stage.as_another_user(store.path)
    store.get(account("prod"))


def _folder_that_cannot_be_written(stage: Stage) -> None:
    stage.patch.setattr(os, "access", lambda path, _mode: path != str(stage.folder))
    stage.files.check()


def _drive_that_is_gone(stage: Stage) -> None:
    """Simulate Windows, where a whole drive may be missing."""
    store = stage.files
    stage.patch.setattr(os.path, "lexists", lambda _path: False)
    stage.patch.setattr(os.path, "isdir", lambda _path: False)
    store.check()


def _file_in_use(stage: Stage) -> None:
    stage.lock("state", "secrets.json.lock")
    stage.files.put("prod", make_secret())


FILES: list[tuple[str, Situation]] = [
    ("the label of the file store", lambda stage: stage.files.label),
    ("a file that is not JSON", lambda stage: stage.file(b"{").get(account("prod"))),
    ("a file without secrets", lambda stage: stage.file({"version": 1}).get(account("prod"))),
    ("a file of another version", lambda stage: stage.file({"version": 2, "secrets": {}}).get(account("prod"))),
    (
        "a file that others can read",
        lambda stage: stage.file({"version": 1, "secrets": {}}, 0o644).get(account("prod")),
    ),
    ("a file of another user", _file_of_another_user),
    ("a file in a folder that everybody writes", _folder_that_everybody_writes),
    (
        "a folder in the place of the file",
        lambda stage: FileStore(_made(stage, "state", "secrets.json")).get(account("prod")),
    ),
    ("a file in the place of the folder: put", lambda s: FileStore(s.path("file", "x")).put("prod", make_secret())),
    ("a file in the place of a folder: check", lambda s: FileStore(s.path("file", "x") + "/state").check()),
    ("a folder that cannot be written", _folder_that_cannot_be_written),
    ("a drive that is gone", _drive_that_is_gone),
    ("a file that another process writes", _file_in_use),
]


def _made(stage: Stage, *names: str) -> str:
    """Create nested private folders; return the first."""
    path = stage.folder
    for name in names:
        path /= name
        path.mkdir(mode=0o700)
    return str(stage.folder / names[0])


class Keeping(MemoryKeyring):
    """Silently deletes nothing."""

    def delete_password(self, service: str, username: str) -> None:
        return


class Deaf(MemoryKeyring):
    """Raises when it is to store or to delete."""

    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError(password)

    def delete_password(self, service: str, username: str) -> None:
        raise OSError(username)


def holding(text: object, backend: MemoryKeyring | None = None) -> MemoryKeyring:
    """Return a backend whose entry for `prod` is `text`."""
    backend = backend or MemoryKeyring()
    backend.entries[PROD] = text  # type: ignore[assignment]
    return backend


def _hanging(stage: Stage) -> None:
    backend = HangingKeyring()
    stage.around.callback(backend.released.set)
    stage.keyring(backend, timeout=0.1).get(account("prod"))


def _hanging_again(stage: Stage) -> None:
    backend = HangingKeyring()
    stage.around.callback(backend.released.set)
    store = stage.keyring(backend, timeout=0.1)
    with pytest.raises(StoreUnavailable):
        store.get(account("prod"))
    store.get(account("prod"))


def _keyring_in_use(stage: Stage) -> None:
    stage.lock("locks", "keyring.lock")
    stage.patch.setattr(keyring_store, "_SHARE_TO_WAIT", 0.02)
    stage.keyring(MemoryKeyring(), timeout=10).get(account("prod"))


def _index_in_use(stage: Stage) -> None:
    stage.lock("state", "stored.json.lock")
    stage.patch.setattr(keyring_store, "_SHARE_TO_WAIT", 0.02)
    stage.keyring(MemoryKeyring(), timeout=10).put("prod", make_secret())


def _index_that_cannot_be_written(stage: Stage) -> None:
    _made(stage, "state", "stored.json")
    stage.keyring(MemoryKeyring()).put("prod", make_secret())


def _missing_part(stage: Stage) -> None:
    backend = MemoryKeyring()
    store = stage.keyring(backend, limit=100)
    store.put("prod", make_secret())
    del backend.entries[f"{PROD}/a/2"]
    store.get(account("prod"))


def _no_keyring_elsewhere(stage: Stage) -> None:
    stage.patch.setattr(sys, "platform", "darwin")
    problem = no_keyring()
    stage.patch.undo()
    raise problem


def _unloadable(stage: Stage) -> None:
    stage.patch.setattr(keyring, "get_keyring", lambda: 1 / 0)
    stage.keyring(None).check()


def _no_keyring_here(stage: Stage) -> None:
    stage.patch.setattr(sys, "platform", "linux")
    stage.patch.setattr(keyring, "get_keyring", keyring.backends.fail.Keyring)
    stage.keyring(None).check()


KEYRINGS: list[tuple[str, Situation]] = [
    ("the label of a keyring", lambda stage: stage.keyring(MemoryKeyring()).label),
    ("the label of a keyring that cannot be used", lambda stage: stage.keyring(NULL()).label),
    ("no keyring on Linux", _no_keyring_here),
    ("no keyring elsewhere", _no_keyring_elsewhere),
    ("a keyring that cannot be loaded", _unloadable),
    ("a keyring in plain text", lambda stage: stage.keyring(NULL()).check()),
    (
        "a locked keyring",
        lambda stage: stage.keyring(RaisingKeyring(keyring.errors.KeyringLocked("x"))).get(account("prod")),
    ),
    ("a keyring that vanished", lambda stage: stage.keyring(RaisingKeyring(keyring.errors.NoKeyringError())).check()),
    ("a keyring that fails to read", lambda stage: stage.keyring(RaisingKeyring(OSError("x"))).get(account("prod"))),
    ("a keyring that fails to store", lambda stage: stage.keyring(Deaf()).put("prod", make_secret())),
    ("a keyring that fails to delete", lambda stage: stage.keyring(holding("x", Deaf())).delete(account("prod"))),
    ("a keyring that does not delete", lambda stage: stage.keyring(holding("x", Keeping())).delete(account("prod"))),
    ("a keyring that stores something else", lambda stage: stage.keyring(LyingKeyring()).put("prod", make_secret())),
    ("a keyring that gives no text", lambda stage: stage.keyring(holding(7)).get(account("prod"))),
    ("a keyring that hangs", _hanging),
    ("a keyring that hung", _hanging_again),
    ("a keyring that another process writes to", _keyring_in_use),
    (
        "a lock that cannot be made",
        lambda s: s.keyring(MemoryKeyring(), lock_folders=[s.path("f", "x")]).get(account("prod")),
    ),
    ("a value that is not JSON", lambda stage: stage.keyring(holding("hunter2")).get(account("prod"))),
    (
        "a value of another profile's",
        lambda stage: stage.keyring(holding(pack(make_secret(), account("dev")))).get(account("prod")),
    ),
    ("a value without one of its parts", _missing_part),
    ("an index that another process writes", _index_in_use),
    ("an index that cannot be written", _index_that_cannot_be_written),
]


def _no_refresh_token(stage: Stage) -> None:
    held = stage.session(refresh_token=None)
    stage.sessions().fresh("prod", held)


def _logged_out_before(stage: Stage) -> None:
    stage.sessions().fresh("prod", stage.session())


def _logged_out_meanwhile(stage: Stage) -> None:
    def answer() -> StoredSecret:
        stage.files.delete(account("prod"))
        return stage.session(token=Secret("new"))

    stage.files.put("prod", stage.session())
    stage.sessions(answer).fresh("prod", stage.session())


def _session_in_use(stage: Stage) -> None:
    with stage.sessions().locked(account("prod")):
        stage.sessions().fresh("prod", stage.session())


def _session_in_use_elsewhere(stage: Stage) -> None:
    sessions = stage.sessions()
    stage.lock("locks", os.path.basename(sessions._lock_of(account("prod"))))
    sessions.fresh("prod", stage.session())


def _session_lock_that_cannot_be_made(stage: Stage) -> None:
    stage.path("locks", "x")
    stage.sessions().fresh("prod", stage.session())


def _still_valid(stage: Stage) -> None:
    def answer() -> StoredSecret:
        raise Unreachable("the name acme.omniapp.co does not resolve", hint="be online")

    held = stage.session(expires_at=NOW + timedelta(minutes=2))
    stage.files.put("prod", held)
    assert stage.sessions(answer).fresh("prod", held) == held


def _unstorable(stage: Stage) -> None:
    stage.patch.setattr(session_module, "_STORING_AGAIN", (0.0,))
    stage.patch.setattr(session_module, "_unstored", {})

    def answer() -> StoredSecret:
        stage.lock("state", "secrets.json.lock")
        return stage.session(token=Secret("new"))

    stage.files.put("prod", stage.session())
    stage.sessions(answer).fresh("prod", stage.session())


def _interrupted(stage: Stage) -> None:
    def answer() -> StoredSecret:
        os.kill(os.getpid(), signal.SIGINT)
        wait_until(lambda: stage.told)
        return stage.session(token=Secret("new"))

    stage.files.put("prod", stage.session())
    with pytest.raises(KeyboardInterrupt):
        stage.sessions(answer).fresh("prod", stage.session())
    assert stage.files.get(account("prod")) == stage.session(token=Secret("new"))


SESSIONS: list[tuple[str, Situation]] = [
    ("a session without refresh token", _no_refresh_token),
    ("a session that was logged out before", _logged_out_before),
    ("a session that was logged out meanwhile", _logged_out_meanwhile),
    ("a session that another thread holds", _session_in_use),
    ("a session that another process holds", _session_in_use_elsewhere),
    ("a session whose lock cannot be made", _session_lock_that_cannot_be_made),
    ("a refresh that fails, of a token that is still valid", _still_valid),
    ("a refresh that cannot be stored", _unstorable),
    ("a refresh that Ctrl-C comes into", _interrupted),
]


def _key_file_of_another_user(stage: Stage) -> None:
    path = stage.path("key", "k")
    stage.as_another_user(path)
    stage.key(KeySource("file", path=path))


def _token_file(stage: Stage, path: str, piped: bytes = b"") -> None:
    read_token_file(path, stdin=io.BytesIO(piped), tell=stage.told.append)


SOURCES: list[tuple[str, Situation]] = [
    *(
        (f"a key that {why}", lambda stage, text=text: checked_key(text, "it"))
        for why, text in {
            "is empty": "\n",
            "is too large": "k" * (LONGEST_KEY + 1),
            "is UTF-16": "k\0",
            "begins with a byte order mark": "\ufeffk",
            "has several lines": "k\nk\n",
            "has an empty line after it": "k\n\n",
            "has a space": "k k",
            "has an accent": "ké",
        }.items()
    ),
    ("a variable that is not set", lambda stage: stage.key(KeySource("env", variable="ACME_KEY"))),
    ("a variable that is not a key", lambda stage: stage.key(KeySource("env", variable="ACME_KEY"), ACME_KEY="k k")),
    ("a key file that is missing", lambda stage: stage.key(KeySource("file", path=stage.path("key")))),
    ("a key file that is a folder", lambda stage: stage.key(KeySource("file", path=_made(stage, "key")))),
    ("a key file that is huge", lambda s: s.key(KeySource("file", path=s.path("key", "k" * LONGEST_KEY * 3)))),
    ("a key file that others can read", lambda s: s.key(KeySource("file", path=s.path("a key", "k", 0o644)))),
    ("a key file of another user", _key_file_of_another_user),
    ("a key file that holds no key", lambda stage: stage.key(KeySource("file", path=stage.path("key", "k k")))),
    ("a token file that is missing", lambda stage: _token_file(stage, stage.path("key"))),
    ("a token file that others can read", lambda stage: _token_file(stage, stage.path("a key", "k", 0o644))),
    ("a token file that holds no key", lambda stage: _token_file(stage, stage.path("key", "k k"))),
    ("standard input that holds no key", lambda stage: _token_file(stage, "-", b"k k")),
    ("a command that asks for itself", lambda s: s.key(KeySource("command", argv=("x",)), **{CHAIN_VARIABLE: "a,ci"})),
    ("a command with a relative path", lambda stage: stage.command("./get-key")),
    ("a command that is not there", lambda stage: stage.command("no-such-program")),
    ("a command that cannot be started", lambda stage: stage.command(stage.path("program", "x", 0o700))),
    ("a command that fails", lambda stage: stage.shell("exit 3")),
    ("a command that crashes", lambda stage: stage.shell("kill -SEGV $$")),
    ("a command that a signal without a name ends", lambda stage: stage.shell("kill -40 $$")),
    ("a command that takes too long", lambda stage: stage.shell("exec sleep 30", timeout=0.1)),
    ("a command that prints without end", lambda stage: stage.command("cat", "/dev/zero")),
    ("a command that prints no key", lambda stage: stage.shell("echo k k")),
]

OFF = b'{"detail": "Personal Access Tokens are not enabled"}'
GRANT = b'{"error": "invalid_grant", "error_description": "it was used before"}'
TOKENS: list[tuple[str, Situation]] = [
    ("a refresh that finds nobody", lambda stage: _alone(stage)),
    ("a refresh answered by a page", lambda stage: stage.refresh(200, b"<html>")),
    ("a refresh answered by an error as if it were good", lambda stage: stage.refresh(200, GRANT)),
    ("a refresh answered by a page that is not there", lambda stage: stage.refresh(404, b"<html>")),
    ("a refresh answered by a limit", lambda stage: stage.refresh(429, b"{}")),
    ("a refresh answered by a fault", lambda stage: stage.refresh(502, b"<html>")),
    ("a refresh answered by a redirect", lambda stage: stage.refresh(302, b"", Location="https://login.acme.example/")),
    ("a refresh answered by a redirect to nowhere", lambda stage: stage.refresh(307, b"")),
    ("a refresh answered by the organization's choice", lambda stage: stage.refresh(403, OFF)),
    ("a refresh of a session that is over", lambda stage: stage.refresh(400, b'{"error": "invalid_grant"}')),
    ("a refresh of a session that is over, and why", lambda stage: stage.refresh(401, GRANT)),
    ("a refresh that is refused", lambda stage: stage.refresh(401, b'{"error": "invalid_client"}')),
    ("a grant that is invalid with a status of its own", lambda stage: stage.refresh(403, GRANT)),
    ("a login that finds nobody", lambda stage: _alone(stage, login=True)),
    ("a login answered by a page", lambda stage: stage.redeem(200, b"<html>")),
    ("a login answered by a page that is not there", lambda stage: stage.redeem(404, b"<html>")),
    ("a login answered by the organization's choice", lambda stage: stage.redeem(403, OFF)),
    ("a login whose code is spent", lambda stage: stage.redeem(400, GRANT)),
    ("a login that is refused", lambda stage: stage.redeem(400, b'{"error": "invalid_scope"}')),
    ("a revocation that is done", lambda stage: stage.revoke(200, b"")),
    ("a revocation that fails", lambda stage: stage.revoke(503, b"later")),
    ("a revocation that is refused", lambda stage: stage.revoke(400, b'{"error": "unsupported_token_type"}')),
]


def _alone(stage: Stage, *, login: bool = False) -> None:
    origin = Origin.parse(NOBODY)
    if login:
        redeem(
            stage.client,
            origin,
            USUAL,
            AuthorizationRequest("http://localhost:1/callback"),
            Secret("c"),
            now=lambda: NOW,
        )
    refresh(stage.client, "prod", replace(stage.session(), origin=origin), now=lambda: NOW)


AREAS = {
    "Entries": ENVELOPES,
    "The file store": FILES,
    "The keyring": KEYRINGS,
    "Sessions": SESSIONS,
    "Key sources": SOURCES,
    "The token endpoint": TOKENS,
}


def _said(stage: Stage, situation: Situation) -> Iterator[str]:
    """Return the messages of one situation, line by line."""
    try:
        with stage.around:
            result = situation(stage)
    except Error as problem:
        result = None
        yield f"{type(problem).__name__}, exit {status_of(problem)}"
        yield f"    {problem.message}"
        yield f"    hint: {problem.hint}"
    except ValueError as problem:
        result = None
        yield f"ValueError: {problem}"
    for sentence in stage.told:
        yield f"notice: {sentence}"
    if result is not None:
        yield f"gives: {result}"


def _text(folder: Path, omni: Standin, client: Client) -> Iterator[str]:
    count = 0
    for area, situations in AREAS.items():
        yield f"# {area}"
        for title, situation in situations:
            count += 1
            own = folder / str(count)
            own.mkdir()
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(keyring_time_limit, "_stuck", [])
                patch.setattr(keyring.core, "_keyring_backend", None)
                said = "\n".join(_said(Stage(own, patch, omni, client), situation)).replace(str(own), "~")
            assert said or title.endswith("is done"), title
            yield f"\n## {title}\n{said}"
        yield ""


def test_the_words_of_every_error_and_notice(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with Standin() as omni, Client(timeout=PATIENCE, environ=os.environ) as client:
        text = "\n".join(_text(tmp_path, omni, client))
    text = re.sub(r"127\.0\.0\.1:\d+|on port \d+", lambda at: at[0].rstrip("0123456789") + "PORT", text)
    text = re.sub(r"session-[0-9a-f]{32}", "session-HASH", text)
    if RENEW:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
