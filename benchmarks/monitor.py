"""What one look of the monitor costs: matured labels, estimates before labels, and drift."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.project import copy
from benchmarks.score import read_one_feed
from benchmarks.table import Row

ROWS = 100_000
TITLE = f"Monitor: a third window of {ROWS:,} rows x 16 features, after {3 * ROWS:,} rows before it, processor time"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure the body of one look, everything loaded."""
    runs = []
    for _ in range(repeat):
        project = copy("monitor")
        read_one_feed(project)
        runs.append(project.run("benchmarks.inside.monitor", str(ROWS), RATCHET__CLOCK="data"))
    found = runs[0]
    note = (
        f"{found['windows']} windows of {found['rows']:,} matured rows, {found['estimated']} estimated, {found['drift']} judged for drift"
    )
    yield Row("one look", statistics.median(run["monitor"] for run in runs), limit=10, note=note)
