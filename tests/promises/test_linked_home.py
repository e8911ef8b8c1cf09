"""A home reached by a link, as macOS's `/var` for `/private/var`, is the same home by either path."""

import os
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import CANARY


@pytest.mark.parametrize("spelled", ["link/ada", "real/ada"])
def test_each_path_reads_the_entries_of_the_other(tmp_path: Path, spelled: str) -> None:
    (tmp_path / "real" / "ada" / "work").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")

    def run(home: str, *argv: str, stdin: str = "") -> str:
        folder = tmp_path / home
        environ = {"HOME": str(folder), "PATH": os.environ["PATH"], "OMNIPROFILE_SECRET_STORE": "file"}
        ran = warm.run(*argv, env=environ, cwd=folder / "work", stdin=stdin)
        assert ran.returncode == 0, (home, argv, ran)
        return ran.stdout.strip()

    other = "real/ada" if spelled.startswith("link") else "link/ada"
    run(spelled, "add", "a", "--base-url", "https://a.omniapp.co")
    run(spelled, "add", "b", "--base-url", "https://b.omniapp.co")
    run(spelled, "login", "a", "--no-test", stdin=f"{CANARY}\n")
    run(spelled, "use", "b")
    assert run(other, "current") == "b"
    (tmp_path / other / "work" / ".omniprofile.toml").write_text('profile = "a"\n')
    assert (run(other, "current"), run(other, "token")) == ("a", CANARY)
    run(other, "rename", "a", "c")
    assert run(spelled, "token", "c") == CANARY
    assert run(spelled, "lint") == ""
