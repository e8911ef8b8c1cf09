"""Who else may write: the modes of files and folders that matter."""

import os
from pathlib import Path

import pytest

from omniprofile.checks.lint import lint
from omniprofile.model.rule_codes import Code

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
GOOD = '[profiles.a]\nbase_url = "https://a.omniapp.co"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good file in a private folder."""
    folder = tmp_path / "omniprofile"
    folder.mkdir(mode=0o700)
    path = folder / "profiles.toml"
    path.write_text(GOOD)
    path.chmod(0o600)
    return path


def _codes(path: Path) -> list[str]:
    return [found.code for found in lint([str(path)], home="/")]


@pytest.mark.parametrize(
    ("folder", "file_mode", "codes"),
    [
        (0o700, 0o600, []),
        (0o755, 0o644, []),
        (0o755, 0o666, [Code.WRITABLE]),
        (0o777, 0o600, [Code.WRITABLE]),
        (0o1777, 0o600, []),
        (0o777, 0o666, [Code.WRITABLE]),
    ],
)
def test_everybody(folder: int, file_mode: int, codes: list[Code], file: Path) -> None:
    file.chmod(file_mode)
    file.parent.chmod(folder)
    assert _codes(file) == codes


def test_a_sticky_folder_of_drop_ins_takes_files_of_others(file: Path) -> None:
    folder = file.parent / "profiles.d"
    folder.mkdir()
    (folder / "a.toml").write_text(GOOD)
    folder.chmod(0o1777)
    assert _codes(folder / "a.toml") == [Code.WRITABLE]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give a file to another group"
)
@pytest.mark.parametrize(
    ("owner", "group", "codes"),
    [(0, 0, []), (0, 1, [Code.GROUP_WRITABLE]), (1, 1, []), (54321, 54322, [Code.GROUP_WRITABLE])],
)
def test_a_group_but_not_a_users_own(owner: int, group: int, codes: list[Code], file: Path) -> None:
    """Group 1 is user 1's own by its number; the last two have no members."""
    os.chown(file, owner, group)
    file.chmod(0o660)
    assert _codes(file) == codes
    file.chmod(0o600)
    os.chown(file.parent, owner, group)
    file.parent.chmod(0o770)
    assert _codes(file) == codes


def test_the_folder_that_a_link_leads_to_counts_as_well(file: Path, tmp_path: Path) -> None:
    link = tmp_path / "home.toml"
    link.symlink_to(file)
    assert _codes(link) == []
    file.parent.chmod(0o777)
    (finding,) = lint([str(link)], home="/")
    assert finding.code == Code.WRITABLE
    assert f"chmod o-w {file.parent}" in str(finding.suggestion)
