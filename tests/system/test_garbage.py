"""Pausing the collector of cyclic garbage."""

import gc

import pytest

from omniprofile.system.garbage_collection import collection_paused


@pytest.mark.parametrize("collects", [True, False])
def test_the_collector_is_left_as_it_was_found(collects: bool) -> None:
    before = gc.isenabled()
    (gc.enable if collects else gc.disable)()
    try:
        with pytest.raises(ZeroDivisionError), collection_paused():
            _ = 1 // gc.isenabled()
        assert gc.isenabled() is collects
    finally:
        (gc.enable if before else gc.disable)()
