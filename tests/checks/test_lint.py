"""Lint: every rule on its own bad and good example, exact places, and arbitrary bytes as a file."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniprofile.checks.lint import lint
from omniprofile.checks.rule_texts import RuleText, rules
from omniprofile.config.toml.text import Document
from omniprofile.model.finding import Finding
from omniprofile.model.rule_codes import Code
from tests.conftest import CANARY
from tests.waiting import without_waiting

GOOD = (Path(__file__).parents[1] / "corpus/good/contract.toml").read_text(encoding="utf-8")


def _lint(text: str | bytes, folder: Path, name: str = "profiles.toml") -> list[Finding]:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return lint([str(path)], home="/home/me")


def _places(findings: list[Finding]) -> list[tuple[int, int, str]]:
    return [(finding.line, finding.column, finding.code) for finding in findings]


@pytest.mark.parametrize("rule", [rule for rule in rules().values() if rule.bad], ids=lambda rule: rule.code.value)
def test_a_rules_bad_example_is_found_and_its_good_one_is_clean(rule: RuleText, tmp_path: Path) -> None:
    found = _lint(rule.bad, tmp_path)
    assert [finding.code for finding in found] == [rule.code]
    assert found[0].suggestion or rule.code == Code.SYNTAX
    assert _lint(rule.good, tmp_path) == []


def test_every_code_has_a_rule_with_words() -> None:
    assert list(rules()) == sorted(Code)
    assert all(rule.title and rule.why for rule in rules().values())


@pytest.mark.parametrize(
    ("text", "place", "says", "suggests"),
    [
        ('[profiles.a]\ninstnace = "x"\n', (2, 1, Code.UNKNOWN_KEY), "unknown key `instnace` in `[profiles.a]`", "`instance`"),
        ('[profiles]\na.base_url = "https://a.omniapp.co"\na.url = "x"\n', (3, 3, Code.UNKNOWN_KEY), "`url`", "`base_url`"),
        ('profiles.a = { base_url = "https://a.omniapp.co", Auth = "x" }\n', (1, 51, Code.UNKNOWN_KEY), "`Auth`", "`auth`"),
        ('[profile.a]\n', (1, 2, Code.UNKNOWN_KEY), "unknown key `profile` in the file", "`profiles`"),
        ('[prod]\nbase_url = "https://a.omniapp.co"\n', (1, 2, Code.UNKNOWN_KEY), "`prod`", "`[profiles.prod]`"),
        ('[profiles.a]\nallowed_hosts = []\n', (2, 1, Code.UNKNOWN_KEY), "`allowed_hosts`", "belongs in `[settings]`"),
        ('[profiles.a]\nprotected = "yes"\n', (2, 13, Code.WRONG_VALUE), "must be true or false, not a string", "write true"),
        ('[profiles.a]\nprotected = 1\n', (2, 13, Code.WRONG_VALUE), "must be true or false, not an integer", None),
        ('[profiles.a]\ndescription = 2020-01-01\n', (2, 15, Code.WRONG_VALUE), "must be a string, not a date or time", None),
        ('[profiles.a]\nauth = "apikey"\n', (2, 8, Code.WRONG_VALUE), '"oauth" or "api-key"', 'did you mean "api-key"?'),
        ('version = 2\n', (1, 11, Code.WRONG_VALUE), "`version` must be 1", None),
        ('[profiles.a]\nkey = { env = "1A" }\n', (2, 15, Code.BAD_NAME), "environment variable", None),
        ('[profiles.a]\nkey = { }\n', (2, 7, Code.WRONG_VALUE), "no known source", "env ="),
        ('[profiles.a]\nkey = { env = "A", file = "b" }\n', (2, 7, Code.CONTRADICTION), "more than one source", "keep one"),
        ('[profiles.a]\nkey = { command = [] }\n', (2, 19, Code.WRONG_VALUE), "is empty", None),
        ('[profiles.a]\nkey = { command = "op read" }\n', (2, 19, Code.WRONG_VALUE), "must be an array", "in quotes of its own"),
        ('[settings]\ntrusted_folders = ["work"]\n', (2, 20, Code.WRONG_VALUE), "is not a whole path", "`~/…`"),
        ('[profiles.a]\ntags = "acme"\n', (2, 8, Code.WRONG_VALUE), "must be an array", 'as in ["…", "…"]'),
        ('[profiles.a]\nkey = { command = ["op", 1] }\n', (2, 26, Code.WRONG_VALUE), "must be a string, not an integer", None),
        ('[profiles.a]\nkey = { command = ["op"], timeout = 0 }\n', (2, 37, Code.WRONG_VALUE), "more than 0", None),
        ('[profiles.a]\nkey = { command = ["op"], timeout = inf }\n', (2, 37, Code.WRONG_VALUE), "", None),
        ('[profiles.a]\nkey = { keyring = false }\n', (2, 19, Code.WRONG_VALUE), "must be true", None),
        ('[profiles.a.env]\n"A-B" = "1"\n', (2, 1, Code.BAD_NAME), "`A-B`", None),
        ('[profiles.a.env]\nOMNI_API_TOKEN = "1"\n', (2, 1, Code.WRONG_VALUE), "may only be an alias of `token`", None),
        ('[profiles.a.env]\nOMNI_PROFILE = { from = "host" }\n', (2, 1, Code.WRONG_VALUE), "may only be left out", None),
        ('[profiles.a.env]\nA = 1\n', (2, 5, Code.WRONG_VALUE), "must be a string or a table", None),
        ('[profiles."ä b"]\n', (1, 11, Code.BAD_NAME), "not a valid name for a profile", "`a-b`"),
        ('[profiles.a]\nextends = "ä b"\n', (2, 11, Code.BAD_NAME), "not a valid name", "`a-b`"),
        ('[instances.a]\n', (1, 12, Code.MISSING_KEY), "`base_url` is missing in `[instances.a]`", "add"),
        ('[settings]\nallowed_hosts = ["*.acme.example"]\n', (2, 18, Code.WRONG_VALUE), "`settings.allowed_hosts[0]`", None),
        ('[profiles.a]\nexpect = { role = "x" }\n', (2, 12, Code.UNKNOWN_KEY), "`role`", "`org_role`"),
        ('profiles = 1\n', (1, 12, Code.WRONG_VALUE), "must be a table, not an integer", None),
        ('[[profiles]]\n', (1, 3, Code.WRONG_VALUE), "must be a table, not an array", None),
        ('# ä ö\n"ü" = 1\n', (2, 1, Code.UNKNOWN_KEY), "`ü`", None),
        ('x = 1 y = 2\n', (1, 7, Code.SYNTAX), "", None),
    ],
)  # fmt: skip
def test_a_finding_has_its_exact_place_and_says_what_was_meant(
    text: str, place: tuple[int, int, str], says: str, suggests: str | None, tmp_path: Path
) -> None:
    found = _lint(text, tmp_path)
    match = [finding for finding in found if (finding.line, finding.column, finding.code) == place]
    assert match, "\n".join(f"{finding.place}: {finding.code} {finding.message}" for finding in found)
    assert says in match[0].message
    assert suggests is None or suggests in (match[0].suggestion or "")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('settings.audit = "False"\n', "write it without quotes"),
        ('settings.audit = "Off"\n', "write false"),
        ('settings.audit = "never"\n', None),
        ('profiles.a.key = { command = ["op"], timeout = "1.5" }\n', "write it without quotes"),
        ('profiles.a.key = { command = ["op"], timeout = "30s" }\n', None),
    ],
)
def test_a_hint_to_leave_the_quotes_out_gives_valid_toml(text: str, hint: str | None, tmp_path: Path) -> None:
    assert [finding.suggestion for finding in _lint(text, tmp_path) if finding.code == Code.WRONG_VALUE] == [hint]


def test_columns_count_characters_with_crlf_and_a_byte_order_mark_too(tmp_path: Path) -> None:
    text = '[profiles.a]\r\nbase_url = "https://a.omniapp.co"\r\ndescription = "ä" # ö\r\n  bad = 1\r\n'
    found = _lint(b"\xef\xbb\xbf" + text.encode(), tmp_path)
    assert _places(found) == [(4, 3, Code.UNKNOWN_KEY)]


@pytest.mark.parametrize(
    ("above", "code", "says"),
    [
        ('[defaults]\nbase_url = "https://a.omniapp.co"\n', Code.KEY_FOR_ANOTHER_HOST, "inherits the secret `S` of `[defaults]`"),
        ("[defaults]\n", Code.KEY_FOR_SEVERAL_HOSTS, "this secret is sent to"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("source", ['{ env = "V" }', '{ file = "v" }', '{ command = ["v"] }'])
def test_a_secret_of_env_is_for_one_host_as_a_key_is(
    above: str, code: Code, says: str, source: str, tmp_path: Path
) -> None:
    below = '[profiles.b]\nbase_url = "https://b.omniapp.co"\n[profiles.c]\nbase_url = "https://c.omniapp.co"\n'
    found = [each for each in _lint(f"{above}env = {{ S = {source} }}\n{below}", tmp_path) if each.code == code]
    assert found
    assert all(says in each.message for each in found)
    assert not _lint(f"{above}env = {{ S = {{ keyring = true }} }}\n{below}", tmp_path), (
        "the store keeps one for each host"
    )


def test_a_wrong_value_hides_no_other_error_of_its_table(tmp_path: Path) -> None:
    text = """\
[instances.acme]
base_url = "https://acme.omniapp.co"
[profiles.a]
instance = "acme"
base_url = "https://a.omniapp.co"
auth = "basic"
key = { command = [], timeout = 3 }
[profiles.a.env]
OMNI_API_TOKEN = "x"
OMNI_PROFILE = "b"
PORT = 3
[instances.b]
base_url = "x"
"""
    assert _places(_lint(text, tmp_path)) == [
        (3, 11, Code.CONTRADICTION),
        (6, 8, Code.WRONG_VALUE),
        (7, 19, Code.WRONG_VALUE),
        (9, 1, Code.WRONG_VALUE),
        (10, 1, Code.WRONG_VALUE),
        (11, 8, Code.WRONG_VALUE),
        (13, 12, Code.WRONG_VALUE),
    ]


def test_a_duplicate_table_names_the_first_ones_place(tmp_path: Path) -> None:
    found = _lint('[profiles.a]\nauth = "oauth"\n[profiles.a]\n', tmp_path)
    assert _places(found) == [(3, 11, Code.SYNTAX)]
    assert "line 1" in found[0].message


@pytest.mark.parametrize(
    "text",
    [
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = "{CANARY}"\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\ntoken = "{CANARY}"\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\napiKey = "{CANARY}"\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nomni_api_token = "{CANARY}"\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\n# token: {CANARY}\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\ndescription = "{CANARY}"\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nenv = {{ X = "{CANARY}" }}\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ command = ["echo", "{CANARY}"] }}\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = {{ env = "{CANARY}-x" }}\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nauth = "{CANARY}"\n',
        f'[profiles.a]\nbase_url = "https://user:{CANARY}@a.omniapp.co"\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = "{CANARY}\n',
        f'[profiles.a]\nbase_url = "https://a.omniapp.co"\nkey = ["{CANARY}"]\n',
    ],
)
def test_a_secret_is_found_anywhere_and_never_shown(text: str, tmp_path: Path) -> None:
    found = _lint(text, tmp_path)
    secrets = [finding for finding in found if finding.code == Code.SECRET]
    assert secrets, found
    assert "revoke" in (secrets[0].suggestion or "")
    assert not any(CANARY[9:] in f"{finding.message}{finding.suggestion}" for finding in found)
    assert len({finding.line for finding in secrets}) == len(secrets), "one finding for one place"


def test_references_are_checked_over_files(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[profiles.a]\ninstance = "shared"\n[profiles.b]\nextends = "c"\n')
    (tmp_path / "b.toml").write_text('[instances.shared]\nbase_url = "https://a.omniapp.co"\n[profiles.a]\n')
    found = lint([str(tmp_path / "a.toml"), str(tmp_path / "b.toml")], home="/")
    assert [(os.path.basename(f.file), f.line, f.code) for f in found] == [
        ("a.toml", 4, Code.DANGLING),
        ("b.toml", 3, Code.DUPLICATE),
    ]
    assert f"`{tmp_path / 'a.toml'}`, line 1" in found[1].message


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_circle_is_reported_once_and_whole(count: int, tmp_path: Path) -> None:
    text = "".join(f'[profiles.p{n}]\nextends = "p{(n + 1) % count}"\n' for n in range(count))
    found = _lint(text + '[profiles.q]\nextends = "p0"\n', tmp_path)
    assert _places(found) == [(2, 11, Code.CYCLE)]
    assert all(f"`p{n}`" in found[0].message for n in range(count))


def test_a_folder_a_fifo_and_a_missing_file_are_findings_and_never_a_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    paths = [str(tmp_path / name) for name in ("fifo", "folder", "gone")]
    assert [finding.code for finding in lint(paths, home="/")] == [Code.UNREADABLE] * 3


def test_other_findings_do_not_make_missing_tables_look_missing(tmp_path: Path) -> None:
    found = _lint('default = "a"\n[profiles.a]\nbase_url = "https://a.omniapp.co"\nbad = 1\n', tmp_path)
    assert [finding.code for finding in found] == [Code.UNKNOWN_KEY]


def test_a_default_that_no_file_has_is_found_beside_other_errors(tmp_path: Path) -> None:
    found = _lint('default = "zz"\n[profiles.a]\nextends = "b"\n[profiles.c]\nbase_url = 5\n', tmp_path)
    assert sorted(finding.code for finding in found) == [Code.WRONG_VALUE, Code.DANGLING, Code.DEFAULT_MISSING]


HOSTILE = {
    "arrays": b"a=" + b"[" * 100_000,
    "inline": b"a=" + b"{a=" * 50_000,
    "dotted": b".".join([b"a"] * 50_000) + b"=1",
    "headers": b"[" * 100_000,
    "header-parts": b"[" + b".".join([b"a"] * 50_000) + b"]",
    "digits": b"a=" + b"1" * 10_000,
    "quotes": b'"' * 100_000,
    "triple": b"'''" * 50_001,
    "backslashes": b'a="' + b"\\" * 100_001,
    "open": b'"""\\' * 30_000,
    "comments": b"#" * 100_000,
    "lines": b"\n" * 100_000,
    "duplicates": b"a=[]\n" * 20_000,
    "words": b"a " * 100_000,
    "nul": b"a=\0\n",
    "utf16": "a = 1".encode("utf-16"),
    "closed": b"a=[" + b"]" * 100_000,
    "keys": b"".join(b"k%d=1\n" % n for n in range(5_000)),
    "binary": bytes(range(256)) * 400,
}


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_bytes_are_findings_in_bounded_time(name: str, tmp_path: Path) -> None:
    with without_waiting():
        for finding in _lint(HOSTILE[name], tmp_path):
            assert finding.line >= 1
            assert finding.column >= 1


toml_values = st.recursive(
    st.booleans() | st.integers(-5, 5) | st.text("aä\"'\\\n#=[]{}., ", max_size=8) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab.\"' ä", max_size=4), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text("abc.\"' ä", max_size=4), toml_values, max_size=4))
@settings(max_examples=200)
def test_positions_point_at_the_very_key(data: dict[str, object]) -> None:
    import tomlkit

    text = tomlkit.dumps(data)
    document = Document.parse("f.toml", text.encode())
    assert document.data is not None, document.findings
    lines = text.split("\n")
    for key in document.data:
        place = document.position((key,))
        rest = lines[place.line - 1][place.column - 1 :]
        bare = key if key.isascii() and key.isalnum() else None
        assert rest.startswith((bare,) if bare else ('"', "'")), (rest, key)


def test_a_thousand_profiles_are_linted_whole(tmp_path: Path) -> None:
    text = "".join(
        f'[profiles.p{n}]\nbase_url = "https://c{n}.omniapp.co"\nkey = {{ env = "K{n}" }}\n' for n in range(1000)
    )
    assert _lint(text + "[profiles.p999.env]\nA = 1\n", tmp_path)[0].line == 3002


def test_a_file_is_checked_with_the_given_content(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[profiles.a]\nextends = "b"\n')
    (tmp_path / "b.toml").write_text('[profiles.b]\nbase_url = "https://b.omniapp.co"\n')
    paths = [str(tmp_path / name) for name in ("a.toml", "b.toml")]
    assert lint(paths, home="/") == []
    found = lint(paths, home="/", contents={paths[1]: b'[profiles.c]\nbase_url = "https://b.omniapp.co"\n'})
    assert [(finding.file, finding.code) for finding in found] == [(paths[0], Code.DANGLING)]
