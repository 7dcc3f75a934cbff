"""Events joined with views by us and by pandas.merge_asof, from the same Arrow tables, in one process, turn by turn."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ENTITIES, HOURS, KNOWN, TIMES = 1000, 90 * 24, 200_000, 7


def main() -> None:
    """Make the tables, join them both ways, compare, and write the times."""
    result, rows, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    from include.ratchet.domain.viewspec import ViewSpec
    from include.ratchet.steps.views import View, join, read

    events, feeds = _made(rows, count)
    specs = [ViewSpec(name=f"v{i}", feeds=(f"f{i}",), entity=("who",), time="at", ttl="6h", features=("a", "b")) for i in range(count)]
    views = [View(spec, f"FROM {spec.feeds[0]}") for spec in specs]

    def sql() -> Any:
        return {view.spec: read(view, feeds) for view in views}

    known, left, rights = sql(), events.to_pandas(), [feed.to_pandas().sort_values("at") for feed in feeds.values()]

    def ours() -> Any:
        return join(events, "at", known)

    def peer() -> Any:
        return _merge_asof(left, rights)

    joined, merged = ours().to_pandas(), peer()
    if not joined.equals(merged):
        message = "the join and merge_asof differ"
        raise RuntimeError(message)
    took: dict[str, list[float]] = {"ours": [], "peer": [], "sql": []}
    for _ in range(TIMES):
        for name, call in (("ours", ours), ("peer", peer), ("sql", sql)):
            took[name].append(_timed(call))
    found = float(joined.filter(like="__").notna().to_numpy().mean())
    content = {name: min(times) for name, times in took.items()} | {"found": found, "times": TIMES}
    result.write_text(json.dumps(content), encoding="utf-8")


def _timed(call: Callable[[], Any]) -> float:
    began = time.process_time()
    call()
    return time.process_time() - began


def _made(rows: int, count: int) -> tuple[Any, dict[str, Any]]:
    """Return events in the order of their times, and feeds in no order; whole hours and seconds, so that times meet."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    draw, start = np.random.default_rng(0), pd.Timestamp("2026-01-01", tz="UTC")
    at = start + pd.to_timedelta(np.sort(draw.integers(0, HOURS * 3600, rows)), unit="s")
    events = pd.DataFrame({"who": draw.integers(0, ENTITIES, rows), "at": at.astype("datetime64[us, UTC]"), "x": draw.normal(size=rows)})
    feeds = {}
    for number in range(count):
        key = draw.permutation(ENTITIES * HOURS)[:KNOWN]
        hours = start + pd.to_timedelta(key % HOURS, unit="h")
        content = {
            "who": key // HOURS,
            "at": hours.astype("datetime64[us, UTC]"),
            "a": draw.normal(size=KNOWN),
            "b": draw.normal(size=KNOWN),
        }
        feeds[f"f{number}"] = pa.Table.from_pandas(pd.DataFrame(content), preserve_index=False)
    return pa.Table.from_pandas(events, preserve_index=False), feeds


def _merge_asof(left: Any, rights: list[Any]) -> Any:
    import pandas as pd

    for number, right in enumerate(rights):
        named = right.rename(columns={"a": f"v{number}__a", "b": f"v{number}__b"})
        left = pd.merge_asof(left, named, on="at", by="who", tolerance=pd.Timedelta(hours=6))
    return left


if __name__ == "__main__":
    main()
