"""Every regular expression takes linear time for any text, because files, answers and variables are untrusted.

The patterns are found in the code: each call of `re`, each `pattern=` of a model. Each is tried on texts derived from it,
which repeat what its quantifiers match and end in a mismatch, and on as many general ones.
A run of the tests takes a sample of the texts; `OMNIPROFILE_TEST_SWEEP=all` takes all.
"""

import ast
import importlib.util
import inspect
import pkgutil
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]  # what a pattern is made of
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import pytest

import omniprofile
from tests.growth import MOST, growth
from tests.sampling import sample

FUNCTIONS = ("compile", "match", "search", "fullmatch", "sub", "subn", "split", "findall", "finditer")
ALL_USES = ("fullmatch", "match", "finditer")


@dataclass(frozen=True)
class Pattern:
    """A regular expression, its place, and how it is used."""

    place: str
    text: str
    flags: int
    uses: tuple[str, ...]


def _modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(omniprofile.__path__, "omniprofile."):
        if found.name.startswith("omniprofile.system.windows.") and sys.platform != "win32":
            spec = importlib.util.find_spec(found.name)
            assert spec is not None
            assert spec.origin is not None
            # Such a module cannot be imported here, and a pattern in it would not be found.
            assert "import re\n" not in Path(spec.origin).read_text(encoding="utf-8")
        elif not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def _patterns() -> Iterator[Pattern]:
    modules = {module: ast.parse(inspect.getsource(module)) for module in _modules()}
    uses: dict[str, set[str]] = {}
    for tree in modules.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in FUNCTIONS and isinstance(node.value, ast.Name):
                uses.setdefault(node.value.id, set()).add(node.attr)
    for module, tree in modules.items():
        named = {
            id(node.value): uses.get(target.id, set())
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):  # `re.compile(…).match(…)`
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
                named[id(node.value)] = {node.attr}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "re":
                raise AssertionError(f"{module.__name__}:{node.lineno}: write `re.…`, so that the pattern is found")
            if isinstance(node, ast.Call):
                yield from _of_call(module, node, named.get(id(node), set()))


def _of_call(module: ModuleType, call: ast.Call, known: set[str]) -> Iterator[Pattern]:
    function = call.func
    place = f"{module.__name__}:{call.lineno}"
    for keyword in call.keywords:
        if keyword.arg == "pattern":
            yield Pattern(place, _value(module, keyword.value, place), 0, ALL_USES)
    if not (isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "re"):
        return
    if function.attr not in FUNCTIONS:
        return
    flags = next((word.value for word in call.keywords if word.arg == "flags"), None)
    if flags is None and function.attr == "compile" and len(call.args) > 1:
        flags = call.args[1]
    direct = {function.attr} - {"compile"}
    yield Pattern(
        place,
        _value(module, call.args[0], place),
        int(_value(module, flags, place)) if flags else 0,
        _uses(direct or known),
    )


def _uses(methods: set[str]) -> tuple[str, ...]:
    """Return the most demanding uses of a pattern; those that search stand for one another."""
    anchored = tuple(sorted(methods & {"match", "fullmatch"}))
    return (*anchored, "finditer") if methods - {"match", "fullmatch"} else anchored or ALL_USES


def _value(module: ModuleType, node: ast.expr, place: str) -> Any:
    try:
        value = eval(compile(ast.Expression(node), place, "eval"), {**vars(module), "re": re})
    except NameError as problem:
        raise AssertionError(f"{place}: make the pattern a constant of the module, so that it is found") from problem
    return value.decode("latin-1") if isinstance(value, bytes) else value


FAVOURITES = " a0-.\"'\\#=,[\n"
GENERAL = (
    " ", "\t", "a", "0", ", ", "=", "= ", "a.", "a=", "a = 1, ", "<", "/", "//", "@", "$", "\u00e9", "\0", "# ", "a ", " =",
    '"', "'", '"""', "'''", "\\", '\\"', "#", "[", "{", "(", "]", "}", ",",
    ":", "-", "a-", "\r", "\n", "\r\n", " \n", "[[", "{a=", "[1,", "1, ",
)  # fmt: skip
SHORTEST, LONGEST = 1024, 4096
SAMPLE = 40
ENDS = ("", "!", "\n")


def _texts(pattern: Pattern) -> list[tuple[str, str, str]]:
    """Return hard texts for the pattern, as beginning, repeated part and end."""
    tree = parser.parse(pattern.text, pattern.flags)
    found: dict[tuple[str, str], None] = {}
    for favourite in FAVOURITES:
        for before, repeated in _pumps(tree, "", favourite):
            if 0 < len(repeated) <= 200:
                found[before[-200:], repeated] = None
    found.update(dict.fromkeys(("", repeated) for repeated in GENERAL))
    return [(before, repeated, end) for before, repeated in found for end in ENDS]


def _pumps(tree: Iterable[Any], before: str, favourite: str) -> Iterator[tuple[str, str]]:
    """Yield the text before each repeat of a pattern with the repeated text, and each prefix repeated."""
    here = ""
    for code, value in tree:
        for inner in _inner(code, value):
            yield from _pumps(inner, before + here, favourite)
        if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            yield before + here, _sample(value[2], favourite)
        here += _sample([(code, value)], favourite)
        yield before, here


def _inner(code: Any, value: Any) -> list[Any]:
    if code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        return [value[2]]
    if code is op.SUBPATTERN:
        return [value[3]]
    if code is op.ATOMIC_GROUP:
        return [value]
    if code is op.BRANCH:
        return list(value[1])
    return [value[1]] if code in (op.ASSERT, op.ASSERT_NOT) else []


def _sample(tree: Iterable[Any], favourite: str) -> str:
    """Return a text that the pattern matches, made of its favourite character where possible."""
    text = ""
    for code, value in tree:
        if code is op.LITERAL:
            text += chr(value)
        elif code in (op.IN, op.ANY, op.NOT_LITERAL):
            text += _character(code, value, favourite)
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            text += _sample(value[2], favourite) * min(max(value[0], 1), 20)
        elif code is op.BRANCH:
            samples = [_sample(branch, favourite) for branch in value[1]]
            text += next((sample for sample in samples if favourite in sample), samples[0])
        elif code not in (op.ASSERT, op.ASSERT_NOT):
            text += "".join(_sample(inner, favourite) for inner in _inner(code, value))
    return text


def _character(code: Any, value: Any, favourite: str) -> str:
    one = re._compiler.compile(parser.SubPattern(parser.State(), [(code, value)]))  # type: ignore[attr-defined]
    own = [chr(member) for kind, member in (value if code is op.IN else ()) if kind is op.LITERAL]
    everything = (favourite, *FAVOURITES, *own, *map(chr, range(127)))
    return next(str(char) for char in everything if one.fullmatch(char))


def _work(pattern: Pattern, use: str, before: str, repeated: str, end: str) -> Callable[[int], Callable[[], object]]:
    function = getattr(re.compile(pattern.text, pattern.flags), use)

    def prepared(size: int) -> Callable[[], object]:
        text = before + repeated * (size // len(repeated) + 1) + end
        return (lambda: sum(1 for _ in function(text))) if use == "finditer" else (lambda: function(text))

    return prepared


def test_every_pattern_takes_linear_time() -> None:
    patterns = list(_patterns())
    assert len(patterns) > 20
    assert len({found.place.partition(":")[0] for found in patterns}) > 10
    slow = []
    for pattern in patterns:
        for use in pattern.uses:
            for before, repeated, end in sample(_texts(pattern), SAMPLE, pattern.text + use):
                if growth(_work(pattern, use, before, repeated, end), SHORTEST, LONGEST, patience=2.0) > MOST:
                    slow.append(f"{pattern.place} by `{use}` on {before!r}, {repeated!r} again and again, {end!r}")
    assert not slow


def _possessive_groups(tree: Iterable[Any]) -> Iterator[Any]:
    """Yield each possessive repeat of several characters. Python before 3.11.5 matches it wrongly (python/cpython#106052)."""
    one = (op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY)
    for code, value in tree:
        if code is op.POSSESSIVE_REPEAT and [inner for inner, _ in value[2]] not in ([kind] for kind in one):
            yield value
        for inner in _inner(code, value):
            yield from _possessive_groups(inner)


def test_no_pattern_has_a_possessive_group() -> None:
    """Write `(?>(?:…)*)` in place of `(?:…)*+`."""
    found = [
        pattern.place for pattern in _patterns() if any(_possessive_groups(parser.parse(pattern.text, pattern.flags)))
    ]
    assert not found
    assert any(_possessive_groups(parser.parse("x(?:a|bc)*+", 0)))


BAD = (
    r"a*b", r"\s*,\s*$", r"(?:a|a)*b", r"(a+)+$", r'"(?:[^"\\]|\\.)*"', r"[ \t]*#?[ \t]*!", r"#\s*x:\[[^\]]*\]",
    r"\{.*,\s*\}", r"^\s*\[\[?[\w. -]*\]*\s*$",
)  # fmt: skip


@pytest.mark.parametrize("bad", sample(BAD, 3, "bad patterns"))
def test_one_that_is_not_linear_is_caught(bad: str) -> None:
    pattern = Pattern("here", bad, re.DOTALL, ("finditer",))
    works = [_work(pattern, "finditer", *text) for text in _texts(pattern)]
    assert any(growth(work, SHORTEST, LONGEST, patience=0.3) > MOST for work in works)
