"""What the point-in-time join costs, beside pandas' merge_asof over the same rows."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.project import copy
from benchmarks.table import Row

ROWS, VIEWS = 1_000_000, 5
TITLE = f"Point-in-time join: {ROWS:,} events with {VIEWS} views of about 200,000 rows of 1,000 entities each, processor time"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure both; the inside compares them row by row, and fails when they differ."""
    project = copy("views")
    runs = [project.run("benchmarks.inside.views", str(ROWS), str(VIEWS)) for _ in range(repeat)]
    ours, peer, sql = (statistics.median(run[name] for run in runs) for name in ("ours", "peer", "sql"))
    note = f"equal row by row, {runs[0]['found']:.0%} of the features found; best of {runs[0]['times']}"
    yield Row("join", ours, peer=peer, peer_name="pandas.merge_asof", limit=1.2, of_ratio=True, note=note)
    yield Row("run the views' SQL (SELECT * in the order of time)", sql, note="before the join; merge_asof's side is sorted before, too")
