"""Find at once that a large request is right: value by value 160,000 of them would take longer than their prediction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import NoneType
from typing import Any

from include.ratchet.domain.modelspec import Columns
from include.ratchet.serving.frames import FEW

MAX_ROWS = 10_000


def sound(content: Any, columns: Columns) -> dict[str, list[Any]] | None:
    """Return the rows as columns where all of them are surely right; None says look closer, `checks` names the faults."""
    if not isinstance(content, dict) or len(content) != 1:
        return None
    form, rows = next(iter(content.items()))
    found = _transposed(rows, columns) if form == "records" else rows if form == "columns" else None
    if not isinstance(found, dict) or found.keys() != set(columns.features):
        return None
    first = next(iter(found.values()))
    if not isinstance(first, list) or not FEW < len(first) <= MAX_ROWS:
        return None
    right = all(
        isinstance(found[name], list)
        and len(found[name]) == len(first)
        and (_finite(found[name]) if name in columns.numeric else _ascii(found[name]))
        for name in columns.features
    )
    return found if right else None


def _transposed(rows: Any, columns: Columns) -> dict[str, list[Any]] | None:
    if not isinstance(rows, list) or not FEW < len(rows) <= MAX_ROWS or set(map(type, rows)) != {dict}:
        return None
    if set(map(len, rows)) != {len(columns.features)}:
        return None
    try:
        return {name: [row[name] for row in rows] for name in columns.features}
    except KeyError:
        return None


def _finite(values: Sequence[Any]) -> bool:
    if not set(map(type, values)) <= {int, float, NoneType}:
        return False
    try:
        return math.isfinite(sum(filter(None, values)))  # one NaN or infinity makes the sum one
    except OverflowError:  # an integer beyond float64
        return False


def _ascii(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= {str, NoneType} and "".join(filter(None, values)).isascii()
