"""A failing token endpoint: only `invalid_grant` ends the session, and each message names the failure."""

import json
import os
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import parse_qsl

import pytest

from omniprofile.credentials.file_store import FileStore
from omniprofile.errors import Unreachable
from omniprofile.instance.client import Client
from omniprofile.instance.endpoints import Endpoints
from omniprofile.instance.oauth_requests import AuthorizationRequest, Kind
from omniprofile.instance.token_endpoint import redeem, refresh, revoke
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from tests.conftest import CANARY, Cli
from tests.oauth.conftest import PROFILE
from tests.sockets import raw
from tests.waiting import FOR_EVER, PATIENCE


class Endpoint:
    """A server that answers every request with the given bytes, and then drops the connection."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.requests: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        # Closing alone does not wake a thread that waits in `accept`.
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                request = b""
                while b"\r\n\r\n" not in request:
                    request += connection.recv(65536)
                head, _, body = request.partition(b"\r\n\r\n")
                length = next(
                    int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")
                )
                while len(body) < length:
                    body += connection.recv(65536)
                self.requests.append(body.decode())
                connection.sendall(self.answer)


def http(
    status: str, body: bytes | str = b"", kind: str = "application/json", *more: str, length: int | None = None
) -> bytes:
    """Return an HTTP answer; `length` is a false Content-Length."""
    content = body.encode() if isinstance(body, str) else body
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Type: {kind}",
        f"Content-Length: {length or len(content)}",
        "Connection: close",
        *more,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@dataclass(frozen=True)
class Trouble:
    """An answer, the exit status of a command that needs the token, and words of the message."""

    name: str
    answer: bytes
    status: int
    words: tuple[str, ...]
    ends: bool = False
    hint: str = field(default="")


PAIR = {"access_token": CANARY + "2", "refresh_token": CANARY + "R2", "token_type": "Bearer", "expires_in": 3600}
HTML = "<!doctype html><html><title>error=invalid_grant</title>access_token=x&error=invalid_grant</html>"
TROUBLES = [
    Trouble("a 500", http("500 Internal Server Error", "{}"), 7, ("returned an error (HTTP 500)",)),
    Trouble("invalid_grant in a 500", http("500 X", '{"error": "invalid_grant"}'), 7, ("HTTP 500",)),
    Trouble("invalid_grant in a 200", http("200 OK", '{"error": "invalid_grant"}'), 7, ("`invalid_grant`",)),
    Trouble("a 503 in HTML", http("503 X", HTML, "text/html"), 7, ("HTTP 503",)),
    Trouble(
        "a 429", http("429 Too Many Requests", "{}", "application/json", "Retry-After: 30"), 7, ("limits the rate",)
    ),
    Trouble("HTML", http("200 OK", HTML, "text/html"), 7, ("not a JSON object",)),
    Trouble("HTML with 400", http("400 Bad Request", HTML, "text/html"), 7, ("HTTP 400",)),
    Trouble(
        "a form, as only old servers send it", http("200 OK", "access_token=x", "text/plain"), 7, ("not a JSON object",)
    ),
    Trouble("an invalid_grant that is not JSON", http("400 X", "error=invalid_grant", "text/plain"), 7, ("HTTP 400",)),
    Trouble("nothing", b"", 7, ("closed the connection",)),
    Trouble("half a status line", b"HTTP/1.", 7, ("closed the connection",)),
    Trouble("half a body", http("200 OK", json.dumps(PAIR)[:40], length=400), 7, ("closed the connection",)),
    Trouble(
        "half a body that is whole JSON", http("200 OK", json.dumps(PAIR), length=4000), 7, ("closed the connection",)
    ),
    Trouble("a huge body", http("200 OK", b" " * (1024 * 1024 + 10)), 7, ("larger than 1 MiB",)),
    Trouble("JSON nested beyond reason", http("200 OK", b"[" * 100_000), 7, ("not a JSON object",)),
    Trouble("a list", http("200 OK", "[]"), 7, ("not a JSON object",)),
    Trouble("no access token", http("200 OK", '{"token_type": "Bearer"}'), 7, ("lacks an access token",)),
    Trouble("an empty access token", http("200 OK", '{"access_token": ""}'), 7, ("usable access token",)),
    Trouble(
        "an access token with a line break",
        http("200 OK", '{"access_token": "a\\r\\nX: b"}'),
        7,
        ("usable access token",),
    ),
    Trouble("a number for a token", http("200 OK", '{"access_token": 5}'), 7, ("usable access token",)),
    Trouble(
        "a malformed refresh token", http("200 OK", '{"access_token": "a", "refresh_token": 1}'), 7, ("refresh token",)
    ),
    Trouble(
        "another kind of token", http("200 OK", '{"access_token": "a", "token_type": "mac"}'), 7, ("not bearer tokens",)
    ),
    Trouble("a refused client", http("401 X", '{"error": "invalid_client"}'), 8, ("`invalid_client`",)),
    Trouble(
        "an error with a terminal's control characters",
        http("400 X", json.dumps({"error": "odd\x1b[31m", "error_description": "\u202e\x07 no"})),
        8,
        ("\\x1b[31m", "\\u202e"),
    ),
    Trouble("an error that is not a string", http("400 X", '{"error": {"a": 1}}'), 7, ("HTTP 400",)),
    Trouble(
        "invalid_grant, described by a list",
        http("400 X", '{"error": "invalid_grant", "error_description": []}'),
        4,
        ("revoked",),
        ends=True,
    ),
    Trouble(
        "PATs off",
        http("403 X", '{"detail": "Personal Access Tokens are not enabled"}'),
        8,
        ("not enabled",),
        hint="Personal tokens",
    ),
    Trouble(
        "the end",
        http("400 X", '{"error": "invalid_grant"}'),
        4,
        ("has expired or been revoked", "`invalid_grant`"),
        ends=True,
        hint="omniprofile login prod",
    ),
    Trouble(
        "the end with 401", http("401 X", '{"error": "invalid_grant"}'), 4, ("has expired or been revoked",), ends=True
    ),
]
TABLE = pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.name)


@pytest.fixture(autouse=True)
def file_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for the file by name."""
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")


def store_session(cli: Cli, base_url: str, *, left: timedelta) -> StoredSecret:
    """Write a profile and a session for it with the given time left."""
    cli.profiles(PROFILE.format(url=base_url, more=""))
    now = datetime.now(UTC)
    session = StoredSecret(
        Origin.parse(base_url),
        Secret(CANARY + "1"),
        now + min(left, timedelta(0)) - timedelta(hours=1),
        expires_at=now + left,
        refresh_token=Secret(CANARY + "R1"),
        client_id="omni-cli",
        scope="user:default",
    )
    FileStore(str(cli.state)).put("prod", session)
    return session


def stored(cli: Cli) -> StoredSecret | None:
    """Return the store's entry for `prod`."""
    store = FileStore(str(cli.state))
    return next((store.get(account) for account in store.summaries()), None)


EXPIRED = timedelta(seconds=-10)
NEARLY = timedelta(minutes=2)


@TABLE
def test_an_expired_session_survives_all_but_its_end(cli: Cli, trouble: Trouble) -> None:
    with Endpoint(trouble.answer) as endpoint:
        session = store_session(cli, endpoint.base_url, left=EXPIRED)
        ran = cli("token", "prod", status=trouble.status)
        assert ran.out == ""
        for word in trouble.words:
            assert word in ran.err
        assert trouble.hint in ran.err
        assert "hint: " in ran.err
        assert len(endpoint.requests) == 1
        assert stored(cli) == (None if trouble.ends else session)


@TABLE
def test_a_token_that_is_still_valid_is_used_meanwhile(cli: Cli, trouble: Trouble) -> None:
    with Endpoint(trouble.answer) as endpoint:
        session = store_session(cli, endpoint.base_url, left=NEARLY)
        ran = cli("token", "prod", shows=True)
        if trouble.ends:
            assert ran.status == 4, ran
            assert stored(cli) is None
            return
        assert ran.status == 0, ran
        assert ran.out == f"{CANARY}1\n"
        assert "still valid and used meanwhile" in ran.err
        assert stored(cli) == session
        forced = cli("token", "prod", "--force-refresh")
        assert forced.status == trouble.status, "who asks for a new token is not given the old one"


def test_a_redirect_is_not_followed_to_another_host(cli: Cli) -> None:
    with Endpoint(http("200 OK", json.dumps(PAIR))) as other:
        moved = http("307 Temporary Redirect", b"", "text/plain", f"Location: {other.base_url}/oauth/token")
        with Endpoint(moved) as endpoint:
            session = store_session(cli, endpoint.base_url, left=EXPIRED)
            ran = cli("token", "prod")
    assert ran.status == 7
    assert "redirects to another address" in ran.err
    assert not other.requests
    assert stored(cli) == session


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_redirect_is_reported_by_its_host_alone(status: int) -> None:
    moved = http(f"{status} Moved", b"", "text/plain", f"Location: https://sso.acme.example/login?key={CANARY}")
    with Endpoint(moved) as endpoint, Client(timeout=PATIENCE, environ=os.environ) as client:
        session = StoredSecret(Origin.parse(endpoint.base_url), Secret("a"), CLOCK[0], refresh_token=Secret("r"))
        with pytest.raises(Unreachable, match=r"redirects to another address \(sso\.acme\.example\)"):
            refresh(client, "prod", session, now=lambda: CLOCK[0])


def test_an_instance_that_is_not_there_is_exit_7(cli: Cli) -> None:
    with Endpoint(b"") as endpoint:
        gone = endpoint.base_url
    session = store_session(cli, gone, left=EXPIRED)
    ran = cli("token", "prod", status=7)
    assert "does not accept connections" in ran.err
    assert stored(cli) == session


def answer(**changed: object) -> bytes:
    """Return a valid answer with some fields changed; fields set to None are left out."""
    fields = {key: value for key, value in {**PAIR, **changed}.items() if value is not None}
    return http("200 OK", json.dumps(fields))


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [
        (3600, 3600),
        ("3600", 3600),
        (3600.5, 3600),
        (None, 8 * 3600),
        ("soon", 8 * 3600),
        ([], 8 * 3600),
        (True, 8 * 3600),
        (float("nan"), 8 * 3600),
        (float("inf"), 3650 * 86400),
        (10**400, 3650 * 86400),
        ("9" * 5000, 8 * 3600),
        (0, 0),
        (-5, 0),
        (float("-inf"), 0),
    ],
)
def test_every_lifetime_gives_an_expiry(cli: Cli, expires_in: object, seconds: float) -> None:
    with Endpoint(answer(expires_in=expires_in)) as endpoint:
        store_session(cli, endpoint.base_url, left=EXPIRED)
        began = datetime.now(UTC)
        ran = cli("token", "prod", "--json", shows=True)
        ended = datetime.now(UTC)
    assert ran.status == 0, ran
    granted = datetime.fromisoformat(json.loads(ran.out)["expires_at"]) - timedelta(seconds=seconds)
    assert began - timedelta(seconds=1) <= granted <= ended + timedelta(seconds=1), "whole seconds are shown"


def test_a_new_refresh_token_takes_the_place_of_the_old_one() -> None:
    with Endpoint(answer()) as endpoint, Client(timeout=PATIENCE, environ=os.environ) as client:
        session = StoredSecret(Origin.parse(endpoint.base_url), Secret("a"), CLOCK[0], refresh_token=Secret("r"))
        new = refresh(client, "prod", session, now=lambda: CLOCK[0])
    assert new.refresh_token == Secret(CANARY + "R2")


def test_without_a_new_refresh_token_the_old_one_stays(cli: Cli) -> None:
    with Endpoint(answer(refresh_token=None)) as endpoint:
        store_session(cli, endpoint.base_url, left=EXPIRED)
        assert cli("token", "prod", shows=True).out == CANARY + "2\n"
    new = stored(cli)
    assert new is not None
    assert new.refresh_token == Secret(CANARY + "R1")
    assert new.token == Secret(CANARY + "2")


@pytest.mark.parametrize(("ahead", "seconds"), [(0, 3600), (2, 3600), (-20, 2400), (-(10**5), 1800)])
def test_the_earlier_clock_decides_but_half_the_life_is_left(cli: Cli, ahead: int, seconds: int) -> None:
    """`ahead` is how far the server's clock is ahead of ours, in minutes. Ours may be corrected before the token is used."""
    began = datetime.now(UTC)
    date = (began + timedelta(minutes=ahead)).strftime("Date: %a, %d %b %Y %H:%M:%S GMT")
    with Endpoint(http("200 OK", json.dumps(PAIR), "application/json", date)) as endpoint:
        store_session(cli, endpoint.base_url, left=EXPIRED)
        cli("token", "prod", shows=True)
    new = stored(cli)
    assert new is not None
    assert new.expires_at is not None
    assert began - timedelta(seconds=1) <= new.expires_at - timedelta(seconds=seconds) <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        (None, 3600),
        ("soon", 3600),
        ("Tue, 24 Nov 2026 12:00:59 GMT", 3600),
        ("Tue, 24 Nov 2026 11:59:01 GMT", 3600),
        ("Tue, 24 Nov 2026 11:59:00 GMT", 3540),
        ("Tue, 24 Nov 2026 11:59:00 -0000", 3540),
        ("Tue, 24 Nov 2026 13:39:00 +0200", 2340),
        ("Tue, 24 Nov 2026 10:00:00 GMT", 1800),
        ("Tue, 24 Nov 2026 14:00:00 GMT", 3600),
    ],
)
def test_a_server_whose_clock_is_a_minute_behind_makes_tokens_older(date: str | None, seconds: float) -> None:
    began = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
    given = http("200 OK", json.dumps(PAIR), "application/json", *([f"Date: {date}"] if date else []))
    with Endpoint(given) as endpoint, Client(timeout=PATIENCE, environ=os.environ) as client:
        session = StoredSecret(Origin.parse(endpoint.base_url), Secret("a"), began, refresh_token=Secret("r"))
        new = refresh(client, "prod", session, now=lambda: began)
    assert new.expires_at == began + timedelta(seconds=seconds)


CLOCK = [datetime(2026, 11, 24, 12, 0, second, tzinfo=UTC) for second in (0, 5)]
"""The moments before an exchange and after it."""


@pytest.mark.parametrize(("path", "token_path"), [("/oauth/token", None), ("/other/token", "/other/token")])
@pytest.mark.parametrize("scope", ["user:more", None])
def test_a_code_becomes_a_session_that_began_when_it_was_asked_for(
    path: str, token_path: str | None, scope: str | None
) -> None:
    with Endpoint(answer(scope=scope)) as endpoint, Client(timeout=PATIENCE, environ=os.environ) as client:
        origin, attempt = Origin.parse(endpoint.base_url), AuthorizationRequest("http://localhost:1/callback")
        moments = iter(CLOCK)
        session = redeem(client, origin, Endpoints(token=path), attempt, Secret("the code"), now=lambda: next(moments))
    assert session == StoredSecret(
        origin,
        Secret(CANARY + "2"),
        CLOCK[0],
        expires_at=CLOCK[0] + timedelta(hours=1),
        refresh_token=Secret(CANARY + "R2"),
        client_id="omni-cli",
        scope=scope or "user:default",
        token_path=token_path,
    )
    assert dict(parse_qsl(endpoint.requests[0])) == {
        "grant_type": "authorization_code",
        "client_id": "omni-cli",
        "code": "the code",
        "code_verifier": attempt.verifier.reveal(),
        "redirect_uri": "http://localhost:1/callback",
    }


@pytest.mark.parametrize(("scope", "kept"), [("user:more", "user:more"), (None, "user:default")])
def test_a_refresh_keeps_what_the_answer_leaves_out_and_says_when_it_was(scope: str | None, kept: str) -> None:
    with (
        Endpoint(answer(scope=scope, refresh_token=None)) as endpoint,
        Client(timeout=PATIENCE, environ=os.environ) as client,
    ):
        old = StoredSecret(
            Origin.parse(endpoint.base_url),
            Secret("a"),
            CLOCK[0] - timedelta(days=1),
            refresh_token=Secret("r"),
            client_id="another-client",
            scope="user:default",
            token_path="/other/token",
        )
        moments = iter(CLOCK)
        new = refresh(client, "prod", old, now=lambda: next(moments))
    assert new == replace(
        old,
        token=Secret(CANARY + "2"),
        stored_at=CLOCK[0],
        expires_at=CLOCK[0] + timedelta(hours=1),
        refreshed_at=CLOCK[1],
        scope=kept,
    )
    assert "client_id=another-client" in endpoint.requests[0]


@pytest.mark.parametrize(("kind", "token"), [("refresh_token", "r"), ("access_token", "a")])
@pytest.mark.parametrize("client_id", [None, "another-client"])
def test_a_revocation_sends_the_token_its_kind_and_its_client(kind: Kind, token: str, client_id: str | None) -> None:
    with Endpoint(http("200 OK")) as endpoint, Client(timeout=PATIENCE, environ=os.environ) as client:
        session = StoredSecret(
            Origin.parse(endpoint.base_url), Secret("a"), CLOCK[0], refresh_token=Secret("r"), client_id=client_id
        )
        assert revoke(client, session, "/oauth/revoke", kind, timeout=PATIENCE) is None
    assert dict(parse_qsl(endpoint.requests[0])) == {
        "token": token,
        "token_type_hint": kind,
        "client_id": client_id or "omni-cli",
    }


def test_a_revocation_keeps_its_time_limit_and_a_missing_token_needs_none() -> None:
    def wait(_: socket.socket) -> None:
        threading.Event().wait(FOR_EVER)

    session = StoredSecret(Origin.parse("http://127.0.0.1:9"), Secret("a"), CLOCK[0])
    with Client(timeout=PATIENCE, environ=os.environ) as client:
        assert revoke(client, session, "/oauth/revoke", "refresh_token", timeout=0.2) is None
        with raw(wait) as url:
            silent = replace(session, origin=Origin.parse(url))
            why = revoke(client, silent, "/oauth/revoke", "access_token", timeout=0.2)
    assert why == "127.0.0.1 did not answer in 0.2 s"


def test_a_clock_that_was_set_back_makes_the_expiry_worthless(cli: Cli) -> None:
    with Endpoint(answer()) as endpoint:
        session = store_session(cli, endpoint.base_url, left=timedelta(hours=30))
        later = datetime.now(UTC) + timedelta(hours=22)
        FileStore(str(cli.state)).put(
            "prod",
            StoredSecret(session.origin, session.token, later, session.expires_at, session.refresh_token, "omni-cli"),
        )
        assert cli("token", "prod", shows=True).out == CANARY + "2\n"
        assert cli("token", "prod", shows=True).out == CANARY + "2\n"
        assert len(endpoint.requests) == 1


def test_a_refresh_sends_what_omni_expects_and_no_secret_elsewhere(cli: Cli) -> None:
    with Endpoint(answer()) as endpoint:
        store_session(cli, endpoint.base_url, left=EXPIRED)
        cli("token", "prod", shows=True)
        cli("list")
        cli("explain", "prod")
        assert sorted(endpoint.requests[0].split("&")) == [
            "client_id=omni-cli",
            "grant_type=refresh_token",
            f"refresh_token={CANARY}R1",
        ]
    for path in cli.home.rglob("*"):
        assert not path.is_file() or path.name == "secrets.json" or CANARY.encode() not in path.read_bytes(), path


def test_a_session_of_another_origin_is_refused_before_anything_is_sent(cli: Cli) -> None:
    with Endpoint(answer()) as endpoint, Endpoint(answer()) as moved:
        session = store_session(cli, endpoint.base_url, left=EXPIRED)
        cli.profiles(PROFILE.format(url=moved.base_url, more=""))
        ran = cli("token", "prod", status=6)
        assert endpoint.base_url in ran.err
        assert not endpoint.requests
        assert not moved.requests
    assert stored(cli) == session


def test_a_key_is_not_taken_for_a_session_nor_a_session_for_a_key(cli: Cli) -> None:
    with Endpoint(answer()) as endpoint:
        session = store_session(cli, endpoint.base_url, left=timedelta(hours=1))
        cli.profiles(PROFILE.format(url=endpoint.base_url, more="").replace('"oauth"', '"api-key"'))
        ran = cli("token", "prod", status=4)
        assert "is an OAuth session, but its `auth` is `api-key`" in ran.err
        FileStore(str(cli.state)).put("prod", StoredSecret(session.origin, session.token, session.stored_at))
        cli.profiles(PROFILE.format(url=endpoint.base_url, more=""))
        ran = cli("token", "prod", status=4)
        assert "is an API key, but its `auth` is `oauth`" in ran.err
