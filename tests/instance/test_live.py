"""The live check against real sockets: every symptom is distinguished, no token goes elsewhere, and nothing hangs."""

import gzip
import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from omniprofile.checks.live import Subject, check_live
from omniprofile.errors import CredentialRefused, Error, SessionEnded, StoreLocked, Unreachable
from omniprofile.instance.client import LARGEST_RESPONSE, Client
from omniprofile.instance.endpoints import discover
from omniprofile.instance.instance_error import InstanceError
from omniprofile.instance.responses import Response, retry_after
from omniprofile.instance.symptoms import SYMPTOMS
from omniprofile.instance.token_endpoint import refresh
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import AuthMethod, Identity
from omniprofile.model.live_result import LiveResult, Status
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from tests.authority import Authority
from tests.conftest import CANARY
from tests.programs import run_program
from tests.sockets import raw
from tests.standin import Standin
from tests.waiting import FOR_EVER, PATIENCE, wait_until


@pytest.fixture
def omni() -> Iterator[Standin]:
    with Standin() as standin:
        standin.add_key(CANARY, scope="organization", role="ORG_ADMIN", user="u-7", membership="m-7")
        yield standin


ANYBODY = Identity()


def _test(
    url: str,
    *,
    token: str = CANARY,
    auth: AuthMethod = "api-key",
    expect: Identity = ANYBODY,
    timeout: float = PATIENCE,
) -> LiveResult:
    credential = Credential("prod", Origin.parse(url), auth, Secret(token))
    (result,) = check_live([Subject("prod", lambda: credential, expect)], timeout=timeout, jobs=1, environ=os.environ)
    assert CANARY not in json.dumps(result.as_json()) + repr(result)
    return result


def test_a_good_key_gives_its_identity(omni: Standin) -> None:
    result = _test(omni.base_url)
    assert result.status is Status.OK
    assert result.http_status == 200
    assert result.latency_ms is not None
    assert result.as_json()["identity"] == {
        "user": "u-7",
        "membership_id": "m-7",
        "key_scope": "organization",
        "org_role": "ORG_ADMIN",
    }
    assert omni.requests[0].user_agent.startswith("omniprofile/")


@pytest.mark.parametrize(
    ("body", "off"),
    [
        (b'{"detail": "Personal Access Tokens are not enabled"}', True),
        (b'{"error": "access_denied", "error_description": "turn on personal tokens"}', True),
        (b"PATs are off", True),
        (b"<html>Your personal page is behind this gateway", False),
        (b'{"detail": "the path may not be read"}', False),
        (b" " * 5000 + b"personal access tokens", False),
    ],
)
def test_test_and_refresh_detect_disabled_personal_tokens_alike(omni: Standin, body: bytes, off: bool) -> None:
    omni.switches.answer = lambda path: (403, {"Content-Type": "application/json"}, body)
    tested = _test(omni.base_url)
    now = datetime.now(UTC)
    session = StoredSecret(Origin.parse(omni.base_url), Secret("t"), now, refresh_token=Secret("r"))
    with Client(timeout=PATIENCE, environ=os.environ) as client, pytest.raises(Error) as refused:
        refresh(client, "prod", session, now=lambda: now)
    assert (tested.symptom == "personal-tokens-disabled") is off
    assert ("personal access tokens are not enabled" in refused.value.message) is off


def test_an_instance_without_whoami_is_asked_for_models(omni: Standin) -> None:
    omni.switches.whoami_missing = True
    result = _test(omni.base_url)
    assert (result.status, result.identity) == (Status.OK, None)
    assert [seen.path for seen in omni.requests] == ["/api/v1/whoami", "/api/v1/models?pageSize=1"]
    expected = _test(omni.base_url, expect=Identity(org_role="ORG_ADMIN"))
    assert expected.symptom == "identity-unknown", "an identity that cannot be checked is not the one expected"


@pytest.mark.parametrize("kind", ["html", "404", "text", "list"])
def test_an_answer_that_is_not_omnis_api_means_a_wrong_url(omni: Standin, kind: str) -> None:
    answers = {
        "html": (200, {"Content-Type": "text/html"}, b"<!doctype html>"),
        "404": (404, {"Content-Type": "text/html"}, b"gone"),
        "text": (200, {"Content-Type": "text/plain"}, b"ok"),
        "list": (200, {"Content-Type": "application/json"}, b"[]"),
    }
    omni.switches.answer = lambda path: answers[kind]
    result = _test(omni.base_url)
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "wrong-instance-url")
    assert "the address that you use to log in" in str(result.remedy)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_never_followed_and_its_host_is_named(omni: Standin, status: int) -> None:
    with Standin() as other:
        location = f"{other.base_url.replace('127.0.0.1', 'localhost')}/api/v1/whoami"
        omni.switches.answer = lambda path: (status, {"Location": location}, b"")
        result = _test(omni.base_url)
        assert (result.status, result.symptom) == (Status.UNREACHABLE, "redirect")
        assert "localhost" in str(result.reason)
        assert other.requests == []


def test_a_redirect_within_the_instance_is_called_that(omni: Standin) -> None:
    omni.switches.answer = lambda path: (302, {"Location": "/login?next=%2Fapi"}, b"")
    assert str(_test(omni.base_url).reason).endswith("redirects to another address (a page of its own)")


def test_a_rate_limit_is_waited_out_where_time_allows(omni: Standin) -> None:
    omni.switches.retry_after = "0"
    answers = iter([429, 429])

    def answer(path: str) -> tuple[int, dict[str, str], bytes] | None:
        return next(((status, {"Retry-After": "0"}, b"") for status in answers), None)

    omni.switches.answer = answer
    assert _test(omni.base_url).status is Status.OK
    assert len(omni.requests) == 3


def test_a_rate_limit_beyond_the_time_is_untested_at_once(omni: Standin) -> None:
    omni.switches.rate_limit = 0
    omni.switches.retry_after = "60"
    result = _test(omni.base_url, timeout=30)
    assert (result.status, result.symptom, result.http_status) == (Status.UNTESTED, "rate-limited", 429)
    assert len(omni.requests) == 1


def test_an_instance_that_asks_to_be_asked_later_is(omni: Standin) -> None:
    answers = iter([(503, {"Retry-After": "0"}, b"")])
    omni.switches.answer = lambda path: next(answers, None)
    assert _test(omni.base_url).status is Status.OK
    omni.switches.answer = lambda path: (503, {"Retry-After": "3600"}, b"")
    result = _test(omni.base_url)
    assert (result.status, result.symptom, result.http_status) == (Status.UNREACHABLE, "server-error", 503)


def test_retry_after_is_read_in_both_its_forms() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def wait(**headers: str) -> float:
        return retry_after(Response(429, {name.replace("_", "-"): value for name, value in headers.items()}, b"", 0.0))

    assert wait(retry_after="7") == 7
    date = format_datetime(now + timedelta(seconds=9), usegmt=True)
    assert wait(retry_after=date, date=format_datetime(now, usegmt=True)) == 9
    began = datetime.now(UTC).replace(microsecond=0)
    waits = wait(retry_after=format_datetime(began + timedelta(hours=1), usegmt=True))
    assert began <= began + timedelta(hours=1, seconds=-waits) <= datetime.now(UTC), (
        "without the server's clock, ours must do"
    )
    assert wait(retry_after=date, date="soon") == 0.1, "long ago"
    for garbage in ("", "soon", "-5", "٣", "1e9", "9" * 400, "Thu, 99 Foo"):
        assert 0 < wait(retry_after=garbage) <= 1


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_token_is_sent(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.server("127.0.0.1")
    with Standin(tls=context) as omni:
        omni.add_key(CANARY)
        result = _test(omni.base_url)
        assert (result.status, result.symptom) == (Status.UNREACHABLE, "tls")
        assert omni.requests == []
        trusting = run_program(
            [sys.executable, "-c", TRUST, omni.base_url, CANARY],
            env={"SSL_CERT_FILE": str(authority.file), "PATH": os.environ["PATH"], "NO_PROXY": "*"},
        )
        assert trusting.stdout == "ok\n", trusting.stderr


TRUST = """
import os, sys
from omniprofile.checks.live import Subject, check_live
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
credential = Credential("p", Origin.parse(sys.argv[1]), "api-key", Secret(sys.argv[2]))
print(check_live([Subject("p", lambda: credential, Identity())], timeout=60, jobs=1, environ=os.environ)[0].status)
"""


def test_a_server_that_drips_ends_at_the_deadline_too() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(1000):
            connection.sendall(b"{")
            threading.Event().wait(0.1)

    with raw(drip) as url:
        assert _test(url, timeout=1).symptom == "timeout"


def test_a_server_that_drips_headers_ends_at_the_deadline_too() -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for _ in range(600):
            connection.sendall(b"X: y\r\n")
            threading.Event().wait(0.1)

    with raw(drip) as url:
        assert _test(url, timeout=1).symptom == "timeout"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"not http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_broken_answer_is_one_sentence(answer: bytes) -> None:
    with raw(lambda connection: connection.sendall(answer)) as url:
        result = _test(url)
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "protocol")


@pytest.mark.parametrize("encoding", ["gzip", "gzip, gzip", "br", "deflate", "zstd", "x-unknown"])
def test_a_compressed_response_is_refused_unread(encoding: str) -> None:
    """A few hundred compressed bytes could become gigabytes: compression is not requested, and nothing is decompressed."""
    asked: list[bytes] = []

    def pack(connection: socket.socket) -> None:
        bomb = gzip.compress(gzip.compress(b"\0" * 10_000_000))
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(bomb)}\r\n\r\n"
        connection.sendall(head.encode() + bomb)

    with raw(pack, asked) as url:
        result = _test(url)
        with Client(timeout=PATIENCE, environ=os.environ) as client:
            for ask in (
                lambda: discover(client, Origin.parse(url)),
                lambda: client.post_form(Origin.parse(url), "/", {}),
            ):
                with pytest.raises(InstanceError, match="compressed response"):
                    ask()
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "compressed")
    assert all(b"accept-encoding: identity" in request.lower() for request in asked)


def test_no_cookie_is_kept_or_sent() -> None:
    asked: list[bytes] = []

    def bake(connection: socket.socket) -> None:
        body = b'{"keyScope": "user"}'
        head = f"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode() + body)

    with raw(bake, asked) as one, raw(bake, asked) as other:
        results = check_live([*_subjects(one, 3), *_subjects(other, 3)], timeout=PATIENCE, jobs=1, environ=os.environ)
    assert [result.status for result in results] == [Status.OK] * 6
    assert len(asked) == 6
    assert not any(b"cookie" in request.lower() for request in asked)


@pytest.mark.parametrize(
    "user",
    [
        '"\\ud800"',
        '"a\\u0000b"',
        '"\\u202eevil"',
        '"' + "x" * 300 + '"',
        "true",
        "1.5",
        "[1]",
        "1" + "0" * 40,
        "null",
        '""',
    ],
)
def test_an_identity_that_cannot_be_one_says_nothing(omni: Standin, user: str) -> None:
    body = f'{{"keyScope": "user", "user": {{"id": {user}, "membershipId": 7}}}}'.encode()
    omni.switches.answer = lambda path: (200, {"Content-Type": "application/json"}, body)
    result = _test(omni.base_url)
    assert result.identity is not None
    assert (result.identity.user, result.identity.membership_id, result.identity.key_scope) == (None, "7", "user")


def test_a_session_that_is_refused_is_renewed_and_asked_about_again(omni: Standin) -> None:
    old = Credential("p", Origin.parse(omni.base_url), "oauth", Secret("old"))
    new = Credential("p", Origin.parse(omni.base_url), "oauth", Secret(CANARY))
    renewed: list[str] = []

    def renew() -> Credential:
        renewed.append("renewed")
        return new

    subjects = [Subject(name, lambda: old, Identity(), renew=renew) for name in ("p", "q")]
    results = check_live(subjects, timeout=PATIENCE, jobs=1, environ=os.environ)
    assert [result.status for result in results] == [Status.OK] * 2
    assert renewed == ["renewed"], "one session, one refresh"


def test_a_session_that_is_forbidden_everything_may_lack_personal_tokens(omni: Standin) -> None:
    omni.switches.permission_missing = True
    result = _test(omni.base_url, auth="oauth")
    assert (result.status, result.symptom, result.http_status) == (Status.INVALID, "session-forbidden", 403)
    assert "personal access tokens may be off" in str(result.remedy)


def test_a_huge_answer_is_not_read_to_its_end() -> None:
    sent = 0

    def pour(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 100 * LARGEST_RESPONSE:
            connection.sendall(b"x" * 65536)
            sent += 65536

    with raw(pour) as url:
        assert _test(url).symptom == "too-large"
    assert sent < 50 * LARGEST_RESPONSE


def test_a_proxy_of_the_environment_is_used_and_a_dead_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        asked.append(b"")
        connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

    with raw(proxy) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        result = _test("https://acme.omniapp.co")
    assert asked
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "proxy")
    assert "HTTPS_PROXY" in str(result.remedy)


def test_the_identity_pin_is_compared_field_by_field(omni: Standin) -> None:
    good = Identity(user="u-7", membership_id="m-7", key_scope="organization", org_role="ORG_ADMIN")
    assert _test(omni.base_url, expect=good).status is Status.OK
    result = _test(omni.base_url, expect=Identity(org_role="MEMBER", user="u-7"))
    assert (result.status, result.symptom) == (Status.INVALID, "identity-mismatch")
    assert result.reason == "whoami says org_role `ORG_ADMIN`, the profile expects `MEMBER`"


def test_many_are_tested_at_once_in_bounds_and_in_order() -> None:
    with Standin() as omni:

        def together(_: str) -> None:
            wait_until(lambda: omni.most_at_once > 1)

        omni.switches.answer = together
        subjects = []
        for number in range(40):
            token = f"omni_osk_{number}"
            omni.add_key(token)
            credential = Credential(f"p{number}", Origin.parse(omni.base_url), "api-key", Secret(token))
            subjects.append(Subject(f"p{number}", lambda credential=credential: credential, Identity()))  # type: ignore[misc]
        seen: list[str] = []
        results = check_live(
            subjects, timeout=PATIENCE, jobs=8, environ=os.environ, on_result=lambda result: seen.append(result.profile)
        )
        assert [result.profile for result in results] == [f"p{number}" for number in range(40)]
        assert {result.status for result in results} == {Status.OK}
        assert 1 < omni.most_at_once <= 8
        assert sorted(seen) == sorted(result.profile for result in results)


def _subjects(url: str, count: int, omni: Standin | None = None) -> list[Subject]:
    """Return subjects with a key each."""
    subjects = []
    for number in range(count):
        credential = Credential(f"p{number}", Origin.parse(url), "api-key", Secret(f"omni_osk_{number}"))
        if omni is not None:
            omni.add_key(credential.token)
        subjects.append(Subject(credential.profile, lambda credential=credential: credential, Identity()))  # type: ignore[misc]
    return subjects


def _wait(event: threading.Event) -> None:
    event.wait(FOR_EVER)


def test_connections_are_used_again(omni: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    real, made = socket.create_connection, []

    def counted(*args: Any, **kwargs: Any) -> socket.socket:
        made.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", counted)
    results = check_live(_subjects(omni.base_url, 60, omni), timeout=PATIENCE, jobs=4, environ=os.environ)
    assert {result.status for result in results} == {Status.OK}
    assert len(omni.requests) == 60
    assert len(made) <= 4


def test_hosts_that_hang_hold_up_nobody_else(omni: Standin) -> None:
    """An abandoned check still has its connection, for which the next must not wait."""
    hang = threading.Event()
    with raw(lambda connection: _wait(hang)) as url:
        subjects = [*_subjects(url, 2), *_subjects(omni.base_url, 4, omni)]
        results = check_live(subjects, timeout=5, jobs=2, environ=os.environ)
        hang.set()
    assert [result.symptom for result in results] == ["timeout"] * 2 + [None] * 4


@pytest.mark.parametrize("platform", [sys.platform, "darwin"])
def test_a_host_that_never_ends_its_handshake_holds_up_nobody_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    """On macOS and Windows the operating system verifies certificates, by other code that also runs on Linux."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    monkeypatch.setattr("omniprofile.instance.certificates.sys.platform", platform)
    hang = threading.Event()
    with raw(lambda connection: _wait(hang)) as url, Standin(tls=authority.server("127.0.0.1")) as omni:
        subjects = [*_subjects(url.replace("http:", "https:"), 2), *_subjects(omni.base_url, 6, omni)]
        results = check_live(subjects, timeout=5, jobs=4, environ=os.environ)
        hang.set()
    assert [result.symptom for result in results] == ["timeout"] * 2 + [None] * 6


@pytest.mark.parametrize("platform", [sys.platform, "darwin"])
def test_both_ways_to_judge_a_certificate_refuse_a_wrong_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str
) -> None:
    (tmp_path / "other").mkdir()
    ours, other = Authority(tmp_path), Authority(tmp_path / "other")
    monkeypatch.setenv("SSL_CERT_FILE", str(ours.file))
    monkeypatch.setattr("omniprofile.instance.certificates.sys.platform", platform)
    for authority, name, symptom in (
        (ours, "127.0.0.1", None),
        (other, "127.0.0.1", "tls"),
        (ours, "x.example", "tls-name"),
    ):
        with Standin(tls=authority.server(name)) as omni:
            omni.add_key(CANARY)
            assert _test(omni.base_url).symptom == symptom
            assert len(omni.requests) == (0 if symptom else 1), "the token went out"


def test_one_key_under_many_profiles_is_asked_about_once(omni: Standin) -> None:
    omni.switches.rate_limit = 1
    credential = Credential("p", Origin.parse(omni.base_url), "api-key", Secret(CANARY))
    subjects = [Subject(f"p{number}", lambda: credential, Identity()) for number in range(20)]
    assert {result.status for result in check_live(subjects, timeout=PATIENCE, jobs=8, environ=os.environ)} == {
        Status.OK
    }
    assert len(omni.requests) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SessionEnded("the session is over"), Status.INVALID),
        (CredentialRefused("the instance refuses the refresh"), Status.INVALID),
        (Unreachable("the instance cannot be reached"), Status.UNREACHABLE),
        (StoreLocked("the keyring is locked"), Status.UNTESTED),
    ],
)
def test_an_error_before_the_question_has_the_status_of_its_family(error: Error, status: Status) -> None:
    def fail() -> Credential:
        raise error

    (result,) = check_live([Subject("prod", fail, Identity())], timeout=PATIENCE, jobs=1, environ=os.environ)
    assert (result.status, result.reason, result.symptom) == (status, error.message, error.code)


def test_a_bug_in_a_key_source_is_not_taken_for_an_answer() -> None:
    def fail() -> Credential:
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        check_live([Subject("prod", fail, Identity())], timeout=PATIENCE, jobs=1, environ=os.environ)


def test_every_symptom_has_a_reason_and_a_remedy_that_can_be_filled_in() -> None:
    words = {"host": "h", "origin": "o", "profile": "p", "detail": "d", "proxy": "`X`"}
    remedies = set()
    for symptom in SYMPTOMS.values():
        assert symptom.reason.format_map(words)
        remedies.add(symptom.remedy.format_map(words))
    assert len(remedies) >= len(SYMPTOMS) - 3


def test_the_client_sends_a_token_with_odd_characters_nowhere(omni: Standin) -> None:
    with Client(timeout=PATIENCE, environ=os.environ) as client, pytest.raises(InstanceError) as caught:
        client.get(Origin.parse(omni.base_url), "/api/v1/whoami", Secret(f"{CANARY}\r\nX-Evil: 1"))
    assert CANARY not in str(caught.value)
    assert omni.requests == []
