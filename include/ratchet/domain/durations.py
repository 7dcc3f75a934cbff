"""Durations as people write them in a spec: `30m`, `6h`, `28d`, `2w`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHAPE = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def parse_duration(value: Any) -> timedelta:
    """Read `6h` and the like; a `timedelta` passes through.

    Raises:
        ValueError: The text is not a number followed by one of s, m, h, d, w, or is longer than a timedelta can be.
    """
    if isinstance(value, timedelta):
        return value
    match = _SHAPE.fullmatch(str(value).strip())
    if match is None:
        message = f"found {value!r}; allowed is a number and a unit of s, m, h, d, w, such as 6h or 28d"
        raise ValueError(message)
    try:
        return timedelta(**{_UNITS[match[2]]: float(match[1])})
    except OverflowError:
        message = f"found {value!r}; allowed are at most {timedelta.max.days} days"
        raise ValueError(message) from None


def format_duration(value: timedelta) -> str:
    """Write a duration in the largest unit that keeps it whole."""
    if value.microseconds:
        return f"{value.total_seconds():.6f}".rstrip("0") + "s"
    seconds = int(value.total_seconds())
    for unit, size in (("w", 604800), ("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
