"""Watermarks: numbers, times, dates and texts that JSON keeps and that compare as their database compares them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.errors import SpecError

_ENDS: dict[str, tuple[Any, Any]] = {
    "int64": (-(2**63), 2**63 - 1),
    "float64": (-1.7e308, 1.7e308),
    "bool": (False, True),
    "timestamp": ("0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
    "date": ("0001-01-01", "9999-12-31"),
    "string": ("", "\U0010ffff"),
}


def plain(value: Any) -> Any:
    """Return a watermark as JSON keeps it.

    Raises:
        SpecError: It is of a type that does not compare.
    """
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal) and value == int(value):
        return int(value)
    if value is None or isinstance(value, int | float | str):
        return value
    message = f"watermark {value!r}"
    raise SpecError(message, [f"found a value of {type(value).__name__}; allowed are numbers, times, dates and texts"])


def earlier(watermark: Any, lag: timedelta | float | None) -> Any:
    """Return the watermark less the lag.

    Raises:
        SpecError: A duration is to be taken from what is no time, or a number from what is none.
    """
    if not lag:
        return watermark
    if isinstance(watermark, int | float) and isinstance(lag, int | float):
        return watermark - lag
    if isinstance(watermark, str) and isinstance(lag, timedelta):
        try:
            moment = datetime.fromisoformat(watermark) - lag
        except ValueError:
            pass
        else:
            return plain(moment if len(watermark) > len("2013-01-01") else moment.date())
    found = f"found the watermark {watermark!r} and the lag {lag}"
    raise SpecError("source.lag: not of the watermark's kind", [f"{found}; allowed are a duration for times, a number for numbers"])


def like(watermark: Any, moment: datetime) -> Any:
    """Return a moment, UTC, as this source's watermarks are written.

    Raises:
        SpecError: They are no times.
    """
    if isinstance(watermark, str):
        try:
            model = datetime.fromisoformat(watermark)
        except ValueError:
            pass
        else:
            if len(watermark) == len("2013-01-01"):
                return moment.date().isoformat()
            moment = moment.astimezone(UTC)
            return (moment if model.tzinfo else moment.replace(tzinfo=None)).isoformat(sep=watermark[len("2013-01-01")])
    raise SpecError(
        "source.watermark: no time", [f"found {watermark!r}; allowed is a column of times or dates, where a range of days is asked for"]
    )


def not_below(table: pa.Table, column: str, since: Any) -> pa.Table:
    """Return the rows of a landed table whose watermark is not below `since`; all of them when that is None."""
    values = table[column]
    if since is None:
        return table
    if pa.types.is_timestamp(values.type):
        since = pa.scalar(datetime.fromisoformat(since), values.type)
    elif pa.types.is_date(values.type):
        since = pa.scalar(date.fromisoformat(since[: len("2013-01-01")]), values.type)
    elif pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
    return table.filter(pc.greater_equal(values, since))


def alike(one: Any, other: Any) -> bool:
    """Say whether two watermarks compare: both numbers, or both texts, times among them."""
    return isinstance(one, str) == isinstance(other, str)


def ends(kind: str) -> tuple[Any, Any]:
    """Return the first and the last watermark of a column of a feed's schema: a comparison with them holds of every row.

    NULL would not do: `at >= NULL` holds of none, and a query would find nothing, for ever and without a word.
    """
    return _ENDS[kind.removesuffix("?")]
