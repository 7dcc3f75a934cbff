"""How fast a large batch is validated with quarantine, beside one plain run of Great Expectations on the same frame."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.project import copy
from benchmarks.table import Row

ROWS = 1_000_000
TITLE = f"Validation: {ROWS:,} rows x 20 columns, 40 row expectations, one process, processor time"
MB = 1 << 20
BATCH = "the batch as an Arrow table"
PEER = "one ValidationDefinition.run, COMPLETE, positions"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure with one and with fifty percent of bad rows."""
    project = copy("validate")
    for bad in (0.01, 0.5):
        runs = [project.run("benchmarks.inside.validate", str(ROWS), str(bad)) for _ in range(repeat)]
        one = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        apart = (
            f"imports {one['imports']:.1f} s apart; context, suite and page (a batch of 1,000 rows) {one['setup']:.2f} s, counted in ours"
        )
        note = f"{one['bad']:,.0f} rows quarantined; {apart}"
        plain = one["plain"]
        limit = 1.5 if bad < 0.1 else (plain + 5) / plain  # noqa: PLR2004 - at half of the rows, five seconds more
        yield Row(f"{bad:.0%} bad rows", one["ours"], peer=plain, peer_name=PEER, limit=round(limit, 2), of_ratio=True, note=note)
        held = f"over the imported process; the batch itself and its cells as they came ({one['cells'] / MB:,.0f} MB) are in it"
        peak, batch = one["peak"] / MB, one["arrow"] / MB
        yield Row(f"{bad:.0%} bad rows: peak memory", peak, unit="MB", peer=batch, peer_name=BATCH, limit=4, of_ratio=True, note=held)
