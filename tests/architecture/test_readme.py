"""Runs every command of the README in order, in a temporary home, with stand-ins for Omni's hosts."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from omniprofile.standin.relay import Relay
from omniprofile.standin.server import Standin
from tests.cli.shells import install_program
from tests.conftest import CANARY
from tests.programs import run_program

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_setup_command_installs_and_shows_the_main_job(tmp_path: Path) -> None:
    """Run the exact line of the README in a fresh copy of what git tracks, with a fresh home."""
    copy = tmp_path / "clone"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, tracked.decode().split("\0")):
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target, follow_symlinks=False)
    keep = ("PATH", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    environ = {name: value for name, value in os.environ.items() if name in keep or name.startswith("PIP_")}
    environ |= {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    environ["HOME"] = str(tmp_path / "fresh-home")
    (tmp_path / "fresh-home").mkdir()
    line = _blocks("sh")[0].strip()
    assert "\n" not in line, "one command"
    ran = run_program(["sh", "-c", line], cwd=copy, env=environ, check=True)
    assert "by one refresh" in ran.stdout
    script = (copy / ".venv/bin/omniprofile").read_text()
    assert "import re" not in script, "the start-up script costs nothing"


def _steps() -> list[tuple[str, list[str]]]:
    """Return every command of the README's console blocks, with the output shown for it."""
    steps: list[tuple[str, list[str]]] = []
    for line in "".join(_blocks("console")).splitlines():
        if line.startswith("$ "):
            steps.append((line.removeprefix("$ "), []))
        else:
            steps[-1][1].append(line)
    return steps


def test_every_command_runs_and_prints_the_documented_output(tmp_path: Path) -> None:
    steps = _steps()
    assert len(steps) > 15
    programs = install_program(tmp_path)
    script = ["set -eu"]
    for number, (command, _) in enumerate(steps):
        script += [f"echo '=== {number}'", command]
    with Standin() as production, Standin() as staging:
        production.add_key(CANARY + "P")
        staging.add_key(CANARY + "S")
        with Relay({"acme.omniapp.co": production, "acme-staging.omniapp.co": staging}) as relay:
            environ = {
                **os.environ,
                **relay.environ,
                "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
                "OMNIPROFILE_SECRET_STORE": "file",
                "STAGING_KEY": CANARY + "S",
                "PROD_KEY": CANARY + "P",
                "ACME_OMNI_KEY": CANARY + "P",
            }
            ran = run_program(["bash", "-c", "\n".join(script)], env=environ, cwd=tmp_path / "work")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    printed = re.split(r"=== \d+\n", ran.stdout)[1:]
    for (command, expected), actual in zip(steps, printed, strict=True):
        assert not expected or actual.splitlines() == expected, command


def test_the_python_of_the_readme_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    with Standin() as omni:
        omni.add_key(CANARY)
        file = Path(os.environ["XDG_CONFIG_HOME"], "omniprofile/profiles.toml")
        file.parent.mkdir(parents=True)
        file.write_text(
            f'[profiles.staging]\nbase_url = "{omni.base_url}"\nallow_insecure = true\nkey = {{ env = "STAGING_KEY" }}\n'
        )
        (block,) = _blocks("python")
        script = block + 'print(client.get("/api/v1/whoami").status_code)\nclient.close()\n'
        ran = run_program([sys.executable, "-c", script], env={**os.environ, "STAGING_KEY": CANARY})
        assert ran.stdout == "200\n", ran.stderr


def test_the_profile_file_and_the_pin_of_the_readme_are_valid(tmp_path: Path) -> None:
    from omniprofile.checks.lint import lint
    from omniprofile.config.pin import load_pin

    profiles, pin = _blocks("toml")
    file = tmp_path / "profiles.toml"
    file.write_text(profiles)
    assert lint([str(file)], home="/") == []
    (tmp_path / ".omniprofile.toml").write_text(pin)
    assert load_pin(str(tmp_path / ".omniprofile.toml")).value == "staging"
