"""Provokes every symptom that `test` distinguishes, and compares the exact messages.

They are in `golden/symptoms.txt`. After a change of wording, renew it and read the difference:
`OMNIPROFILE_TEST_RENEW=1 pytest tests/cli/test_symptoms.py`.
"""

import errno
import os
import re
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omniprofile.cli.exit_statuses import (
    CREDENTIAL_REFUSED,
    DONE,
    NO_CREDENTIAL,
    REFUSED,
    STORE_UNAVAILABLE,
    UNREACHABLE,
)
from omniprofile.credentials.file_store import FileStore
from omniprofile.instance.client import LARGEST_RESPONSE
from omniprofile.instance.symptoms import SYMPTOMS
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from tests.authority import Authority
from tests.conftest import CANARY, Cli
from tests.sockets import NOBODY, Proxy, raw
from tests.standin import Standin
from tests.waiting import FOR_EVER

GOLDEN = Path(__file__).parent / "golden/symptoms.txt"
RENEW = bool(os.environ.get("OMNIPROFILE_TEST_RENEW"))


class Stage:
    """One situation: the profile, the environment, and the server or store that it needs."""

    def __init__(self, cli: Cli, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.cli = cli
        self.folder = folder
        self.patch = patch
        self.around = ExitStack()
        self.omni = self.around.enter_context(Standin())
        self.omni.add_key(CANARY, role="ORG_ADMIN", user="u-7")
        self.url = self.omni.base_url
        self.more = 'key = { env = "KEY" }'
        self.argv = ["--timeout", "5"]
        patch.setenv("KEY", CANARY)
        self.trusted = Authority(folder)
        patch.setenv("SSL_CERT_FILE", str(self.trusted.file))

    def tls(self, authority: Authority, *names: str, **validity: object) -> None:
        """Give the instance TLS with such a certificate."""
        secure = self.around.enter_context(Standin(tls=authority.server(*names, **validity)))
        self.url = secure.base_url

    def raw(self, answer: Callable[[socket.socket], None]) -> None:
        """Use a raw socket as the instance."""
        self.url = self.around.enter_context(raw(answer))

    def session(self, **more: object) -> None:
        """Store an OAuth session that the instance does not know."""
        self.patch.setenv("OMNIPROFILE_SECRET_STORE", "file")
        self.more = 'auth = "oauth"'
        now = datetime.now(UTC)
        session = StoredSecret(
            Origin.parse(self.url),
            Secret("an-old-access-token"),
            now - timedelta(hours=9),
            client_id="omni-cli",
            **{
                "refresh_token": Secret("an-old-refresh-token"),
                "expires_at": now + timedelta(hours=1),
                **more,
            },  # type: ignore[arg-type]
        )
        FileStore(str(self.cli.state)).put("prod", session)


Situation = Callable[[Stage], None]


def _accepted(stage: Stage) -> None:
    """Nothing is wrong."""


def _key(text: str) -> Situation:
    return lambda stage: stage.patch.setenv("KEY", text)


def _given(stage: Stage) -> None:
    stage.patch.setenv("OMNI_API_TOKEN", "omni_osk_of-a-script")


def _ended(stage: Stage) -> None:
    stage.session(expires_at=datetime.now(UTC) - timedelta(hours=1))


def _unrenewable(stage: Stage) -> None:
    stage.session(refresh_token=None)


def _session_forbidden(stage: Stage) -> None:
    stage.session()
    stage.omni.switches.answer = lambda path: (403, {"Content-Type": "application/json"}, b"{}")


def _no_certificates(stage: Stage) -> None:
    stage.url = "https://acme.omniapp.co"
    stage.patch.setenv("SSL_CERT_FILE", "/etc/no-such-file.pem")


def _answers(status: int, kind: str, body: bytes, **fields: str) -> Situation:
    headers = {"Content-Type": kind, **{name.replace("_", "-"): value for name, value in fields.items()}}

    def situation(stage: Stage) -> None:
        stage.omni.switches.answer = lambda path: (status, headers, body)

    return situation


def _switched(**switches: bool) -> Situation:
    def situation(stage: Stage) -> None:
        for name, value in switches.items():
            setattr(stage.omni.switches, name, value)

    return situation


def _expects(text: str, **switches: bool) -> Situation:
    def situation(stage: Stage) -> None:
        _switched(**switches)(stage)
        stage.more += f"\nexpect = {{ {text} }}"

    return situation


def _closed(stage: Stage) -> None:
    stage.url = NOBODY


def _nameless(stage: Stage) -> None:
    def nobody(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    stage.url = "https://acme.omniapp.co"
    stage.patch.setattr(socket, "getaddrinfo", nobody)


def _offline(stage: Stage) -> None:
    def no_way(*_: object, **__: object) -> None:
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    stage.url = "https://acme.omniapp.co"
    stage.patch.setattr(socket, "create_connection", no_way)


def _unknown_authority(stage: Stage) -> None:
    folder = stage.folder / "other"
    folder.mkdir()
    stage.tls(Authority(folder), "127.0.0.1")


def _other_name(stage: Stage) -> None:
    stage.tls(stage.trusted, "login.hotel.example")


def _expired(stage: Stage) -> None:
    past = datetime.now(UTC) - timedelta(days=2)
    stage.tls(stage.trusted, "127.0.0.1", not_before=past, not_after=past + timedelta(days=1))


def _plain(stage: Stage) -> None:
    stage.url = stage.omni.base_url.replace("http:", "https:")


def _alert(number: int) -> Situation:
    """Serve a TLS alert that ends the handshake (RFC 8446, section 6.2)."""

    def situation(stage: Stage) -> None:
        stage.raw(lambda connection: connection.sendall(b"\x15\x03\x03\0\x02\x02" + bytes([number])))
        stage.url = stage.url.replace("http:", "https:")

    return situation


def _client_certificate(stage: Stage) -> None:
    stage.url = stage.around.enter_context(stage.trusted.asking_for_a_certificate())


def _silent(stage: Stage) -> None:
    def wait(connection: socket.socket) -> None:
        threading.Event().wait(FOR_EVER)

    stage.raw(wait)
    stage.argv = ["--timeout", "0.3"]


def _garbage(stage: Stage) -> None:
    stage.raw(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"))


def _huge(stage: Stage) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (2 * LARGEST_RESPONSE))

    stage.raw(pour)


def _proxy(value: str | None = None, variable: str = "HTTPS_PROXY", **how: str) -> Situation:
    def situation(stage: Stage) -> None:
        stage.url = "https://acme.omniapp.co"
        proxy = stage.around.enter_context(Proxy(**how).running())  # type: ignore[arg-type]
        stage.patch.setenv(variable, value or proxy.url)

    return situation


def _locked_up(stage: Stage) -> None:
    stage.more = ""


def _unset(stage: Stage) -> None:
    stage.patch.delenv("KEY")


def _foreign(stage: Stage) -> None:
    stage.url = "https://omniapp.co.evil.example"


SITUATIONS: list[tuple[str, Situation, str, int]] = [
    ("ok", _accepted, "ok", DONE),
    ("organization-key-refused", _key("omni_osk_revoked"), "invalid", CREDENTIAL_REFUSED),
    ("personal-token-refused", _key("omni_pat_revoked"), "invalid", CREDENTIAL_REFUSED),
    ("key-refused", _key("some-key"), "invalid", CREDENTIAL_REFUSED),
    ("given-token-refused", _given, "invalid", CREDENTIAL_REFUSED),
    ("session-refused", _unrenewable, "invalid", CREDENTIAL_REFUSED),
    ("session-ended", _ended, "invalid", CREDENTIAL_REFUSED),
    ("personal-tokens-disabled", _switched(personal_tokens_disabled=True), "invalid", CREDENTIAL_REFUSED),
    ("permission-missing", _switched(permission_missing=True), "invalid", CREDENTIAL_REFUSED),
    ("session-forbidden", _session_forbidden, "invalid", CREDENTIAL_REFUSED),
    ("forbidden-page", _answers(403, "text/html", b"<html>Blocked"), "invalid", CREDENTIAL_REFUSED),
    ("identity-mismatch", _expects('org_role = "MEMBER", user = "u-1"'), "invalid", CREDENTIAL_REFUSED),
    ("identity-unknown", _expects('org_role = "MEMBER"', whoami_missing=True), "invalid", CREDENTIAL_REFUSED),
    ("wrong-instance-url", _answers(404, "text/html", b"<html>Not here"), "unreachable", UNREACHABLE),
    ("wrong-instance-url", _switched(html=True), "unreachable", UNREACHABLE),
    ("wrong-instance-url", _answers(200, "application/json", b'{"status": "up"}'), "unreachable", UNREACHABLE),
    ("redirect", _answers(302, "text/html", b"", Location="https://www.acme.example/"), "unreachable", UNREACHABLE),
    ("rate-limited", _answers(429, "application/json", b"{}", Retry_After="60"), "untested", UNREACHABLE),
    ("server-error", _answers(502, "text/html", b"<html>Bad gateway"), "unreachable", UNREACHABLE),
    ("dns", _nameless, "unreachable", UNREACHABLE),
    ("offline", _offline, "unreachable", UNREACHABLE),
    ("refused", _closed, "unreachable", UNREACHABLE),
    ("timeout", _silent, "unreachable", UNREACHABLE),
    ("tls", _unknown_authority, "unreachable", UNREACHABLE),
    ("tls-name", _other_name, "unreachable", UNREACHABLE),
    ("tls-expired", _expired, "unreachable", UNREACHABLE),
    ("tls-handshake", _plain, "unreachable", UNREACHABLE),
    ("tls-refused", _alert(70), "unreachable", UNREACHABLE),
    ("tls-refused", _alert(112), "unreachable", UNREACHABLE),
    ("tls-refused", _alert(40), "unreachable", UNREACHABLE),
    ("tls-refused", _client_certificate, "unreachable", UNREACHABLE),
    ("proxy", _proxy(status="503 Service Unavailable"), "unreachable", UNREACHABLE),
    ("proxy", _proxy(login="Basic bWU6aXQ="), "unreachable", UNREACHABLE),
    ("proxy", _proxy("http://me:it@127.0.0.1:9"), "unreachable", UNREACHABLE),
    ("proxy", _proxy("ftp://me:it@proxy.acme.example"), "unreachable", UNREACHABLE),
    ("socks", _proxy("socks5://127.0.0.1:9", "ALL_PROXY"), "unreachable", UNREACHABLE),
    ("protocol", _garbage, "unreachable", UNREACHABLE),
    ("compressed", _answers(200, "application/json", b"{}", Content_Encoding="gzip"), "unreachable", UNREACHABLE),
    ("certificates", _no_certificates, "unreachable", UNREACHABLE),
    ("too-large", _huge, "unreachable", UNREACHABLE),
    ("key-source-failed", _unset, "untested", NO_CREDENTIAL),
    ("store-unavailable", _locked_up, "untested", STORE_UNAVAILABLE),
    ("host-not-allowed", _foreign, "untested", REFUSED),
]


def test_every_symptom_has_a_situation() -> None:
    assert set(SYMPTOMS) <= {symptom for symptom, *_ in SITUATIONS}


def _run(stage: Stage, symptom: str, status: str, exit_status: int) -> str:
    insecure = "allow_insecure = true" if stage.url.startswith("http:") else ""
    hosts = '[settings]\nallowed_hosts = ["127.0.0.1"]\n'
    stage.cli.profiles(f'{hosts}[profiles.prod]\nbase_url = "{stage.url}"\n{insecure}\n{stage.more}\n')
    ran = stage.cli("test", *stage.argv)
    assert ran.status == exit_status, str(ran)
    assert ran.out.split()[0] == status, str(ran)
    if symptom not in ("ok", "session-ended"):  # the first test has ended that one
        told = stage.cli("test", *stage.argv, "--json")
        assert f'"symptom": "{symptom}"' in told.out, str(told)
        assert "me:it" not in told.out, "the proxy's password"
    assert "me:it" not in ran.out + ran.err, "the proxy's password"
    text = re.sub(r"127\.0\.0\.1:\d+|port \d+", lambda at: at[0].rstrip("0123456789") + "PORT", ran.out)
    text = re.sub(r"\d+ ms", "9 ms", text).replace(str(stage.cli.home), "~")
    return f"## {symptom} (exit {exit_status})\n{text}\n"


def test_the_words_for_every_symptom(cli: Cli, tmp_path: Path) -> None:
    sections = []
    for number, (symptom, situation, status, exit_status) in enumerate(SITUATIONS):
        folder = tmp_path / str(number)
        folder.mkdir()
        with pytest.MonkeyPatch.context() as patch:
            stage = Stage(cli, folder, patch)
            with stage.around:
                situation(stage)
                sections.append(_run(stage, symptom, status, exit_status))
    text = "".join(sections)
    if RENEW:
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")
