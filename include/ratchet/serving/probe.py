"""`python -m include.ratchet.serving.probe ARTIFACT ROWS`: load a model as serving does, answer, print JSON."""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from include.ratchet.adapters.models import load_skops

TIMED = 200


def main(artifact: str, rows: str) -> None:
    """Predict the rows, an empty one and one of unseen words; time single rows.

    The time is the thread's CPU time: a gate that runs while two fits share its cores would else refuse a
    good model for its neighbours (p99 of 4 ms read as 60 ms there).
    """
    pipeline = load_skops(artifact)
    frame = pd.read_parquet(rows)
    for name in frame.columns:
        if not pd.api.types.is_float_dtype(frame[name]):
            frame[name] = frame[name].astype("object").where(frame[name].notna(), None)
    ask = pipeline.predict_proba if hasattr(pipeline, "predict_proba") else pipeline.predict
    predictions = np.asarray(ask(frame), dtype=float).reshape(len(frame), -1)
    odd = frame.head(1).copy()
    for name in odd.columns:
        odd[name] = np.nan if pd.api.types.is_float_dtype(odd[name]) else "never seen before"
    if not np.isfinite(np.asarray(ask(odd), dtype=float)).all():
        message = "an empty row with unseen words is answered with NaN"
        raise ValueError(message)
    took = []
    for i in range(TIMED):
        one = frame.iloc[[i % len(frame)]]
        began = time.thread_time()
        ask(one)
        took.append((time.thread_time() - began) * 1000)
    print(json.dumps({"predictions": predictions.tolist(), "p99_ms": float(np.percentile(took, 99))}))  # noqa: T201 - its answer


if __name__ == "__main__":
    with threadpool_limits(1):
        main(*sys.argv[1:])
