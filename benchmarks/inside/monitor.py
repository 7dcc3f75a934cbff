"""A champion, three windows of rows that it scored, and their labels; the monitor looks after the second and after the third."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.inside.bodies import Sequence
from benchmarks.inside.deployed import MODEL, made, promote, register
from benchmarks.inside.score import FEED
from include.ratchet.domain.records import Batch, Delivery, RuleResult, Snapshot, Verdict, Window
from include.ratchet.tasks import monitor, score

DAYS, WINDOW, WINDOWS = 112, 7, 3
END = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday, on which a window of seven days from 1970 begins


def main() -> None:
    """Score windows of rows one after the other, measure the last look at them; write the times."""
    result, rows = Path(sys.argv[1]), int(sys.argv[2])
    register(1)
    _trained(rows)
    promote(1)
    chain = Sequence(clock=time.process_time)
    for number in range(WINDOWS):
        _deliver(_rows(rows, END + timedelta(days=WINDOW * number), WINDOW, number + 1))
        chain.call(f"{MODEL}_score", score.score, MODEL)
        chain.took.clear()
        if number:
            report = chain.call(f"{MODEL}_monitor", monitor.measure, MODEL)
    told = {"monitor": sum(chain.took.values()), "windows": len(report["windows"]), "estimated": len(report["estimated"]["windows"])}
    result.write_text(json.dumps(told | {"drift": len(report["drift"]["windows"]), "rows": report["rows"]}), encoding="utf-8")


def _rows(count: int, start: datetime, days: int, seed: int) -> Any:
    """Draw labelled rows, evenly over days."""
    import numpy as np
    import pandas as pd

    frame, draw = made(count, seed=seed), np.random.default_rng(seed)
    late = frame["temp"].fillna(0) + (frame["carrier"] == "W1") + draw.normal(size=count) > 1
    at = pd.date_range(start, start + timedelta(days=days), periods=count + 1)[:-1].astype("datetime64[us, UTC]")
    return frame.assign(flight_id=np.arange(count) + seed * count, scheduled_departure=at, late=late)


def _deliver(frame: Any) -> int:
    """Write rows to the lake, tell the ledger how far they reach, by which the data's clock goes; return the table's version."""
    import pyarrow as pa

    from include.ratchet.adapters import open_lake, open_ledger

    table, name, sha = pa.Table.from_pandas(frame, preserve_index=False), f"clean/{FEED}", f"{frame['flight_id'].iloc[0]:064}"
    open_lake().write(name, table, write_id=sha, mode="append")
    open_ledger().land(Batch(FEED, sha, sha, len(frame), datetime.now(UTC)), Delivery(sha, sha))
    open_ledger().mark(FEED, sha, status="merged", max_event_time=frame["scheduled_departure"].max().to_pydatetime() + timedelta(minutes=1))
    return open_lake().version(name) or 0


def _trained(rows: int) -> None:
    """Let the rows of before be what the version was trained and judged on."""
    import pyarrow as pa

    from include.ratchet.adapters import open_lake, open_ledger

    frame = _rows(rows, END - timedelta(days=DAYS), DAYS, 0)
    window = Window(END - timedelta(days=DAYS), END)
    kept = Snapshot("bench", MODEL, {FEED: _deliver(frame)}, window, "", rows, "", "snapshots/bench.parquet")
    open_lake().keep(kept.place, pa.Table.from_pandas(frame, preserve_index=False))
    open_ledger().snapshot(kept)
    rule = RuleResult("made up", "check", "pass", "for a measurement")
    tested = {"first": (END - timedelta(days=28)).isoformat(), "last": END.isoformat()}
    figures = {"snapshot": kept.digest, "metric": "roc_auc", "challenger": 0.7, "test_window": tested}
    open_ledger().judge(Verdict(MODEL, 1, "run-1-trained", "promote", "for a measurement", (rule,), figures, None, datetime.now(UTC)))


if __name__ == "__main__":
    main()
