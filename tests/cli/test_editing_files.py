"""The profile file's place and kind: links, modes, owners, attributes, read-only, a git repository of dotfiles."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omniprofile.checks.lint import lint
from omniprofile.config.editing.draft import Draft
from omniprofile.config.editing.replace import replace_all, unified_diff
from omniprofile.config.schema.keys import toml_kind
from omniprofile.config.toml.values import key_path, value_text
from omniprofile.errors import Error
from omniprofile.model.rule_codes import Level
from tests.conftest import Cli
from tests.programs import run_program

MAIN = 'version = 1\r\n\r\n[profiles.a] # ä\r\nbase_url = "https://a.omniapp.co"'
SET = 'version = 1\r\n\r\n[profiles.a] # ä\r\nbase_url = "https://a.omniapp.co"\r\nauth = "oauth"'


def _git(folder: Path, *argv: str) -> str:
    return run_program(
        ["git", "-c", "user.name=me", "-c", "user.email=me@localhost", "-c", "core.autocrlf=false", *argv],
        cwd=folder,
        check=True,
    ).stdout


def test_a_git_repository_as_dotfiles_with_the_file_stowed_as_a_link_shows_each_edit_alone(cli: Cli) -> None:
    """As GNU stow does it: ~/.config/omniprofile is a link into the repository, which sees each edit as one hunk."""
    repository = cli.home / "dotfiles"
    package = repository / "omniprofile/.config/omniprofile"
    package.mkdir(parents=True)
    (package / "profiles.toml").write_bytes(b"\xef\xbb\xbf" + MAIN.encode())
    (repository / ".gitattributes").write_text("* -text\n")
    _git(repository, "init", "-q")
    _git(repository, "add", "-A")
    _git(repository, "commit", "-q", "-m", "mine")
    cli.config.parent.parent.mkdir(parents=True, exist_ok=True)
    cli.config.parent.symlink_to("../dotfiles/omniprofile/.config/omniprofile")
    edits = [
        (["set", "a", "auth", "oauth"], 1, 0),
        (["add", "b", "--extends", "a"], 3, 0),
        (["set", "default", "b"], 1, 0),
        (["rename", "b", "c", "--leave-secret"], 2, 2),
        (["unset", "a", "auth"], 0, 1),
        (["remove", "c", "--yes", "--leave-secret"], 0, 4),
    ]
    for argv, more, less in edits:
        cli(*argv, status=0)
        added, removed, _ = _git(repository, "diff", "--numstat", "--ignore-cr-at-eol").split("\t")
        # A line added below a last line without a newline changes that line too.
        assert abs(int(added) - more) <= 1, (argv, _git(repository, "diff"))
        assert abs(int(removed) - less) <= 1, (argv, _git(repository, "diff"))
        assert _git(repository, "status", "--porcelain") == " M omniprofile/.config/omniprofile/profiles.toml\n"
        _git(repository, "commit", "-qam", " ".join(argv))
    assert cli.config.parent.is_symlink()
    assert (package / "profiles.toml").read_bytes() == b"\xef\xbb\xbf" + MAIN.encode(), "there and back again"
    assert _git(repository, "status", "--porcelain") == ""


def test_a_chain_of_links_stays_and_its_end_is_edited(cli: Cli, tmp_path: Path) -> None:
    target = tmp_path / "store/profiles.toml"
    target.parent.mkdir()
    target.write_bytes(MAIN.encode())
    middle = tmp_path / "middle.toml"
    middle.symlink_to("store/profiles.toml")
    cli.config.parent.mkdir(parents=True)
    cli.config.symlink_to(middle)
    assert cli("set", "a", "auth", "oauth").status == 0
    assert target.read_bytes() == SET.encode()
    assert cli.config.is_symlink()
    assert middle.is_symlink()
    assert os.readlink(middle) == "store/profiles.toml"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_mode_stays(cli: Cli, mode: int) -> None:
    file = cli.profiles("")
    file.write_bytes(MAIN.encode())
    file.chmod(mode)
    assert cli("set", "a", "auth", "oauth").status == 0
    assert file.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
def test_the_owner_and_the_group_stay(cli: Cli) -> None:
    file = cli.profiles("")
    file.write_bytes(MAIN.encode())
    os.chown(file, 12345, 23456)
    assert cli("set", "a", "auth", "oauth").status == 0
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 23456)


def test_extended_attributes_stay(cli: Cli) -> None:
    file = cli.profiles("")
    file.write_bytes(MAIN.encode())
    try:
        os.setxattr(file, "user.omniprofile.test", b"mine")
    except (OSError, AttributeError):
        pytest.skip("this file system has no extended attributes")
    assert cli("set", "a", "auth", "oauth").status == 0
    assert os.getxattr(file, "user.omniprofile.test") == b"mine"


def test_a_hard_link_keeps_the_old_content_with_a_warning(cli: Cli, tmp_path: Path) -> None:
    file = cli.profiles("")
    file.write_bytes(MAIN.encode())
    (tmp_path / "other").hardlink_to(file)
    ran = cli("set", "a", "auth", "oauth", status=0)
    assert "hard link" in ran.err
    assert (tmp_path / "other").read_bytes() == MAIN.encode()


@pytest.mark.parametrize("end", ["", "\r\n"], ids=["without a last line end", "with one"])
@pytest.mark.parametrize(
    "argv", [["set", "a", "auth", "oauth"], ["rename", "a", "b", "--leave-secret"], ["add", "b", "--extends", "a"]]
)
def test_a_read_only_file_is_left_alone_and_the_change_is_shown_as_a_patch(cli: Cli, argv: list[str], end: str) -> None:
    file = cli.profiles("")
    content = (MAIN + end).encode()
    file.write_bytes(content)
    file.chmod(0o444)
    shown = cli(*argv, "--diff", status=0)
    ran = cli(*argv, status=1)
    assert "is read-only" in ran.err
    assert "hint: make the change above by hand" in ran.err
    assert file.read_bytes() == content
    assert ran.err.startswith(shown.out)
    assert not (cli.state / "unfinished.json").exists()
    assert sorted(os.listdir(file.parent)) == ["profiles.toml"]


def test_a_non_file_is_an_error_never_a_hang(cli: Cli) -> None:
    cli.config.parent.mkdir(parents=True)
    os.mkfifo(cli.config)
    assert cli("set", "a", "auth", "oauth").status == 3
    cli.config.unlink()
    cli.config.mkdir()
    assert cli("add", "a", "--base-url", "https://a.omniapp.co").status == 3
    cli.config.rmdir()
    cli.config.symlink_to(cli.config)
    assert cli("add", "a", "--base-url", "https://a.omniapp.co").status == 3
    cli.config.unlink()
    cli.config.write_bytes(b"\xff\xfe\x00")
    assert cli("add", "a", "--base-url", "https://a.omniapp.co").status == 3
    assert cli.config.read_bytes() == b"\xff\xfe\x00"


def test_the_patch_is_one_that_git_applies(tmp_path: Path) -> None:
    before = b'a = 1\r\n\xc3\xa4 = "\xe2\x80\xa8"\r\nb = 2\nlast = 3'
    after = before.replace(b"b = 2", b"b = 22").replace(b"last = 3", b"last = 3\nnew = 4")
    (tmp_path / "f.toml").write_bytes(before)
    patch = unified_diff("f.toml", before, after)
    (tmp_path / "p").write_text(patch, newline="")
    subprocess.run(["git", "apply", "-p0", "--whitespace=nowarn", "p"], cwd=tmp_path, check=True)
    assert (tmp_path / "f.toml").read_bytes() == after


CORPUS = sorted((Path(__file__).parents[1] / "corpus/good").glob("*.toml"))
VALUES = {
    "description": ["x", 'a "quoted" # one', "ä\tb"],
    "auth": ["oauth", "api-key", "bogus"],
    "protected": ["true", "false", "yes"],
    "base_url": ["https://new.omniapp.co", "https://acme.example", "nonsense"],
    "instance": ["acme", "nobody"],
    "extends": ["prod", "staging", "nobody"],
    "key.env": ["KEY_2", "not a name"],
    "key": ['{ command = ["a", "b"] }', "{}", '{ env = "X", file = "y" }'],
    "expect.org_role": ["MEMBER", ""],
    "env.NEW_ONE": ["1", ""],
    "env": ['{ B = "2" }', "{}"],
}


def _errors(paths: list[str], contents: dict[str, bytes]) -> list[str]:
    return [f.message for f in lint(paths, home="/", contents=contents) if f.level is Level.ERROR]


@given(st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_sequence_of_edits_lints_and_round_trips(tmp_path: Path, data: st.DataObject) -> None:
    """Whatever `set`, `unset`, `rename`, `add` and `remove` accept lints; what they refuse changes nothing."""
    source = data.draw(st.sampled_from(CORPUS))
    file = tmp_path / "profiles.toml"
    file.write_bytes(source.read_bytes())
    path = str(file)
    mark = file.read_bytes()[:3] == b"\xef\xbb\xbf"
    for _ in range(data.draw(st.integers(1, 8))):
        draft = Draft([path], path, lambda paths, contents: lint(paths, home="/", contents=contents))
        before = file.read_bytes()
        names = sorted(draft.table(path, ("profiles",))) or ["none"]
        name = data.draw(st.sampled_from(names))
        try:
            match data.draw(st.sampled_from(["set", "set", "set", "unset", "rename", "add", "remove"])):
                case "set":
                    key = data.draw(st.sampled_from(sorted(VALUES)))
                    where = ("profiles", name, *key_path(key))
                    typed = data.draw(st.sampled_from(VALUES[key]))
                    draft.set(path, where, value_text(where, typed, toml_kind(where)))
                case "unset":
                    keys = sorted(draft.table(path, ("profiles", name)))
                    if keys:
                        draft.unset(path, ("profiles", name, data.draw(st.sampled_from(keys))))
                case "rename":
                    if draft.files_of(("profiles", name)) and not draft.files_of(("profiles", "zz.new")):
                        draft.rename(path, ("profiles", name), "zz.new")
                case "add":
                    new = data.draw(st.sampled_from(["n1", "n2", "n.3"]))
                    if not draft.files_of(("profiles", new)):
                        draft.add(path, ("profiles", new), {"base_url": "https://n.omniapp.co", "env": {"A": "1"}})
                case "remove":
                    if draft.files_of(("profiles", name)):
                        draft.unset(path, ("profiles", name))
            draft.check()
            replace_all(draft.changes())
        except Error:
            assert file.read_bytes() == before, "what is refused changes nothing"
        assert _errors([path], {}) == []
        assert (file.read_bytes()[:3] == b"\xef\xbb\xbf") == mark or not before
