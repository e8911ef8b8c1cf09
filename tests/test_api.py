"""The library: `resolve`, and `Auth` with the clients of httpx, sync, on asyncio and on trio."""

import io
import logging
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any, Self, assert_type

import anyio
import httpx
import pytest
import requests
from anyio.from_thread import start_blocking_portal

import omniprofile
from omniprofile import errors
from omniprofile.credentials.file_store import FileStore
from omniprofile.errors import (
    AccessLimited,
    ConfigInvalid,
    KeySourceFailed,
    NoProfileSelected,
    NoSuchProfile,
    OriginMismatch,
    ProtectedProfile,
    SessionEnded,
    StoreUnavailable,
)
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from omniprofile.model.stored import StoredSecret
from omniprofile.system.environment import Environment
from tests.conftest import CANARY, Cli
from tests.programs import run_program
from tests.standin import Standin
from tests.waiting import PATIENCE

WHOAMI = "/api/v1/whoami"


class Caller:
    """A client; async ones are driven from outside their event loop."""

    def __init__(self, backend: str | None, auth: Any, base_url: str, **more: Any) -> None:
        self._around = ExitStack()
        self._portal = self._around.enter_context(start_blocking_portal(backend)) if backend else None
        make: Any = httpx.AsyncClient if backend else httpx.Client
        self._client = make(auth=auth, base_url=base_url, timeout=PATIENCE, **more)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._portal:
            self._portal.call(self._client.aclose)
        else:
            self._client.close()
        self._around.close()

    def request(self, method: str = "GET", path: str = WHOAMI, **more: Any) -> Any:
        if self._portal:
            return self._portal.call(partial(self._client.request, method, path, **more))
        return self._client.request(method, path, **more)

    def one_shot(self, *parts: bytes) -> object:
        """A body that can be read once."""

        async def in_time() -> AsyncIterator[bytes]:
            for part in parts:
                yield part

        return in_time() if self._portal else iter(list(parts))


Callers = Callable[..., Caller]


@pytest.fixture(params=[None, "asyncio", "trio"])
def callers(request: pytest.FixtureRequest) -> Callers:
    """Make clients of one kind: `callers(auth, base_url)`."""
    return partial(Caller, request.param)


@pytest.fixture
def omni() -> Iterator[Standin]:
    with Standin() as standin:
        standin.add_key(CANARY)
        yield standin


@pytest.fixture
def keyfile(cli: Cli, omni: Standin) -> Path:
    """`prod`, with its key in a file."""
    path = cli.home / "key"
    path.write_text(CANARY)
    path.chmod(0o600)
    cli.profiles(_profile(omni, f'key = {{ file = "{path}" }}'))
    return path


def _profile(omni: Standin, more: str, name: str = "prod") -> str:
    return f'[profiles.{name}]\nbase_url = "{omni.base_url}"\nallow_insecure = true\n{more}\n'


def _log_in(omni: Standin, cli: Cli, monkeypatch: pytest.MonkeyPatch, *, left: timedelta = timedelta(hours=8)) -> str:
    """Store an OAuth session of `prod` whose access token has some time left; return that token."""
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    cli.profiles(_profile(omni, 'auth = "oauth"'))
    answer = omni.oauth.grant()
    access, refresh = str(answer["access_token"]), str(answer["refresh_token"])
    now = datetime.now(UTC)
    session = StoredSecret(
        Origin.parse(omni.base_url),
        Secret(access),
        now - timedelta(hours=1),
        expires_at=now + left,
        refresh_token=Secret(refresh),
        client_id="omni-cli",
    )
    FileStore(str(cli.state)).put("prod", session)
    return access


# resolve


def test_resolve_gives_what_the_command_gives(keyfile: Path, omni: Standin, cli: Cli) -> None:
    credential = omniprofile.resolve("prod")
    assert isinstance(credential, omniprofile.Credential)
    assert (credential.profile, credential.base_url, credential.auth) == ("prod", omni.base_url, "api-key")
    assert credential.token == CANARY == cli("token", "prod", shows=True).out.strip()
    assert credential.expires_at is None


def test_no_token_shows_by_accident(keyfile: Path) -> None:
    credential, auth = omniprofile.resolve("prod"), omniprofile.Auth("prod")
    auth._credential.current()
    for shown in (
        repr(credential),
        str(credential),
        f"{credential}",
        repr(vars(auth)),
        repr(auth),
        str(vars(auth._credential)),
    ):
        assert CANARY not in shown
    assert repr(auth) == "Auth('prod')"


def test_the_profile_in_use_and_its_overrides_are_those_of_the_command_line(
    keyfile: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OMNI_API_TOKEN", "of-the-environment")
    with caplog.at_level(logging.INFO, "omniprofile"):
        assert omniprofile.resolve().token == "of-the-environment"
        assert omniprofile.resolve("prod").token == CANARY, "a profile that is named beats the vendor's variables"
    assert any("OMNI_API_TOKEN" in message for message in caplog.messages)


def test_nothing_is_printed(keyfile: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("OMNI_API_TOKEN", "of-the-environment")
    omniprofile.resolve()
    omniprofile.resolve("prod")
    assert capfd.readouterr() == ("", "")


def test_the_environments_own_pair_is_a_warning(
    keyfile: Path, omni: Standin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OMNI_API_TOKEN", "of-the-environment")
    monkeypatch.setenv("OMNI_BASE_URL", omni.base_url)
    assert omniprofile.resolve().token == "of-the-environment"
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert f"of the environment ({omni.base_url}), not profile `prod`" in warning.getMessage()
    assert omniprofile.resolve("prod").token != "of-the-environment"


def test_config_names_another_file(omni: Standin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THEIR_KEY", "k")
    path = tmp_path / "other.toml"
    path.write_text(_profile(omni, 'key = { env = "THEIR_KEY" }', "theirs"))
    assert omniprofile.resolve(config=str(path)).profile == "theirs"
    assert omniprofile.resolve("theirs", config=path).token == "k"


def test_a_protected_profile_that_a_pin_selects_must_be_named(
    cli: Cli, keyfile: Path, omni: Standin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (name,) = (line[10:-1] for line in cli.config.read_text().splitlines() if line.startswith("[profiles."))
    cli.config.write_text(cli.config.read_text() + "protected = true\n")
    assert omniprofile.resolve().profile == name, "the only profile: no pin selects it"
    (cli.work / ".omniprofile.toml").write_text(f'profile = "{name}"\n')
    with pytest.raises(ProtectedProfile) as problem:
        omniprofile.resolve()
    assert (problem.value.code, "name the profile" in (problem.value.hint or "")) == ("protected-profile", True)
    with (
        httpx.Client(timeout=PATIENCE, auth=omniprofile.Auth(), base_url=omni.base_url) as client,
        pytest.raises(ProtectedProfile),
    ):
        client.get(WHOAMI)
    assert not omni.requests
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING], "the error says it"
    assert omniprofile.resolve(name).token
    with httpx.Client(timeout=PATIENCE, auth=omniprofile.Auth(name), base_url=omni.base_url) as client:
        assert client.get(WHOAMI).status_code == 200
    monkeypatch.setenv("OMNI_PROFILE", name)
    assert omniprofile.resolve().token, "a variable is no pin"


def test_every_failure_is_one_of_our_errors_with_code_and_hint(cli: Cli, keyfile: Path, omni: Standin) -> None:
    keyfile.unlink()
    for name, config, family, code in (
        ("nope", None, NoSuchProfile, "no-such-profile"),
        ("prod", None, KeySourceFailed, "key-source-failed"),
        (None, "/nowhere.toml", ConfigInvalid, "config-unreadable"),
    ):
        with pytest.raises(omniprofile.Error) as caught:
            omniprofile.resolve(name, config=config)
        assert isinstance(caught.value, family)
        assert caught.value.code == code
        assert caught.value.message == str(caught.value)
        assert "command line" not in caught.value.message
        assert "--" not in caught.value.message, "a program has no flags"
        assert caught.value.hint
    cli.profiles(_profile(omni, "") + _profile(omni, "", "other"))
    with pytest.raises(NoProfileSelected):
        omniprofile.resolve()
    with pytest.raises(StoreUnavailable):
        omniprofile.resolve("prod")


def test_resolve_alone_loads_no_http_library(keyfile: Path) -> None:
    code = "import sys, omniprofile; omniprofile.resolve('prod'); print(sorted({'httpx', 'ssl', 'anyio'} & set(sys.modules)))"
    ran = run_program([sys.executable, "-c", code])
    assert ran.stdout == "[]\n", ran.stderr


LIBRARY = (Path(__file__).parents[1] / "man/library.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("number", range(LIBRARY.count("```python\n")))
def test_the_examples_of_the_manual_run(cli: Cli, omni: Standin, keyfile: Path, number: int) -> None:
    cli.profiles(_profile(omni, f'key = {{ file = "{keyfile}" }}', "staging"))
    example = re.findall(r"```python\n(.*?)```", LIBRARY, re.DOTALL)[number]
    ran = run_program([sys.executable, "-c", example])
    if "except" in example:
        assert ran.stderr.startswith("no-such-profile: profile `stagging` not found; did you mean `staging`?")
    else:
        assert (ran.stdout, ran.stderr, [seen.key for seen in omni.requests]) == ("200\n", "", ["u-1"])


def test_the_manual_has_every_name_and_every_error_of_the_library() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| `([a-z-]+)` \|", LIBRARY, re.MULTILINE))
    of_the_command_line = {
        *("Error", "UsageError", "NotWritten", "LoginFailed", "CommandNotFound", "CommandNotRunnable"),
        *("Interrupted", "Unexpected"),
    }
    assert rows == {
        name: value.code
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.Error) and name not in of_the_command_line
    }
    for name in set(omniprofile.__all__) - {"__version__"}:
        assert re.search(rf"^\| `{name}[`(]", LIBRARY, re.MULTILINE), name


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Profile'"):
        getattr(omniprofile, "Profile")  # noqa: B009 - mypy would tell at once
    assert set(dir(omniprofile)) == {"Auth", "Credential", "Error", "__version__", "resolve"}


# Auth: keys


def test_a_request_brings_the_credential(callers: Callers, keyfile: Path, omni: Standin) -> None:
    with callers(omniprofile.Auth("prod"), omni.base_url) as client:
        assert client.request().json()["user"]["id"] == "u-1"
        assert client.request().status_code == 200
    assert [seen.key for seen in omni.requests] == ["u-1", "u-1"]


def test_a_client_that_takes_a_function_is_served_too(keyfile: Path, omni: Standin) -> None:
    request = omniprofile.Auth("prod")(httpx.Request("GET", omni.base_url + WHOAMI))
    assert request.headers["Authorization"] == f"Bearer {CANARY}"


def test_requests_takes_it_as_a_function(cli: Cli, omni: Standin, tmp_path: Path) -> None:
    _read_only(cli, omni, tmp_path)
    with requests.Session() as session:
        session.auth = omniprofile.Auth("prod")
        assert session.get(omni.base_url + WHOAMI, params={"a": "b"}).status_code == 200
        with pytest.raises(AccessLimited):
            session.delete(omni.base_url + WHOAMI)
        with pytest.raises(OriginMismatch):
            session.get("https://acme.omniapp.co" + WHOAMI)
    assert [(seen.method, seen.key) for seen in omni.requests] == [("GET", "u-1")]


@pytest.mark.parametrize(
    "url", ["https://acme.omniapp.co/", "http://127.0.0.1:1/", "http://localhost:{port}/", "https://127.0.0.1:{port}/"]
)
def test_another_origin_is_refused_before_anything_is_sent(
    callers: Callers, keyfile: Path, omni: Standin, url: str
) -> None:
    elsewhere = url.format(port=Origin.parse(omni.base_url).port)
    with callers(omniprofile.Auth("prod"), omni.base_url) as client:
        with pytest.raises(OriginMismatch) as caught:
            client.request("GET", elsewhere)
        assert CANARY not in str(caught.value)
        assert omni.requests == []
        assert client.request().status_code == 200, "the client goes on"


def test_a_redirect_to_another_origin_loses_the_token(callers: Callers, keyfile: Path, omni: Standin) -> None:
    """A 401 of another origin does not renew the token either."""
    with Standin() as other:
        other.add_key(CANARY)
        omni.switches.answer = lambda path: (302, {"Location": other.base_url + WHOAMI}, b"")
        with callers(omniprofile.Auth("prod"), omni.base_url, follow_redirects=True) as client:
            assert client.request().status_code == 401
        assert [seen.key for seen in other.requests] == [None]
        assert len(omni.requests) == 1


def test_a_rotated_key_is_read_again_after_a_401(callers: Callers, keyfile: Path, omni: Standin) -> None:
    with callers(omniprofile.Auth("prod"), omni.base_url) as client:
        client.request()
        omni.revoke(CANARY)
        omni.add_key("the-new-key", user="u-2")
        keyfile.write_text("the-new-key")
        answer = client.request("POST", WHOAMI, json={"query": "whole"})
        assert (answer.status_code, answer.json()["user"]["id"]) == (200, "u-2")
        assert client.request().status_code == 200
    assert [seen.key for seen in omni.requests] == ["u-1", "unknown", "u-2", "u-2"]
    assert [seen.body for seen in omni.requests[1:3]] == [b'{"query":"whole"}'] * 2


def test_a_key_that_stays_the_same_is_not_sent_again(callers: Callers, keyfile: Path, omni: Standin) -> None:
    omni.revoke(CANARY)
    with callers(omniprofile.Auth("prod"), omni.base_url) as client:
        assert client.request().status_code == 401
    assert len(omni.requests) == 1


@pytest.mark.parametrize("kind", ["iterator", "multipart"])
def test_a_body_that_was_read_while_it_was_sent_is_not_sent_twice(
    callers: Callers, keyfile: Path, omni: Standin, kind: str
) -> None:
    """The 401 is the answer, and the next request has the new token."""
    with callers(omniprofile.Auth("prod"), omni.base_url) as client:
        client.request()
        _rotate(keyfile, omni)
        if kind == "iterator":
            body = {"content": client.one_shot(b"in two ", b"parts"), "headers": {"Content-Length": "12"}}
        else:
            body = {"files": {"upload": io.BytesIO(b"a file")}}
        assert client.request("POST", WHOAMI, **body).status_code == 401
        assert client.request().json()["user"]["id"] == "u-2"
    assert [seen.key for seen in omni.requests] == ["u-1", "unknown", "u-2"]
    assert (b"in two parts" if kind == "iterator" else b"a file") in omni.requests[1].body


def test_a_file_that_was_sent_is_not_sent_again_as_an_empty_one(keyfile: Path, omni: Standin) -> None:
    with httpx.Client(timeout=PATIENCE, auth=omniprofile.Auth("prod"), base_url=omni.base_url) as client:
        client.get(WHOAMI)
        _rotate(keyfile, omni)
        assert client.post(WHOAMI, content=io.BytesIO(b"a file")).status_code == 401
    assert [seen.body for seen in omni.requests] == [b"", b"a file"]


def _rotate(keyfile: Path, omni: Standin) -> None:
    omni.revoke(CANARY)
    omni.add_key("the-new-key", user="u-2")
    keyfile.write_text("the-new-key")


def test_a_request_raises_the_errors_of_resolve(callers: Callers, keyfile: Path, omni: Standin) -> None:
    keyfile.unlink()
    with callers(omniprofile.Auth("prod"), omni.base_url) as client:
        with pytest.raises(omniprofile.Error) as caught:
            client.request()
        assert caught.value.code == "key-source-failed"
        keyfile.write_text(CANARY)
        keyfile.chmod(0o600)
        assert client.request().status_code == 200, "and the next one tries again"
    assert len(omni.requests) == 1


def test_it_stays_with_the_profile_that_it_began_with(keyfile: Path, omni: Standin, cli: Cli) -> None:
    omni.add_key("of-another-user", user="u-9")
    cli.profiles(_profile(omni, f'key = {{ file = "{keyfile}" }}') + _profile(omni, 'key = { env = "OTHER" }', "other"))
    os.environ["OTHER"] = "of-another-user"
    try:
        cli("use", "prod")
        with httpx.Client(timeout=PATIENCE, auth=omniprofile.Auth(), base_url=omni.base_url) as client:
            assert client.get(WHOAMI).json()["user"]["id"] == "u-1"
            cli("use", "other")
            _rotate(keyfile, omni)
            assert client.get(WHOAMI).json()["user"]["id"] == "u-2", "not u-9"
    finally:
        del os.environ["OTHER"]


SLOW = """\
import pathlib, sys, time
log, key = map(pathlib.Path, sys.argv[1:])
with log.open("a") as file:
    file.write("asked\\n")
time.sleep(1)
print(key.read_text())
"""


@pytest.fixture
def slow(cli: Cli, omni: Standin, keyfile: Path, tmp_path: Path) -> Path:
    """Make `prod` read its key from a slow command; yield a file with one line for each run of it."""
    log, script = tmp_path / "log", tmp_path / "slow.py"
    script.write_text(SLOW)
    cli.profiles(_profile(omni, f'key = {{ command = ["{sys.executable}", "{script}", "{log}", "{keyfile}"] }}'))
    return log


def test_threads_share_one_credential_and_one_renewal(slow: Path, keyfile: Path, omni: Standin) -> None:
    omni.switches.latency = 0.1
    together = Barrier(20)
    with (
        httpx.Client(timeout=PATIENCE, auth=omniprofile.Auth("prod"), base_url=omni.base_url) as client,
        ThreadPoolExecutor(20) as pool,
    ):

        def status() -> int:
            together.wait()
            return client.get(WHOAMI).status_code

        def all_at_once() -> list[int]:
            return [future.result() for future in [pool.submit(status) for _ in range(20)]]

        assert all_at_once() == [200] * 20
        assert slow.read_text() == "asked\n"
        _rotate(keyfile, omni)
        assert all_at_once() == [200] * 20
        assert slow.read_text() == "asked\n" * 2
        omni.revoke("the-new-key")
        assert all_at_once() == [401] * 20
        assert slow.read_text().count("asked") <= 4, "those refused together ask once"


def test_threads_share_one_failure(slow: Path, keyfile: Path, omni: Standin) -> None:
    keyfile.unlink()
    with (
        httpx.Client(timeout=PATIENCE, auth=omniprofile.Auth("prod"), base_url=omni.base_url) as client,
        ThreadPoolExecutor(20) as pool,
    ):
        together = Barrier(20)

        def ask() -> None:
            together.wait()
            client.get(WHOAMI)

        errors = [future.exception() for future in [pool.submit(ask) for _ in range(20)]]
        assert {type(error) for error in errors} == {KeySourceFailed}
        assert slow.read_text().count("asked") <= 2
        keyfile.write_text(CANARY)
        assert client.get(WHOAMI).status_code == 200, "an error is not kept"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_event_loop_goes_on_while_a_key_is_waited_for(
    slow: Path, keyfile: Path, omni: Standin, backend: str
) -> None:
    async def main() -> int:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await anyio.sleep(0.01)
                ticks += 1

        async with (
            httpx.AsyncClient(timeout=PATIENCE, auth=omniprofile.Auth("prod"), base_url=omni.base_url) as client,
            anyio.create_task_group() as group,
        ):
            group.start_soon(tick)
            assert (await client.get(WHOAMI)).status_code == 200
            _rotate(keyfile, omni)
            assert (await client.get(WHOAMI)).json()["user"]["id"] == "u-2"
            group.cancel_scope.cancel()
        return ticks

    assert anyio.run(main, backend=backend) > 10
    assert slow.read_text() == "asked\n" * 2


# Auth: sessions


def test_a_session_is_renewed_before_it_expires_under_a_client_that_lives_on(
    callers: Callers, cli: Cli, omni: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = _log_in(omni, cli, monkeypatch)
    with callers(omniprofile.Auth("prod"), omni.base_url) as client:
        assert client.request().status_code == 200
        assert omni.oauth.grants == []
        later = timedelta(hours=7, minutes=56)
        monkeypatch.setattr(Environment, "now", lambda _: datetime.now(UTC) + later)
        assert [client.request().status_code for _ in range(3)] == [200] * 3
    assert omni.oauth.grants == [("refresh_token", "granted")]
    assert "unknown" not in [seen.key for seen in omni.requests], "no request had to fail for it"
    assert omniprofile.resolve("prod").token != old


def test_a_session_that_the_instance_refuses_is_refreshed_once(
    callers: Callers, cli: Cli, omni: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(omni, cli, monkeypatch)
    with callers(omniprofile.Auth("prod"), omni.base_url) as client:
        assert client.request().status_code == 200
        omni.oauth.expire_access_tokens()
        assert [client.request().status_code for _ in range(3)] == [200] * 3
    assert omni.oauth.grants == [("refresh_token", "granted")]


def test_a_session_that_is_over_is_an_error_that_says_so(
    callers: Callers, cli: Cli, omni: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    _log_in(omni, cli, monkeypatch)
    with callers(omniprofile.Auth("prod"), omni.base_url) as client:
        assert client.request().status_code == 200
        omni.oauth.end_all_sessions()
        with pytest.raises(SessionEnded) as caught:
            client.request()
    assert "omniprofile login prod" in str(caught.value.hint)


def test_a_renewal_that_fails_ahead_of_time_is_not_tried_at_every_request(
    cli: Cli, omni: Standin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The access token has time left: it is used meanwhile."""
    _log_in(omni, cli, monkeypatch, left=timedelta(minutes=4))
    omni.switches.answer = lambda path: (503, {}, b"") if path == "/oauth/token" else None
    with httpx.Client(timeout=PATIENCE, auth=omniprofile.Auth("prod"), base_url=omni.base_url) as client:
        assert [client.get(WHOAMI).status_code for _ in range(5)] == [200] * 5
    assert [seen.path for seen in omni.requests].count("/oauth/token") == 1


def test_threads_with_an_expired_session_refresh_once(cli: Cli, omni: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    _log_in(omni, cli, monkeypatch, left=timedelta(seconds=-1))
    omni.oauth.latency = 0.2
    auths = [omniprofile.Auth("prod") for _ in range(4)]
    with ExitStack() as clients, ThreadPoolExecutor(20) as pool:
        opened = [
            clients.enter_context(httpx.Client(timeout=PATIENCE, auth=auth, base_url=omni.base_url)) for auth in auths
        ]
        futures = [pool.submit(opened[number % 4].get, WHOAMI) for number in range(20)]
        assert [future.result().status_code for future in futures] == [200] * 20
    assert omni.oauth.grants == [("refresh_token", "granted")]


# Types: mypy checks the tests, and reports a violation here.

if TYPE_CHECKING:
    _auth = omniprofile.Auth("staging", config="profiles.toml")
    assert_type(omniprofile.resolve("staging"), omniprofile.Credential)
    assert_type(omniprofile.resolve().token, str)
    assert_type(_auth(httpx.Request("GET", "/")), httpx.Request)
    _plain: httpx.Auth = _auth
    httpx.Client(auth=_auth)
    httpx.AsyncClient(auth=omniprofile.Auth())
    httpx.get("/", auth=_auth)
    omniprofile.Profile  # type: ignore[attr-defined]  # noqa: B018 - no such name
    omniprofile.Auth(1)  # type: ignore[arg-type]  # a profile is a text


# a profile whose `access` is limited


def _read_only(cli: Cli, omni: Standin, tmp_path: Path) -> None:
    omni.add_key(CANARY)
    key = tmp_path / "key"
    key.write_text(CANARY)
    key.chmod(0o600)
    cli.profiles(_profile(omni, f'key = {{ file = "{key}" }}\naccess = "read-only"\nallow = ["POST /api/v1/ai/jobs"]'))


def test_auth_works_where_the_token_is_handed_to_nobody_and_holds_to_the_rules(
    cli: Cli, omni: Standin, tmp_path: Path
) -> None:
    _read_only(cli, omni, tmp_path)
    with pytest.raises(AccessLimited):
        omniprofile.resolve("prod")
    with httpx.Client(timeout=PATIENCE, auth=omniprofile.Auth("prod"), base_url=omni.base_url) as client:
        assert client.get(WHOAMI, headers={"X-HTTP-Method-Override": "DELETE"}).status_code == 200
        assert client.post("/api/v1/query/run", json={}).status_code == 404  # which the stand-in does not know
        assert client.post("/api/v1/ai/jobs", json={}).status_code == 404
        passed = len(omni.requests)
        for method, path in (
            ("POST", "/api/v1/models"),
            ("DELETE", WHOAMI),
            ("GET", "/api/v1/%2e%2e/x"),
            ("PROPFIND", "/"),
        ):
            with pytest.raises(AccessLimited, match="read-only"):
                client.request(method, path)
        with pytest.raises(AccessLimited, match="read-only"):  # the path that would be sent counts
            client.post("/api/v1/query/run", extensions={"target": b"/api/v1/models"})
    assert len(omni.requests) == passed


def test_so_does_an_async_client(cli: Cli, omni: Standin, tmp_path: Path) -> None:
    _read_only(cli, omni, tmp_path)

    async def main() -> None:
        async with httpx.AsyncClient(timeout=PATIENCE, auth=omniprofile.Auth("prod"), base_url=omni.base_url) as client:
            assert (await client.get(WHOAMI)).status_code == 200
            with pytest.raises(AccessLimited):
                await client.post("/api/v1/models")

    anyio.run(main)
