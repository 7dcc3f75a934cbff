"""How models age: one plot, on the page of the backtest that measured it and on the monitor's, where today's champion stands in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from include.ratchet.domain.records import Json
from include.ratchet.steps.charts import Curve, curves

READABLE = 3
"""A band ends at so many times the largest loss: that of two windows is ten times as wide, and would press the lines flat."""
X_AXIS = "age of the model [days since it was trained]"


def curve(label: str, tone: str, found: Sequence[Json], days: float) -> Curve:
    """Return losses by age as a line with its band; a loss without an interval stands in a band of no height.

    Args:
        label: What the line is.
        tone: A class of the page's style sheet.
        found: Per `age` in windows the `estimate` of the loss, positive is worse, with `low` and `high`.
        days: Length of a window.
    """
    known = [each for each in found if each["estimate"] is not None]
    points = tuple((each["age"] * days, each["estimate"]) for each in known)
    return Curve(label, points, (0,) * len(points), tone, tuple((_or(each, "low"), _or(each, "high")) for each in known))


def plot(lines: Sequence[Curve], metric: str) -> str | None:
    """Draw losses by age; None where no line has a point."""
    most = READABLE * max((abs(y) for each in lines for _, y in each.points), default=0.0)
    drawn = [replace(each, band=tuple((max(low, -most), min(high, most)) for low, high in each.band)) for each in lines if each.points]
    said = f"loss of {metric} against the freshest model, lower is better"
    return curves(drawn, X_AXIS, said, "loss of quality by age", zero=True) if drawn else None


def _or(each: Json, end: str) -> float:
    return float(each["estimate"] if each[end] is None else each[end])
