"""`python -m include.ratchet.serving.probe ARTIFACT ROWS`: load a model as serving does, answer, print JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from include.ratchet.adapters.models import load_skops

TIMED = 200


def main(artifact: str, rows: str) -> None:
    """Predict the rows, then an empty one and one of unseen words; time single rows.

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
    took = []
    for i in range(TIMED):
        one = frame.iloc[[i % len(frame)]]
        began = time.thread_time()
        ask(one)
        took.append((time.thread_time() - began) * 1000)
    said = {"predictions": predictions.tolist(), "p99_ms": float(np.percentile(took, 99)), "odd": _odd(ask, frame, _texts(pipeline))}
    print(json.dumps(said))  # noqa: T201 - its answer


def _texts(pipeline: Any) -> set[str]:
    """Return the text features, whose missing value is an empty one."""
    prepare = getattr(pipeline, "named_steps", {}).get("prepare")
    return {str(names) for name, _, names in getattr(prepare, "transformers_", ()) if name.startswith("text_")}


def _odd(ask: Callable[[pd.DataFrame], Any], frame: pd.DataFrame, texts: set[str]) -> str:
    """Ask for a row without any value and one of unseen words; return what is wrong with the answers."""
    for name, word in (("an empty row", None), ("a row of unseen words", "never seen before")):
        odd = frame.head(1).copy()
        for column in odd.columns:
            if pd.api.types.is_float_dtype(odd[column]):
                odd[column] = np.nan if word is None else odd[column]
            else:
                odd[column] = pd.Series(["" if word is None and column in texts else word], index=odd.index, dtype="object")
        try:
            finite = np.isfinite(np.asarray(ask(odd), dtype=float)).all()
        except Exception as error:  # noqa: BLE001 - whatever it raises, serving would raise
            return f"{name} is answered with {type(error).__name__}: {error}"
        if not finite:
            return f"{name} is answered with NaN"
    return ""


if __name__ == "__main__":
    with threadpool_limits(1):
        main(*sys.argv[1:])
