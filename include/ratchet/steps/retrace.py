"""What a replay compares: who was held out, what was predicted, and which rows differ."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.records import digest
from include.ratchet.steps.frames import Split, features

SHOWN = 20
"""Rows that are named; of more, the number is told."""


def split_digest(rows: pa.Table, ids: Sequence[str], parts: Split) -> str:
    """Return a digest of which ids are trained on and which are held out."""
    frame = rows.select(list(ids)).to_pandas()
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy(dtype=np.uint64)
    return digest([hashlib.sha256(np.sort(hashes[mask]).tobytes()).hexdigest() for mask in (parts.train, parts.test)])


def predictions_digest(pipeline: Any, rows: pa.Table, columns: Any) -> str:
    """Return a digest of what a pipeline answers for some rows, to the last bit: probabilities where it has them."""
    frame = features(rows, columns)
    answer = pipeline.predict_proba(frame) if hasattr(pipeline, "predict_proba") else pipeline.predict(frame)
    return hashlib.sha256(np.ascontiguousarray(answer, dtype="float64").tobytes()).hexdigest()


def differing_rows(found: pa.Table, kept: pa.Table, ids: Sequence[str]) -> list[str]:
    """Name the rows in which two tables differ, by id and by column with both values; rows that only one has as well."""
    one, other = (table.to_pandas().set_index(list(ids)) for table in (found, kept))
    said = [f"{_id(key, ids)}: only in the snapshot" for key in other.index.difference(one.index)]
    said += [f"{_id(key, ids)}: not in the snapshot" for key in one.index.difference(other.index)]
    common = one.index.intersection(other.index)
    for name in one.columns.intersection(other.columns):
        a, b = one.loc[common, name], other.loc[common, name]
        differ = ~((a == b) | (a.isna() & b.isna()))
        said += [f"{_id(key, ids)}: {name} is {_value(a[key])}, and was {_value(b[key])}" for key in common[differ.to_numpy(dtype=bool)]]
    return [*said[:SHOWN], f"and {len(said) - SHOWN} more"] if len(said) > SHOWN else said


def count_differing(one: pa.Table, other: pa.Table) -> int:
    """Count the rows of either table that the other has not, whichever are more; over the columns that both have."""
    names = [name for name in one.column_names if name in other.column_names]
    frames = (table.select(names).to_pandas() for table in (one, other))
    ours, theirs = (pd.util.hash_pandas_object(frame, index=False).to_numpy(dtype=np.uint64) for frame in frames)
    return max(len(np.setdiff1d(ours, theirs)), len(np.setdiff1d(theirs, ours)))


def _id(key: Any, ids: Sequence[str]) -> str:
    values = key if isinstance(key, tuple) else (key,)
    return ", ".join(f"{name} {value}" for name, value in zip(ids, values, strict=True))


def _value(value: Any) -> str:
    return repr(value.item() if isinstance(value, np.generic) else value)
