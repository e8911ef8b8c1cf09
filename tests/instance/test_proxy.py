"""The live check through a real proxy: tunnels, plain requests, logins, exceptions, and whose fault a failure is."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from omniprofile.checks.live import Subject, check_live
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Expect
from omniprofile.model.live import LiveResult, Status
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.standin.server import Standin
from tests.conftest import CANARY
from tests.sockets import Authority, Proxy, raw

HOST = "acme.omniapp.co"
LOGIN = "Basic bWU6aXQ="  # me:it


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that this process trusts."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


@pytest.fixture
def omni(authority: Authority) -> Iterator[Standin]:
    """The instance `acme`, which only the proxy knows how to reach."""
    with Standin(tls=authority.server(HOST)) as standin:
        yield standin


@pytest.fixture
def proxy(omni: Standin) -> Iterator[Proxy]:
    port = Origin.parse(omni.base_url).port
    with Proxy({HOST: port, "other.omniapp.co": port}).running() as running:
        yield running


def _test(url: str = f"https://{HOST}", count: int = 1, omni: Standin | None = None) -> list[LiveResult]:
    subjects = []
    for number in range(count):
        credential = Credential(f"p{number}", Origin.parse(url), "api-key", Secret(f"{CANARY}{number}"))
        if omni is not None:
            omni.add_key(credential.token)
        subjects.append(Subject(credential.profile, lambda credential=credential: credential, Expect()))  # type: ignore[misc]
    results = check_live(subjects, timeout=10, jobs=2)
    assert CANARY not in repr(results)
    assert "me:it" not in repr(results), "the proxy's password"
    return results


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_tls_goes_through_a_tunnel_that_is_used_again(
    omni: Standin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, proxy.url)
    assert {result.status for result in _test(count=12, omni=omni)} == {Status.OK}
    assert len(omni.requests) == 12
    assert set(proxy.asked) == {f"CONNECT {HOST}:443 HTTP/1.1"}, "the proxy sees the host and nothing else"
    assert len(proxy.asked) <= 2


def test_plain_requests_are_forwarded(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    with Standin() as plain:
        (result,) = _test(plain.base_url, omni=plain)
        assert result.status is Status.OK
        assert proxy.asked == [f"GET {plain.base_url}/api/v1/whoami HTTP/1.1"]


@pytest.mark.parametrize("exception", ["127.0.0.1", "*", "localhost,127.0.0.1"])
def test_no_proxy_names_what_is_reached_without(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, exception: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", exception)
    with Standin() as plain:
        assert _test(plain.base_url, omni=plain)[0].status is Status.OK
    assert proxy.asked == []


def test_the_proxys_login_is_in_its_address(omni: Standin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.login = LOGIN
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    (result,) = _test(omni=omni)
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "proxy")
    assert "407" in str(result.reason)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:it@"))
    assert _test(omni=omni)[0].status is Status.OK
    assert proxy.given == [None, LOGIN]


def test_a_407_to_a_plain_request_is_the_proxys_too(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.login = LOGIN
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    (result,) = _test("http://127.0.0.1:9")
    assert (result.status, result.symptom, result.http_status) == (Status.UNREACHABLE, "proxy", 407)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://me:it@127.0.0.1:1", "the proxy 127.0.0.1:1 does not accept connections"),
        ("http://me:it@[::1", "a proxy variable holds no address that can be used"),
        ("ftp://me:it@127.0.0.1", "a proxy variable holds no address that can be used"),
    ],
)
def test_a_proxy_that_is_not_there_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, address: str, words: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    (result,) = _test()
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "proxy")
    assert result.reason == words
    assert "HTTPS_PROXY" in str(result.remedy)


def test_a_proxy_whose_name_does_not_resolve_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:it@proxy.acme.example:3128")
    (result,) = _test()
    assert result.symptom == "proxy"
    assert result.reason == "the proxy proxy.acme.example:3128 has a name that does not resolve"


def test_a_proxy_that_speaks_no_tls_though_its_address_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as url:
        monkeypatch.setenv("HTTPS_PROXY", url.replace("http:", "https:"))
        (result,) = _test()
    assert result.symptom == "proxy"
    assert "does not speak TLS" in str(result.reason)


def test_a_wrong_certificate_beyond_the_tunnel_is_not_the_proxys_fault(
    omni: Standin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    (result,) = _test("https://other.omniapp.co")
    assert (result.symptom, result.reason) == ("tls-name", "the certificate of other.omniapp.co is for another host")
    assert omni.requests == [], "no token went out"


def test_a_proxy_that_reads_tls_is_refused_unless_the_system_trusts_it(
    tmp_path: Path, omni: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a proxy is the instance, as far as a client can tell, with a certificate of its owner's."""
    (tmp_path / "company").mkdir()
    company = Authority(tmp_path / "company")
    with (
        Standin(tls=company.server(HOST)) as reader,
        Proxy({HOST: Origin.parse(reader.base_url).port}).running() as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        (result,) = _test(omni=reader)
        assert result.symptom == "tls"
        assert "SSL_CERT_FILE" in str(result.remedy)
        assert reader.requests == []
        monkeypatch.setenv("SSL_CERT_FILE", str(company.file))
        assert _test(omni=reader)[0].status is Status.OK


@pytest.mark.parametrize("answer", [b"", b"220 mail.acme.example ESMTP\r\n", b"HTTP/1.1 200 OK\r\n"])
def test_what_is_no_proxy_ends_in_one_sentence(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    with raw(lambda connection: connection.sendall(answer)) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        (result,) = _test()
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "protocol")
    assert "proxy" in str(result.remedy)
