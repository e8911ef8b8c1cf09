"""Texts found in place of a key."""

import pytest

from omniprofile.model.not_a_key import command_for, not_a_key

NO_KEYS = [
    "op://Work/Omni/credential", "encrypted:BAbc", "ENC[AES256_GCM,data:x]", "ENC(x)", "ref+vault://a/b",
    "secretref+x", "vault:secret/omni", "vault://x", "arn:aws:secretsmanager:eu:1:secret:x", "$OMNI_KEY",
    "${OMNI_KEY}", "$(pass)", "{{omni}}", "<your-api-key>", "[your-key]", "changeme", "CHANGE_ME", "xxx", "XXXXXXXX",
    "****", "...", "your-api-key", "your_omni_token_here", "INSERT-KEY-HERE", "todo", "null", "'a'", '"a"', "`a`",
    '{"key":"a"}', "OMNI_API_KEY=omni_osk_abc", "OMNI_API_KEY='omni_pat_abc'", "https://acme.omniapp.co",
    "%OMNI_KEY%", "bws://x", "@Microsoft.KeyVault(x)", "!cat", "file:/run/secrets/x", "<%=x%>",
    "<html><body></body></html>", "<?xml version='1.0'?>", '["omni_osk_abc"]', '[{"key":"a"}]', "Error:unauthorized",
    "fatal:not-found", "False", "(null)", "REDACTED", "secretref:/omni/key", "kms:AQICAHh",
    "projects/p/secrets/omni/versions/latest", "%{OMNI_KEY}", "#{OmniKey}", "__OMNI_API_KEY__",
]  # fmt: skip

KEYS = [
    "omni_osk_abc", "omni_osk_xxxxxxxx", "abc", "xx", "x-1", "yourself", "keyboard-key", "a=b", "eyJhbGciOi.eyJz.x",
    "a$b", "$", "$1", 'x"y', "'a", "changeme1", "omni_pat_your_key", "none1", "errors", "truest", "[a", "redacted1", "__a", "#a",
]  # fmt: skip


@pytest.mark.parametrize("text", [*NO_KEYS, "op://Work/Omni staging/key", "$(pass show omni)"])
def test_a_text_in_place_of_a_key_is_described_and_not_repeated(text: str) -> None:
    what = not_a_key(text)
    assert what is not None
    assert text not in what


@pytest.mark.parametrize("text", KEYS)
def test_possible_keys_are_accepted(text: str) -> None:
    assert not_a_key(text) is None


def test_a_reference_of_a_known_program_has_its_command() -> None:
    assert command_for("op://a/b c/d") == ("op", "read", "op://a/b c/d")
    assert command_for("ref+vault://a") is None
    assert command_for("op://a\n") is None
