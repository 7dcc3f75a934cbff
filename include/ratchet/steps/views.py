"""Feature views: what was known of an entity at a time, and no later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.viewspec import ViewSpec
from include.ratchet.steps.tables import Rows, columns_of, duck, quoted

Tables: TypeAlias = Mapping[str, Rows]
Ints = npt.NDArray[np.int64]
_NONE = -1


@dataclass(frozen=True)
class View:
    """A view and its SELECT."""

    spec: ViewSpec
    sql: str


def columns(views: Sequence[View]) -> list[str]:
    """Return the columns that joining some views adds, each named by its view and its feature."""
    return [view.spec.joined(feature) for view in views for feature in view.spec.features]


def read(view: View, tables: Tables) -> pa.Table:
    """Run a view's SQL; return its columns, in the order of time. Rows without an entity or a time can never be joined, and are left out.

    Raises:
        SpecError: The SQL does not run, or does not return what `view.yaml` names.
    """
    spec = view.spec
    with duck(tables, f"views/{spec.name}: the SQL") as connection:
        there = columns_of(connection, view.sql)
        missing = [f"{name}: not returned; it returns {', '.join(there)}" for name in spec.columns if name not in there]
        if missing:
            raise SpecError(f"views/{spec.name}: the SQL lacks columns", missing)
        known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in (*spec.entity, spec.time))
        query = f"SELECT {quoted(*spec.columns)} FROM ({view.sql}\n) WHERE {known} ORDER BY {quoted(spec.time, *spec.entity)}"  # noqa: S608
        return connection.sql(query).to_arrow_table()


def join(rows: pa.Table, time: str, known: Mapping[ViewSpec, pa.Table]) -> pa.Table:
    """Append to every row what its views knew at its time.

    A row gets the newest values of its entity that are not later than its own time, and not older than the
    view's time-to-live, both ends included: pandas' `merge_asof` with `tolerance` gives the same. A null
    that was the newest value stays null. A row without a time, or with a null in its entity, gets nulls.

    Args:
        rows: What to append to, shape `(n_rows, n_columns)`, with the views' entity columns.
        time: The column of `rows` that says when it was asked; naive times are UTC.
        known: What `read` gave for each view, in the order of time.

    Returns:
        The rows in their order, with the views' features appended under their joined names.

    Raises:
        SpecError: An entity or a time has a type that cannot be compared.
        DataError: A view has two rows of one entity at one time: which of them counts would be luck.
    """
    if not known:
        return rows
    asked = _micros(rows, time, "the transform")
    # merge_asof wants the order of time; events mostly have it, and then nothing is moved.
    order = np.argsort(asked, kind="stable") if (asked[1:] < asked[:-1]).any() else slice(None)
    for spec, table in known.items():
        left, right = _codes(spec, rows, table)
        newest = np.full(rows.num_rows, _NONE, dtype=np.int64)
        left[asked == _NEVER] = _NONE
        newest[order] = _newest(spec, (left[order], asked[order]), (right, _micros(table, spec.time, f"views/{spec.name}")), table)
        picked = table.select(list(spec.features)).take(pa.array(newest, mask=newest == _NONE))
        for feature in spec.features:
            rows = rows.append_column(spec.joined(feature), picked[feature])
    return rows


def latest(spec: ViewSpec, known: pa.Table, at: datetime) -> pa.Table:
    """Return the row of each entity that is the newest at a time, with the view's columns.

    Raises:
        DataError: A view has two rows of one entity at one time.
    """
    _, codes = _codes(spec, known, known)
    times = _micros(known, spec.time, f"views/{spec.name}")
    _require_one(spec, codes, times, known)
    seen = times <= int(pa.scalar(at, pa.timestamp("us", "UTC")).value)
    last = pd.Series(np.where(seen, codes, _NONE)).duplicated(keep="last").to_numpy()
    return known.filter(pa.array(seen & ~last))


_NEVER = np.iinfo(np.int64).max


def _newest(spec: ViewSpec, left: tuple[Ints, Ints], right: tuple[Ints, Ints], table: pa.Table) -> Ints:
    """Return for each (entity, time) of the left, in the order of time, the place of the right's row that it gets."""
    _require_one(spec, *right, table)
    spine = pd.DataFrame({"entity": left[0], "time": left[1]})
    frame = pd.DataFrame({"entity": right[0], "time": right[1], "place": np.arange(len(right[0]))})
    found = pd.merge_asof(spine, frame, on="time", by="entity", tolerance=spec.ttl // timedelta(microseconds=1))
    return found["place"].fillna(_NONE).to_numpy(dtype=np.int64)


def _require_one(spec: ViewSpec, codes: Ints, times: Ints, table: pa.Table) -> None:
    twice = pd.DataFrame({"entity": codes, "time": times}).duplicated().to_numpy()
    if twice.any():
        example = table.select([*spec.entity, spec.time]).take([int(np.flatnonzero(twice)[0])]).to_pylist()[0]
        shown = ", ".join(f"{name} {value!s}" for name, value in example.items())
        message = (
            f"views/{spec.name}: two rows of {shown}; allowed is one, or which of them counts would be luck. "
            f"Group by {', '.join(spec.entity)} and {spec.time} in {spec.sql}."
        )
        raise DataError(message)


def _codes(spec: ViewSpec, rows: pa.Table, table: pa.Table) -> tuple[Ints, Ints]:
    """Number the entities of a view; return the numbers of the rows', with none for one that the view does not know, and of the view's."""
    left, right = np.zeros(rows.num_rows, dtype=np.int64), np.zeros(table.num_rows, dtype=np.int64)
    for name in spec.entity:
        there = table[name].combine_chunks()
        values = pc.unique(there)
        try:
            asked = rows[name].cast(values.type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            found = f"entity.{name}: found {rows[name].type} in the transform and {values.type} in the view; allowed is one type"
            raise SpecError(f"views/{spec.name}: the entity does not fit", [found]) from error
        mine = pc.fill_null(pc.index_in(asked, values), _NONE).to_numpy().astype(np.int64)
        left = np.where((left == _NONE) | (mine == _NONE), _NONE, left * len(values) + mine)
        right = right * len(values) + pc.index_in(there, values).to_numpy(zero_copy_only=False)
    return left, right


def _micros(rows: pa.Table, name: str, where: str) -> Ints:
    """Return times as microseconds since 1970, UTC; none is `_NEVER`."""
    try:
        return pc.fill_null(_utc(rows[name]).cast(pa.int64()), _NEVER).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SpecError(f"{where}: no time", [f"{name}: found {rows[name].type}; allowed is a timestamp or a date"]) from error


def _utc(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.cast(pa.timestamp("us", "UTC"), safe=False)
