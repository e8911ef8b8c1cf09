"""No two modules import each other, not even inside a function or for types alone."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "omniprofile").rglob("*.py")
}


def imported_by(source: str) -> Iterator[str]:
    """Yield our modules that a module's source imports, except the package itself, which resolves its names lazily."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else node.module


def circle_in(imports: dict[str, set[str]]) -> list[str]:
    """Return the modules of an import cycle, or nothing."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as problem:
        return list(problem.args[1])
    return []


def test_no_modules_import_each_other() -> None:
    imports = {name: set(imported_by(path.read_text())) - {"omniprofile", name} for name, path in MODULES.items()}
    assert circle_in(imports) == []


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    from omniprofile.model.names import closest\n",
        "if TYPE_CHECKING:\n    from omniprofile.model import names\n",
        "import omniprofile.model.names\n",
    ],
)
def test_an_import_for_types_or_in_a_function_closes_a_circle(source: str) -> None:
    imports = {"omniprofile.model.names": {"omniprofile.errors"}, "omniprofile.errors": set(imported_by(source))}
    assert set(circle_in(imports)) == {"omniprofile.errors", "omniprofile.model.names"}
