"""Secrets in plain text: where they are found, what is not one, and that no shown line contains one."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.checks.lint import lint
from omniprofile.checks.secrets import without_secrets
from omniprofile.config.toml.values import value_text
from omniprofile.errors import Refused
from omniprofile.model.rule_codes import Code
from omniprofile.model.secret import SECRET_WORDS

HEAD = '[profiles.a]\nbase_url = "https://a.omniapp.co"\n'


def _codes(text: str, folder: Path) -> list[tuple[int, int]]:
    path = folder / "p.toml"
    path.write_text(text)
    return [(found.line, found.column) for found in lint([str(path)], home="/") if found.code == Code.SECRET]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ('key = "x"', 7),
        ('key = { token = "x" }', 7),
        ('token = "x"', 1),
        ("# api-key: abcdef012345", 12),
        ("# OMNI_API_TOKEN=abcdef012345", 18),
        ('description = "omni_osk_abcdef"', 16),
        ("# Authorization: Bearer abcdefghij0123456789", 18),
        ("# eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.c2lnbmF0dXJl", 3),
        ('env = { DB_PASSWORD = "abcdef" }', 23),
        ('env = { GH_TOKEN = "abcdef" }', 20),
        ('key = { command = ["printf", "%s", "abcdefgh"] }', 36),
        ('key = { command = ["/bin/echo", "-n", "abcdefgh"] }', 39),
        ('key = { command = ["bash", "-c", "echo abcdefgh"] }', 34),
        ('key = { command = ["vault", "--token=abcdef", "read"] }', 29),
        ('key = { command = ["x", "--api-key", "abcdef"] }', 38),
        ('key = { file = "omni_pat_abcdef" }', 17),
        ('base_url = "https://me:pw@a.omniapp.co"', 12),
    ],
)
def test_a_secret_is_found(line: str, column: int, tmp_path: Path) -> None:
    text = "[profiles.a]\n" + line + "\n" if line.startswith("base_url") else HEAD + line + "\n"
    assert _codes(text, tmp_path) == [(text.count("\n"), column)]


@pytest.mark.parametrize(
    "line",
    [
        "# the key is in the keyring: omniprofile login a",
        "# token: see https://acme.example/wiki/tokens/12345678",
        "# its key begins with omni_osk_",
        "# password = ${PASSWORD_OF_2026}",
        "# the token expires in 2026-11",
        'env = { GH_TOKEN = "$GH_TOKEN_OF_CI" }',
        'env = { TOKEN_FILE = "/run/secrets/token" }',
        'env = { SECRET = "op://Work/omni/credential" }',
        'env = { MAX_TOKENS_PER_CALL = "100000" }',
        'key = { command = ["op", "read", "op://Work/omni/credential"] }',
        'key = { command = ["vault", "kv", "get", "-field=token", "secret/omni"] }',
        'key = { command = ["gopass", "show", "--password", "omni"] }',
        'key = { command = ["sh", "-c", "echo $OMNI_KEY_OF_CI"] }',
        'key = { env = "ACME_OMNI_KEY" }',
    ],
)
def test_words_about_secrets_are_not_secrets(line: str, tmp_path: Path) -> None:
    assert _codes(HEAD + line + "\n", tmp_path) == []


@pytest.mark.parametrize(
    ("line", "code", "shown"),
    [
        ('key = { env = "A" }  # ok', None, 'key = { env = "A" }  # ok'),
        ('key = "hunter2"  # mine', None, "key = ********"),
        ('key = "hunter2', "OP102", "key = ********"),
        ('x = "hunter2', "OP102", "x = ********"),
        ('base_url = "https://a.omniapp.co', "OP102", 'base_url = "https://a.omniapp.co'),
        ('base_url = "https://u:hunter2@a', "OP102", 'base_url = "https://********@a'),
        ("[profiles.a", "OP102", "[profiles.a"),
        ('  "hunter2",', "OP301", "  ********"),
        ("# token: hunter2", "OP301", "# ********"),
        ('a = "omni_osk_abcdefgh"', None, 'a = "omni_osk_********"'),
        ("x # Bearer abcdefghijklmnopqrst", None, "x # Bearer ********"),
        ("DB_PASSWORD = 'hunter2'", None, "DB_PASSWORD = ********"),
    ],
)
def test_a_line_is_shown_without_its_secret(line: str, code: str | None, shown: str) -> None:
    assert without_secrets(line, code) == shown


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from([None, "OP102", "OP301"]))
def test_a_key_is_masked_whatever_is_around_it(before: str, after: str, code: str | None) -> None:
    assert "S3cr3tS3cr3t" not in without_secrets(f"{before}omni_osk_S3cr3tS3cr3t{after}", code)


@given(
    st.text(max_size=40),
    st.sampled_from(["token", "api_key", "PASSWORD", "client-secret"]),
    st.sampled_from([" = ", ":", '": "']),
)
def test_the_value_after_a_secrets_name_is_masked(before: str, name: str, sign: str) -> None:
    assert "hunter2" not in without_secrets(f"{before}{name}{sign}hunter2")


@pytest.mark.parametrize(
    "line",
    [
        "token " * 20000,
        " " * 100_000,
        "eyJ-" * 25_000,
        "://" * 30_000,
        "a" * 100_000,
        "bearer " * 15_000,
        '"' * 100_000,
    ],
)
def test_long_lines_take_no_time(line: str, tmp_path: Path) -> None:
    """Quadratic code would take minutes here, beyond the test's time limit."""
    without_secrets(line, "OP102")
    _codes(f"# {line}\nx = 'y'\n", tmp_path)


@pytest.mark.parametrize("word", SECRET_WORDS)
def test_every_word_for_a_secret_is_one_to_every_rule(word: str, tmp_path: Path) -> None:
    for line in (
        f'"{word}" = "abcdef12"',
        f"key = {{ \"{word}\" = 'abcdef12' }}",
        f"# {word}: abcdef12",
        f'env = {{ "A_{word.upper().replace("-", "_")}" = "abcdef12" }}',
        f'key = {{ command = ["x", "--{word}", "abcdef12"] }}',
    ):
        assert [line for line, _ in _codes(HEAD + line + "\n", tmp_path)] == [HEAD.count("\n") + 1], line
    with pytest.raises(Refused):
        value_text(("profiles", "a", f"my-{word}"), "abcdef12", None)
