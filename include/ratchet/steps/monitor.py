"""How well the champion does on rows that it never saw, once their labels are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.gate import Measured
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps import compare
from include.ratchet.steps.compare import Answers
from include.ratchet.steps.frames import labelled, labels

FEWEST_ROWS = 50
ALPHA = 0.05


def realised(spec: ModelSpec, rows: pa.Table, predictions: pa.Table, version: int, reference: float) -> dict[str, Any]:
    """Join labels to out-of-sample predictions by id, and measure each monitor window.

    Args:
        spec: The model.
        rows: Transformed rows whose labels have matured.
        predictions: All predictions.
        version: The champion; only its own predictions can show that it degrades.
        reference: Its metric on the gate's test rows.

    Returns:
        `rows` counted; `windows`, each with start, version, rows, metric and a two-sided 90 % interval (day blocks);
        `degraded`, the starts of windows shown worse than the reference by more than the spec's drop;
        a `sentence`.
    """
    columns, rows = spec.columns, labelled(rows, spec)  # a label that misses some rows reads as 1.0 where training read 1
    kept = [*columns.id, "prediction", "score", "model_version"]
    mine = predictions.to_pandas().query("not in_snapshot")[kept]
    known = rows.select(list(dict.fromkeys([*columns.id, *([columns.time] if columns.time else [])]))).to_pandas()
    known["_label"] = labels(rows, spec)
    joined = known.merge(mine, on=list(columns.id), validate="one_to_one")
    joined["_window"] = _windows(joined, spec)
    drop = spec.triggers.degradation.drop if spec.triggers.degradation else None
    windows, degraded = [], []
    pairs: Any = joined.groupby(["_window", "model_version"])
    for (start, by), part in pairs:
        measured = _measure(part, spec, reference - (drop or 0.0))
        figures = {"metric": measured.estimate, "low": measured.low, "high": measured.high}
        windows.append({"start": str(start), "version": int(by), "rows": len(part), **figures})
        if drop and by == version and measured.p_below is not None and measured.p_below <= ALPHA / 2:
            degraded.append(start)
    sentence = f"{len(joined)} matured out-of-sample predictions in {len(windows)} windows; " + (
        f"worse than {reference:.4g} by more than {drop:g} in {', '.join(degraded)}" if degraded else "no degradation is shown"
    )
    return {"metric": spec.gate.metric, "rows": len(joined), "windows": windows, "degraded": degraded, "sentence": sentence}


def _windows(joined: pd.DataFrame, spec: ModelSpec) -> pd.Series:
    if not spec.columns.time:
        return pd.Series("all", index=joined.index)
    starts: pd.Series = joined[spec.columns.time].dt.floor(pd.Timedelta(spec.monitor.window)).dt.strftime("%Y-%m-%d")
    return starts


def _measure(part: pd.DataFrame, spec: ModelSpec, null: float) -> Measured:
    truth = part["_label"].to_numpy()
    block = compare.blocks(part[spec.columns.time] if spec.columns.time else None, len(part), spec.training.seed)
    if len(part) < FEWEST_ROWS or (spec.classifies and len(set(truth)) < 2):  # noqa: PLR2004
        return Measured("window", None, null)
    if spec.task == "regression":
        answers = Answers(part["prediction"].to_numpy(dtype=float))
    else:
        classes = np.unique(truth)
        kind = {str(c): c for c in classes}
        predicted = np.array([kind.get(p, classes[0]) for p in part["prediction"]])
        scores = part["score"].to_numpy(dtype=float)
        others = (1 - scores)[:, None] / max(len(classes) - 1, 1)
        probabilities = np.where(classes[None, :] == predicted[:, None], scores[:, None], others)
        if spec.task == "binary":
            probabilities = np.column_stack([1 - scores, scores])
        answers = Answers(predicted, probabilities, classes)
    return compare.measure("window", compare.replicate(compare.metric(spec.gate.metric, answers, truth), block), ALPHA, null)
