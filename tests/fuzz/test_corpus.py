"""Runs every input that fuzzing ever found, and the first few hundred executions of each target; `run.py` runs more."""

import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS
from tests.programs import run_program
from tests.sampling import WHOLE

CORPUS = Path(__file__).with_name("corpus")
ROOT = Path(__file__).parents[2]
RUNS = 20_000 if WHOLE else 300


def test_every_target_has_seeds() -> None:
    assert {folder.name for folder in CORPUS.iterdir()} == set(TARGETS)


@pytest.mark.parametrize(("name", "seed"), [(p.parent.name, p.name) for p in sorted(CORPUS.glob("*/*"))])
def test_inputs_of_fixed_faults_stay_fixed(name: str, seed: str) -> None:
    TARGETS[name]((CORPUS / name / seed).read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_any_bytes_are_answered(name: str) -> None:
    @settings(max_examples=60)
    @given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
    @example(b"")
    def run(data: bytes) -> None:
        TARGETS[name](data)

    run()


def test_the_fuzzer_runs(tmp_path: Path) -> None:
    """All targets run in one process, because instrumenting takes longer than these few executions."""
    pytest.importorskip("atheris", reason="atheris is made for CPython on Linux, and for some versions alone")
    seeds, found = tmp_path / "seeds", tmp_path / "found"
    seeds.mkdir()
    found.mkdir()
    for number, name in enumerate(TARGETS):
        for seed in (CORPUS / name).iterdir():
            (seeds / f"{name}-{seed.name}").write_bytes(bytes([number]) + seed.read_bytes())
    ran = run_program(
        [sys.executable, "-m", "tests.fuzz.run", "every", f"-runs={RUNS}", "-seed=1", str(found), str(seeds)],
        cwd=ROOT,
        errors="replace",
        check=True,
        timeout=3600 if WHOLE else 300,
    )
    assert f"Done {RUNS} runs" in ran.stderr
