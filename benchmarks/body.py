"""The body of the measured tasks: it has pandas, scikit-learn and MLflow loaded, and says when."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

LOG = "RATCHET_BENCH_LOG"
"""Environment variable that names the file to which each task adds one line."""


def link(number: int) -> int:
    """Note when this body began, when the heavy libraries were there, and when it ended."""
    began, spent = time.time(), time.process_time()
    import mlflow
    import pandas as pd
    from sklearn import ensemble

    ready = time.time()
    loaded = [each.__name__ for each in (mlflow, pd, ensemble)]
    line = {"number": number, "began": began, "ready": ready, "loaded": loaded, "cpu": spent, "ended": time.time()}
    with Path(os.environ[LOG]).open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
    return number + 1
