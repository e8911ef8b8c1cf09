"""Requests that a read-only profile allows: reads, the vendor's reading POSTs, those in `allow`, and no disguised writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.model.access_rules import READING_POSTS, denial, is_override, is_plain


def _rule(method: str, target: str, *allow: str) -> str | None:
    found = denial("prod", "read-only", allow, method, target)
    return found.rule if found else None


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reads_pass_with_any_query(method: str) -> None:
    assert _rule(method, "/api/v1/models?pageSize=1&_method=DELETE&next=%2e%2e%2F//") is None


@pytest.mark.parametrize("entry", READING_POSTS)
def test_the_vendors_reading_posts_pass(entry: str) -> None:
    assert _rule("POST", entry.removeprefix("POST ").replace("{id}", "a-1") + "?wait=true") is None


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/api/v1/models"), ("PUT", "/api/v1/query/run"), ("DELETE", "/api/v1/models/1"), ("PATCH", "/"),
        ("POST", "/mcp/https"), ("POST", "/api/v1/query/run/"), ("POST", "/api/v1/Query/run"), ("POST", "/api/v1/query/run/x"),
        ("POST", "/api/v1/dashboards//download"), ("POST", "/api/v1/dashboards/a/b/download"), ("POST", "/x/api/v1/query/run"),
    ],
)  # fmt: skip
def test_everything_else_is_refused(method: str, target: str) -> None:
    assert _rule(method, target) in ("read-only", "path")


@pytest.mark.parametrize(
    ("method", "target", "hint"),
    [
        ("POST", "/api/v1/models", 'add "POST /api/v1/models" to `allow` in `[profiles.prod]`'),
        ("DELETE", "/api/v1/folders/f%C3%BCr/a@b?x=1", 'add "DELETE /api/v1/folders/*/*" to'),
        ("POST", "/api/v1/query/run/", "without its last slash"),
        ("POST", "/", "without its last slash"),
        ("PROPFIND", "/", '`access = "gateway"` in `[profiles.prod]`'),
        ("POST", "/api/v1/query/run?_method=PUT", "without that in the query"),
        ("GET", "/a;b", "send the path without"),
    ],
)
def test_every_refusal_says_what_can_be_done(method: str, target: str, hint: str) -> None:
    found = denial("prod", "read-only", (), method, target)
    assert found is not None
    assert hint in (found.hint or "")
    if "add " in hint:
        entry = (found.hint or "").split('"')[1]
        assert denial("prod", "read-only", (entry,), method, target) is None


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "PROPFIND", "get", "QUERY", "GETX", ""])
def test_a_method_that_is_not_known_is_refused(method: str) -> None:
    assert _rule(method, "/api/v1/models") == "method"


@pytest.mark.parametrize(
    "path",
    [
        "//api", "/api//v1", "/api/./v1", "/api/../v1", "/api/..", "/.", "/%2e%2e/api", "/.%2E/api", "/a%2fb", "/a%2Fb", "/a%5cb",
        "/a\\b", "/a;b=c", "/a%3bb", "/a%00", "/a%0d%0a", "/%61pi", "/a%252e", "/a%c0%ae", "/a%e0%80%af", "/a%ef%bc%8e",
        "/a%ef%bc%8f", "/a%ff", "/a%", "/a%zz", "/a#b", "/a%23b", "/a%3fb", "api", "", "*", "http://x/", "/a b", "/\u00fc",
        "/a%e2%80%ae", "/a%ef%bc%bc",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_some_server_reads_as_another_one_is_refused(method: str, path: str) -> None:
    assert _rule(method, path, "POST /{a}", "POST /{a}/{b}") == "path"


def test_names_that_need_escapes_are_plain() -> None:
    assert is_plain("/api/v1/folders/f%C3%BCr%20alle")
    assert is_plain("/api/v1/users/a@b.example/")


@pytest.mark.parametrize(
    "query",
    [
        "_method=DELETE",
        "a=1&_METHOD=put",
        "%5fmethod=put",
        "a;_method=x",
        "_method",
        "%255fmethod=x",
        ".method=x",
        "+_method=x",
        "_method[]=x",
        "_method%00a=x",
        "_HttpMethod=PATCH",
        "X-HTTP-Method-Override=PUT",
        "x_http_method=PUT",
    ],
)
def test_a_query_that_asks_for_another_method_is_refused(query: str) -> None:
    assert _rule("POST", f"/api/v1/query/run?{query}") == "override"


@pytest.mark.parametrize(
    "name",
    [
        "X-HTTP-Method-Override", "x_http_method_override", "X.HTTP.Method.Override", "X-HTTP-Method", "X-Method-Override",
        "X-Method", "HTTP-Method-Override", "Method-Override", "_method", "X-Http-Verb", "X-HTTP-Verb-Override",
        "X-Tunneled-Method", "X-Original-Method", "X-Forwarded-Method", "X-Original-URL", "X-Rewrite-URL", "X-Override-URL",
        "X_Forwarded_Uri", "X-Forwarded-Path", "X-Replaced-Path", "X-Envoy-Original-Path", "x-original-uri",
    ],
)  # fmt: skip
def test_a_field_that_makes_another_request_of_one_is_known(name: str) -> None:
    assert is_override(name)


@pytest.mark.parametrize(
    "name",
    ["Accept", "Access-Control-Request-Method", "X-Verbose", "Origin", "X-Forwarded-For", "X-Forwarded-Proto", "X-MCP-Model-ID",
     "Content-Location", "Sec-Fetch-Mode", "Path", "X-Callback-URL"],
)  # fmt: skip
def test_other_fields_are_not_overrides(name: str) -> None:
    assert not is_override(name)


def test_allow_adds_a_method_and_a_path() -> None:
    assert _rule("POST", "/api/v1/ai/jobs", "POST /api/v1/ai/jobs") is None
    assert _rule("DELETE", "/api/v1/ai/jobs", "POST /api/v1/ai/jobs") == "read-only"
    assert _rule("DELETE", "/api/v1/schedules/7", "DELETE /api/v1/schedules/{id}") is None
    assert _rule("DELETE", "/api/v1/schedules/7/runs", "DELETE /api/v1/schedules/*") == "read-only"
    assert _rule("POST", "/api/v1/aiXjobs", "POST /api/v1/ai.jobs") == "read-only"
    assert _rule("POST", "/mcp/https", "POST /mcp/https") is None


@pytest.mark.parametrize("access", ["full", "gateway"])
def test_only_read_only_looks_at_requests(access: str) -> None:
    assert denial("prod", access, (), "DELETE", "//..;/") is None  # type: ignore[arg-type]  # one of them


@given(st.text(alphabet="/.%2eEfF5cC;\\ab0", max_size=12))
def test_a_plain_path_is_the_same_however_often_it_is_decoded_and_normalized(path: str) -> None:
    from posixpath import normpath
    from urllib.parse import unquote

    if is_plain(path):
        assert unquote(path).count("/") == path.count("/")
        assert normpath(unquote(unquote(path))).rstrip("/") == unquote(unquote(path)).rstrip("/") or path == "/"
