"""What the gate costs, beside one call of the metric that it is built on."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.project import copy
from benchmarks.table import Row

ROWS = 100_000
TITLE = f"Gate: challenger, champion and baseline on about {ROWS:,} test rows in 28 days, without the fresh process"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure both."""
    project = copy("gate")
    runs = [project.run("benchmarks.inside.gate", str(ROWS)) for _ in range(repeat)]
    gate, one = (statistics.median(run[name] for run in runs) for name in ("gate", "one"))
    note = f"{runs[0]['rows']:,} rows; 3 models x 29 replicates of each metric, and the segments"
    yield Row("evaluate and decide", gate, peer=one, peer_name="one roc_auc_score", note=note)
