"""Turn columns into the types of a schema, cell by cell where a whole column does not fit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.feedspec import BATCH_COLUMN, FeedSpec

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
    if pa.types.is_nested(column.type):  # a list or a struct is no cell of any type
        filled = column.is_valid().to_numpy(zero_copy_only=False).nonzero()[0]
        return pa.nulls(len(column), _ARROW[kind]), [int(i) for i in filled]
    if kind == "string":
        return (column if column.type == pa.string() else pc.cast(column, pa.string())), []
    decimal = text and kind == "float64" and spec.source.decimal != "."
    moment = kind in {"timestamp", "date"}
    if not (decimal or moment) and (made := _cast(column, kind)) is not None:
        return made, []  # nothing to trim: that would take as long as the cast
    if text:
        column = pc.utf8_trim_whitespace(column)
    if decimal:
        column = pc.replace_substring(column, spec.source.decimal, ".")
    if moment:
        converted = _times(column, kind, spec, name)
    else:
        made = _cast(column, kind)
        if made is not None:
            return made, []
        converted = _by_cell(column, kind)
    bad = pc.and_(pc.is_valid(column), pc.is_null(converted)).to_numpy(zero_copy_only=False).nonzero()[0]
    return converted, [int(i) for i in bad]


def _cast(column: pa.Array, kind: str) -> pa.Array | None:
    try:
        return pc.cast(column, _ARROW[kind])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _by_cell(column: pa.Array, kind: str) -> pa.Array:
    series = column.to_pandas()
    if kind == "bool":
        words = series.astype("string").str.lower()
        return pa.array([True if w in _TRUE else False if w in _FALSE else None for w in words], type=pa.bool_())
    if kind == "int64":
        return pa.array([_whole(cell) for cell in column.to_pylist()], type=pa.int64())
    return pa.array(pd.to_numeric(series, errors="coerce"), type=pa.float64(), from_pandas=True)


def _whole(cell: Any) -> int | None:
    """Read a whole number of 64 bits exactly: by way of a float, 9007199254740993 would come out one less."""
    try:
        exact = Decimal(str(cell).replace("_", "?"))
    except ArithmeticError:
        return None
    if not exact.is_finite() or exact.adjusted() > 18 or exact != int(exact):  # noqa: PLR2004 - 64 bits have 19 digits
        return None
    return int(exact) if -(2**63) <= exact < 2**63 else None


def _times(column: pa.Array, kind: str, spec: FeedSpec, name: str) -> pa.Array:
    is_event = spec.time is not None and name == spec.time.name
    form = spec.time.format if spec.time and (is_event or name in spec.time.sources) else None
    if kind == "date" and spec.time and spec.time.columns:
        form = form.split(" ")[0] if form else None
    numeric = pa.types.is_integer(column.type) or pa.types.is_floating(column.type) or pa.types.is_boolean(column.type)
    if numeric and not (form and pa.types.is_integer(column.type)):
        return pa.nulls(len(column), _ARROW[kind])  # 20130101 is no count of nanoseconds since 1970
    if kind == "timestamp" and not form and not numeric and (made := _zoned(column)) is not None:
        return made
    series = (pc.cast(column, pa.string()) if numeric else column).to_pandas()
    zone = spec.time.zone if is_event and spec.time and kind == "timestamp" else "UTC"
    if pd.api.types.is_object_dtype(series.dtype) or isinstance(series.dtype, pd.StringDtype):
        series = _parsed(series, form, zone)
    else:
        series = _in_utc(pd.to_datetime(series, errors="coerce"), zone)
    series = series.where(series.dt.year.between(2, 9998))  # "-5" reads as a year, which no datetime of Python can hold
    if kind == "date":  # read without the feed's zone: through it, a day of Tokyo would be the day before
        return pa.array(series.dt.date, type=_ARROW["date"], from_pandas=True)
    moments = series.dt.tz_convert(None).dt.as_unit("us")  # Arrow's reading of a zoned series is deprecated in pandas 3
    return pa.array(moments, type=pa.timestamp("us"), from_pandas=True).cast(_ARROW["timestamp"])


def _zoned(column: pa.Array) -> pa.Array | None:
    """Read ISO 8601 texts that all name their zone, three times as fast as below; None where one does not, or is out of range."""
    if not pa.types.is_string(column.type) or (made := _cast(column, "timestamp")) is None:
        return None
    bounds = pc.min_max(pc.year(made)).as_py()
    return made if bounds["min"] is not None and bounds["min"] >= 2 and bounds["max"] <= 9998 else None  # noqa: PLR2004


def _parsed(series: pd.Series, form: str | None, zone: str) -> pd.Series:
    """Read texts as UTC: those that name their own zone by it, the others by the feed's."""
    if form:
        return _in_utc(pd.to_datetime(series, format=form, errors="coerce", utc="%z" in form), zone)
    zoned = series.astype("string").str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True).fillna(value=False).astype(bool)
    own = pd.to_datetime(series.where(zoned), format="ISO8601", errors="coerce", utc=True)
    if zoned.all():
        return own
    return own.fillna(_in_utc(pd.to_datetime(series.mask(zoned), format="ISO8601", errors="coerce"), zone))


def _in_utc(series: pd.Series, zone: str) -> pd.Series:
    if series.dt.tz is None:
        series = series.dt.tz_localize(zone, ambiguous=np.ones(len(series), dtype=bool), nonexistent="shift_forward")
    return series.dt.tz_convert("UTC")


def empty(spec: FeedSpec) -> pa.Table:
    """Return a feed's clean table without a row: what SQL over it can be checked on before there is data."""
    types = {name: _ARROW[kind.removesuffix("?")] for name, kind in spec.columns.items()}
    times = {spec.time.name: _ARROW["timestamp"]} if spec.time else {}
    return pa.schema(list({**types, **times, BATCH_COLUMN: pa.string()}.items())).empty_table()
