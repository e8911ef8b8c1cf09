"""The distributions: reproducible builds, the right content, and types for users."""

import configparser
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import omniprofile
from tests.programs import run_program

ROOT = Path(__file__).parents[2]


def _build(folder: Path, **environ: str) -> list[Path]:
    """Build sdist and wheel from a copy of what git tracks, in a new folder each time."""
    source = folder / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in filter(None, tracked.decode().split("\0")):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, source / name)
    built = folder / "dist"
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(built), str(source)]
    run_program(command, env={**os.environ, **environ}, check=True)
    return sorted(built.iterdir())


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The two archives of each of two builds."""
    return [*_build(tmp_path_factory.mktemp("one")), *_build(tmp_path_factory.mktemp("two"))]


def test_two_builds_are_the_same_bytes(built: list[Path]) -> None:
    sums = [hashlib.sha256(path.read_bytes()).hexdigest() for path in built]
    assert sums[:2] == sums[2:]


def test_the_index_would_take_them(built: list[Path]) -> None:
    run_program([sys.executable, "-m", "twine", "check", "--strict", *map(str, built[:2])], check=True)


def test_the_wheel_holds_the_package_its_license_and_its_own_start_up_script(built: list[Path]) -> None:
    wheel = next(path for path in built if path.suffix == ".whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("omniprofile/py.typed", "omniprofile/__main__.py", "omniprofile/schemas/omniprofile.schema.json"):
        assert name in names
    assert any(name.endswith("data/scripts/omniprofile") for name in names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    for page in (
        "man1/omniprofile.1",
        "man1/omniprofile-exec.1",
        "man5/omniprofile.toml.5",
        "man7/omniprofile-recipes.7",
    ):
        assert any(name.endswith(f"data/data/share/man/{page}") for name in names), page
    assert not [name for name in names if name.startswith("tests")]


def test_omni_of_our_own_can_be_run_where_the_wheel_is_installed(built: list[Path], tmp_path: Path) -> None:
    """Installed by pip and by uv, with an empty environment, it finds its interpreter from its own location."""
    wheel = next(path for path in built if path.suffix == ".whl")
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = ["--python", str(venv / "bin/python")]
    for installer in (
        ["pip", *python, "install", "--force-reinstall"],
        ["uv", "pip", "install", *python, "--reinstall", "--offline"],
    ):
        options = ["--no-deps", "--quiet", "--no-index"]
        subprocess.run([sys.executable, "-m", *installer, *options, str(wheel)], check=True)
        (shim,) = venv.glob("lib/python*/site-packages/omniprofile/shim")
        real = tmp_path / "real/omni"
        real.parent.mkdir(exist_ok=True)
        real.write_text("#!/bin/sh\necho real: $*\n")
        real.chmod(0o755)
        path = f"{shim}:{real.parent}:/usr/bin:/bin"
        ran = run_program(["env", "-i", f"PATH={path}", "sh", "-c", "omni --version"])
        assert (ran.stdout, ran.stderr) == ("real: --version\n", "")
        ran = run_program(["env", "-i", f"PATH={path}", f"{shim}/omni", "models"])
        assert (ran.returncode, ran.stdout) == (6, ""), ran.stderr
        assert (shim / "omni.cmd").read_bytes().count(b"\r\n") == 7


def test_the_wheel_for_windows_has_an_entry_point_and_no_script(tmp_path: Path) -> None:
    (wheel,) = (path for path in _build(tmp_path, OMNIPROFILE_BUILD_FOR="windows") if path.suffix == ".whl")
    assert wheel.name.endswith("-py3-none-win32.win_amd64.win_arm64.whl")
    archive = zipfile.ZipFile(wheel)
    (points,) = (name for name in archive.namelist() if name.endswith("/entry_points.txt"))
    written = configparser.ConfigParser()
    written.read_string(archive.read(points).decode())
    module, _, function = written["console_scripts"]["omniprofile"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))
    assert not [name for name in archive.namelist() if "data/scripts/" in name]


def test_the_source_archive_can_be_tested(built: list[Path]) -> None:
    archive = next(path for path in built if path.name.endswith(".tar.gz"))
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    for name in ("tests/all", "tests/conftest.py", "schemas/omniprofile.schema.json", "README.md", "LICENSE"):
        assert name in names


@pytest.mark.parametrize(("tool", "suffix"), [("uv tool", ".whl"), ("pipx", ".tar.gz")])
def test_a_tool_installs_the_command_into_a_fresh_home(
    tool: str, suffix: str, built: list[Path], tmp_path: Path
) -> None:
    archive = next(path for path in built if path.name.endswith(suffix))
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("OMNI", "XDG", "UV_TOOL", "PIPX"))
    }
    environ = {**kept, "HOME": str(tmp_path)}
    run_program([sys.executable, "-m", *tool.split(), "install", str(archive)], env=environ, check=True)
    command = str(tmp_path / ".local/bin/omniprofile")
    shown = run_program([command, "--version"], env=environ, check=True).stdout
    assert shown == f"omniprofile {omniprofile.__version__}\n"
    path = run_program([command, "schema", "--path"], env=environ, check=True).stdout
    committed = (ROOT / "schemas/omniprofile.schema.json").read_text()
    assert Path(path.strip()).read_text() == committed


def test_the_wheel_includes_types(built: list[Path], tmp_path: Path) -> None:
    wheel = next(path for path in built if path.suffix == ".whl")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")], check=True)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text(
        "import httpx\nimport omniprofile\n"
        "credential: omniprofile.Credential = omniprofile.resolve('staging')\n"
        "token: str = credential.token\n"
        "client = httpx.Client(base_url=credential.base_url, auth=omniprofile.Auth('staging'))\n"
    )
    bad.write_text("import omniprofile\nnumber: int = omniprofile.resolve('staging').token\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file", "/dev/null", "good.py", "bad.py"]
    command += ["--python-executable", str(tmp_path / "venv/bin/python"), "--cache-dir", str(tmp_path / "cache")]
    ran = run_program(command, cwd=tmp_path)
    assert ran.stdout.splitlines()[:-1] == [
        'bad.py:2: error: Incompatible types in assignment (expression has type "str", variable has type "int")  [assignment]'
    ], ran.stdout + ran.stderr
