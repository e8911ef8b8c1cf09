"""The first look at data agrees with the models: what it lets pass, they have nothing against."""

import runpy
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omniprofile.config.fit import fits
from omniprofile.config.schema import Pin, ProfilesFile, objections
from omniprofile.config.shape import PIN, PROFILES
from omniprofile.config.toml.text import Document

RENEW = runpy.run_path(str(Path(__file__).with_name("renew_shape.py")))

odd: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, False, 0, 1, 30, -1, 601, 1.0, 0.5, float("nan"), float("inf"), "", "x", "a b", "prod", "prod\n", "é", "A_B",
     "\0", "file", "oauth", "https://acme.omniapp.co", "https://u:p@acme.omniapp.co", "acme.omniapp.co", "user", [], ["x"],
     ["", "x"], [1], ["bi.acme.example"], {}, {"env": "KEY"}, {"env": "KEY", "file": "x"}, {"keyring": True}, date(2026, 1, 1),
     {"command": ["op"], "timeout": 600}, {"command": []}, {"OMNI_API_TOKEN": "x"}, {"TEAM": "a\0"}, {"TEAM": "a"}, {"a b": "x"}]
)  # fmt: skip


def _mostly(good: st.SearchStrategy[Any], bad: st.SearchStrategy[Any] = odd) -> st.SearchStrategy[Any]:
    return st.sampled_from([good] * 15 + [bad]).flatmap(lambda chosen: chosen)


def _data(shape: Any) -> st.SearchStrategy[Any]:
    """Data of a shape, now and then with something odd in its place."""
    kind, *parts = shape
    match kind:
        case "table":
            good = st.fixed_dictionaries({}, optional={name: _data(field) for name, field in parts[0].items()})
            return _mostly(
                good, st.builds(lambda table, key, value: {**table, key: value}, good, st.sampled_from("xyz"), odd)
            )
        case "rule":
            right = {
                "base_url": st.sampled_from(["https://acme.omniapp.co", "http://127.0.0.1:8000/"]),
                "host": st.just("bi.acme.example"),
            }
            return _mostly(right[parts[0]]) if parts[0] in right else _data(parts[1])
        case "text":
            return _mostly(st.sampled_from(["prod", "ci", "A_1", "x" * 64, "x" * 65]))
        case "one":
            return _mostly(st.sampled_from(parts[0]))
        case "bool":
            return _mostly(st.booleans())
        case "number":
            return _mostly(st.sampled_from([1, 30.5, parts[1], parts[0]]))
        case "list":
            return _mostly(st.lists(_data(parts[0]), max_size=2))
        case "map":
            return _mostly(
                st.dictionaries(st.sampled_from(["prod", "ci", "A", "a b", "-"]), _data(parts[1]), max_size=2)
            )
        case "either":
            return st.one_of([_data(choice) for choice in parts[0].values()]) | odd
    raise AssertionError(kind)


def test_what_fits_is_what_the_models_accept() -> None:
    seen: Counter[bool] = Counter()

    @given(_data(PROFILES))
    @settings(max_examples=800, deadline=None)
    def agrees(data: Any) -> None:
        if not isinstance(data, dict):
            return
        good = fits(data, PROFILES)
        seen[good] += 1
        found = objections(data, ProfilesFile)
        assert not (good and found), found

    agrees()
    assert min(seen.values()) > 50, seen


@given(_data(PIN))
@settings(max_examples=200, deadline=None)
def test_a_pin_that_fits_is_one_that_the_model_accepts(data: Any) -> None:
    if isinstance(data, dict):
        assert not (fits(data, PIN) and objections(data, Pin))


@pytest.mark.parametrize(
    "path", sorted((Path(__file__).parents[1] / "corpus/good").rglob("*.toml")), ids=lambda p: p.stem
)
def test_files_as_people_write_them_need_no_model(path: Path) -> None:
    assert fits(Document.read(str(path)).data, PROFILES)


def test_the_committed_shape_is_fresh() -> None:
    assert RENEW["FILE"].read_text(encoding="utf-8") == RENEW["source"](), (
        "renew it: python tests/config/renew_shape.py"
    )
