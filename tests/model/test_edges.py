"""The exact limits of the model's values: one step inside and one step outside."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from omniprofile.model.compiled_profile import CompiledProfile
from omniprofile.model.declaration import Declaration, Identity, KeySource
from omniprofile.model.export_mark import mark_of, own_values, read_mark
from omniprofile.model.finding import Finding
from omniprofile.model.live_result import LiveResult, Status
from omniprofile.model.names import MAX_LENGTH, is_valid, nearest_valid, printable, printable_place, quoted_list
from omniprofile.model.near_names import closest
from omniprofile.model.origin import NotAnOrigin, Origin, parse_host
from omniprofile.model.provenance import Layer, Provenance
from omniprofile.model.resolution import Selection
from omniprofile.model.rule_codes import Code
from omniprofile.model.secret import Secret, looks_like_key
from omniprofile.model.stored import StoredSecret
from omniprofile.model.variable_names import MARKER


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("", 3, ""),
        ("abc", 3, "abc"),
        ("abcd", 3, "abc…"),
        ("\x1b", 4, "\\x1b"),
        ("\x1b", 3, "…"),
        ("a\x1bb", 5, "a\\x1b…"),
        ("é\\\x1b", 9, "é\\\\x1b"),
        ("a" * 120, 120, "a" * 120),
        ("a" * 121, 120, "a" * 120 + "…"),
    ],
)
def test_a_text_is_cut_by_what_is_shown_of_it(text: str, limit: int, shown: str) -> None:
    assert printable(text, limit) == shown
    if limit == 120:
        assert printable(text) == shown


def test_a_place_is_shown_as_a_text_is_but_a_longer_one() -> None:
    assert printable_place("/" + "a" * 299) == "/" + "a" * 299
    assert printable_place("/" + "a" * 300) == "/" + "a" * 299 + "…"
    assert printable_place("/\x1b") == "/\\x1b"


@pytest.mark.parametrize(
    ("words", "list_"),
    [
        ([], ""),
        (["a"], "`a`"),
        (["a", "b"], "`a` or `b`"),
        (["a", "b", "c"], "`a`, `b` or `c`"),
    ],
)
def test_a_list_reads_as_a_sentence_does(words: list[str], list_: str) -> None:
    assert quoted_list(words) == list_


def test_a_list_of_all_of_them_says_and_and_leaves_the_names_alone() -> None:
    assert quoted_list(["/dots/this or that.toml", "b"], "and") == "`/dots/this or that.toml` and `b`"


def test_a_name_has_from_1_to_64_characters() -> None:
    assert not is_valid("")
    assert is_valid("a")
    assert is_valid("a" * 64)
    assert not is_valid("a" * 65)
    assert len(nearest_valid("é" * 70)) == MAX_LENGTH


def test_a_text_without_a_letter_that_a_name_may_have_becomes_profile() -> None:
    assert nearest_valid("") == nearest_valid("!") == nearest_valid("-._") == "profile"
    assert nearest_valid("-X_Y.") == "X_Y"


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("prod-eu", "eu-prod"),
        ("prodx", "prod1"),
        ("staging", "acme-staging"),
        ("production", "prod"),
        ("pl", "play"),
        ("stagnig", "staging"),
    ],
)
def test_near_names_are_suggested(typed: str, meant: str) -> None:
    assert closest(typed, [meant, "unrelated", "x"]) == [meant]


@pytest.mark.parametrize(
    ("typed", "other"),
    [
        ("get", "set"),
        ("nosuch", "oscorp"),
        ("mv", "remove"),
        ("create", "rename"),
        ("acme-corp", "acme-prod"),
        ("", "a"),
    ],
)
def test_another_word_is_not_offered(typed: str, other: str) -> None:
    assert closest(typed, [other]) == []


def test_at_most_three_names_are_offered_and_a_name_in_another_case_first() -> None:
    assert len(closest("prod", ["prod1", "prod2", "prod3", "prod4"])) == 3
    assert closest("PROD", ["prods", "prod"])[0] == "prod"


@pytest.mark.parametrize(
    ("host", "good"),
    [
        ("a" * 63 + ".co", True),
        ("a" * 64 + ".co", False),
        ("-a.co", False),
        ("a-.co", False),
        ("a-b.co", True),
        ("a..co", False),
        (".".join(["a" * 50] * 5)[:253], True),
        (".".join(["a" * 50] * 5)[:252] + "bc", False),
        ("a.co.", False),
        ("a_b.co", False),
        ("127.0.0.1", True),
        ("127.1", False),
        ("0x7f.0.0.1", False),
        ("a.0x1", False),
        ("1.2.3.4.5", False),
        ("127.0.0.01", False),
    ],
)
def test_a_host_is_whole_and_canonical(host: str, good: bool) -> None:
    readers: list[Callable[[], str]] = [lambda: Origin.parse(f"https://{host}").host, lambda: parse_host(host)]
    for read in readers:
        if good:
            assert read() == host
        else:
            with pytest.raises(NotAnOrigin):
                read()


@pytest.mark.parametrize(
    "text", ["https://a.co\x00", "https://a.co\n", "https://a b.co", "https://a\\b.co", "https://ä.co"]
)
def test_a_character_that_no_address_has_is_named_as_that(text: str) -> None:
    with pytest.raises(NotAnOrigin, match="has a character"):
        Origin.parse(text)
    if "\\" not in text:
        with pytest.raises(NotAnOrigin, match="has a character"):
            parse_host(text.removeprefix("https://"))


def test_a_default_port_is_left_out_and_no_other() -> None:
    for text in ("https://a.co:80", "https://a.co:442", "http://a.co:443", "http://a.co:79", "http://a.co:81"):
        assert str(Origin.parse(text)) == text


def test_a_mark_is_read_whole_or_not_at_all() -> None:
    good = mark_of("prod", {"A": "1"}, "https://a.co")
    assert own_values({MARKER: good, "A": "1"}) == {"A"}
    assert mark_of("prod", {"A": "1", MARKER: "an older one"}, "https://a.co") == good
    for bad in (
        "prod",
        "",
        ",",
        f"{good}0",
        good[:-1],
        good + ",",
        "prod,Ä=00000000",
        "prod,A-B=00000000",
        "prod,=00000000",
    ):
        assert read_mark({MARKER: bad}) is None, bad
    longest = ",".join(["p" * (64 * 1024 - 1 - len("A=00000000")), "A=00000000"])
    assert len(longest) == 64 * 1024
    assert read_mark({MARKER: longest}) is not None
    assert read_mark({MARKER: "p" + longest}) is None


def test_secrets_are_equal_by_their_text_and_to_nothing_else() -> None:
    one, other = Secret("a" * 3), Secret("a" + "a" * int("2"))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Secret("b")
    assert Secret("b") != Secret("a")
    assert one != "aaa"
    assert len({hash(Secret(text)) for text in "abcd"}) > 1


@pytest.mark.parametrize(
    ("suggestion", "shown"), [(None, None), ("write omni_osk_abcdef or so", "write omni_osk_******** or so")]
)
def test_a_finding_shows_no_key_in_any_of_its_words(suggestion: str | None, shown: str | None) -> None:
    finding = Finding("f", 1, 2, Code.SECRET, "omni_pat_abcdef is a key", suggestion)
    assert (finding.message, finding.suggestion) == ("omni_pat_******** is a key", shown)
    assert finding.place == "f:1:2"


def test_a_profile_of_which_nothing_is_decided_has_empty_texts() -> None:
    nothing = CompiledProfile("prod", (None, None, "api-key", None, None, False, ()))
    assert (nothing.profile, nothing.base_url, nothing.token) == ("prod", "", "")


def test_a_key_is_known_by_how_it_begins() -> None:
    assert looks_like_key("omni_osk_x")
    assert looks_like_key("omni_pat_x")
    assert not looks_like_key("omni_os")
    assert not looks_like_key("my-omni_osk_x")


@pytest.mark.parametrize("layer", Layer)
def test_only_the_command_line_names_a_profile(layer: Layer) -> None:
    assert Selection("prod", Provenance(layer)).named == (layer is Layer.FLAG)


@pytest.mark.parametrize(
    ("provenance", "words"),
    [
        (Provenance(Layer.BUILTIN), "built-in"),
        (Provenance(Layer.BUILTIN, "default"), "built-in default"),
        (Provenance(Layer.STORE), "secret store"),
        (Provenance(Layer.STORE, "file"), "secret store `file`"),
        (Provenance(Layer.FLAG, "NAME"), "the command line"),
        (Provenance(Layer.FLAG, "--base-url"), "flag `--base-url`"),
        (Provenance(Layer.PROFILE, "a", "f.toml", 3), "profile `a` (f.toml:3)"),
        (Provenance(Layer.STATE, "active", "f"), "the active profile (f)"),
    ],
)
def test_a_provenance_says_what_a_person_looks_for(provenance: Provenance, words: str) -> None:
    assert str(provenance) == words


def test_a_key_source_names_its_program_and_waits_half_a_minute() -> None:
    source = KeySource("command", argv=("op", "read", "op://x"))
    assert str(source) == "command `op`"
    assert source.timeout == 30.0


def test_a_live_result_without_identity_or_time_has_nulls() -> None:
    assert LiveResult("prod", Status.UNTESTED).as_json() == {
        "profile": "prod",
        "status": "untested",
        "http_status": None,
        "reason": None,
        "remedy": None,
        "identity": {"user": None, "membership_id": None, "key_scope": None, "org_role": None},
        "latency_ms": None,
        "symptom": None,
    }
    full = LiveResult("prod", Status.OK, identity=Identity("u", "m", "user", "MEMBER"), latency_ms=1.26).as_json()
    assert full["identity"] == {"user": "u", "membership_id": "m", "key_scope": "user", "org_role": "MEMBER"}
    assert full["latency_ms"] == 1.3


def test_nouns_do_not_change() -> None:
    origin = Origin.parse("https://acme.omniapp.co")
    stored = StoredSecret(origin, Secret("x"), datetime.now(UTC))
    for noun, name in (
        (origin, "host"),
        (stored, "token"),
        (Provenance(Layer.FLAG), "layer"),
        (Selection("a", Provenance(Layer.FLAG)), "profile"),
    ):
        with pytest.raises(AttributeError):
            setattr(noun, name, "other")


def test_a_key_has_its_own_line_or_its_tables() -> None:
    table = Declaration(Layer.PROFILE, "prod", "f", 1, lines={"auth": 7})
    assert [table.provenance(key).line for key in ("auth", "key")] == [7, 1]
    assert table.provenance("auth") == Provenance(Layer.PROFILE, "prod", "f", 7)
    assert table.provenance("auth", Layer.PARENT).layer is Layer.PARENT
