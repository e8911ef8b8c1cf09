"""The live check through a real proxy: tunnels, plain requests, logins, exceptions, and which side failed."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from omniprofile.checks.live import Subject, check_live
from omniprofile.instance.proxies import proxy_for
from omniprofile.model.credential import Credential
from omniprofile.model.declaration import Identity
from omniprofile.model.live_result import LiveResult, Status
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from tests.authority import Authority
from tests.conftest import CANARY
from tests.sockets import Proxy, raw
from tests.standin import Standin
from tests.waiting import PATIENCE

HOST = "acme.omniapp.co"
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE")
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
        subjects.append(Subject(credential.profile, lambda credential=credential: credential, Identity()))  # type: ignore[misc]
    results = check_live(subjects, timeout=PATIENCE, jobs=2, environ=os.environ)
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


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"])
@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_plain_http_to_loopback_never_meets_a_proxy(
    proxy: Proxy, monkeypatch: pytest.MonkeyPatch, variable: str, scheme: str
) -> None:
    monkeypatch.setenv(variable, proxy.url.replace("http:", f"{scheme}:"))
    with Standin() as plain:
        assert _test(plain.base_url, omni=plain)[0].status is Status.OK
    assert proxy.asked == []


@pytest.mark.parametrize(
    "exceptions",
    [
        "*",
        HOST,
        f".{HOST[5:]}",
        f"*.{HOST[5:]}",
        HOST[5:],
        f"{HOST}:443",
        "[::1 , %%%, 10.0.0.0/99 http://[ " + HOST.upper(),
    ],
)
def test_no_proxy_names_what_is_reached_without(proxy: Proxy, monkeypatch: pytest.MonkeyPatch, exceptions: str) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", exceptions)
    monkeypatch.setattr(socket, "getaddrinfo", nobody)
    (result,) = _test()
    assert result.symptom == "dns"
    assert "proxy" not in f"{result.reason} {result.remedy}".lower(), "none was used"
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("entry", "host", "excepted"),
    [
        ("[::1]", "[::1]", True),
        ("::1", "[::1]", True),
        ("[::1]:443", "[::1]", True),
        ("[::1]:8443", "[::1]", False),
        ("fd00::/8", "[fd12:3456::1]", True),
        ("[fd00::]/8", "[fd12:3456::1]", True),
        ("fd00::/8", "[fe80::1]", False),
        ("127.0.0.0/8", "127.9.9.9", True),
        ("127.0.0.1/8", "127.9.9.9", True),
        ("127.0.0.0/8", "10.0.0.1", False),
        ("127.0.0.0/33", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("7.0.0.1", "127.0.0.1", False),
        ("0.0.1", "127.0.0.1", False),
        ("omniapp.co", "acme.omniapp.co", True),
        (".omniapp.co", "acme.omniapp.co", True),
        ("omniapp.co.", "acme.omniapp.co", True),
        ("*.omniapp.co", "a.b.omniapp.co", True),
        ("*.acme.omniapp.co", "acme.omniapp.co", False),
        ("pp.co", "acme.omniapp.co", False),
        ("acme.omniapp.co:443", "acme.omniapp.co", True),
        ("acme.omniapp.co:8443", "acme.omniapp.co", False),
        ("https://acme.omniapp.co/", "acme.omniapp.co", True),
        ("b\u00fccher.example", "xn--bcher-kva.example", True),
        ("B\u00dcCHER.example", "xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", True),
        ("stra\u00dfe.example", "xn--strae-oqa.example", True),
        ("\ud800.example", "acme.omniapp.co", False),
        ("xn--\u00fc.example", "acme.omniapp.co", False),
        (".", "acme.omniapp.co", False),
        ("*.", "acme.omniapp.co", False),
        (":", "acme.omniapp.co", False),
        ("[", "[::1]", False),
        ("/", "127.0.0.1", False),
        ("localhost", "127.0.0.1", False),
    ],
)
def test_every_reading_of_no_proxy(entry: str, host: str, excepted: bool) -> None:
    origin = Origin.parse(f"https://{host}")
    for name in ("NO_PROXY", "no_proxy"):
        for text in (entry, f"nowhere.example, {entry}", f"{entry},,"):
            found = proxy_for(origin, {"HTTPS_PROXY": "http://me:it@proxy.example:3128", name: text})
            assert (found is None) is excepted
            assert "me:it" not in repr(found)


def test_an_empty_proxy_variable_counts_as_unset() -> None:
    acme = Origin.parse("https://acme.omniapp.co")
    assert proxy_for(acme, {"HTTPS_PROXY": "", "https_proxy": " "}) is None
    found = proxy_for(acme, {"https_proxy": "", "ALL_PROXY": "proxy.example:3128", "NO_PROXY": ""})
    assert found is not None
    assert (found.address, found.named_by) == ("http://proxy.example:3128", "`ALL_PROXY`")


@pytest.mark.parametrize("variable", CERTIFICATES)
@pytest.mark.parametrize("kind", ["missing", "empty", "garbage", "folder", "fifo"])
def test_certificates_that_cannot_be_used_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, kind: str
) -> None:
    for name in CERTIFICATES:
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "ca.pem"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind != "missing":
        path.write_text("" if kind == "empty" else "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv(variable, str(path))
    (result,) = _test()
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "certificates")
    assert f"`{variable}` names `{path}`" in str(result.reason)
    assert f"unset `{variable}`" in str(result.remedy) or f"let `{variable}` name" in str(result.remedy)


def test_plain_http_asks_for_no_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing"))
    with Standin() as plain:
        assert _test(plain.base_url, omni=plain)[0].status is Status.OK


@pytest.mark.parametrize("variable", CERTIFICATES)
def test_each_variable_that_programs_know_names_certificates(
    tmp_path: Path, omni: Standin, proxy: Proxy, authority: Authority, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    path = authority.file
    if variable == "SSL_CERT_DIR":
        path = tmp_path / "certs"
        path.mkdir()
        shutil.copy(authority.file, path)
        assert _test_with(monkeypatch, variable, path, omni, proxy) == "certificates", "OpenSSL looks for its hash"
        subprocess.run(["openssl", "rehash", path], check=True, capture_output=True)
    assert _test_with(monkeypatch, variable, path, omni, proxy) is None


def _test_with(monkeypatch: pytest.MonkeyPatch, variable: str, path: Path, omni: Standin, proxy: Proxy) -> str | None:
    for name in CERTIFICATES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(path))
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    return _test(omni=omni)[0].symptom


def test_the_proxys_login_is_in_its_address(omni: Standin, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy.login = LOGIN
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    (result,) = _test(omni=omni)
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "proxy")
    assert "407" in str(result.reason)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url.replace("//", "//me:it@"))
    assert _test(omni=omni)[0].status is Status.OK
    assert proxy.given == [None, LOGIN]


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://me:it@127.0.0.1:1", "the proxy 127.0.0.1:1 does not accept connections"),
        ("http://me:it@[::1", "the proxy address in `HTTPS_PROXY` cannot be used"),
        ("ftp://me:it@127.0.0.1", "the proxy address in `HTTPS_PROXY` cannot be used"),
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
    """To a client, such a proxy is the instance with its owner's certificate."""
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
def test_an_invalid_proxy_gives_a_one_line_error(monkeypatch: pytest.MonkeyPatch, answer: bytes) -> None:
    with raw(lambda connection: connection.sendall(answer)) as url:
        monkeypatch.setenv("HTTPS_PROXY", url)
        (result,) = _test()
    assert (result.status, result.symptom) == (Status.UNREACHABLE, "protocol")
    assert "proxy" in str(result.remedy)
