"""The benchmarks run and print their tables. Their results are not checked."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_benchmark_runs(tmp_path: Path) -> None:
    script = Path(__file__).with_name("run.py")
    result = tmp_path / "result.json"
    ran = subprocess.run(
        [sys.executable, str(script), "--quick", "--environment", sys.prefix, "--json", str(result)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "| token; 3 profiles | ≤ 1.5 |" in ran.stdout
    assert "| `list`, `show`, `explain`, `lint` of 3 profiles | 13, 17 |" in ran.stdout
    assert "omniprofile.cli.fast_path" in ran.stdout
    assert {row["name"] for row in json.loads(result.read_text())["rows"]} >= {"bare interpreter", "list; 3 profiles"}


def test_the_benchmark_of_the_gateway_runs() -> None:
    script = Path(__file__).with_name("gateway.py")
    argv = [sys.executable, str(script), "--body", "8", "--rounds", "2"]
    ran = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "added: median ms: " in ran.stdout
    assert "resident MB, 200 connections: " in ran.stdout
