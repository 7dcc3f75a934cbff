"""Time a look at a window against kept statistics, and the making of the statistics; print both as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from include.ratchet.steps.drift import Rule, judge
from include.ratchet.steps.sketch import sketch, sketch_like

BLOCKS = 25


def main(rows: int, columns: int, folder: Path) -> None:
    """Write both frames for the peer, measure, print."""
    draw = np.random.default_rng(0)
    before, now = (pd.DataFrame(draw.standard_normal((rows, columns)), columns=[f"c{i}" for i in range(columns)]) for _ in range(2))
    before.to_parquet(folder / "before.parquet")
    now.to_parquet(folder / "now.parquet")
    began = time.perf_counter()
    reference = sketch(before, np.arange(rows) * BLOCKS // rows, 7)
    made = time.perf_counter() - began
    began = time.perf_counter()
    judge(reference, [sketch_like(reference, now, 7)], Rule(0.02, 1, 1, 0.0))
    sys.stdout.write(json.dumps({"reference": made, "window": time.perf_counter() - began}) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
