"""The import rules, and the import budget of each class of commands.

A command that answers a shell prompt must not load what it does not use: importing a single library can take as long as
starting the interpreter. If a test here fails after your change, import the heavy library
inside the function that needs it, or behind its door; do not raise the budget.
"""

import ast
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from omniprofile.cli.registry import COMMANDS, HIDDEN
from omniprofile.credentials.file_store import FileStore
from omniprofile.model.declaration import Identity
from tests.credentials.conftest import make_secret
from tests.programs import run_program

ROOT = Path(__file__).parents[2]
HEAVY = (
    "pydantic", "prompt_toolkit", "httpx", "keyring", "tomlkit", "rich", "importlib.metadata", "platformdirs",
    "secrets", "ssl",
)  # fmt: skip


KEEP = "from omniprofile.config import snapshot; snapshot._SETTLED = 0"
"""Run once first, so that a slow machine does not read the files again."""


def _write_profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """Make `one` the only profile, with this line for its credential. The variable `KEY` holds a key."""
    file = tmp_path / "profiles.toml"
    file.write_text(f'[profiles.one]\nbase_url = "https://acme.omniapp.co"\n{key}\n')
    monkeypatch.setenv("OMNIPROFILE_CONFIG", str(file))
    monkeypatch.setenv("KEY", "k")


def loaded_after(code: str) -> set[str]:
    """Return the modules that a process loads to run `code`."""
    script = f"import sys; before = set(sys.modules)\n{code}\nprint(*sorted(set(sys.modules) - before))"
    ran = run_program([sys.executable, "-c", script], check=True)
    return set(ran.stdout.split())


def test_import_contracts_hold() -> None:
    run_program([str(Path(sys.executable).with_name("lint-imports")), "--no-logo"], cwd=ROOT, check=True)


def test_the_package_itself_loads_nothing() -> None:
    loaded = loaded_after("import omniprofile; omniprofile.__version__")
    ours = {name for name in loaded if name.startswith("omniprofile")}
    assert ours == {"omniprofile"}
    assert not loaded & {"argparse", "json", "re", "dataclasses", "typing"}


@pytest.mark.parametrize("module", [command.module for command in COMMANDS if command.name != "demo"])
def test_no_command_module_loads_a_heavy_library_by_being_imported(module: str) -> None:
    loaded = loaded_after(f"import omniprofile.cli.main, {module}")
    assert not loaded & set(HEAVY)


SHORT = {
    "current": {
        "cli.everyday_forms",
        "cli.fast_path",
        "cli.stream",
        "config.selection",
        "config.paths",
        "config.pin",
        "config.snapshot",
        "config.state",
        "system.foreign_access",
        "system.files",
    },
    # `not_a_key` checks keys of an unknown form, such as personal tokens; it imports nothing.
    "token": {
        "credentials.env_variables",
        "credentials.fast_obtain",
        "credentials.key_check",
        "credentials.sources",
        "model.not_a_key",
        "model.secret",
        "system.audit",
    },
    "env": {
        "cli.fast_handover",
        "handover.calling_shell",
        "handover.shell_syntax",
        "handover.variables",
        "model.credential_variables",
        "transfer.omni_config_path",
    },
    "exec -- true": {
        "handover.child_credential",
        "handover.real_omni",
        "handover.rival_dotenv",
        "handover.run_in_place",
        "system.programs",
    },
}
"""Our modules that each everyday command loads in addition to those of the commands before it. No library is among them."""


@pytest.mark.parametrize("command", SHORT)
def test_an_everyday_command_loads_only_modules_that_need_nothing(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module added to the fast path slows every prompt and wrapper; those of the standard library cost more."""
    _write_profile(tmp_path, monkeypatch, 'key = { env = "KEY" }')
    argv = ["omniprofile", *command.split()]
    # Return instead of replacing the process.
    run = f"import os, sys; os.execvpe = print; sys.argv = {argv}; {KEEP}; from omniprofile.cli.fast_path import run"
    loaded_after(f"{run}; run()")
    loaded = loaded_after(f"{run}; sys.stdout = sys.stderr; run(); sys.stdout = sys.__stdout__")
    ours = {name.removeprefix("omniprofile.") for name in loaded if name.count(".") > 1}
    order = list(SHORT)
    allowed = set().union(*(SHORT[name] for name in order[: order.index(command) + 1]))
    assert ours - {"model.names", "model.compiled_profile", "model.export_mark", "model.variable_names"} <= allowed
    foreign = {name for name in loaded if not name.startswith("omniprofile")}
    assert foreign <= {"binascii", "time", "marshal"}, "each costs every prompt and wrapper"


STORED = {"credentials.envelope", "credentials.file_store", "model.freshness", "model.times"}
"""Our modules that a fresh session in the file store adds to those of `token`; of the standard library, only `datetime`."""


def test_a_session_in_the_file_store_loads_no_more_than_its_dates_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither `json`, which imports `re`, nor `dataclasses`, which imports `inspect`."""
    _write_profile(tmp_path, monkeypatch, 'auth = "oauth"')
    monkeypatch.setenv("OMNIPROFILE_SECRET_STORE", "file")
    monkeypatch.setenv("OMNIPROFILE_STATE_DIR", str(tmp_path / "state"))
    now = datetime.now(UTC)
    session = make_secret(session=True)
    FileStore(str(tmp_path / "state")).put(
        "one", replace(session, stored_at=now, expires_at=now + timedelta(hours=1), identity=Identity("Ann"))
    )
    run = f"import sys; sys.argv = ['omniprofile', 'token']; {KEEP}; from omniprofile.cli.fast_path import run"
    loaded_after(f"{run}; run()")
    loaded = loaded_after(f"{run}; sys.stdout = sys.stderr; run(); sys.stdout = sys.__stdout__")
    ours = {name.removeprefix("omniprofile.") for name in loaded if name.count(".") > 1}
    assert ours - {"model.names", "model.compiled_profile", "model.export_mark", "model.variable_names"} <= (
        SHORT["current"] | SHORT["token"] | STORED
    )
    foreign = {name for name in loaded if not name.startswith("omniprofile")}
    dates = {"datetime", "_datetime", "math", "operator", "_operator"}
    assert foreign - dates <= {"binascii", "time", "marshal", "_json"}


@pytest.mark.parametrize("line", ["current", "list", "show one", "explain one"])
@pytest.mark.parametrize("fresh", [False, True], ids=["after an edit", "unchanged"])
def test_unchanged_files_load_neither_models_nor_parser(
    line: str, fresh: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Importing pydantic and the models takes as long as ten bare interpreters; only the first command after an edit may."""
    _write_profile(tmp_path, monkeypatch, 'key = { env = "KEY" }')
    command = f"import sys; sys.argv = ['omniprofile', *{line.split()!r}]; from omniprofile.cli.fast_path import run"
    if fresh:
        loaded_after(f"{KEEP}; {command}; run()")
    loaded = loaded_after(f"{KEEP}; {command}; sys.stdout = sys.stderr; run(); sys.stdout = sys.__stdout__")
    assert not loaded & {"httpx", "keyring", "tomlkit", "importlib.metadata", "omniprofile.config.schema.violations"}
    if line == "current":  # writes the snapshot, and needs no credential
        assert not loaded & {
            "omniprofile.model.credential",
            "omniprofile.model.stored",
            "omniprofile.credentials.status",
        }
    assert {"pydantic", "tomllib"} <= loaded or (fresh and not loaded & {"pydantic", "tomllib"})


@pytest.mark.skipif(sys.platform == "win32", reason="needs `true`")
def test_each_starts_its_commands_without_what_dataclasses_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`inspect`, `ast` and `tokenize` would take a fifth of the time before the first command runs."""
    _write_profile(tmp_path, monkeypatch, 'key = { env = "KEY" }')
    run = f"import sys; {KEEP}; sys.stdout = sys.stderr; from omniprofile.cli.fast_path import run; sys.argv = "
    loaded_after(f"{run}['omniprofile', 'list']; run(); sys.stdout = sys.__stdout__")
    each = f"{run}['omniprofile', 'each', 'one', '--', 'true']; assert run() == 0; sys.stdout = sys.__stdout__"
    assert not loaded_after(each) & {"dataclasses", "inspect", "logging", "json", "pydantic"}


def test_the_registry_names_every_command_module() -> None:
    modules = {path.stem for path in (ROOT / "omniprofile/cli/commands").glob("*.py")} - {"__init__"}
    assert modules == {command.module.rpartition(".")[2] for command in COMMANDS + HIDDEN}


def test_only_the_command_line_prints() -> None:
    for path in (ROOT / "omniprofile").rglob("*.py"):
        calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        printing = any(isinstance(function, ast.Name) and function.id == "print" for function in calls)
        assert not printing or path.name == "demo.py", path


AROUND = {"os.environ", "os.environb", "os.getenv", "sys.stdin", "sys.stdout", "sys.stderr", "sys.argv"}


def test_one_module_below_the_command_line_reads_the_environment() -> None:
    allowed = {"environment.py", "demo.py", "__main__.py"}
    for path in (ROOT / "omniprofile").rglob("*.py"):
        if path.name in allowed or "cli" in path.relative_to(ROOT).parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                read = {f"{node.module}.{name.name}" for name in node.names}
            else:
                read = {ast.unparse(node)} if isinstance(node, ast.Attribute) else set()
            assert not read & AROUND, f"{path} reads {read}"
