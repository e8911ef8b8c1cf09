"""Every input that fuzzing ever found, and a first few hundred executions of each target: `run.py` is for the many."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")
ROOT = Path(__file__).parents[2]


def test_every_target_has_seeds() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize(("name", "seed"), [(p.parent.name, p.name) for p in sorted(CORPUS.glob("*/*"))])
def test_what_was_found_stays_mended(name: str, seed: str) -> None:
    TARGETS[name]((CORPUS / name / seed).read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_answered(name: str) -> None:
    @settings(max_examples=60)
    @given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
    @example(b"")
    def run(data: bytes) -> None:
        TARGETS[name](data)

    run()


@pytest.mark.parametrize("name", TARGETS)
def test_the_fuzzer_runs(name: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris is made for CPython on Linux, and for some versions alone")
    ran = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.run", name, "-runs=300", "-seed=1", str(tmp_path), str(CORPUS / name)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    assert "Done 300 runs" in ran.stderr
