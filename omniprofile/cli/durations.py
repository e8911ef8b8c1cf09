"""Durations as people give them on the command line."""

import argparse
import re
from datetime import timedelta

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_LONGEST_WAIT = 24 * 3600.0
_LONGEST = 366 * 86400.0


def duration(text: str) -> float:
    """Return the seconds to wait, at most a day, that `30`, `30s`, `5m`, `5 min` or `2h` stands for. For argparse."""
    return _seconds(text, _LONGEST_WAIT)


def span(text: str) -> timedelta:
    """Return the time, at most a year, that `30s`, `10m`, `10min`, `2h` or `1d` stands for. For argparse."""
    return timedelta(seconds=_seconds(text, _LONGEST))


def _seconds(text: str, longest: float) -> float:
    found = re.fullmatch(r"\s*+([0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)\s*+(s|m|min|h|d|)\s*+", text)
    value = float(found[1]) * _UNITS[found[2]] if found else 0.0
    if not 0 < value <= longest:
        raise argparse.ArgumentTypeError("give a number of seconds, or a duration such as `30s`, `5m` or `2h`")
    return value
