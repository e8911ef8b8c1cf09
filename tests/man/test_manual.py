"""The manual: up to date, without warnings from two readers of man(7), installed where `man` looks, and correct."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import reference

from omniprofile.cli import exit_statuses
from omniprofile.cli.registry import COMMANDS
from omniprofile.model.provenance import Layer
from tests.man.programs import needs
from tests.programs import run_program

ROOT = Path(__file__).parents[2]
MAN = ROOT / "man"
PAGES = sorted([*MAN.glob("*.[157]"), *MAN.glob("commands/*.1")])


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("man")
    command = [sys.executable, str(MAN / "generate.py"), str(folder)]
    run_program(command, check=True)
    return folder


def test_the_committed_pages_are_fresh(generated: Path) -> None:
    made = {str(path.relative_to(generated)): path.read_text() for path in generated.rglob("*.*")}
    committed = {str(path.relative_to(MAN)): path.read_text() for path in (*PAGES, MAN / "reference.md")}
    assert sorted(made) == sorted(committed), "renew them: python man/generate.py"
    stale = [name for name in made if made[name] != committed[name]]
    assert not stale, "renew them: python man/generate.py"


def test_every_command_has_a_page_and_a_line_on_the_first_one() -> None:
    overview = (MAN / "omniprofile.1").read_text()
    for command in COMMANDS:
        assert (MAN / f"commands/omniprofile-{command.name}.1").exists()
        assert f"\n\\fB{command.name}\\fR\n" in overview


def test_the_first_page_names_every_topic_and_the_wheel_installs_it() -> None:
    overview = (MAN / "omniprofile.1").read_text().replace("\\-", "-")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    installed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    for page in MAN.glob("*.7"):
        assert f"\n.BR {page.stem} (7)" in overview
        assert installed[f"man/{page.name}"] == f"share/man/man7/{page.name}"


def test_mandoc_has_nothing_to_say() -> None:
    """Style warnings included."""
    ran = run_program([needs("mandoc"), "-Tlint", *map(str, PAGES)])
    assert ran.stdout + ran.stderr == ""


def test_groff_has_no_warning() -> None:
    command = [needs("groff"), "-ww", "-man", "-Tutf8", "-z", *map(str, PAGES)]
    ran = run_program(command)
    assert ran.stderr == ""


def test_man_finds_and_renders_a_page_of_the_environment(tmp_path: Path) -> None:
    """The wheel installs it into the environment's `share/man`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for source, target in project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"].items():
        (tmp_path / target).parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, tmp_path / target, dirs_exist_ok=True)
        else:
            shutil.copy(ROOT / source, tmp_path / target)
    manpath = str(tmp_path / "share/man")
    for arguments, shows in (
        (["omniprofile"], "Switch to a profile."),
        (["omniprofile-exec"], "omniprofile exec staging -- omni whoami whoami"),
        (["omniprofile.toml"], "[profiles.staging.env]"),
        (["7", "omniprofile-recipes"], 'profile = "staging"'),
    ):
        ran = run_program(
            [needs("man"), "-M", manpath, *arguments],
            env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LANG": "C.UTF-8"},
        )
        assert shows in re.sub(".\b", "", ran.stdout), ran.stderr


def test_the_example_of_the_file_page_lints_clean(tmp_path: Path) -> None:
    from omniprofile.checks.lint import lint

    page = (MAN / "omniprofile.toml.5").read_text()
    example = re.search(r"\.SH EXAMPLE\n.*?\.nf\n(.*?)\.fi", page, re.DOTALL)
    assert example
    plain = example[1].replace("\\&", "").replace("\\-", "-").replace("\\e", "\\")
    file = tmp_path / "profiles.toml"
    file.write_text(plain)
    assert "[profiles.staging.env]" in plain
    assert lint([str(file)], home="/") == []


def test_the_layers_of_the_reference_are_in_the_order_of_the_code() -> None:
    order = list(Layer)
    selection = [layer for layer, _ in reference.SELECTION]
    assert [order.index(layer) for layer in selection] == sorted(order.index(layer) for layer in selection)
    values = [layer for layers, _, _ in reference.VALUES for layer in layers]
    assert [order.index(layer) for layer in values] == sorted(order.index(layer) for layer in values)
    assert set(selection) | set(values) | {Layer.STORE} == set(Layer)


def test_every_variable_of_the_code_is_in_the_reference() -> None:
    documented = {name.strip() for names, _ in reference.VARIABLES for name in names.split(",")}
    sources = list((ROOT / "omniprofile").rglob("*.py"))
    read = {name for path in sources for name in re.findall(r'"(OMNIPROFILE_[A-Z_]*[A-Z])"', path.read_text())}
    read |= {
        "OMNI_PROFILE",
        "OMNI_API_TOKEN",
        "OMNI_API_KEY",
        "OMNI_BASE_URL",
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR_FORCE",
    }
    read |= {"GITHUB_ENV"}
    assert read <= documented, read - documented


def test_every_exit_status_is_in_the_reference() -> None:
    defined = {value for name, value in vars(exit_statuses).items() if name.isupper() and isinstance(value, int)}
    rare = {exit_statuses.BROKEN_PIPE, exit_statuses.COMMAND_NOT_FOUND, exit_statuses.COMMAND_NOT_RUNNABLE}
    assert [status for status, _ in reference.EXIT_STATUSES] == sorted(defined - rare)
    assert "127 when the command is not found, 126 when it cannot be run" in reference.EXEC_STATUS
