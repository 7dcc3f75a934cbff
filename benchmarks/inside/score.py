"""Bare predict and Parquet write of rows that are in memory; then our body scores the same rows out of the lake."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.inside.bodies import Sequence
from benchmarks.inside.deployed import MODEL, made, promote, register
from include.ratchet.domain import specs
from include.ratchet.domain.config import load_config
from include.ratchet.domain.records import RuleResult, Snapshot, Verdict, Window
from include.ratchet.tasks import score

FEED, WARM, TIMES = "wide", 1000, 3


def main() -> None:
    """Score a few rows, so that everything is loaded and the tables are there; then all; write the times."""
    result, rows = Path(sys.argv[1]), int(sys.argv[2])
    from include.ratchet.adapters import open_lake

    pipeline = register(1)[0]
    _trained()
    promote(1)
    frame, chain = _rows(WARM + rows), Sequence(clock=time.process_time)
    _deliver(frame[:WARM])
    chain.call(f"{MODEL}_score", score.score, MODEL)
    chain.took.clear()
    _deliver(frame[WARM:])
    new, columns = frame[WARM:], list(specs.model(MODEL).columns.features)

    def bare() -> None:
        made = new[["flight_id", "scheduled_departure"]].assign(score=pipeline.predict_proba(new[columns])[:, 1])
        made.to_parquet(load_config().folder / "bare.parquet")

    floor = min(_timed(bare) for _ in range(TIMES))
    chain.call(f"{MODEL}_score", score.score, MODEL)
    scored = open_lake().dataset(f"predictions/{MODEL}").count_rows()
    result.write_text(json.dumps({"floor": floor, "ours": sum(chain.took.values()), "scored": scored}), encoding="utf-8")


def _timed(call: Callable[[], None]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _rows(count: int) -> Any:
    import numpy as np
    import pandas as pd

    at = pd.date_range("2026-01-01", periods=count, freq="s", tz="UTC").astype("datetime64[us, UTC]")
    return made(count, seed=99).assign(flight_id=np.arange(count), scheduled_departure=at, late=False)


def _deliver(frame: Any) -> None:
    import pyarrow as pa

    from include.ratchet.adapters import open_lake

    table = pa.Table.from_pandas(frame, preserve_index=False)
    open_lake().write(f"clean/{FEED}", table, write_id=str(len(frame)), mode="append")


def _trained() -> None:
    """Keep a snapshot of other rows, as the version's own."""
    import pyarrow as pa

    from include.ratchet.adapters import open_lake, open_ledger

    ended = datetime(2025, 12, 31, tzinfo=UTC)
    kept = Snapshot("bench", MODEL, {FEED: 0}, Window(ended, ended), "", 20_000, "", "snapshots/bench.parquet")
    open_lake().keep(kept.place, pa.table({"flight_id": list(range(-kept.rows, 0))}))
    open_ledger().snapshot(kept)
    rule = RuleResult("made up", "check", "pass", "for a measurement")
    figures = {"snapshot": kept.digest}
    open_ledger().judge(Verdict(MODEL, 1, "run-1-trained", "promote", "for a measurement", (rule,), figures, None, datetime.now(UTC)))


if __name__ == "__main__":
    main()
