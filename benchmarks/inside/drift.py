"""Time a look at a window against kept statistics, and the making of the statistics; count alarms on undrifted windows; print JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from include.ratchet.steps.drift import Rule, judge
from include.ratchet.steps.sketch import sketch, sketch_like

BLOCKS, SEED = 25, 7
PAIRS, HELD, FEW, NARROW = 100, 1000, 100, 5
RULE = Rule(0.02, 1, 1, 0.0)


def main(rows: int, columns: int, folder: Path) -> None:
    """Write all frames for the peer, measure, print."""
    draw = np.random.default_rng(0)
    before, now = _normal(draw, rows, columns), _normal(draw, rows, columns)
    held, undrifted = _normal(draw, PAIRS * HELD, NARROW), _normal(draw, PAIRS * FEW, NARROW)
    for name, each in (("before", before), ("now", now)):
        each.to_parquet(folder / f"{name}.parquet")
    for name, each, size in (("held", held, HELD), ("undrifted", undrifted, FEW)):
        each.assign(pair=np.arange(len(each)) // size).to_parquet(folder / f"{name}.parquet")
    began = time.perf_counter()
    reference = sketch(before, np.arange(rows) * BLOCKS // rows, SEED)
    made = time.perf_counter() - began
    began = time.perf_counter()
    judge(reference, [sketch_like(reference, now, SEED)], RULE)
    window = time.perf_counter() - began
    alarms = sum(_alarm(held[i * HELD : (i + 1) * HELD], undrifted[i * FEW : (i + 1) * FEW]) for i in range(PAIRS))
    sys.stdout.write(json.dumps({"reference": made, "window": window, "alarms": alarms / PAIRS}) + "\n")


def _normal(draw: np.random.Generator, rows: int, columns: int) -> pd.DataFrame:
    return pd.DataFrame(draw.standard_normal((rows, columns)), columns=[f"c{i}" for i in range(columns)])


def _alarm(held: pd.DataFrame, window: pd.DataFrame) -> bool:
    reference = sketch(held, np.arange(len(held)) * BLOCKS // len(held), SEED)
    return bool(judge(reference, [sketch_like(reference, window, SEED)], RULE)["alarm"])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
