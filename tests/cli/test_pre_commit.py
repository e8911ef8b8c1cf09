"""The shipped hook, with the real pre-commit on a real repository."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.programs import run_program

ROOT = Path(__file__).parents[2]
GOOD = '[profiles.prod]\nbase_url = "https://acme.omniapp.co"\n'
SECRET = "correct-horse-battery-staple"


def _run(*argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    identity = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    for role in ("AUTHOR", "COMMITTER"):
        identity |= {f"GIT_{role}_NAME": "Mia", f"GIT_{role}_EMAIL": "mia@acme.example"}
    return run_program(argv, cwd=cwd, env={**os.environ, **identity})


def _git(*argv: str, cwd: Path) -> None:
    ran = _run("git", *argv, cwd=cwd)
    assert ran.returncode == 0, ran.stderr


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """pre-commit's cache with the hook's environment, created once."""
    return tmp_path_factory.mktemp("pre-commit")


@pytest.fixture
def dotfiles(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that uses this tree's hook, from a commit made for the test."""
    monkeypatch.setenv("PRE_COMMIT_HOME", str(cache))
    release = cache / "release"
    if not release.exists():
        release.mkdir()
        for name in (
            ".hatch_build.py",
            "omniprofile",
            "schemas",
            "man",
            "pyproject.toml",
            "README.md",
            "LICENSE",
            ".pre-commit-hooks.yaml",
        ):
            subprocess.run(["cp", "-R", ROOT / name, release / name], check=True)
        _git("init", "-q", cwd=release)
        _git("add", "-A", cwd=release)
        _git("commit", "-q", "-m", "release", cwd=release)
        _git("tag", "v1", cwd=release)
    repository = tmp_path / "dotfiles"
    repository.mkdir()
    _git("init", "-q", cwd=repository)
    (repository / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {release}\n    rev: v1\n    hooks: [{{id: omniprofile-lint}}]\n"
    )
    (repository / "other.toml").write_text('not = "ours"\n')
    return repository


def _commit(repository: Path) -> subprocess.CompletedProcess[str]:
    _git("add", "-A", cwd=repository)
    return _run("git", "commit", "-m", "profiles", cwd=repository)


def test_a_commit_with_a_secret_is_stopped_and_a_good_one_is_made(dotfiles: Path) -> None:
    installed = _run("pre-commit", "install", cwd=dotfiles)
    assert installed.returncode == 0, installed.stderr
    folder = dotfiles / "dot_config/omniprofile"
    (folder / "profiles.d").mkdir(parents=True)
    (folder / "profiles.toml").write_text('[instances.acme]\nbase_url = "https://acme.omniapp.co"\n')
    drop_in = folder / "profiles.d/10-prod.toml"
    drop_in.write_text(f'[profiles.prod]\ninstance = "acme"\nkey = "{SECRET}"\n')

    stopped = _commit(dotfiles)
    said = stopped.stdout + stopped.stderr
    assert stopped.returncode == 1, said
    assert "dot_config/omniprofile/profiles.d/10-prod.toml:3:7: OP301" in said
    assert "omniprofile login prod" in said
    assert SECRET not in said
    assert "other.toml" not in said

    # pre-commit then passes only the drop-in, whose instance is in the main file.
    drop_in.write_text('[profiles.prod]\ninstance = "acme"\n')
    made = _commit(dotfiles)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "omniprofile lint" in made.stderr
    assert "Passed" in made.stderr

    (dotfiles / ".omniprofile.toml").write_text('profile = "prod"\ncommand = "rm -rf /"\n')
    pinned = _commit(dotfiles)
    assert pinned.returncode == 1
    assert ".omniprofile.toml:2:1: OP201" in pinned.stdout + pinned.stderr
