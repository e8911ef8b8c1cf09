"""The shell scripts of the tree, and those that the program prints, pass shellcheck(1)."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHELLS = ROOT / "omniprofile/cli/shells"
WINDOWS = [ROOT / "tests/windows" / name for name in ("environment", "run", "setup")]
SCRIPTS = [ROOT / ".ci/run", ROOT / "tests/all", *WINDOWS, *SHELLS.glob("*.bash"), SHELLS / "prompt.posix"]
NOT_HERE = [
    "SC2034",  # a text sets what another one reads
    "SC2128,SC2178",  # `PROMPT_COMMAND` is an array or is none, as the user has it
]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: str(script.relative_to(ROOT)))
def test_a_script_has_no_known_mistake(script: Path) -> None:
    if not shutil.which("shellcheck") and not os.environ.get("OMNIPROFILE_TEST_REQUIRE_ALL"):
        pytest.skip("shellcheck is not installed")
    command = ["shellcheck", "--shell=bash", "--severity=warning", f"--exclude={','.join(NOT_HERE)}"]
    command += ["--external-sources", str(script)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
