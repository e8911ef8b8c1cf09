"""The README on Windows: its commands for installation, the demo and everyday use, run by `cmd`."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

from windows_home import Home

from omniprofile.standin.relay import Relay
from omniprofile.standin.server import Standin

PYTHON = Path(sys.executable).parent
TREE = Path(__file__).parents[2]
README = (TREE / "README.md").read_text(encoding="utf-8")
KEYS = {"PROD_KEY": "omni_osk_windows_production_0123", "STAGING_KEY": "omni_osk_windows_staging_01234567"}


def _lines(language: str) -> list[str]:
    return "".join(re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)).splitlines()


def test_uv_installs_the_command_and_the_demo_runs_to_its_end(home: Home, tmp_path: Path) -> None:
    """The demo logs in by OAuth with a program for a browser, and has five processes refresh one expired session at once."""
    tools = tmp_path / "bin"
    places = {"UV_TOOL_DIR": tmp_path / "tools", "UV_TOOL_BIN_DIR": tools, "UV_CACHE_DIR": tmp_path / "cache"}
    source = {"UV_FIND_LINKS": PYTHON.parent / "wheels", "UV_NO_INDEX": 1, "UV_OFFLINE": 1, "UV_PYTHON": sys.executable}
    home.environ |= {name: str(value) for name, value in {**places, **source, "UV_LINK_MODE": "copy"}.items()}
    home.environ["PATH"] = f"{tools};{PYTHON / 'Lib' / 'site-packages' / 'bin'};{os.environ['PATH']}"
    install, demo = _lines("bat")
    _cmd(install, home)
    assert (tools / "omniprofile.exe").is_file()
    assert "no key lies outside the secret store" in _cmd(demo, home)
    assert _cmd("omniprofile schema --path", home).startswith(str(tmp_path / "tools")), "not what pip has installed"


def _cmd(line: str, home: Home) -> str:
    """Return what `cmd` prints for a line that a user types in the tree."""
    ran = subprocess.run(
        ["cmd", "/c", line], cwd=TREE, env=home.environ, stdin=subprocess.PIPE, capture_output=True, timeout=300, check=False
    )  # fmt: skip
    assert ran.returncode == 0, ran
    return ran.stdout.decode()


def test_every_everyday_command_prints_the_documented_output(files: Home) -> None:
    """Commands for `sh` in the README are run by `cmd` here."""
    home = files
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", "\n".join([*_lines("console"), ""]), re.MULTILINE)
    assert len(steps) > 15
    with Standin() as production, Standin() as staging:
        production.add_key(KEYS["PROD_KEY"])
        staging.add_key(KEYS["STAGING_KEY"])
        with Relay({"acme.omniapp.co": production, "acme-staging.omniapp.co": staging}) as relay:
            home.environ |= {**relay.environ, "ACME_OMNI_KEY": KEYS["PROD_KEY"]}
            for step, expected in steps:
                given, _, command = step.rpartition(" | ")
                stdin = KEYS[given.split("$")[1].rstrip('"')] if given else ""
                _, *argv = shlex.split(command)
                if "--" in argv:
                    at = argv.index("--")
                    assert argv[at + 1 : at + 3] == ["sh", "-c"], command
                    ran = home.exe(*argv[:at], "--", "cmd", "/c", "echo %OMNI_BASE_URL%")
                else:
                    ran = home.run(*argv, stdin=stdin)
                assert not expected or ran.out.splitlines() == expected.splitlines(), step
