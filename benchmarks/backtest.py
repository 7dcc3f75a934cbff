"""The flights year replayed in twelve windows under five policies, on two processes."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.project import copy
from benchmarks.table import Row

TITLE = "Backtest: the flights year, 12 windows x 5 policies, two processes"
LIMIT = 180.0
"""Seconds: three minutes on two cores that nobody else uses."""


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure from a home with the year in its lake to the page, everything made anew."""
    found = [copy("backtest").run("benchmarks.inside.backtest", timeout=1800) for _ in range(repeat)]
    one = found[-1]
    shared = f"{one['trainings']} trainings of {one['models']} models"
    yield Row("from the lake to the page", statistics.median(each["seconds"] for each in found), limit=LIMIT, note=shared)
    yield Row(
        "processor time of it, over two cores",
        statistics.median(each["cpu"] for each in found) / 2,
        limit=LIMIT,
        note="what quiet cores need",
    )
    yield Row("of it the trainings, over two cores", statistics.median(each["training"] for each in found) / 2)
