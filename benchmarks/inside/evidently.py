"""Time Evidently's preset on two frames; run by the Python of an environment that has it."""

from __future__ import annotations

import json
import sys
import time

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset

before, now = (pd.read_parquet(path) for path in sys.argv[1:])
began = time.perf_counter()
Report([DataDriftPreset()]).run(now, before).dict()
sys.stdout.write(json.dumps(time.perf_counter() - began) + "\n")
