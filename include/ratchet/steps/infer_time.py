"""Find how event time is written, and what it covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.ratchet.domain.durations import format_duration
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.feedspec import EVENT_TIME
from include.ratchet.steps.infer_types import ISO_TIMESTAMP, NUMERIC

if TYPE_CHECKING:
    from include.ratchet.steps.infer_types import Column

_DATES = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%Y %m %d"),
    *("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%m.%d.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y"),
    *("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%b %d %Y", "%Y-%m", "%Y %m", "%Y"),
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", "T%H:%M", "T%H:%M:%S", " %H", " %H %M", " %H.%M", " %I:%M %p", " %I:%M:%S %p")
_PROBE = 300
_DAY = timedelta(days=1)
_BLOCKS = 20  # days in the test split below which a day-clustered comparison has little power
_LONG_HISTORY = timedelta(days=5 * 365)


@dataclass(frozen=True)
class EventTimes:
    """When the rows of the sample happened.

    `moments` are UTC, one per row; `format` is None for ISO.
    """

    names: tuple[str, ...]
    format: str | None
    moments: pd.Series[Any]
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The column of the clean table that holds it."""
        return self.names[0] if len(self.names) == 1 else EVENT_TIME

    @property
    def first(self) -> pd.Timestamp:
        """The oldest event."""
        return pd.Timestamp(self.moments.min())

    @property
    def last(self) -> pd.Timestamp:
        """The newest event."""
        return pd.Timestamp(self.moments.max())

    @cached_property
    def order(self) -> np.ndarray[Any, np.dtype[np.intp]]:
        """The positions of the rows from the oldest to the newest."""
        return np.argsort(self.moments.dt.tz_convert(None).to_numpy(), kind="stable")

    @property
    def span(self) -> timedelta:
        """The covered time."""
        return (self.last - self.first).to_pytimedelta()


def event_times(columns: Sequence[Column]) -> EventTimes:
    """Read event time from one column, or from several joined by a blank.

    Raises:
        SpecError: No known form reads the cells, or all are one moment.
    """
    names = tuple(column.name for column in columns)
    if len(columns) == 1 and columns[0].kind == "timestamp":
        return _checked(EventTimes(names, None, columns[0].cells))
    present = ~np.logical_or.reduce([column.cells.isna().to_numpy() for column in columns])
    parts = [column.raw.astype(str) for column in columns]
    text = reduce(lambda left, right: left + " " + right, parts).where(present, None)
    tokens = pd.Series(text.dropna().unique(), dtype=object)
    fits = _fitting(tokens)
    if not fits:
        raise SpecError(f"--time {' '.join(names)}: not a time", [_seen(columns, tokens)], _hint(columns))
    form, doubt = _choose(fits, text)
    values = _parsed(text, form)
    lost = int(values.isna().sum())
    gaps = (f"{lost:,} rows have no readable time in {' + '.join(names)}; they will be quarantined",) if lost else ()
    return _checked(EventTimes(names, form, values, (*gaps, *doubt)))


def holds_date(column: Column, form: str | None) -> bool:
    """Whether the column alone is the date of an event time of several columns, so that its schema type can be date."""
    day = form.split(" ")[0] if form else None
    if column.kind not in ("string", "date") or day is None or "%d" not in day:
        return column.kind == "date"
    return bool(pd.to_datetime(column.cells.dropna(), format=day, errors="coerce").notna().all())


def looks_like_time(column: Column) -> bool:
    """Whether the column would do as event time: dates in any known form, more than a few of them."""
    many = 10
    if column.numeric or column.kind == "bool" or column.distinct < many:
        return False
    return column.kind in ("date", "timestamp") or bool(_fitting(pd.Series(column.cells.dropna().unique(), dtype=object)))


def _checked(times: EventTimes) -> EventTimes:
    if times.span <= timedelta(0):
        found = f"found one moment only, {times.first}; allowed are at least two"
        raise SpecError(f"--time {' '.join(times.names)}: says nothing", [found], "Leave --time out, or name another column.")
    return times


def _fitting(tokens: pd.Series[Any]) -> list[str | None]:
    """List the forms that read (nearly) every token; None is ISO."""
    tokens = tokens.astype(str)
    if tokens.empty:
        return []
    probe = tokens.iloc[np.linspace(0, len(tokens) - 1, min(_PROBE, len(tokens))).astype(int)]
    if all(ISO_TIMESTAMP.fullmatch(token) for token in probe) and _mostly_parsed(tokens, None):
        return [None]
    forms = [day + clock for clock in _CLOCKS for day in _DATES]
    return [form for form in forms if _mostly_parsed(probe, form) and _mostly_parsed(tokens, form)]


def _mostly_parsed(tokens: pd.Series[Any], form: str | None) -> bool:
    enough = 0.99  # a stray cell is quarantined later; it is no reason to refuse the column
    return bool(_parsed(tokens, form).notna().mean() >= enough)


def _parsed(text: pd.Series[Any], form: str | None) -> pd.Series[Any]:
    return pd.to_datetime(text, format=form or "ISO8601", utc=True, errors="coerce")


def _choose(fits: Sequence[str | None], text: pd.Series[Any]) -> tuple[str | None, tuple[str, ...]]:
    """Choose between day first and month first: fewer unread cells, then fewer steps back in file order, then even gaps."""
    if len(fits) == 1:
        return fits[0], ()
    ranks = [_strangeness(_parsed(text, form)) for form in fits]
    best = min(ranks)
    doubt = f"day and month are ambiguous: {' and '.join(str(f) for f in fits)} read every cell; check time.format in feed.yaml"
    return fits[ranks.index(best)], (doubt,) if ranks.count(best) > 1 else ()


def _strangeness(values: pd.Series[Any]) -> tuple[int, int, int]:
    known = values.dropna()
    moments = pd.Series(known.unique()).sort_values()
    return int(values.isna().sum()), int((known.diff() < pd.Timedelta(0)).sum()), int(moments.diff().nunique())


def _seen(columns: Sequence[Column], tokens: pd.Series[Any]) -> str:
    names = " + ".join(column.name for column in columns)
    some = ", ".join(repr(str(token)) for token in tokens.head(3)) or "only empty cells"
    return f"{names}: found {some}; allowed are ISO times, and dates such as 31/12/2017, 12/31/2017, 31.12.2017 with or without a clock"


def _hint(columns: Sequence[Column]) -> str:
    if len(columns) == 1 and columns[0].kind in NUMERIC:
        return "Numbers (seconds since 1970, ordinals) are not read as times: write ISO times into the file, or name a date column."
    return "Name the date column, or the date and the hour column (--time dteday --time hr); hours run from 0 to 23."


def time_split(times: EventTimes) -> dict[str, str]:
    """Propose how long validation and test are: about 15 % and 20 % of the span.

    The test gets 20 days where the span permits. Where rows are uneven in time, shares of rows decide instead.
    """
    test = max(times.span * 0.2, _BLOCKS * _DAY) if times.span >= 2.5 * _BLOCKS * _DAY else times.span * 0.2
    validation = times.span * 0.15
    known = times.moments.dropna()
    share = float((known > times.last - test).mean())
    low, high = 0.08, 0.45
    if not low <= share <= high:
        early, late = (pd.Timestamp(known.quantile(share)) for share in (0.65, 0.8))  # type: ignore[arg-type]
        test, validation = (times.last - late).to_pytimedelta(), (late - early).to_pytimedelta()
    return {"validation": _whole(validation), "test": _whole(test)}


def training_window(times: EventTimes) -> str | None:
    """Propose three years where the history is long and three years hold enough rows; else all of it."""
    window, enough = timedelta(days=3 * 365), 5_000
    recent = int((times.moments > times.last - window).sum())
    return format_duration(window) if times.span > _LONG_HISTORY and recent >= enough else None


def monitor_window(times: EventTimes) -> str:
    """Propose the shortest usual window that holds about 300 rows; a week at least, whose days are the blocks of its error."""
    enough = 300
    per_day = len(times.moments) / max(times.span / _DAY, 1 / 24)
    usual = [days for days in (7, 14, 28, 91) if days <= max(7, times.span / _DAY / 4)]
    return f"{next((days for days in usual if days * per_day >= enough), usual[-1])}d"


def _whole(length: timedelta) -> str:
    """Round to days where there are several, else to hours or minutes."""
    for unit in (_DAY, timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)):
        if length >= 3 * unit:
            count = round(length / unit)
            return f"{count}{ {86400: 'd', 3600: 'h', 60: 'm', 1: 's'}[int(unit.total_seconds())] }"
    return "1s"
