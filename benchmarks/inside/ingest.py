"""One million rows of 20 columns: pandas reads the CSV and writes Parquet; then our bodies take the same file in."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.inside.bodies import Sequence
from include.ratchet.domain.config import load_config

FEED, WARM, FEW = "wide", "warm", 1000
FLOATS, INTS = 14, 3


def main() -> None:
    """Write the file, take it in both ways; write the times of each step."""
    result, rows = Path(sys.argv[1]), int(sys.argv[2])
    import pandas as pd

    from include.ratchet.steps import suite, validate

    config = load_config()
    target = _deliver(config.folder, FEED, rows)
    _deliver(config.folder, WARM, FEW)
    began = time.process_time()
    pd.read_csv(target).to_parquet(config.folder / "floor.parquet")
    floor = time.process_time() - began
    time.sleep(1.2)  # a file lies still for a second before it is looked at
    Sequence().ingest(WARM)  # what is loaded and made by the first batch is set-up
    checks: list[float] = []
    plain = suite.run_suite  # Great Expectations alone, to be taken off

    def timed(*args: Any) -> Any:
        start = time.process_time()
        try:
            return plain(*args)
        finally:
            checks.append(time.process_time() - start)

    setattr(validate, plain.__name__, timed)
    chain = Sequence(clock=time.process_time)
    chain.ingest(FEED)
    found = {"floor": floor, "bodies": chain.took, "expectations": sum(checks), "size": target.stat().st_size}
    result.write_text(json.dumps(found), encoding="utf-8")


def _deliver(folder: Path, feed: str, rows: int) -> Path:
    target = folder / "landing" / feed / "rows.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    _made(rows).to_csv(target, index=False)
    return target


def _made(rows: int) -> Any:
    import numpy as np
    import pandas as pd

    draw = np.random.default_rng(0)
    frame = {"id": np.arange(rows), "at": pd.date_range("2026-01-01", periods=rows, freq="s").strftime("%Y-%m-%dT%H:%M:%SZ")}
    frame |= {f"f{i}": draw.normal(size=rows).round(6) for i in range(FLOATS)}
    frame |= {f"i{i}": draw.integers(0, 1000, rows) for i in range(INTS)}
    frame["word"] = draw.choice(["alpha", "beta", "gamma", "delta"], rows)
    return pd.DataFrame(frame)


if __name__ == "__main__":
    main()
