"""Turn columns into the types of a schema, cell by cell where a whole column does not fit."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.feedspec import FeedSpec

_ARROW = {
    "string": pa.string(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}
_TRUE, _FALSE = {"true", "t", "yes", "y", "1"}, {"false", "f", "no", "n", "0"}


def to_type(values: pa.ChunkedArray, kind: str, spec: FeedSpec, name: str) -> tuple[pa.Array, list[int]]:
    """Convert one column.

    Args:
        values: The column as it came, shape `(n_rows,)`.
        kind: One of the schema's types.
        spec: The feed, for its decimal sign, its zone and its time format.
        name: The column's name.

    Returns:
        The converted column, null where a cell does not convert, and the positions of those cells.
    """
    column = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(column, pa.ChunkedArray):  # combine_chunks of an empty chunked array
        column = pa.array([], type=values.type)
    text = pa.types.is_string(column.type) or pa.types.is_large_string(column.type)
    if kind == "string":
        return (column if text else pc.cast(column, pa.string())), []
    if text:
        column = pc.utf8_trim_whitespace(column)
        if kind == "float64" and spec.source.decimal != ".":
            column = pc.replace_substring(column, spec.source.decimal, ".")
    if kind in {"timestamp", "date"}:
        converted = _times(column, kind, spec, name)
    else:
        try:
            return pc.cast(column, _ARROW[kind]), []
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            converted = _by_cell(column, kind)
    bad = pc.and_(pc.is_valid(column), pc.is_null(converted)).to_numpy(zero_copy_only=False).nonzero()[0]
    return converted, [int(i) for i in bad]


def _by_cell(column: pa.Array, kind: str) -> pa.Array:
    series = column.to_pandas()
    if kind == "bool":
        words = series.astype("string").str.lower()
        return pa.array([True if w in _TRUE else False if w in _FALSE else None for w in words], type=pa.bool_())
    numbers = pd.to_numeric(series, errors="coerce")
    if kind == "int64":
        numbers = numbers.where(numbers == numbers.round())
        return pa.array(numbers.astype("Int64"), type=pa.int64(), from_pandas=True)
    return pa.array(numbers, type=pa.float64(), from_pandas=True)


def _times(column: pa.Array, kind: str, spec: FeedSpec, name: str) -> pa.Array:
    is_event = spec.time is not None and name == spec.time.name
    form = spec.time.format if spec.time and (is_event or name in spec.time.sources) else None
    if kind == "date" and spec.time and spec.time.columns:
        form = form.split(" ")[0] if form else None
    series = column.to_pandas()
    if pd.api.types.is_object_dtype(series.dtype) or isinstance(series.dtype, pd.StringDtype):
        series = pd.to_datetime(series, format=form or "ISO8601", errors="coerce", utc=_holds_zone(series, form))
    else:
        series = pd.to_datetime(series, errors="coerce")
    if series.dt.tz is None:
        zone = spec.time.zone if is_event and spec.time else "UTC"
        series = series.dt.tz_localize(zone, ambiguous=np.ones(len(series), dtype=bool), nonexistent="shift_forward")
    converted = pa.array(series.dt.tz_convert("UTC"), type=_ARROW["timestamp"], from_pandas=True)
    return pc.cast(converted, _ARROW["date"]) if kind == "date" else converted


def _holds_zone(series: pd.Series, form: str | None) -> bool:
    """Say whether the texts name their own zone, by a look at the first ones."""
    if form:
        return "%z" in form
    head = series.dropna().head(20).astype(str)
    return bool(head.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True).any()) if len(head) else True
