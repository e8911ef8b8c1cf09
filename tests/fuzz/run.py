"""Fuzzes one target with atheris: `python -m tests.fuzz.run TARGET [libFuzzer options] [FOLDER…]`.

`-runs=N` ends it after N executions. A crash leaves its input in the working folder; once fixed, add it to
`tests/fuzz/corpus/TARGET/`, which `test_corpus.py` runs. The target `every` is all of them: an input's first byte selects
one for the rest.
"""

import sys

import atheris

with atheris.instrument_imports(include=["omniprofile", "tomllib", "json", "dotenv", "urllib.parse", "email", "h11"]):
    from tests.fuzz.targets import TARGETS, every


def main() -> None:
    """Run the target in libFuzzer, which never returns."""
    targets = {**TARGETS, "every": every}
    if len(sys.argv) < 2 or sys.argv[1] not in targets:
        sys.exit(f"usage: python -m tests.fuzz.run {'|'.join(targets)} [libFuzzer options] [FOLDER…]")
    target = targets[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
