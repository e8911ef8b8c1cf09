"""Requests and responses, checked with the RFCs' examples; any response is tokens, an error, or invalid."""

import json
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qs, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.instance.authorization_response import read_callback, read_pasted
from omniprofile.instance.endpoints import USUAL, Endpoints, read_metadata
from omniprofile.instance.oauth_requests import (
    AuthorizationRequest,
    authorization_query,
    code_form,
    refresh_form,
    revocation_form,
)
from omniprofile.instance.responses import InvalidResponse, said
from omniprofile.instance.token_response import OAuthError, TokenResponse, error_of, read_token_response
from omniprofile.model.origin import Origin
from omniprofile.model.secret import Secret
from tests.conftest import CANARY

ACME = Origin.parse("https://acme.omniapp.co")
# RFC 7636, appendix B
RFC = AuthorizationRequest(
    "http://localhost:5000/callback",
    Secret("state-1"),
    Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
)


def test_the_authorization_request_is_omnis() -> None:
    assert parse_qs(authorization_query(RFC)) == {
        "response_type": ["code"],
        "client_id": ["omni-cli"],
        "redirect_uri": ["http://localhost:5000/callback"],
        "scope": ["user:default"],
        "state": ["state-1"],
        "code_challenge": ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
        "code_challenge_method": ["S256"],
    }


def test_the_forms_are_omnis() -> None:
    assert code_form(RFC, Secret("c&=d")) == {
        "grant_type": "authorization_code",
        "code": "c&=d",
        "redirect_uri": "http://localhost:5000/callback",
        "client_id": "omni-cli",
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    assert refresh_form(Secret("r+/="), "omni-cli") == {
        "grant_type": "refresh_token",
        "refresh_token": "r+/=",
        "client_id": "omni-cli",
    }
    assert revocation_form(Secret("r"), "refresh_token", "omni-cli") == {
        "token": "r",
        "token_type_hint": "refresh_token",
        "client_id": "omni-cli",
    }


def test_every_attempt_has_its_own_secrets() -> None:
    attempts = [AuthorizationRequest("http://localhost:1/callback") for _ in range(50)]
    assert len({attempt.state for attempt in attempts} | {attempt.verifier for attempt in attempts}) == 100
    assert all(43 <= len(attempt.verifier.reveal()) <= 128 for attempt in attempts)
    assert all(len(attempt.state.reveal()) >= 43 for attempt in attempts)
    assert attempts[0].verifier.reveal() not in repr(attempts[0])


def test_an_answer_of_any_depth_is_tokens_or_no_answer() -> None:
    """Some nesting depths are accepted by one JSON reader and refused by the next."""
    for depth in range(1, 1100, 3):
        body = b'{"access_token": "a", "x": ' + b"[" * depth + b"]" * depth + b"}"
        with suppress(InvalidResponse):
            assert read_token_response(body).token == Secret("a")


def test_a_null_error_is_none_and_an_unprintable_scope_is_dropped() -> None:
    granted = read_token_response(b'{"access_token": "a", "error": null, "scope": "\\ud800\\u001b[31m"}')
    assert granted == TokenResponse(Secret("a"), None, None, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)
answers = st.dictionaries(
    st.sampled_from(
        [
            "access_token",
            "refresh_token",
            "token_type",
            "expires_in",
            "expires_at",
            "scope",
            "error",
            "error_description",
        ]
    ),
    json_values | st.sampled_from(["Bearer", "a", "invalid_grant", "user:default"]),
).map(lambda fields: json.dumps(fields).encode())


@given(st.binary(max_size=200) | answers)
def test_any_answer_is_tokens_or_an_error_or_none(body: bytes) -> None:
    shown: str | None = None
    try:
        granted = read_token_response(body)
    except InvalidResponse as problem:
        shown = str(problem)
    except OAuthError as problem:
        shown = problem.code + (problem.description or "")
    else:
        assert granted.token.reveal()
        assert granted.lifetime is None or granted.lifetime >= 0
    assert shown is None or (shown and shown.isprintable())


@given(st.text(max_size=300))
def test_no_query_but_the_right_state_is_an_answer(query: str) -> None:
    with pytest.raises(InvalidResponse):
        read_callback(query, RFC)


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("", "no state"),
        ("code=c", "no state"),
        ("code=c&state=", "no state"),
        ("code=c&state=state-2", "another login's"),
        ("code=c&state=state-1x", "another login's"),
        ("code=c&state=%ff%fe", "another login's"),
        ("code=c&state=stät", "another login's"),
        ("error=access_denied", "no state"),
        ("code=c&state=state-1&state=state-1", "twice"),
        ("code=c&code=d&state=state-1", "twice"),
        ("code=c&iss=a&iss=b&state=state-1", "twice"),
        ("&".join(f"a{n}=1" for n in range(100)), "too many"),
    ],
)
def test_answers_to_another_login_are_refused(query: str, why: str) -> None:
    with pytest.raises(InvalidResponse, match=why):
        read_callback(query, RFC)


@pytest.mark.parametrize("code", ["", "%0d%0aSet-Cookie:x", "a%20b", "x" * 20_000, "%F0%9F%92%A9"])
def test_an_invalid_code_is_ignored(code: str) -> None:
    assert read_callback(f"state=state-1&code={code}", RFC).code is None


def test_an_error_is_fit_to_be_shown() -> None:
    query = urlencode({"state": "state-1", "error": "no\x1b[2J", "error_description": "<script>\n" + "x" * 5000})
    callback = read_callback(query, RFC)
    assert callback.error == "no\\x1b[2J"
    assert callback.description is not None
    assert callback.description.startswith("<script>\\n")
    assert len(callback.description) < 320


@pytest.mark.parametrize(
    "line",
    [
        "http://localhost:5000/callback?code=c&state=state-1",
        "  http://localhost:5000/callback?code=c&state=state-1  \n",
        "'http://localhost:5000/callback?code=c&state=state-1'",
        "<http://127.0.0.1:5000/callback?state=state-1&code=c>",
        "?code=c&state=state-1",
        "http://localhost:5000/callback?code=c&state=state-1#",
    ],
)
def test_the_address_can_be_pasted_as_people_paste(line: str) -> None:
    assert read_pasted(line, RFC).code == Secret("c")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "empty"),
        ("c", "not an address"),
        (CANARY, "it is an API key, and this login takes none"),
        ("http://localhost:5000/callback", "not an address"),
        ("https://acme.omniapp.co/oauth/authorize?state=state-1&code=c", "not an address"),
        ("http://localhost:5000/callback?code=c&state=other", "another login's"),
        ("http://localhost:5000/callback?" + "x" * 9000, "too long"),
    ],
)
def test_other_pasted_texts_are_refused_with_the_reason(line: str, why: str) -> None:
    with pytest.raises(InvalidResponse, match=why):
        read_pasted(line, RFC)


def metadata(**endpoints: object) -> dict[str, object]:
    return {"issuer": "https://acme.omniapp.co", **{f"{name}_endpoint": url for name, url in endpoints.items()}}


def test_metadata_moves_paths() -> None:
    found = read_metadata(
        metadata(
            authorization="https://acme.omniapp.co/o/a?x=1",
            token="https://ACME.omniapp.co:443/o/t",
            revocation="https://acme.omniapp.co/o/r",
        ),
        ACME,
    )
    assert found == Endpoints("/o/a?x=1", "/o/t", "/o/r")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/oauth/token",
        "https://acme.omniapp.co.evil.example/oauth/token",
        "https://acme.omniapp.co@evil.example/oauth/token",
        "http://acme.omniapp.co/oauth/token",
        "https://acme.omniapp.co:8443/oauth/token",
        "//acme.omniapp.co/oauth/token",
        "/oauth/token",
        "javascript:alert(1)",
        "https://acme.omniapp.co/oauth/token#f",
        "https://acme.omniapp.co/oauth token",
        "https://acme.omniapp.co\\@evil.example/",
        "https://[::1",
        7,
        ["https://acme.omniapp.co/oauth/token"],
    ],
)
def test_an_endpoint_that_is_not_the_instances_own_is_not_used(url: object) -> None:
    found = read_metadata(metadata(token=url, revocation=url, authorization=url), ACME)
    assert (found.authorization, found.token, found.revocation) == (USUAL.authorization, USUAL.token, None)
    assert len(found.notices) == 3
    assert "token endpoint" in found.notices[1]


@pytest.mark.parametrize("issuer", ["https://evil.example", "https://acme.omniapp.co/tenant", 5, ""])
def test_the_metadata_of_another_issuer_is_not_used(issuer: object) -> None:
    document = {**metadata(token="https://acme.omniapp.co/x"), "issuer": issuer}
    found = read_metadata(document, ACME)
    assert found.token == USUAL.token
    assert "another issuer" in found.notices[0]


@given(st.dictionaries(st.sampled_from(["issuer", "authorization_endpoint", "token_endpoint"]), json_values))
def test_any_metadata_gives_paths_of_the_origin(document: dict[str, object]) -> None:
    found = read_metadata(document, ACME)
    assert found.authorization.startswith("/")
    assert found.token.startswith("/")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("omni_oat_x7Kq2ZrT9mPw4LbV6nYc is spent", "******** is spent"),
        ("refresh token 'QWERTYuiopASDFGHjklz' unknown", "refresh token '********' unknown"),
        ("eyJhbGciOiJIUzI1NiJ9eyJz.eyJzdWIiOiIxMjM0NTY3ODkwIn0.x", "********.********.x"),
        ("code=x7Kq2ZrT9mPw4LbV6nYc", "********"),
        ("unsupported_grant_type_for_this_client", "unsupported_grant_type_for_this_client"),
        ("request 123e4567-e89b-42d3-a456-426614174000", "request 123e4567-e89b-42d3-a456-426614174000"),
        ("123e4567-e89b-42d3-a456-4266141740001", "********"),
        ("see https://docs.omni.co/api/oauth2#errors", "see https://docs.omni.co/api/oauth2#errors"),
        ("a short123 word", "a short123 word"),
    ],
)
def test_a_server_that_repeats_a_token_is_not_repeated(text: str, shown: str) -> None:
    assert said(text, 300, []) == shown
    error = error_of(json.dumps({"error": "invalid_grant", "error_description": text}).encode(), [])
    assert error is not None
    assert error.description == shown


@pytest.mark.parametrize("secret", ["x7Kq2ZrT9.mPw4~LbV6nYc+dE5/fg=", "omni_ort_short12", "k3y5x"])
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: "~".join(text),
        lambda text: " . ".join(text[at : at + 4] for at in range(0, len(text), 4)),
        lambda text: "".join(f"%{ord(char):02x}" for char in text),
        lambda text: "".join(f"%25{ord(char):02X}" for char in text),
        str.upper,
        lambda text: f"({text}),{text}",
    ],
)
def test_sent_secrets_are_masked_however_they_are_repeated(secret: str, change: Callable[[str], str]) -> None:
    text = f"the token {change(secret)} is spent"
    shown = said(text, 4000, [Secret(secret), Secret("another-one-1234")])
    assert shown.startswith("the token")
    assert shown.endswith("is spent")
    assert "********" in shown
    left = [char for char in unquote(unquote(shown)).lower() if char.isalnum()]
    pieces = [char for char in secret.lower() if char.isalnum()]
    assert "".join(pieces)[:8] not in "".join(left)
    if len(secret) > 5:  # a part of a longer one counts too
        assert said(f"it begins {secret[:14]}", 100, [Secret(secret)]).count("*") == 8


@pytest.mark.parametrize("error", ["", 0, False, {}, []])
def test_an_error_without_a_code_is_not_an_answer(error: object) -> None:
    with pytest.raises(InvalidResponse, match="`error` is"):
        read_token_response(json.dumps({"access_token": "a", "error": error}).encode())
