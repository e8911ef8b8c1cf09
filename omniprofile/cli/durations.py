"""Durations as people give them on the command line."""

import argparse

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_LONGEST = 24 * 3600.0


def duration(text: str) -> float:
    """Return the seconds that `30`, `30s`, `5m`, `5 min` or `2h` stands for. For argparse."""
    number = text.strip().rstrip("hmins ")
    try:
        value = float(number) * _UNITS[text.strip()[len(number) :].strip()]
    except (ValueError, KeyError):
        value = 0.0
    if not 0 < value <= _LONGEST:
        raise argparse.ArgumentTypeError(
            "a number of seconds, more than 0, or a duration like `30s`, `5m` or `2h` is needed"
        )
    return value
