"""Batch predictions, with what is needed to judge them later."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.answers import answer
from include.ratchet.steps.frames import columns_of, features

IN_SNAPSHOT = "in_snapshot"


def unscored(rows: pa.Table, known: pa.Table | None, spec: ModelSpec) -> pa.Table:
    """Keep the rows whose id has no prediction."""
    if known is None or rows.num_rows == 0:
        return rows
    return rows.filter(pc.invert(_among(rows, known, spec)))


def predict(pipeline: Any, rows: pa.Table, trained: pa.Table, spec: ModelSpec, version: int, at: datetime) -> pa.Table:
    """Predict all rows.

    Args:
        pipeline: The champion.
        rows: Transformed rows to predict.
        trained: The ids of the snapshot that the champion was trained and judged on.
        spec: The model.
        version: The champion's version.
        at: When, UTC.

    Returns:
        One row per prediction: id columns, event time, prediction, score (probability of the positive class,
        the highest probability, or the number itself), version, in_snapshot, scored_at.
    """
    said = answer(pipeline, features(rows, columns_of(pipeline, spec.columns)), spec.gate.threshold)
    if said.probabilities is None:
        scores = said.predicted.astype(float)
    else:
        scores = said.probabilities[:, 1] if said.probabilities.shape[1] == 2 else said.probabilities.max(axis=1)  # noqa: PLR2004
    return answered(known_of(rows, trained, spec), said.predicted, scores, spec, version, at)


def known_of(rows: pa.Table, trained: pa.Table, spec: ModelSpec) -> pa.Table:
    """Return what a prediction keeps of its row: id columns, event time, and in_snapshot."""
    kept = [*spec.columns.id, *([spec.columns.time] if spec.columns.time else [])]
    return rows.select(list(dict.fromkeys(kept))).append_column(IN_SNAPSHOT, _among(rows, trained, spec))


def answered(known: pa.Table, predicted: npt.NDArray[Any], scores: Any, spec: ModelSpec, version: int, at: datetime) -> pa.Table:
    """Lay predictions out as `predict` does, beside what `known_of` returned."""
    columns = {
        "prediction": _names(predicted) if spec.classifies else pa.array(predicted.astype(float)),
        "score": pa.array(np.asarray(scores, dtype=float)),
        "model_version": pa.repeat(pa.scalar(version, type=pa.int64()), known.num_rows),
        IN_SNAPSHOT: known[IN_SNAPSHOT],
        "scored_at": pa.repeat(pa.scalar(at, type=pa.timestamp("us", tz="UTC")), known.num_rows),
    }
    out = known.drop_columns([IN_SNAPSHOT])
    for name, values in columns.items():
        out = out.append_column(name, values)
    return out


def _names(predicted: npt.NDArray[Any]) -> pa.Array:
    """Write classes as text: each class once, not each row."""
    codes, classes = pd.factorize(predicted)
    return pa.array([str(each) for each in classes]).take(pa.array(codes))


def _among(rows: pa.Table, known: pa.Table, spec: ModelSpec) -> pa.ChunkedArray:
    """Say of each row whether its id is known; by Arrow 0.07 s for 250,000 texts, by pandas 1.2 s."""
    ids = list(spec.columns.id)
    if len(ids) > 1:
        here, there = (table.select(ids).to_pandas().astype(str).agg("\x1f".join, axis=1) for table in (rows, known))
        return pa.chunked_array([pa.array(here.isin(there).to_numpy())])
    return pc.is_in(rows[ids[0]], value_set=known[ids[0]].cast(rows.schema.field(ids[0]).type))
