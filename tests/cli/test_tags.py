"""Tags and patterns: the profiles that `list` and `test` select, the words for TAB, the errors if nothing matches."""

import json
import shlex

import pytest

from tests.cli.conftest import Instances
from tests.conftest import CANARY, Cli

PROFILES = """\
[defaults]
tags = ["customer"]

[profiles.acme-prod]
base_url = "https://acme.omniapp.co"
tags = ["acme", "eu"]

[profiles.acme-play]
extends = "acme-prod"
description = "Try things"

[profiles.beta]
base_url = "https://beta.omniapp.co"

[profiles.own]
base_url = "https://own.omniapp.co"
tags = []
"""


def _listed(cli: Cli, *patterns: str) -> list[str]:
    return [profile["name"] for profile in json.loads(cli("list", "--json", *patterns).out)["profiles"]]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ([], ["acme-prod", "acme-play", "beta", "own"]),
        (["beta"], ["beta"]),
        (["acme-*"], ["acme-prod", "acme-play"]),
        (["*-p[rx]o?"], ["acme-prod"]),
        (["@acme"], ["acme-prod", "acme-play"]),
        (["@customer"], ["beta"]),
        (["@e?"], ["acme-prod", "acme-play"]),
        (["own", "@eu", "acme-*", "own"], ["acme-prod", "acme-play", "own"]),
        (["*"], ["acme-prod", "acme-play", "beta", "own"]),
    ],
)
def test_a_pattern_is_a_name_a_glob_or_a_tag(cli: Cli, patterns: list[str], names: list[str]) -> None:
    cli.profiles(PROFILES)
    assert _listed(cli, *patterns) == names


def test_a_tag_that_is_written_twice_is_one(cli: Cli) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\ntags = ["x", "y", "x"]\n')
    assert json.loads(cli("list", "--json").out)["profiles"][0]["tags"] == ["x", "y"]


@pytest.mark.parametrize(
    ("pattern", "message", "hint"),
    [
        ("betta", "profile `betta` not found", "`beta`"),
        ("acme-x*", "no profile's name matches `acme-x*`", "`omniprofile list` shows all names and tags"),
        ("@acmee", "no profile has a tag `acmee`", "`@acme`"),
        ("@beta", "no profile has a tag `beta`", "`beta`"),
        ("customer", "profile `customer` not found", "the tag `@customer`"),
        ("@", "the tag after `@` is empty", "did you mean `@acme`, `@customer` or `@eu`?"),
        ("zzz*", "no profile's name matches `zzz*`", "`omniprofile list` shows all names and tags"),
    ],
)
def test_a_pattern_without_a_match_is_exit_5_with_the_nearest(cli: Cli, pattern: str, message: str, hint: str) -> None:
    cli.profiles(PROFILES)
    for command in ("list", "test"):
        ran = cli(command, "beta", pattern)
        assert (ran.status, ran.out) == (5, "")
        assert message in ran.err
        assert hint in ran.err.partition("hint: ")[2]


def test_without_any_tag_the_hint_says_how_to_give_one(cli: Cli) -> None:
    cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\n')
    given = """omniprofile set NAME tags '["acme"]'"""
    for pattern in ("@eu", "@", "@*"):
        assert f"hint: give a profile some: `{given}`" in cli("list", pattern, status=5).err
    cli(*shlex.split(given.replace("NAME", "a"))[1:], status=0)
    assert _listed(cli, "@acme") == ["a"]


@pytest.mark.parametrize("pattern", ["@", "@eu", "acme-*", "a"])
def test_without_any_profile_the_hint_says_how_to_make_one(cli: Cli, pattern: str) -> None:
    assert "run `omniprofile init`" in cli("list", pattern, status=5).err.partition("hint: ")[2]


@pytest.mark.parametrize("command", [["use"], ["exec"], ["-p"]])
def test_a_pattern_where_one_profile_is_needed_names_the_commands_that_take_it(cli: Cli, command: list[str]) -> None:
    cli.profiles(PROFILES)
    for pattern in ("@acme", "acme-*"):
        line = [
            *command,
            pattern,
            *(["current"] if command == ["-p"] else ["--", "true"] if command == ["exec"] else []),
        ]
        ran = cli(*line, status=5)
        assert f"`{pattern}` stands for several profiles, and one is needed here" in ran.err
        assert f"`omniprofile each {shlex.quote(pattern)} -- COMMAND` runs a command for each" in ran.err
    assert "stands for" not in cli("use", "@nosuch", status=5).err


def test_tags_are_listed_shown_and_explained(cli: Cli) -> None:
    path = cli.profiles(PROFILES)
    assert "Try things @acme @eu\n" in cli("list").out
    tags = json.loads(cli("explain", "acme-play", "--json").out)["fields"]["tags"]
    assert tags["value"] == ["acme", "eu"]
    assert tags["provenance"] == {"layer": "parent", "name": "acme-prod", "file": str(path), "line": 6}
    assert [lost["value"] for lost in tags["overridden"]] == [["customer"]]
    assert "acme, eu" in cli("show", "acme-play").out
    assert json.loads(cli("list", "--json", "own").out)["profiles"][0]["tags"] == []


def test_test_takes_patterns_and_names_each_profile_once(cli: Cli) -> None:
    cli.profiles(PROFILES.replace("[defaults]", '[defaults]\nkey = { env = "UNSET" }'))
    ran = cli("test", "--json", "@acme", "acme-*", "-p", "own")
    assert [result["profile"] for result in json.loads(ran.out)["results"]] == ["acme-prod", "acme-play", "own"]
    ran = cli("test", "*", "--token-file", "-", stdin=CANARY)
    assert "`--base-url` and `--token-file` go with one profile" in ran.err


@pytest.mark.parametrize(
    ("tags", "finding"),
    [
        ('["@acme"]', "`profiles.a.tags[0]` is `@acme`, which is not a valid tag"),
        ('["a b"]', "write `a-b`"),
        ('["ok", ""]', "`profiles.a.tags[1]` is ``, which is not a valid tag"),
        ('"acme"', "`profiles.a.tags` must be an array, not a string"),
        ("[1]", "`profiles.a.tags[0]` must be a string, not an integer"),
    ],
)
def test_a_tag_that_no_pattern_could_name_is_an_error(cli: Cli, tags: str, finding: str) -> None:
    cli.profiles(f'[profiles.a]\nbase_url = "https://a.omniapp.co"\ntags = {tags}\n')
    ran = cli("lint", status=1)
    assert finding in ran.out


def test_lint_takes_away_the_at_sign(cli: Cli) -> None:
    path = cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\ntags = ["eu", "@acme"]\n')
    assert cli("lint", "--fix").status == 0
    assert path.read_text().endswith('tags = ["eu", "acme"]\n')


def test_set_and_unset_change_tags(cli: Cli) -> None:
    path = cli.profiles('[profiles.a]\nbase_url = "https://a.omniapp.co"\n')
    assert cli("set", "a", "tags", '["acme"]').status == 0
    assert path.read_text().endswith('tags = ["acme"]\n')
    assert 'such as \'["acme", "eu"]\'' in cli("set", "a", "tags", "acme").err
    assert cli("unset", "a", "tags").status == 0


def test_tab_is_offered_profiles_and_tags(cli: Cli) -> None:
    cli.profiles(PROFILES)
    tags = "@acme\tacme-prod, acme-play\n@customer\tbeta\n@eu\tacme-prod, acme-play\n"
    assert cli("__complete", "patterns").out == cli("__complete", "profiles").out + tags


def test_a_profile_that_only_others_use_is_left_out_unless_it_is_named(cli: Cli, instances: Instances) -> None:
    cli.profiles(
        '[profiles.mixin]\ntags = ["x"]\nallow_insecure = true\n'
        f'[profiles.a]\nextends = "mixin"\nbase_url = "{instances.staging.base_url}"\n'
    )
    cli("lint", status=0)
    assert _listed(cli) == ["mixin", "a"]

    def names(*words: str) -> list[str]:
        return [result["profile"] for result in json.loads(cli(*words, "--json", "--", "true").out)["results"]]

    for words in ["--all"], ["@x"], ["*"], ["m*", "a"]:
        assert names("each", *words) == ["a"]
        assert [result["profile"] for result in json.loads(cli("test", *words, "--json").out)["results"]] == ["a"]
    assert names("each", "mixin", "a") == ["mixin", "a"]
    assert names("each", "@x", "mixin") == ["mixin", "a"]
    assert names("each", "m*") == ["mixin"], "nothing else matches"
