"""Samples of what is slow to test whole: the same ones in every run, and all with `OMNIPROFILE_TEST_SWEEP=all`."""

import os
import random
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")
WHOLE = os.environ.get("OMNIPROFILE_TEST_SWEEP") == "all"
"""Whether all is asked for."""


def sample(cases: Iterable[Case], size: int, seed: str) -> list[Case]:
    """At most `size` of the cases, in their order; the seed says which."""
    whole = list(cases)
    if WHOLE or len(whole) <= size:
        return whole
    return [whole[at] for at in sorted(random.Random(seed).sample(range(len(whole)), size))]
