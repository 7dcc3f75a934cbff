"""Run Evidently's preset on frames; run by the Python of an environment that has it.

Prints the seconds that it takes on two frames, and of pairs of undrifted frames the share in which it calls a column drifted.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset


def drifted(before: pd.DataFrame, now: pd.DataFrame) -> int:
    """Return how many columns the preset calls drifted."""
    found = Report([DataDriftPreset()]).run(now, before).dict()
    return int(found["metrics"][0]["value"]["count"])


folder = Path(sys.argv[1])
big, held, undrifted = (
    [pd.read_parquet(folder / f"{name}.parquet") for name in pair] for pair in (("before", "now"), ("held",), ("undrifted",))
)
pairs = [
    drifted(one.drop(columns="pair"), other.drop(columns="pair"))
    for (_, one), (_, other) in zip(held[0].groupby("pair"), undrifted[0].groupby("pair"), strict=True)
]
began = time.perf_counter()
drifted(*big)
sys.stdout.write(json.dumps({"seconds": time.perf_counter() - began, "alarms": sum(each > 0 for each in pairs) / len(pairs)}) + "\n")
