"""Base URLs: a single interpretation, and hosts compared whole, never by a prefix or suffix of the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.model.origin import NotAnOrigin, Origin, parse_host


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("https://acme.omniapp.co", "https://acme.omniapp.co"),
        ("https://acme.omniapp.co/", "https://acme.omniapp.co"),
        ("HTTPS://Acme.OmniApp.CO:443/", "https://acme.omniapp.co"),
        ("https://acme.omniapp.co:8443", "https://acme.omniapp.co:8443"),
        ("https://acme.omniapp.co:1", "https://acme.omniapp.co:1"),
        ("https://acme.omniapp.co:65535", "https://acme.omniapp.co:65535"),
        ("https://acme.omniapp.co:00443", "https://acme.omniapp.co"),
        ("https://MAX.omniapp.co", "https://max.omniapp.co"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:80", "http://[::1]"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://[0:0:0:0:0:0:0:1]", "https://[::1]"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_a_base_url_has_one_normal_form(text: str, normal: str):
    assert str(Origin.parse(text)) == normal
    assert Origin.parse(normal) == Origin.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "acme", "acme.omniapp.co", "ftp://acme.omniapp.co", "https://", "https:///path", "https://acme.omniapp.co/api", "https://a.b?x=1",
        "https://a.b#f", "https://user@acme.omniapp.co", "https://acme.omniapp.co@evil.example", "https://acme.omniapp.co\\@evil.example",
        "https://acme.omniapp.co.", "https://acme..co", "https://-a.example", "https://a_b.example", "https://acme%2eomniapp.co",
        "https://acme.omniapp.co:0", "https://acme.omniapp.co:65536", "https://acme.omniapp.co:", "https://acme.omniapp.co:8_0",
        "https://acme.omniapp.co:100000", "https://acme.omniapp.co:000443", "https://acme.omniapp.co:-1",
        "https://acme.omniapp.co:٣", "https://ácme.omniapp.co", "https://acme.omniapp.co\n", "https://acme.omniapp.co\t", "https://a b.co",  # noqa: E501
        "https://acme.omniapp.co:x@evil.example", "https://evil.example#.omniapp.co", "https://evil.example?.omniapp.co",
        "https://evil.example/.omniapp.co", "https://evil.example%2eomniapp.co", "https://acme.omniapp.co ", "https://\u043emniapp.co",
        "https://omniapp\u3002co", "https://0x7f.1", "https://[::ffff:1.2.3.4%25eth0]",
        "https://[::1", "https://[::1]x", "https://[fe80::1%25eth0]", "https://[127.0.0.1]", "http://127.1", "http://0x7f.0.0.1", "http://2130706433",
        "http://127.0.0.01", "https://a.0x10", "//acme.omniapp.co", "https:acme.omniapp.co", "javascript://acme.omniapp.co",
    ],
)  # fmt: skip
def test_ambiguous_texts_are_not_base_urls(text: str):
    with pytest.raises(NotAnOrigin):
        Origin.parse(text)


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("acme.omniapp.co", "https://acme.omniapp.co"),
        ("https://acme.omniapp.co/api/v1", "https://acme.omniapp.co"),
        ("acme.omniapp.co/login?x=1", "https://acme.omniapp.co"),
        ("a b", None),
        ("user@acme.co", None),
        ("https://acme.omniapp.co/login?to=https://evil.example", "https://acme.omniapp.co"),
    ],
)
def test_the_probable_meaning_is_suggested(text: str, suggestion: str | None):
    with pytest.raises(NotAnOrigin) as caught:
        Origin.parse(text)
    assert caught.value.suggestion == suggestion


def test_a_password_in_a_url_is_never_repeated():
    with pytest.raises(NotAnOrigin) as caught:
        Origin.parse("https://ada:hunter2@acme.omniapp.co/x")
    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in str(caught.value.suggestion)


@pytest.mark.parametrize("host", ["omniapp.co", "acme.omniapp.co", "a.b.exploreomni.dev", "x.embed-omniapp.co"])
def test_omni_s_domains_and_their_subdomains_are_omni_s(host: str):
    assert Origin.parse(f"https://{host}").refusal((), allow_insecure=False) is None


@pytest.mark.parametrize(
    "host", ["evilomniapp.co", "omniapp.co.evil.example", "acme.omniapp.com", "omniapp", "acme-omniapp.co", "co"]
)
def test_hosts_that_only_look_like_omni_s_are_not(host: str):
    assert Origin.parse(f"https://{host}").refusal((), allow_insecure=True) == "host-not-allowed"


def test_an_allowed_host_is_compared_whole():
    allowed = ("bi.acme.example",)
    assert Origin.parse("https://BI.acme.example:8443").refusal(allowed, allow_insecure=False) is None
    for host in ("x.bi.acme.example", "bi.acme.example.evil.example", "acme.example"):
        assert Origin.parse(f"https://{host}").refusal(allowed, allow_insecure=False) == "host-not-allowed"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://127.255.0.9", "http://localhost:8000", "http://[::1]"])
def test_plain_http_is_for_loopback_alone_and_only_when_allowed(url: str):
    assert Origin.parse(url).is_loopback
    assert Origin.parse(url).refusal((), allow_insecure=True) is None
    assert Origin.parse(url).refusal((), allow_insecure=False) == "insecure-url"


@pytest.mark.parametrize(
    "url",
    ["http://acme.omniapp.co", "http://localhost.evil.example", "http://128.0.0.1", "http://[::2]", "http://10.0.0.1"],
)
def test_plain_http_elsewhere_is_never_allowed(url: str):
    host = Origin.parse(url).host
    assert not Origin.parse(url).is_loopback
    assert Origin.parse(url).refusal((host,), allow_insecure=True) == "insecure-url"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://acme.omniapp.co", "acme"),
        ("https://a.b.omniapp.co", None),
        ("https://omniapp.co", None),
        ("https://acme.omniapp.co:8443", None),
        ("http://acme.omniapp.co:443", None),
        ("https://acme.exploreomni.dev", None),
        ("https://acme.embed-omniapp.co", None),
    ],
)
def test_the_organization_name_is_there_exactly_where_an_sdk_would_build_the_same_url(url: str, name: str | None):
    assert Origin.parse(url).organization_name == name


@given(st.text(max_size=60))
def test_any_text_is_an_origin_that_reads_back_equal_or_is_refused(text: str):
    try:
        origin = Origin.parse(text)
    except NotAnOrigin:
        return
    assert Origin.parse(str(origin)) == origin


@given(st.sampled_from(["https://", "http://", "https:/", ""]), st.text("abz019.-:@/\\[]%?#_ACMEomniapp", max_size=40))
def test_a_parsed_url_means_the_same_to_the_http_client(scheme: str, rest: str):
    import httpx

    try:
        origin = Origin.parse(scheme + rest)
    except NotAnOrigin:
        return
    url = httpx.URL(str(origin) + "/api/v1/whoami")
    assert (url.scheme, url.host, url.port or {"https": 443, "http": 80}[url.scheme]) == (
        origin.scheme,
        origin.host,
        origin.port,
    )
    assert not url.userinfo


@pytest.mark.parametrize(
    "text", ["https://a.example", "a.example:443", "*.a.example", "a b", "", "a.example.", "ä.example", "a/b"]
)
def test_allowed_hosts_are_whole_host_names(text: str):
    with pytest.raises(NotAnOrigin):
        parse_host(text)


def test_an_allowed_host_is_kept_in_lower_case():
    assert parse_host("BI.Acme.Example") == "bi.acme.example"
