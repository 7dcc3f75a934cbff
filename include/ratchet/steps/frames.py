"""What a model sees: features, labels and times of a transformed table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.modelspec import Columns, ModelSpec
from include.ratchet.domain.records import Window

Mask = npt.NDArray[np.bool_]
_NULL = "\x1e"
"""Stands in a key for a value that is missing: the record separator, which no readable value has."""
WAVE = "(test wave)"
"""Column of the snapshot of a model without time: in which wave of test rows a row is; -1: it is trained on."""


@dataclass(frozen=True)
class Split:
    """Which rows candidates are compared and fitted on, and which they are judged on: disjoint masks of shape `(n_rows,)`."""

    train: Mask
    test: Mask


def columns_of(pipeline: Any, columns: Columns) -> Columns:
    """Return the columns with the features that a pipeline was fitted on.

    A version that serves was fitted under the spec of its day; asked with the features of today's, it would raise.
    """
    prepare = getattr(pipeline, "named_steps", {}).get("prepare")
    if prepare is None:
        return columns
    parts = {name: names for name, _, names in prepare.transformers_}
    texts = tuple(str(names) for name, names in parts.items() if name.startswith("text_"))
    numeric, categorical = tuple(parts.get("numeric", ())), tuple(parts.get("categorical", ()))
    return columns.model_copy(update={"numeric": numeric, "categorical": categorical, "text": texts})


def features(rows: pa.Table, columns: Columns) -> pd.DataFrame:
    """Return the features, shape `(n_rows, n_features)`: numbers as float64, categories and texts as object."""
    frame = rows.select(list(columns.features)).to_pandas(integer_object_nulls=True)
    return typed(frame, columns)


def typed(frame: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Give every feature the one type that a model is fitted on and serves.

    pandas 3 makes its own text type of any list of texts, in which a missing category is NaN; here it must be
    None, as in a request, or the encoder takes it for another category.
    """
    made = {name: pd.to_numeric(frame[name]).astype("float64") for name in columns.numeric}
    for name in (*columns.categorical, *columns.text):
        values = frame[name].to_numpy(dtype=object, copy=True)
        if pd.api.types.infer_dtype(values, skipna=True) not in {"string", "empty"}:
            values = np.array([value if pd.isna(value) else str(value) for value in values], dtype=object)
        values[pd.isna(values)] = "" if name in columns.text else None
        made[name] = pd.Series(values, index=frame.index, dtype="object")
    return pd.DataFrame(made)[list(columns.features)]


def labels(rows: pa.Table, spec: ModelSpec) -> npt.NDArray[np.generic]:
    """Return the labels, shape `(n_rows,)`; a missing one is NaN or None, or the negative class when the spec says so."""
    values = rows[spec.columns.label].to_pandas()
    if values.dtype == bool or set(values.dropna().map(type)) == {bool}:
        values = values.astype("float64")
    if not spec.classifies:
        return values.astype("float64").to_numpy()
    if spec.labels.missing == "negative" and values.isna().any():
        known = set(values.dropna())
        # Where only what happened is recorded, 1 is all there is: the negative class is 0, not the first one seen.
        values = values.fillna(0 if known <= {0, 1} else min(known))
    return values.to_numpy() if pd.api.types.is_numeric_dtype(values) else values.astype("object").to_numpy()


def labelled(rows: pa.Table, spec: ModelSpec) -> pa.Table:
    """Keep the rows whose label is known."""
    return rows.filter(pa.array(~pd.isna(labels(rows, spec))))


def matured(spec: ModelSpec, rows: pa.Table, until: datetime) -> pa.Table:
    """Keep the rows of before the moment up to which labels have matured; all of them where there is no time."""
    return rows.filter(pc.less(rows[spec.columns.time], pa.scalar(until))) if spec.columns.time else rows


def check_trainable(rows: pa.Table, spec: ModelSpec) -> None:
    """Refuse, before any work, rows that no model can be fitted on.

    Raises:
        DataError: No rows; or the classes are not as many as the task wants.
    """
    where = f"models/{spec.name}: label {spec.columns.label!r}"
    if rows.num_rows == 0:
        message = f"{where}: no labelled rows in the window. Deliver more data, or widen training.window."
        raise DataError(message)
    if spec.classifies:
        classes = pd.unique(pd.Series(labels(rows, spec)))
        allowed = "2" if spec.task == "binary" else "3 or more"
        if len(classes) < 2 or (spec.task == "binary") != (len(classes) == 2):  # noqa: PLR2004
            shown = ", ".join(map(repr, classes[:5]))
            found = f"found {len(classes)} class(es) ({shown}); allowed for task {spec.task} is {allowed}"
            message = f"{where}: {found}. Check the target and the window."
            raise DataError(message)


def split(rows: pa.Table, spec: ModelSpec, window: Window) -> Split:
    """Hold out test rows: the newest, with a gap of the label lag; or random ones where there is no time.

    Raises:
        DataError: One of the two parts would have no rows, or a class would be missing from it.
    """
    parts = _by_time(rows, spec, window) if spec.columns.time else _of_wave(rows, spec)
    values = labels(rows, spec)
    for name in ("train", "test"):
        mask = getattr(parts, name)
        if not mask.any() or (spec.classifies and len(pd.unique(pd.Series(values[mask]))) < 2):  # noqa: PLR2004
            needs = "at least one of each class" if spec.classifies else "at least one"
            message = (
                f"models/{spec.name}: the {name} part has {int(mask.sum())} rows and needs {needs}; {_span(rows, spec)}. "
                "Deliver more data, or make training.split smaller."
            )
            raise DataError(message)
    return parts


def _by_time(rows: pa.Table, spec: ModelSpec, window: Window) -> Split:
    held, lag = spec.training.split, spec.labels.lag
    if not isinstance(held.test, timedelta):
        message = f"models/{spec.name}: training.split must be durations"
        raise DataError(message)
    times = rows[str(spec.columns.time)].to_pandas()
    end = pd.Timestamp(window.end) - lag
    test_start = end - held.test
    return Split(train=(times < test_start - lag).to_numpy(), test=((times >= test_start) & (times < end)).to_numpy())


def _of_wave(rows: pa.Table, spec: ModelSpec) -> Split:
    """Hold out the newest wave of test rows, see `steps/waves.py`; before there are any, the whole test side."""
    if WAVE in rows.column_names:
        waves = rows[WAVE].to_numpy()
        test: Mask = (waves == waves.max(initial=0)) & (waves >= 0)
    else:
        test = at_random(rows, spec)
    return Split(train=~test, test=test)


def split_keys(rows: pa.Table, spec: ModelSpec) -> pd.Series:
    """Return what decides a row's side where there is no time: its entity, or its id where there is none, as text."""
    return keys_of(rows, spec.columns.entity or spec.columns.id, spec.columns.id)


def keys_of(rows: pa.Table, names: Sequence[str], ids: Sequence[str]) -> pd.Series:
    """Return a text per row that is the same for the same values, whatever type or company they come in.

    A whole number is written without a fraction (the ids 1 and 1.0 are one), a time in full and in UTC. A row that lacks
    one of the values is nobody else's: its key is that of its id.
    """
    keys, own = _joined(rows, names), _joined(rows, ids)
    return pd.Series([f"{_NULL}{mine}" if _NULL in key else key for key, mine in zip(keys, own, strict=True)], dtype=object)


def _joined(rows: pa.Table, names: Sequence[str]) -> list[str]:
    columns = [[_text(value) for value in rows[name].to_pylist()] for name in names]
    return ["\x1f".join(values) for values in zip(*columns, strict=True)]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT
        return _NULL
    if isinstance(value, float | Decimal):
        whole = math.isfinite(value) and value == int(value)
        return str(int(value)) if whole else f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
    if isinstance(value, datetime):
        return (value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value).isoformat()
    return str(value)


def at_random(rows: pa.Table, spec: ModelSpec) -> Mask:
    """Draw each row's side by a hash of the seed and its key: whether it is a test row, shape `(n_rows,)`.

    A row stays on its side whatever else arrives: redrawn by position, the rows that a champion was fitted on
    would become the test rows that it is judged on. Rows of one entity stay together.
    """
    hashes = pd.util.hash_array((f"{spec.training.seed}\x1f" + split_keys(rows, spec)).to_numpy(dtype=object))
    drawn: Mask = hashes / np.float64(2**64) < float(spec.training.split.test)  # type: ignore[arg-type]
    return drawn


def _span(rows: pa.Table, spec: ModelSpec) -> str:
    if not spec.columns.time:
        return f"the data has {rows.num_rows} rows"
    times = rows[spec.columns.time].to_pandas()
    return f"the data spans {times.min()} to {times.max()}"
