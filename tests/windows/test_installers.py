"""What installers make of the wheel for Windows. The other tests run what pip has installed."""

import os
import subprocess
import sys
from pathlib import Path

import omniprofile

ROOT = Path(sys.executable).parents[1]
UV = Path(sys.executable).parent / "Lib" / "site-packages" / "bin" / "uv.exe"


def test_uv_tool_installs_the_command(tmp_path: Path) -> None:
    (wheel,) = (ROOT / "dist").glob("*.whl")
    places = {f"UV_{name}": str(tmp_path / name) for name in ("TOOL_DIR", "TOOL_BIN_DIR", "CACHE_DIR")}
    environ = {**os.environ, **places, "UV_NO_INDEX": "1", "UV_OFFLINE": "1", "UV_LINK_MODE": "copy"}
    wheels = ["--no-config", "--find-links", str(ROOT / "wheels")]
    _run([str(UV), "tool", "install", *wheels, "--python", sys.executable, str(wheel)], environ)
    command = tmp_path / "TOOL_BIN_DIR" / "omniprofile.exe"
    assert _run([str(command), "--version"], environ).split() == ["omniprofile", omniprofile.__version__]
    line = ["cmd", "/c", "omniprofile schema --path"]
    path = _run(line, {**environ, "PATH": f"{command.parent};{os.environ['PATH']}"}).strip()
    assert path.startswith(str(tmp_path / "TOOL_DIR")), (
        "found by its bare name, it runs from the tool's own environment"
    )


def _run(argv: list[str], environ: dict[str, str]) -> str:
    ran = subprocess.run(argv, env=environ, stdin=subprocess.PIPE, capture_output=True, timeout=120, check=False)
    assert ran.returncode == 0, ran
    return ran.stdout.decode()
