"""What the point-in-time join costs, beside pandas' merge_asof over the same rows."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.project import copy
from benchmarks.table import Row

ROWS, VIEWS, ENTITIES = 1_000_000, 5, 20_000
TITLE = f"Point-in-time join: {ROWS:,} events with {VIEWS} views of about 200,000 rows of 1,000 entities each, processor time"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure both; the inside compares them row by row, and fails when they differ."""
    project = copy("views")
    runs = [project.run("benchmarks.inside.views", str(ROWS), str(VIEWS)) for _ in range(repeat)]
    ours, peer, sql = (statistics.median(run[name] for run in runs) for name in ("ours", "peer", "sql"))
    note = f"equal row by row, {runs[0]['found']:.0%} of the features found; best of {runs[0]['times']}"
    yield Row("join", ours, peer=peer, peer_name="pandas.merge_asof", limit=1.2, of_ratio=True, note=note)
    yield Row("run the views' SQL (SELECT * in the order of time)", sql, note="before the join; merge_asof's side is sorted before, too")
    for clock in ("wall", "data"):
        looked = [project.run("benchmarks.inside.lookup", str(ENTITIES), RATCHET__CLOCK=clock) for _ in range(repeat)]
        for name, what in (("again", "an answer given before"), ("new", "a new answer, which is logged")):
            cpu, wall = (statistics.median(run[name][each] for run in looked) for each in (0, 1))
            note = f"SQLite, {ENTITIES:,} entities, clock {clock}; {wall:.2f} ms by the wall"
            yield Row(f"look one entity up online: {what}", cpu, unit="ms", limit=1.5 if clock == "wall" else None, note=note)
