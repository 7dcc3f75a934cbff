"""Rows to the frame that a pipeline predicts on. Training and serving agree on these dtypes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.ratchet.domain.modelspec import Columns

FEW = 64
"""Up to so many rows a frame is built from two blocks of values."""
Rows = Sequence[Mapping[str, Any]] | Mapping[str, Sequence[Any] | npt.NDArray[Any]]
"""Records, one mapping per row; or columns, one sequence of equal length per feature; or these as `reader` makes them."""


def to_frame(columns: Columns, rows: Rows) -> pd.DataFrame:
    """Build the frame of features, in the order of `columns.features`.

    Numeric columns are float64 with NaN for null; categorical columns are object, each value a str or
    None; text columns are object, each value a str, empty for null. Other keys of a record are left out.
    This is what `steps.frames.features` is to give for the same rows; here one row takes 0.2 ms, not 1.4.

    Args:
        columns: What each column of the model is for.
        rows: Checked rows; see `checks` for what clients send.

    Returns:
        A frame `(n_rows, n_features)`, one row per record, indexed from 0.

    Raises:
        KeyError: A feature is missing from a record.
    """
    strings = (*columns.categorical, *columns.text)
    if isinstance(rows, Mapping) and row_count(rows) > FEW:
        return _of_columns(columns, rows)
    # Two blocks, not a dict of columns: 0.14 instead of 0.33 ms for one row of 16 features.
    numbers = _values(rows, columns.numeric).astype(np.float64)
    texts = _values(rows, strings)
    for name, column in zip(strings, texts, strict=True):
        null = "" if name in columns.text else None
        column[:] = [null if value is None else str(value) for value in column]
    # dtype=object is said aloud: pandas 3 would infer its own string dtype, whose null is NaN.
    parts = [pd.DataFrame(numbers.T, columns=list(columns.numeric)), pd.DataFrame(texts.T, columns=list(strings), dtype=object)]
    filled = [part for part in parts if len(part.columns)]
    return filled[0] if len(filled) == 1 else pd.concat(filled, axis=1)


def _of_columns(columns: Columns, rows: Mapping[str, Any]) -> pd.DataFrame:
    """Build the same frame column by column: for 10,000 rows a third of the time, for one row twice."""
    made: dict[str, Any] = {}
    for name in columns.features:
        values = rows[name]
        if isinstance(values, np.ndarray):
            made[name] = values
        elif name in columns.numeric and set(map(type, values)) <= {int, float, NoneType}:
            made[name] = np.array(values, dtype=np.float64)  # None becomes NaN
        elif name in columns.numeric:
            made[name] = np.array([None if pd.isna(value) else value for value in values], dtype=np.float64)
        else:
            null, words = "" if name in columns.text else None, np.empty(len(values), dtype=object)
            words[:] = values if set(map(type, values)) <= {str} else [null if pd.isna(value) else str(value) for value in values]
            made[name] = words
    # dtype=object is said aloud: pandas 3 would infer its own string dtype, whose null is NaN.
    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in made.items()})


def row_count(rows: Rows) -> int:
    """Count the rows."""
    return len(next(iter(rows.values()), ())) if isinstance(rows, Mapping) else len(rows)


def _values(rows: Rows, names: tuple[str, ...]) -> npt.NDArray[Any]:
    """Return the values as objects `(n_names, n_rows)`, every kind of null as None."""
    found = [rows[name] if isinstance(rows, Mapping) else [row[name] for row in rows] for name in names]
    values = np.empty((len(names), row_count(rows)), dtype=object)
    for line, column in zip(values, found, strict=True):
        line[:] = column
    values[pd.isna(values)] = None
    return values
