"""Fixed samples of slow parametrized tests; `OMNIPROFILE_TEST_SWEEP=all` runs every case."""

import os
import random
from collections.abc import Iterable
from typing import TypeVar

Case = TypeVar("Case")
WHOLE = os.environ.get("OMNIPROFILE_TEST_SWEEP") == "all"
"""Whether every case is to run."""


def sample(cases: Iterable[Case], size: int, seed: str) -> list[Case]:
    """Return at most `size` of the cases, in their order, chosen by the seed."""
    whole = list(cases)
    if WHOLE or len(whole) <= size:
        return whole
    return [whole[at] for at in sorted(random.Random(seed).sample(range(len(whole)), size))]
