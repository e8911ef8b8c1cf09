"""`add`, `set`, `unset`, `rename`, `remove`: what each changes, what it refuses, and what it says."""

import json
import os
import sys
import tomllib
from pathlib import Path

import pytest

from omniprofile.config.schema.keys import keys_of, toml_kind
from omniprofile.config.schema.models import Profile, SettingsTable
from omniprofile.config.state import StateFile
from omniprofile.credentials.file_store import FileStore
from omniprofile.system.user_lock import user_lock, user_lock_folders
from tests.cli.conftest import STAGING_KEY, Instances
from tests.conftest import CANARY, Cli

FILE = """\
#:schema https://example.invalid/omniprofile.schema.json
version = 1
default = "prod"              # when nothing else selects

[instances.acme]
base_url = "https://acme.omniapp.co"

# the one that matters
[profiles.prod]
instance = "acme"
auth    = "oauth"             # aligned by hand
protected = true

[profiles.ci]
extends = 'prod'
auth = "api-key"
key = { env = "CI_KEY" }

# a toy
[profiles.play]
base_url = "https://play.omniapp.co"
"""


@pytest.fixture
def file(cli: Cli) -> Path:
    return cli.profiles(FILE)


def _becomes(file: Path, *replacements: tuple[str, str]) -> None:
    """Assert that the file is FILE with these replacements, each of a text that occurs once."""
    wanted = FILE
    for old, new in replacements:
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)
    assert file.read_bytes().decode() == wanted


@pytest.mark.parametrize(
    ("argv", "old", "new"),
    [
        (["prod", "auth", "api-key"], '"oauth" ', '"api-key" '),
        (["prod", "protected", "false"], "protected = true", "protected = false"),
        (["prod", "description", 'Prod: "ours"'], "protected = true\n", 'protected = true\ndescription = "Prod: \\"ours\\""\n'),
        (["prod", "expect.org_role", "MEMBER"], "protected = true\n", 'protected = true\nexpect = { org_role = "MEMBER" }\n'),
        (["prod", "env.OMNI_OUTPUT_FORMAT", "json"], "protected = true\n",
         'protected = true\nenv = { OMNI_OUTPUT_FORMAT = "json" }\n'),
        (["ci", "key.env", "OTHER_KEY"], '"CI_KEY"', '"OTHER_KEY"'),
        (["ci", "key.file", "~/key"], '{ env = "CI_KEY" }', '{ file = "~/key" }'),
        (["ci", "key", '{ command = ["op", "read", "x"],  timeout=5 }'], '{ env = "CI_KEY" }',
         '{ command = ["op", "read", "x"],  timeout=5 }'),
        (["play", "instance", "acme"], 'base_url = "https://play.omniapp.co"', 'instance = "acme"'),
        (["play", "base_url", "https://play2.omniapp.co"], "https://play.omniapp.co", "https://play2.omniapp.co"),
        (["default", "play"], 'default = "prod" ', 'default = "play" '),
        (["settings.allowed_hosts", '["bi.acme.example"]'], "\n[instances.acme]",
         '\n[settings]\nallowed_hosts = ["bi.acme.example"]\n\n[instances.acme]'),
        (["instances.acme.description", "ours"], 'acme.omniapp.co"\n', 'acme.omniapp.co"\ndescription = "ours"\n'),
        (["instances.b.base_url", "https://b.omniapp.co"], "# the one that matters",
         '[instances.b]\nbase_url = "https://b.omniapp.co"\n\n# the one that matters'),
        (["defaults.auth", "oauth"], 'play.omniapp.co"\n', 'play.omniapp.co"\n\n[defaults]\nauth = "oauth"\n'),
        (["profiles.play.auth", "oauth"], 'play.omniapp.co"\n', 'play.omniapp.co"\nauth = "oauth"\n'),
    ],
)  # fmt: skip
def test_set_changes_one_value_and_no_other_byte(cli: Cli, file: Path, argv: list[str], old: str, new: str) -> None:
    shown = cli("set", *argv, "--diff", status=0)
    assert file.read_text() == FILE
    cli("set", *argv, status=0)
    _becomes(file, (old, new))
    assert f"--- {file}\n+++ {file}\n" in shown.out
    assert cli("lint").status == 0
    before = file.stat()
    assert "nothing to change" in cli("set", *argv).err
    assert file.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    ("argv", "status", "says"),
    [
        (["prod", "auth", "bogus"], 3, '"oauth" or "api-key"'),
        (["prod", "protected", "maybe"], 3, "`true` or `false`"),
        (["prod", "protectd", "true"], 3, "did you mean `protected`?"),
        (["prod", "extends", "nobody"], 3, "`nobody`"),
        (["prod", "extends", "ci"], 3, "circle"),
        (["prod", "base_url", "https://acme.example"], 6, "allowed_hosts"),
        (["prod", "base_url", "http://acme.omniapp.co"], 6, "plain http"),
        (["prod", "expect", "MEMBER"], 3, "inline table"),
        (["prod", "env.OMNI_API_TOKEN", "x"], 3, "OMNI_API_TOKEN"),
        (["settings.allowed_hosts", "bi.acme.example"], 3, '["bi.acme.example"]'),
        (["default", "nobody"], 3, "`nobody`"),
        (["nobody", "auth", "oauth"], 5, "profile `nobody` not found"),
        (["prd", "auth", "oauth"], 5, "did you mean `prod`"),
        (["prod", "auth"], 2, "no key of it is named"),
        (["prod", "protected=true"], 2, "write it without `=`: `omniprofile set prod protected VALUE`"),
        (["prod", "env.A=hunter2"], 2, "write it without `=`: `omniprofile set prod env.A VALUE`"),
        (["protected", "true"], 2, "`protected` is a key of a profile, and no profile is named"),
        (["prod", "key", "op://Work/x/y"], 3, """such as '{ command = ["op", "read", "op://Work/x/y"] }'"""),
        (["prod", "key", "$ACME_KEY"], 3, """such as '{ env = "ACME_KEY" }'"""),
        (["prod", "key", "${ACME_KEY}"], 3, """such as '{ env = "ACME_KEY" }'"""),
        (["prod", "key", "$hunter2"], 6, "looks like a secret"),
        (["prod", "key", f"op://{CANARY}"], 6, "looks like a secret"),
        (["prod", "key", "{ env = ACME_KEY }"], 3, "put each text in it into double quotes"),
        (["prod", "tags", "[acme]"], 3, "put each text in it into double quotes"),
        (["prod"], 2, "no value is given"),
        (["a", "b", "c", "d"], 2, "quote a value that contains spaces"),
        (["prod", "a..b", "c"], 2, "is not a key"),
        (["prod", "key", "keyring"], 3, "says where the key comes from"),
        (["prod", "key", CANARY], 6, "looks like a secret"),
        (["prod", "key", "plain-old-password"], 6, "looks like a secret"),
        (["prod", "token", "hunter2"], 6, "looks like a secret"),
        (["prod", "description", f"my key is {CANARY}"], 6, "looks like a secret"),
        (["prod", "env.X", CANARY], 6, "looks like a secret"),
        (["ci", "key", f'{{ command = ["echo", "{CANARY}"] }}'], 6, "looks like a secret"),
    ],
)
def test_an_edit_that_would_not_lint_is_refused_and_nothing_is_written(
    cli: Cli, file: Path, argv: list[str], status: int, says: str
) -> None:
    ran = cli("set", *argv, status=status)
    assert says in ran.err
    assert "hunter2" not in ran.err
    assert file.read_text() == FILE
    assert sorted(os.listdir(file.parent)) == ["profiles.toml"]


def test_an_unknown_option_does_not_repeat_the_words_beside_it(cli: Cli, file: Path) -> None:
    ran = cli("add", "x", "--base-url", "https://x.omniapp.co", "--token", CANARY, f"--api-key={CANARY}", status=2)
    assert "unknown option `--token` for `omniprofile add`" in ran.err


@pytest.mark.parametrize(
    ("argv", "old", "new"),
    [
        (["prod", "protected"], "protected = true\n", ""),
        (["ci", "key.env"], 'key = { env = "CI_KEY" }\n', ""),
        (["default"], 'default = "prod"              # when nothing else selects\n', ""),
    ],
)
def test_unset_removes_one_key(cli: Cli, file: Path, argv: list[str], old: str, new: str) -> None:
    assert cli("unset", *argv).status == 0
    _becomes(file, (old, new))


@pytest.mark.parametrize(
    ("argv", "status", "says"),
    [
        (["prod", "instance"], 3, "has no base URL"),
        (["prod", "descripton"], 2, "is not set"),
        (["prod"], 2, "`omniprofile remove prod`"),
        (["profiles.prod"], 2, "`omniprofile remove prod`"),
        (["instances.acme"], 3, "`acme`"),
    ],
)
def test_unset_refuses_what_it_should(cli: Cli, file: Path, argv: list[str], status: int, says: str) -> None:
    ran = cli("unset", *argv, status=status)
    assert says in ran.err
    assert file.read_text() == FILE


def test_add_writes_what_the_options_say_at_the_end(cli: Cli, file: Path) -> None:
    ran = cli(
        "add", "new", "--instance", "acme", "--extends", "ci", "--auth", "api-key", "--description", "Ours",
        "--key-command", "op read 'op://Work/a b'", "--protected", "--expect", "org_role=MEMBER", "--expect", "user=u",
        "--env", "OMNI_OUTPUT_FORMAT=json",
    )  # fmt: skip
    assert ran.status == 0, ran
    assert file.read_text() == FILE + (
        '\n[profiles.new]\ndescription = "Ours"\nextends = "ci"\ninstance = "acme"\nauth = "api-key"\n'
        'key = { command = ["op", "read", "op://Work/a b"] }\nprotected = true\n'
        'expect = { org_role = "MEMBER", user = "u" }\nenv = { OMNI_OUTPUT_FORMAT = "json" }\n'
    )
    assert "next: `omniprofile test new`" in ran.err


def test_add_goes_to_a_file_of_profiles_d_when_asked(cli: Cli, file: Path) -> None:
    assert cli("add", "a", "--base-url", "https://a.omniapp.co", "--file", "work").status == 0
    drop_in = file.parent / "profiles.d/work.toml"
    assert tomllib.loads(drop_in.read_text())["profiles"] == {"a": {"base_url": "https://a.omniapp.co"}}
    assert file.read_text() == FILE
    assert cli("set", "a", "auth", "oauth").status == 0
    assert 'auth = "oauth"' in drop_in.read_text()
    assert cli("set", "default", "a").status == 0
    assert file.read_text() == FILE.replace('"prod"  ', '"a"  ')
    ran = cli("add", "b", "--base-url", "https://b.omniapp.co", "--file", str(cli.work / "b.toml"), status=2)
    assert "would not be read" in ran.err


@pytest.mark.parametrize(
    "option",
    [
        "--description=%s",
        "--key-command=op %s",
        "--key-file=%s",
        "--env=A=%s",
        "--env=%s=1",
        "--expect=user=%s",
        "--extends=%s",
    ],
)
def test_add_refuses_bytes_that_are_not_utf_8(cli: Cli, file: Path, option: str) -> None:
    ran = cli("add", "new", "--base-url", "https://new.omniapp.co", option % "\udcff")
    assert (ran.status, "not UTF-8" in ran.err) == (2, True)
    assert file.read_text() == FILE


@pytest.mark.parametrize(
    ("argv", "status", "says"),
    [
        (["prod", "--base-url", "https://a.omniapp.co"], 2, "already exists"),
        (["a b", "--base-url", "https://a.omniapp.co"], 2, "did you mean `a-b`?"),
        (["a"], 2, "no address is given"),
        (["a", "--instance", "nobody"], 3, "`nobody`"),
        (["a", "--base-url", "https://a.omniapp.co/x"], 3, 'write "https://a.omniapp.co"'),
        (["a", "--base-url", "https://me:secret@a.omniapp.co"], 6, "secret"),
        (["a", "--instance", "acme", "--auth", "oauth", "--key-env", "X"], 2, "an OAuth profile has no key"),
        (["a", "--instance", "acme", "--key-env", CANARY + "-x"], 6, "secret"),
        (["a", "--instance", "acme", "--expect", "MEMBER"], 2, "without `=`"),
        (["p-rod.x", "--base-url", "https://a.omniapp.co", "--key-command", "'"], 2, "quote"),
    ],
)
def test_add_refuses_what_it_should(cli: Cli, file: Path, argv: list[str], status: int, says: str) -> None:
    ran = cli("add", *argv, status=status)
    assert says in ran.err
    assert file.read_text() == FILE


def test_an_edit_that_fixes_an_error_is_let_through_and_another_is_not(cli: Cli, file: Path) -> None:
    broken = FILE.replace('"oauth" ', '"oath" ') + 'protectd = true\n\n[profiles.other]\ninstance = "acme"\n'
    file.write_text(broken)
    ran = cli("set", "other", "description", "x", status=3)
    assert f"{file}:11:" in ran.err
    assert file.read_text() == broken
    ran = cli("set", "prod", "auth", "oauth", status=0)
    assert "1 error is left" in ran.err
    assert cli("unset", "play", "protectd").status == 0
    assert cli("lint").status == 0


def test_a_file_that_is_not_toml_is_not_edited(cli: Cli, file: Path) -> None:
    file.write_text(FILE + "[profiles.x\n")
    for status, argv in (
        (5, ["set", "prod", "auth", "oauth"]),  # the readable files declare no profile
        (3, ["add", "y", "--instance", "acme"]),
        (5, ["remove", "play", "--yes"]),
    ):
        cli(*argv, status=status)
        assert file.read_text() == FILE + "[profiles.x\n"


def _secrets(cli: Cli) -> dict[str, str]:
    store = FileStore(str(cli.state))
    return {one.profile: secret.token.reveal() for one in store.summaries() if (secret := store.get(one))}


@pytest.fixture
def logged_in(cli: Cli, instances: Instances) -> Path:
    """`staging` with a stored key, active, the default, a parent, and pinned in the working directory."""
    text = instances.file.read_text().replace("version = 1\n", 'version = 1\ndefault = "staging"\n')
    instances.file.write_text(text + "\n[profiles.child]\nextends = 'staging' # mine\nkey = { env = \"X\" }\n")
    cli.profiles('[profiles.far]\nextends = "staging"\n', "profiles.d/far.toml")
    assert cli("login", "staging", stdin=STAGING_KEY).status == 0
    assert cli("use", "child").status == 0
    assert cli("use", "staging").status == 0
    (cli.work / ".omniprofile.toml").write_bytes(b'\xef\xbb\xbf# this folder\r\nprofile = "staging"   # ours\r\n')
    return instances.file


def test_rename_takes_everything_along(cli: Cli, logged_in: Path) -> None:
    before = logged_in.read_text()
    variables = {"OMNI_PROFILE_STAGING_TOKEN": "x", "OMNI_PROFILE": "staging"}
    ran = cli("rename", "staging", "stage.2", env=variables, status=0)
    wanted = before.replace("[profiles.staging]", '[profiles."stage.2"]').replace(
        'default = "staging"', 'default = "stage.2"'
    )
    assert logged_in.read_text() == wanted.replace("'staging'", "'stage.2'")
    assert (logged_in.parent / "profiles.d/far.toml").read_text() == '[profiles.far]\nextends = "stage.2"\n'
    assert _secrets(cli) == {"stage.2": STAGING_KEY}
    assert (cli.state / "active").read_text() == "stage.2\nchild\n"
    pin = (cli.work / ".omniprofile.toml").read_bytes()
    assert pin == b'\xef\xbb\xbf# this folder\r\nprofile = "stage.2"   # ours\r\n'
    assert "`staging` is now `stage.2`, with its stored secret and the project pin" in ran.err
    assert "`OMNI_PROFILE_STAGING_TOKEN` in this shell no longer belongs to a profile" in ran.err
    assert "`OMNI_PROFILE` in this shell still names `staging`: run `export OMNI_PROFILE=stage.2`" in ran.err
    assert cli("token", "stage.2", shows=True).out == STAGING_KEY + "\n"
    assert cli("lint").status == 0
    assert not (cli.state / "unfinished.json").exists()
    assert cli("rename", "stage.2", "staging").status == 0
    assert logged_in.read_text() == before.replace("[profiles.staging]", '[profiles."staging"]')


@pytest.mark.parametrize(
    ("argv", "status", "says"),
    [
        (["nobody", "x"], 5, "profile `nobody` not found"),
        (["staging", "prod"], 2, "`prod` already exists"),
        (["staging", "a b"], 2, "did you mean `a-b`?"),
        (["staging", "staging"], 2, "the same"),
        (["staging", "PROD"], 3, "OMNI_PROFILE_PROD_TOKEN"),
    ],
)
def test_rename_refuses_what_it_should(cli: Cli, logged_in: Path, argv: list[str], status: int, says: str) -> None:
    before = logged_in.read_text()
    ran = cli("rename", *argv, status=status)
    assert says in ran.err
    assert logged_in.read_text() == before
    assert _secrets(cli) == {"staging": STAGING_KEY}
    assert not (cli.state / "unfinished.json").exists()


def test_rename_without_a_store_leaves_what_may_be_there_and_says_so(cli: Cli, file: Path) -> None:
    ran = cli("rename", "play", "toy", status=0)
    assert "what may be stored there for `play` stays" in ran.err
    _becomes(file, ("[profiles.play]", "[profiles.toy]"))


def test_an_orphaned_secret_under_the_new_name_does_not_become_the_profiles(cli: Cli, logged_in: Path) -> None:
    store = FileStore(str(cli.state))
    account = next(one for one in store.summaries() if one.profile == "staging")
    orphan = store.get(account)
    assert orphan
    store.put("new", orphan)
    store.delete(account)
    ran = cli("rename", "staging", "new", status=0)
    assert "what was stored for `new`, which no profile used, is deleted" in ran.err
    assert _secrets(cli) == {}


def test_remove_asks_and_then_leaves_nothing(cli: Cli, logged_in: Path) -> None:
    before = logged_in.read_text()
    ran = cli("remove", "staging", "--yes", status=6)
    assert "`staging` is extended by `child` and `far`" in ran.err
    (logged_in.parent / "profiles.d/far.toml").unlink()
    cli("set", "child", "extends", "prod")
    ran = cli("remove", "staging", status=6)
    assert "--yes" in ran.err
    assert cli("remove", "staging", "--diff").out.count("\n-") >= 3
    assert logged_in.read_text() == before.replace("'staging'", '"prod"')
    assert _secrets(cli) == {"staging": STAGING_KEY}
    variable = "OMNI_PROFILE_STAGING_BASE_URL"
    ran = cli("remove", "staging", "--yes", env={variable: "https://acme-staging.omniapp.co"}, status=0)
    assert f"`{variable}` in this shell no longer belongs to a profile" in ran.err
    assert "revoke it in Omni" in ran.err
    assert "removed `default` from" in ran.err
    assert logged_in.read_text() == before.replace("'staging'", '"prod"').replace('default = "staging"\n', "").replace(
        '\n[profiles.staging]\ninstance = "acme-staging"\n', ""
    )
    assert _secrets(cli) == {}
    assert StateFile(str(cli.state)).read()[0] is None
    assert (cli.state / "active").read_text() == "\nchild\n"
    assert cli("remove", "staging", "--yes").status == 5


def test_a_comment_that_heads_a_profile_goes_with_it_and_no_other(cli: Cli, file: Path) -> None:
    assert cli("remove", "play", "--yes", "--leave-secret").status == 0
    _becomes(file, ('\n# a toy\n[profiles.play]\nbase_url = "https://play.omniapp.co"\n', ""))


def test_an_interrupted_rename_stops_others_and_is_finished_by_itself(cli: Cli, logged_in: Path) -> None:
    unfinished = {
        "version": 1, "operation": "rename", "name": "staging", "new": "new", "config": str(cli.config),
        "since": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    (cli.state / "unfinished.json").write_text(json.dumps(unfinished))
    ran = cli("remove", "child", "--yes", status=6)
    assert "the renaming of `staging` to `new` was interrupted" in ran.err
    assert f"omniprofile --config {cli.config} rename staging new" in ran.err
    assert cli("rename", "staging", "new").status == 0
    assert _secrets(cli) == {"new": STAGING_KEY}
    assert cli("remove", "child", "--yes").status == 0


def test_a_damaged_journal_is_named(cli: Cli, file: Path) -> None:
    cli.state.mkdir(parents=True)
    good = {
        "version": 1,
        "operation": "rename",
        "name": "a",
        "new": "b",
        "config": "/c",
        "since": "2026-01-01T00:00:00Z",
    }
    bad: list[dict[str, object]] = [
        {"operation": "rm"}, {"operation": "remove"}, {"new": None}, {"new": 0}, {"name": "\x1b[31m"}, {"since": 5},
        {"config": "\0"}, {"config": "\ud800"}, {"config": ["/c"]},
    ]  # fmt: skip
    for content in ("", "[]", "{}", '{"version": 2}', "\0", *(json.dumps({**good, **change}) for change in bad)):
        (cli.state / "unfinished.json").write_text(content)
        ran = cli("rename", "play", "toy", status=3)
        assert "unfinished.json" in ran.err
        assert file.read_text() == FILE


def test_a_secret_that_the_file_holds_is_masked_in_the_patch(cli: Cli, file: Path) -> None:
    file.write_text(FILE + f'token = "hunter2"\n# {CANARY}\n')
    ran = cli("unset", "play", "token", "--diff", status=0)
    assert "-token = " in ran.out
    assert "hunter2" not in ran.out
    assert "omni_osk_********" in ran.out


@pytest.mark.parametrize(
    "argv",
    [
        ["add", "new", "--base-url", "https://new.omniapp.co"],
        ["set", "a", "protected", "true"],
        ["unset", "a", "description"],
        ["rename", "a", "b"],
        ["remove", "a"],
    ],
)
def test_a_dry_run_waits_for_no_other_edit(cli: Cli, argv: list[str]) -> None:
    cli.profiles(
        "version = 1\n[instances.i]\nbase_url = 'https://i.omniapp.co'\n"
        "[defaults]\ninstance = 'i'\n[profiles.a]\ndescription = 'd'\n"
    )
    with user_lock(user_lock_folders(sys.platform, os.environ, os.getuid()), "edit.lock", 30):
        ran = cli(*argv, "--dry-run")
    assert (ran.status, ran.out[:4]) == (0, "--- "), ran


def test_a_file_that_defines_nothing_any_more_is_named(cli: Cli) -> None:
    file = cli.profiles('version = 1\n[profiles.a]\nbase_url = "https://a.omniapp.co"\n', "profiles.d/a.toml")
    assert f"`{file}` defines nothing now" in cli("remove", "a", "--yes", "--leave-secret").err


def test_one_wrong_value_in_the_place_of_another_is_refused_for_what_it_is(cli: Cli) -> None:
    cli.profiles('version = 1\n[profiles.a]\ninstance = "aa"\n')
    ran = cli("set", "a", "instance", "bb", status=3)
    assert "names the instance `bb`" in ran.err
    assert "already" not in ran.err
    same = cli("set", "a", "description", "text", status=3)
    assert "names the instance `aa`" in same.err
    assert "this error already" in same.err
    cli.profiles('version = 1\n[profiles.a]\nbase_url = "https://a.omniapp.co"\nexpect = 1\n')
    assert "unknown key `typo`" in cli("set", "a", "expect", '{ typo = "x" }', status=3).err, (
        "and not for the one it fixes"
    )
    cli.profiles('version = 1\n[profiles.a]\nbase_url = "https://a.omniapp.co"\nprotected = 1\n')
    assert "hint: `omniprofile lint` shows what is wrong" in cli("set", "a", "description", "text", status=3).err


def test_a_value_that_must_be_written_in_toml_has_an_example(cli: Cli, two: Path) -> None:
    paths = [("profiles", "prod", key) for key in keys_of(Profile)] + [
        ("settings", key) for key in keys_of(SettingsTable)
    ]
    for path in paths:
        if toml_kind(path) in ("array", "table") and path[-1] != "key":  # whose text may be a key
            words = path[1:] if path[0] == "profiles" else (".".join(path),)
            assert "such as '" in cli("set", *words, "x", status=3).err, path
