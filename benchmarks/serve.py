"""What the service costs, beside `mlflow models serve` on the same version in the same run."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.project import copy
from benchmarks.table import Row

TITLE = "Serving: one row at a time on a kept connection, 4 connections at once, 10,000 rows, a promotion; boosted trees of 18 features"


def rows(repeat: int = 1) -> Iterator[Row]:
    """Measure both."""
    project = copy("serve")
    runs = [project.run("benchmarks.inside.serve") for _ in range(repeat)]
    peer = "mlflow models serve"
    for name in ("p50", "p99"):
        ours, theirs = _of(runs, "ours", name), _of(runs, "peer", name)
        yield Row(f"single row, {name}", ours, unit="ms", peer=theirs, peer_name=peer, limit=0.5, of_ratio=True)
    ours, theirs = 1000 / _of(runs, "ours", "rate"), 1000 / _of(runs, "peer", "rate")
    note = f"{1000 / ours:,.0f} a second beside {1000 / theirs:,.0f}; the client shares the two cores"
    yield Row("per request, 4 at once", ours, unit="ms", peer=theirs, peer_name=peer, limit=1 / 3, of_ratio=True, note=note)
    for form in ("columns", "records"):
        ours, bare = _of(runs, "batches", form, "wall"), _of(runs, "batches", "bare", "wall")
        spent = _of(runs, "batches", form, "cpu") / _of(runs, "batches", "bare", "cpu")
        note = f"the pipeline on a DataFrame, in a process of its own; {spent:.2f} of its processor time"
        yield Row(f"10,000 rows as {form}", ours, peer=bare, peer_name="bare predict", limit=1.5, of_ratio=True, note=note)
    yield Row(
        "promotion to its first answer", _of(runs, "promotion"), limit=1.0, note="in the ledger to served, a version not loaded before"
    )
    note = f"./ratchet rollback to the old version's first answer; {_of(runs, 'back_cpu'):.2f} s of CPU until then"
    yield Row("rollback, from the command", _of(runs, "back"), limit=5.0, note=note)


def _of(runs: list[Any], *names: str) -> float:
    values = []
    for run in runs:
        value = run
        for name in names:
            value = value[name]
        values.append(value)
    return float(statistics.median(values))
