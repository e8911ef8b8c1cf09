"""The live check against real sockets: every symptom told apart, nobody's token sent elsewhere, and no hang."""

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from omniprofile.checks.live import Subject, check_live
from omniprofile.errors import NoCredential
from omniprofile.instance.client import LARGEST_ANSWER, Answer, Client, NoAnswer
from omniprofile.instance.whoami import SYMPTOMS, retry_after
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import AuthMethod, Expect
from omniprofile.model.live import LiveResult, Status
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.standin.server import Standin
from tests.conftest import CANARY


@pytest.fixture
def omni() -> Iterator[Standin]:
    with Standin() as standin:
        standin.add_key(CANARY, scope="organization", role="ORG_ADMIN", user="u-7", membership="m-7")
        yield standin


ANYBODY = Expect()


def _test(
    url: str, *, token: str = CANARY, auth: AuthMethod = "api-key", expect: Expect = ANYBODY, timeout: float = 10.0
) -> LiveResult:
    credential = Credential("prod", Origin.parse(url), auth, Secret(token))
    (result,) = check_live([Subject("prod", lambda: credential, expect)], timeout=timeout, jobs=1)
    assert CANARY not in json.dumps(result.as_json()) + repr(result)
    return result


@contextmanager
def raw(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server of one's own making: `answer` gets each connection after its request was read."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    connection.recv(65536)
                    answer(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
    finally:
        stop.set()
        server.close()


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
    ("token", "auth", "symptom", "remedy"),
    [
        ("omni_osk_wrong", "api-key", "organization-key-refused", "Settings > API access"),
        ("omni_pat_wrong", "api-key", "personal-token-refused", "not revoked"),
        ("anything", "api-key", "key-refused", "not revoked"),
        ("anything", "oauth", "session-refused", "omniprofile login prod"),
    ],
)
def test_a_refused_credential_has_the_remedy_of_its_kind(
    omni: Standin, token: str, auth: AuthMethod, symptom: str, remedy: str
) -> None:
    result = _test(omni.base_url, token=token, auth=auth)
    assert (result.status, result.http_status, result.symptom) == (Status.INVALID, 401, symptom)
    assert remedy in str(result.remedy)


def test_403_tells_disabled_personal_tokens_from_a_missing_permission(omni: Standin) -> None:
    omni.switches.personal_tokens_disabled = True
    result = _test(omni.base_url)
    assert (result.status, result.symptom) == (Status.INVALID, "personal-tokens-disabled")
    assert "Organization Admin" in str(result.remedy)
    assert "Settings > API access > Personal tokens" in str(result.remedy)
    omni.switches.personal_tokens_disabled = False
    omni.switches.permission_missing = True
    assert _test(omni.base_url).symptom == "permission-missing"


def test_an_instance_without_whoami_is_asked_for_models(omni: Standin) -> None:
    omni.switches.whoami_missing = True
    result = _test(omni.base_url)
    assert (result.status, result.identity) == (Status.OK, None)
    assert [seen.path for seen in omni.requests] == ["/api/v1/whoami", "/api/v1/models?pageSize=1"]
    expected = _test(omni.base_url, expect=Expect(org_role="ORG_ADMIN"))
    assert expected.symptom == "identity-unknown", "an identity that cannot be checked is not the one expected"


@pytest.mark.parametrize("kind", ["html", "404", "text", "list"])
def test_what_is_not_omnis_api_is_a_wrong_url(omni: Standin, kind: str) -> None:
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


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_error_of_the_server_is_not_the_keys_fault(omni: Standin, status: int) -> None:
    omni.switches.answer = lambda path: (status, {}, b"<html>oops</html>")
    result = _test(omni.base_url)
    assert (result.status, result.symptom, result.http_status) == (Status.UNREACHABLE, "server-error", status)


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
    result = _test(omni.base_url, timeout=5)
    assert (result.status, result.symptom, result.http_status) == (Status.UNTESTED, "rate-limited", 429)
    assert len(omni.requests) == 1


def test_retry_after_is_read_in_both_its_forms() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    def wait(**headers: str) -> float:
        return retry_after(Answer(429, {name.replace("_", "-"): value for name, value in headers.items()}, b"", 0.0))

    assert wait(retry_after="7") == 7
    date = format_datetime(now + timedelta(seconds=9), usegmt=True)
    assert wait(retry_after=date, date=format_datetime(now, usegmt=True)) == 9
    for garbage in ("", "soon", "-5", "٣", "1e9", "9" * 400, "Thu, 99 Foo"):
        assert 0 < wait(retry_after=garbage) <= 1


def test_a_port_that_nobody_listens_on() -> None:
    with Standin() as gone:
        url = gone.base_url
    result = _test(url)
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "refused")
    assert result.http_status is None


def test_a_name_that_does_not_resolve() -> None:
    assert _test("https://nothing-here.invalid", timeout=20).symptom in ("dns", "timeout")


def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_token_is_sent(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days", "1",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context.load_cert_chain(certificate, key)
    with Standin(tls=context) as omni:
        omni.add_key(CANARY)
        result = _test(omni.base_url)
        assert (result.status, result.symptom) == (Status.UNREACHABLE, "tls")
        assert omni.requests == []
        trusting = subprocess.run(
            [sys.executable, "-c", TRUST, omni.base_url, CANARY],
            env={"SSL_CERT_FILE": str(certificate), "PATH": os.environ["PATH"], "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert trusting.stdout == "ok\n", trusting.stderr


TRUST = """
import sys
from omniprofile.checks.live import Subject, check_live
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Expect
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
credential = Credential("p", Origin.parse(sys.argv[1]), "api-key", Secret(sys.argv[2]))
print(check_live([Subject("p", lambda: credential, Expect())], timeout=10, jobs=1)[0].status)
"""


def test_silence_ends_at_the_deadline() -> None:
    def wait(connection: socket.socket) -> None:
        threading.Event().wait(5)

    with raw(wait) as url:
        assert _test(url, timeout=0.5).symptom == "timeout"


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
        for _ in range(60):
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
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_a_broken_answer_is_one_sentence(answer: bytes) -> None:
    with raw(lambda connection: connection.sendall(answer)) as url:
        result = _test(url)
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "protocol")


def test_a_huge_answer_is_not_read_to_its_end() -> None:
    sent = 0

    def pour(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while sent < 100 * LARGEST_ANSWER:
            connection.sendall(b"x" * 65536)
            sent += 65536

    with raw(pour) as url:
        assert _test(url).symptom == "too-large"
    assert sent < 50 * LARGEST_ANSWER


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
    good = Expect(user="u-7", membership_id="m-7", key_scope="organization", org_role="ORG_ADMIN")
    assert _test(omni.base_url, expect=good).status is Status.OK
    result = _test(omni.base_url, expect=Expect(org_role="MEMBER", user="u-7"))
    assert (result.status, result.symptom) == (Status.INVALID, "identity-mismatch")
    assert result.reason == "whoami says org_role `ORG_ADMIN`, the profile expects `MEMBER`"


def test_many_are_tested_at_once_in_bounds_and_in_order() -> None:
    with Standin() as omni:
        omni.switches.latency = 0.05
        subjects = []
        for number in range(40):
            token = f"omni_osk_{number}"
            omni.add_key(token)
            credential = Credential(f"p{number}", Origin.parse(omni.base_url), "api-key", Secret(token))
            subjects.append(Subject(f"p{number}", lambda credential=credential: credential, Expect()))  # type: ignore[misc]
        seen: list[str] = []
        results = check_live(subjects, timeout=30, jobs=8, on_result=lambda result: seen.append(result.profile))
        assert [result.profile for result in results] == [f"p{number}" for number in range(40)]
        assert {result.status for result in results} == {Status.OK}
        assert 1 < omni.most_at_once <= 8
        assert sorted(seen) == sorted(result.profile for result in results)


def test_one_key_under_many_profiles_is_asked_about_once(omni: Standin) -> None:
    omni.switches.rate_limit = 1
    credential = Credential("p", Origin.parse(omni.base_url), "api-key", Secret(CANARY))
    subjects = [Subject(f"p{number}", lambda: credential, Expect()) for number in range(20)]
    assert {result.status for result in check_live(subjects, timeout=10, jobs=8)} == {Status.OK}
    assert len(omni.requests) == 1


def test_a_credential_that_cannot_be_had_is_untested_with_its_error(omni: Standin) -> None:
    def none() -> Credential:
        raise NoCredential("no key is stored for `prod`", hint="run `omniprofile login prod`")

    (result,) = check_live([Subject("prod", none, Expect())], timeout=5, jobs=1)
    assert (result.status, result.symptom, result.http_status) == (Status.UNTESTED, "no-credential", None)
    assert result.remedy == "run `omniprofile login prod`"
    assert omni.requests == []


def test_every_symptom_has_a_reason_and_a_remedy_that_can_be_filled_in() -> None:
    words = {"host": "h", "origin": "o", "profile": "p", "detail": "d"}
    remedies = set()
    for symptom in SYMPTOMS.values():
        assert symptom.reason.format_map(words)
        remedies.add(symptom.remedy.format_map(words))
    assert len(remedies) >= len(SYMPTOMS) - 3


def test_the_client_sends_a_token_with_odd_characters_nowhere(omni: Standin) -> None:
    with Client(timeout=5) as client, pytest.raises(NoAnswer) as caught:
        client.get(Origin.parse(omni.base_url), "/api/v1/whoami", Secret(f"{CANARY}\r\nX-Evil: 1"))
    assert CANARY not in str(caught.value)
    assert omni.requests == []
