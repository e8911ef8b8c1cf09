"""Compares our reading of `omni` command lines with a parser that, like the vendor's CLI, knows which flags take a value."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omniprofile.errors import Refused
from omniprofile.handover.omni import plan
from omniprofile.handover.omni_command_line import CommandLine
from omniprofile.handover.omni_refusals import check, same_origin
from tests.cli.vendor_omni import parse

STAGING = "https://acme-staging.omniapp.co"

WORDS = [
    "-p", "-pstaging", "-p=staging", "-pprod", "-p=", "-p=prod", "--profile", "--profile=staging", "--profile=prod", "--profile=",
    "--base-url", f"--base-url={STAGING}", "--base-url=https://acme.omniapp.co", "--token", "--token=x", "-o", "-ojson", "-op",
    "-hp", "-vp", "-ho", "-h", "-v", "--help", "--help=false", "--help=true", "--version", "--version=0", "--compact",
    "--compact=false", "--format", "--format=json", "--", "-", "", "staging", "prod", "config", "use", "show", "models",
    "-h=false", "-v=0", "-hv=false", "-h=true",
    STAGING, "https://acme.omniapp.co", "--body", "--body=-p", "--limit", "--limit=--token", "--verbose", "--verbose=true",
]  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.booleans(), st.booleans(), st.booleans())
def test_allowed_command_lines_run_unchanged_with_the_given_credential(
    words: list[str], body: bool, limit: bool, verbose: bool
) -> None:
    """`body`, `limit`, `verbose` are flags; whether they take a value is unknown to omniprofile."""
    local = {"--body": body, "--limit": limit, "--verbose": verbose}
    try:
        flags, plain = parse(words, local)
    except SystemExit:
        return  # the CLI itself refuses it
    line = CommandLine(words)
    if line.direct:
        planned = plan(["/omni", *words], {"OMNI_API_TOKEN": "t", "OMNI_API_KEY": "t"}, print)
        assert isinstance(planned, tuple)
        environ = planned[1]
        asks = "true" in (flags.get("--help"), flags.get("--version"))
        assert asks or not words or plain[:1] in (["help"], ["completion"]) or body or limit or verbose
        assert asks or same_origin(flags.get("--base-url") or STAGING, STAGING) or "OMNI_API_TOKEN" not in environ
        return
    with suppress(Refused):
        if check(line, "staging", "api-key", STAGING) is not None:
            return
        given_flags, given_plain = parse(line.rest, local)
        assert given_plain == plain
        assert given_flags.get("--profile", "") in ("", "staging")
        assert same_origin(given_flags.get("--base-url") or STAGING, STAGING)
        assert "--token" not in given_flags
        ours = ("--profile", "--base-url")
        kept, typed = (
            {name: value for name, value in each.items() if name not in ours} for each in (given_flags, flags)
        )
        assert kept == typed


@pytest.mark.parametrize(
    ("words", "given", "rest"),
    [
        ("-p a -pb -p=c --profile d --profile=e x", ["a", "b", "c", "d", "e"], ["x"]),
        ("x -op", [], ["x", "-op"]),
        ("x -o p -p q", ["q"], ["x", "-o", "p"]),
        ("x -p", [], ["x", "-p"]),
        ("x -fp y", [], ["x", "-fp", "y"]),
        ("x -p=", ["="], ["x"]),
        ("x --body -p q", ["q"], ["x", "--body", "-p", "q"]),
        ("x --body=a -p q", ["q"], ["x", "--body=a"]),
    ],
)
def test_flags_are_read_as_pflag_reads_them(words: str, given: list[str], rest: list[str]) -> None:
    line = CommandLine(words.split())
    assert (line.given["--profile"], line.rest) == (given, rest)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("models list", "models list"),
        ("models get-all now", "models get-all now"),
        ("models list now please", "models list now …"),
        ("models 7f3", "models …"),
        ("models a=b", "models …"),
        (f"models {'a' * 31}", "models …"),
        ("--limit 5", " …"),
    ],
)
def test_the_command_that_was_meant_repeats_no_word_that_may_be_secret(words: str, meant: str) -> None:
    with pytest.raises(Refused) as refused:
        check(CommandLine(["-p", "prod", *words.split()]), "staging", "api-key", STAGING)
    assert refused.value.hint == f"run `omniprofile exec prod -- omni {meant}`".replace("  ", " ")
