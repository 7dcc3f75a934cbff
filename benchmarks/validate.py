"""How fast a large batch is validated with quarantine, beside one plain run of Great Expectations on the same frame."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.project import copy
from benchmarks.table import Row

ROWS = 1_000_000
TITLE = f"Validation: {ROWS:,} rows x 20 columns, 40 row expectations, one process, processor time; imports apart"
PEER = "one ValidationDefinition.run, COMPLETE, positions"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure with one and with fifty percent of bad rows."""
    project = copy("validate")
    for bad in (0.01, 0.5):
        runs = [project.run("benchmarks.inside.validate", str(ROWS), str(bad)) for _ in range(repeat)]
        ours, plain, imports, peak, arrow = (
            statistics.median(run[name] for run in runs) for name in ("ours", "plain", "imports", "peak", "arrow")
        )
        note = f"{runs[0]['bad']:,} rows quarantined; imports {imports:.1f} s"
        limit = 1.5 if bad < 0.1 else (plain + 5) / plain  # noqa: PLR2004 - at half of the rows, five seconds more
        yield Row(f"{bad:.0%} bad rows", ours, peer=plain, peer_name=PEER, limit=round(limit, 2), of_ratio=True, note=note)
        memory = f"batch as Arrow {arrow / 2**20:,.0f} MB, with its cells as they came; over the imported process"
        yield Row(f"{bad:.0%} bad rows: peak memory", peak / 2**20, unit="MB", peer=arrow / 2**20, peer_name="the batch", note=memory)
