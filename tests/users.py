"""Other users of this machine, for tests that run as root."""

import itertools
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def another_user(*, squatted: bool = False) -> Iterator[int]:
    """Give the number of a user that no other test has meanwhile, whoever else runs tests here.

    It is taken by making the folder for that user's locks, which can be made once. The folder is the user's, or root's if it
    is `squatted`.
    """
    for uid in itertools.count(56_000):
        folder = Path(f"/tmp/omniprofile-{uid}")
        with suppress(FileExistsError):
            folder.mkdir(mode=0o755 if squatted else 0o700)
            break
    try:
        if not squatted:
            os.chown(folder, uid, uid)
        yield uid
    finally:
        shutil.rmtree(folder)
