"""What is watched for drift: every feature, the prediction, the label, and how features go together."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.answers import answer
from include.ratchet.steps.frames import columns_of, features, labels
from include.ratchet.steps.sketch import Sketch, blocks, sketch, sketch_like

PREDICTION, LABEL = "(prediction)", "(label)"
"""Beside the features; no feature has such a name."""
Mask = npt.NDArray[np.bool_]


def reference_of(rows: pa.Table, spec: ModelSpec, pipeline: Any, held: Mask, personal: Collection[str] = ()) -> tuple[Sketch, ...]:
    """Sketch what a champion was trained on.

    Args:
        rows: The transformed rows of its snapshot's window, labelled or not: a window has both as well.
        spec: The model.
        pipeline: The champion.
        held: Which rows it was not fitted on, shape `(n_rows,)`: their predictions are the reference of predictions.
        personal: Features of which only a hash is kept.
    """
    block = _blocks(rows, spec)
    made = list(sketch(_features(rows, spec, pipeline, personal), block, spec.training.seed))
    known = ~pd.isna(labels(rows, spec))
    for name, mask in ((PREDICTION, held), (LABEL, known)):
        if mask.any():
            part = rows.filter(pa.array(mask))
            made.extend(sketch(_one(name, part, spec, pipeline), _blocks(part, spec)))
    return tuple(made)


def window_of(
    reference: Sequence[Sketch], rows: pa.Table, spec: ModelSpec, pipeline: Any, *, matured: bool, personal: Collection[str] = ()
) -> tuple[Sketch, ...]:
    """Sketch a window over the bins of a reference; its labels only once all have matured."""
    there = {each.name: each for each in reference}
    beside = {name: there.pop(name) for name in (PREDICTION, LABEL) if name in there}
    made = list(sketch_like(list(there.values()), _features(rows, spec, pipeline, personal), spec.training.seed))
    for name, each in beside.items():
        part = rows.filter(pa.array(~pd.isna(labels(rows, spec)))) if name == LABEL else rows
        if part.num_rows and (name != LABEL or matured):
            made.extend(sketch_like([each], _one(name, part, spec, pipeline)))
    return tuple(made)


def _features(rows: pa.Table, spec: ModelSpec, pipeline: Any, personal: Collection[str]) -> pd.DataFrame:
    columns = columns_of(pipeline, spec.columns)
    frame = features(rows, columns).drop(columns=list(columns.text))
    for name in set(personal) & set(columns.categorical):
        frame[name] = frame[name].map(lambda value: hashlib.sha256(str(value).encode()).hexdigest()[:12], na_action="ignore")
    return frame


def _one(name: str, rows: pa.Table, spec: ModelSpec, pipeline: Any) -> pd.DataFrame:
    if name == LABEL:
        values = labels(rows, spec)
        return pd.DataFrame({name: np.array([str(each) for each in values], dtype=object) if spec.classifies else values.astype(float)})
    said = answer(pipeline, features(rows, columns_of(pipeline, spec.columns)), spec.gate.threshold)
    if said.probabilities is None:
        return pd.DataFrame({name: said.predicted.astype(float)})
    if said.probabilities.shape[1] == 2:  # noqa: PLR2004
        return pd.DataFrame({name: said.probabilities[:, 1]})
    return pd.DataFrame({name: np.array([str(each) for each in said.predicted], dtype=object)})


def _blocks(rows: pa.Table, spec: ModelSpec) -> npt.NDArray[np.int_]:
    times = rows[spec.columns.time].to_pandas() if spec.columns.time else None
    return blocks(times, rows.num_rows, pd.Timedelta(spec.monitor.window), spec.training.seed)
