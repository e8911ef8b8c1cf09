"""On a case-insensitive file system, as on macOS, a home is the same home in any spelling."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import warm
from tests.conftest import CANARY
from tests.standin import Standin

BROWSER = "import sys, urllib.request\nurllib.request.urlopen(sys.argv[-1], timeout=60).read()\n"
SPELLINGS = ("Users/Ada", "users/ada", "USERS/Ada")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a case-preserving, case-insensitive file system."""
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        pytest.skip("only root mounts file systems, and only with FUSE")
    if not shutil.which("lowntfs-3g") and os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL") != "1":
        pytest.skip("ntfs-3g is not installed")
    image, mounted = tmp_path / "image", tmp_path / "disk"
    image.write_bytes(b"")
    os.truncate(image, 16 * 1024 * 1024)
    mounted.mkdir()
    subprocess.run(["mkntfs", "-q", "-F", "-Q", str(image)], check=True, capture_output=True)
    subprocess.run(["lowntfs-3g", "-o", "ignore_case,umask=077", str(image), str(mounted)], check=True)
    try:
        (mounted / SPELLINGS[0] / ".config" / "omniprofile").mkdir(parents=True)
        assert (mounted / SPELLINGS[1]).samefile(mounted / SPELLINGS[0])
        yield mounted
    finally:
        subprocess.run(
            ["umount", "-l", str(mounted)], check=True
        )  # the browser of a login may still be at its end there


def _start(home: Path, *argv: str) -> "subprocess.Popen[bytes]":
    environ = {"HOME": str(home), "PATH": os.environ["PATH"], "OMNIPROFILE_SECRET_STORE": "file"}
    pipe = subprocess.PIPE
    return warm.Popen([*warm.PROGRAM, *argv], env=environ, cwd=home, stdin=pipe, stdout=pipe, stderr=pipe)


def _run(home: Path, *argv: str, stdin: str = "") -> str:
    process = _start(home, *argv)
    out, err = process.communicate(stdin.encode(), timeout=60)
    assert process.returncode == 0, (argv, err)
    return str(out.decode()).strip()


def test_processes_that_spell_it_differently_renew_a_session_once(disk: Path) -> None:
    with Standin() as standin:
        (disk / SPELLINGS[0] / ".config" / "omniprofile" / "profiles.toml").write_text(
            f'[profiles.me]\nbase_url = "{standin.base_url}"\nallow_insecure = true\nauth = "oauth"\n'
            f"browser = {json.dumps([sys.executable, '-c', BROWSER])}\n"
        )
        standin.oauth.lifetime = 1
        _run(disk / SPELLINGS[0], "login", "me")
        standin.oauth.expire_access_tokens()
        standin.oauth.lifetime = 8 * 3600
        before = len(standin.oauth.grants)
        running = [_start(disk / spelling, "token", "me") for spelling in SPELLINGS * 3]
        ended = [(process.communicate(timeout=60), process.returncode) for process in running]
        assert {status for _, status in ended} == {0}, ended
        assert len({out for (out, _), _ in ended}) == 1
        assert len(standin.oauth.grants) - before == 1


def test_profiles_whose_names_differ_in_case_stay_apart_and_files_do_not(disk: Path) -> None:
    home, other = disk / SPELLINGS[0], disk / SPELLINGS[2]
    folder = home / ".config" / "omniprofile"
    table = 'base_url = "https://acme.omniapp.co"\n'
    (folder / "profiles.toml").write_text(f"[profiles.prod]\n{table}[profiles.Prod]\n{table}")
    for name in ("prod", "Prod"):
        _run(home, "login", name, "--no-test", stdin=f"{CANARY}{name}\n")
    assert [_run(other, "token", name) for name in ("prod", "Prod")] == [f"{CANARY}prod", f"{CANARY}Prod"]
    _run(other, "use", "Prod")
    assert _run(home, "current") == "Prod"
    (home / ".OMNIPROFILE.toml").write_text('profile = "prod"\n')
    assert _run(other, "current") == "prod"
    _run(home, "logout", "Prod")
    assert _run(other, "token", "prod") == f"{CANARY}prod"
