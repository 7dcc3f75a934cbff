"""What the gate costs, beside one call of the metric that it is built on."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

from benchmarks.project import copy
from benchmarks.table import Row

LIMITS = {100_000: 2.0, 5_000_000: 30.0}
"""Test rows, and the seconds within which they must be judged."""
MEMORY_GB = 4.0
TITLE = "Gate: challenger, champion and two baselines on test rows of 28 days in 20 segments, without the fresh process"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure both sizes."""
    project = copy("gate")
    for count, limit in LIMITS.items():
        runs = [project.run("benchmarks.inside.gate", str(count)) for _ in range(repeat)]
        figure = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
        note = f"{figure['gate_cpu']:.1f} s of CPU; of it {figure['predict']:.1f} s are the predictions of challenger and champion"
        yield Row(
            f"evaluate and decide, {count:,} rows",
            figure["gate"],
            peer=figure["one"],
            peer_name="one roc_auc_score",
            limit=limit,
            note=note,
        )
        yield Row(
            f"memory of the process, {count:,} rows", figure["memory"], unit="GB", limit=MEMORY_GB, note="the rows themselves are in it"
        )
