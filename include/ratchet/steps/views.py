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
    view's time-to-live, both ends included, as pandas' `merge_asof` with `tolerance` has it. A null that was the newest
    value stays null; a number that is none (NaN) becomes null. A row without a time, or with a null in its entity, gets
    nulls.

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
    order = np.argsort(asked, kind="stable") if (asked[1:] < asked[:-1]).any() else None
    never = asked == _NEVER
    spine: dict[str, tuple[pa.Array, Ints]] = {}
    for spec, table in known.items():
        whole = None if never.any() else _whole(spec, table, rows)
        if whole:
            codes, left = whole
        else:
            for name in spec.entity:  # once for all views: numbering 1 M rows takes as long as joining them
                if name not in spine:
                    spine[name] = _encoded(rows[name], name)
            codes, left = _codes(spec, table, spine)
            left = np.where(never, _NONE, left)
        found = _newest(spec, table, codes, (left, asked) if order is None else (left[order], asked[order]))
        for feature in spec.features:
            values = found[feature] if order is None else found[feature].take(pa.array(np.argsort(order)))
            rows = rows.append_column(spec.joined(feature), values)
    return rows


def latest(spec: ViewSpec, known: pa.Table, at: datetime) -> pa.Table:
    """Return the row of each entity that is the newest at a time, with the view's columns.

    Raises:
        DataError: A view has two rows of one entity at one time.
    """
    codes, _ = _codes(spec, known, {name: _encoded(known[name], name) for name in spec.entity})
    times = _micros(known, spec.time, f"views/{spec.name}")
    _require_one(spec, codes, times, known)
    seen = times <= int(pa.scalar(at, pa.timestamp("us", "UTC")).value)
    last = pd.Series(np.where(seen, codes, _NONE)).duplicated(keep="last").to_numpy()
    found = known.set_column(known.column_names.index(spec.time), spec.time, _utc(known[spec.time]))  # a date is its first moment
    return found.filter(pa.array(seen & ~last))


_NEVER = np.iinfo(np.int64).max


def _newest(spec: ViewSpec, table: pa.Table, codes: Ints, spine: tuple[Ints, Ints]) -> Mapping[str, pa.Array]:
    """Return the features for each (entity, time) of the spine, which is in the order of time."""
    times = _micros(table, spec.time, f"views/{spec.name}")
    _require_one(spec, codes, times, table)
    # Doubles go through the join itself; of other types pandas would change values, so their rows' places do.
    doubles = [name for name in spec.features if pa.types.is_float64(table[name].type)]
    carried = {spec.joined(name): table[name].to_numpy() for name in doubles}
    right = pd.DataFrame({"entity": codes, "time": times, **carried})  # copied into one block, of which pandas takes rows faster
    if len(doubles) < len(spec.features):
        right["place"] = np.arange(len(codes))
    left = pd.DataFrame({"entity": spine[0], "time": spine[1]}, copy=False)
    found = pd.merge_asof(left, right, on="time", by="entity", tolerance=spec.ttl // timedelta(microseconds=1))
    made = {name: _nullable(found[spec.joined(name)].to_numpy()) for name in doubles}
    if "place" in right:
        places = pa.array(found["place"].to_numpy(), from_pandas=True).cast(pa.int64())
        made |= {name: table[name].take(places) for name in spec.features if name not in doubles}
    return made


def _require_one(spec: ViewSpec, codes: Ints, times: Ints, table: pa.Table) -> None:
    """Refuse two rows of one entity and time; they stand beside each other."""
    twice = np.append(False, (codes[1:] == codes[:-1]) & (times[1:] == times[:-1]))
    if twice.any():
        example = table.select([*spec.entity, spec.time]).take([int(np.flatnonzero(twice)[0])]).to_pylist()[0]
        shown = ", ".join(f"{name} {value!s}" for name, value in example.items())
        message = (
            f"views/{spec.name}: two rows of {shown}; allowed is one, or which of them counts would be luck. "
            f"Group by {', '.join(spec.entity)} and {spec.time} in {spec.sql}."
        )
        raise DataError(message)


def _nullable(values: npt.NDArray[np.float64]) -> pa.Array:
    """Make NaN null; of 1 M values in 2 ms, `pa.array` takes 10."""
    known = np.packbits(~np.isnan(values), bitorder="little")
    return pa.Array.from_buffers(pa.float64(), len(values), [pa.py_buffer(known), pa.py_buffer(np.ascontiguousarray(values))])


def _encoded(values: pa.ChunkedArray, name: str) -> tuple[pa.Array, Ints]:
    """Return the values that there are, and for each row the place of its own among them, none for a null."""
    try:
        made = pa.concat_arrays([*values.chunks, pa.array([], values.type)]).dictionary_encode()
        return made.dictionary, _ints(made.indices)
    except pa.ArrowNotImplementedError as error:
        raise SpecError("a view's entity", [f"{name}: found {values.type}; allowed is a number, a text, a time or a date"]) from error


def _whole(spec: ViewSpec, table: pa.Table, rows: pa.Table) -> tuple[Ints, Ints] | None:
    """Return one entity of whole numbers as it is, of a view's rows and of the spine; numbering it took a third of the join."""
    sides = [side[spec.entity[0]] for side in (table, rows)]
    if len(spec.entity) > 1 or any(side.null_count or not pa.types.is_signed_integer(side.type) for side in sides):
        return None
    there, asked = (side.to_numpy().astype(np.int64, copy=False) for side in sides)
    return there, asked


def _codes(spec: ViewSpec, table: pa.Table, spine: Mapping[str, tuple[pa.Array, Ints]]) -> tuple[Ints, Ints]:
    """Number a view's entities; return the numbers of its rows, and of the spine's, with none for one that the view does not know."""
    right, parts = np.zeros(table.num_rows, dtype=np.int64), list[Ints]()
    for name in spec.entity:
        (there, mine), (asked, places) = _encoded(table[name], name), spine[name]
        try:
            number = np.append(_ints(pc.index_in(asked.cast(there.type), there)), _NONE)  # the last one is for a null, whose place is -1
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            found = f"entity.{name}: found {asked.type} in the transform and {there.type} in the view; allowed is one type"
            raise SpecError(f"views/{spec.name}: the entity does not fit", [found]) from error
        each = number[places]
        parts = [np.where((parts[0] == _NONE) | (each == _NONE), _NONE, parts[0] * len(there) + each)] if parts else [each]
        right = right * len(there) + mine
    return right, parts[0]


def _ints(values: pa.Array) -> Ints:
    return pc.fill_null(values, _NONE).to_numpy(zero_copy_only=False).astype(np.int64)


def _micros(rows: pa.Table, name: str, where: str) -> Ints:
    """Return times as microseconds since 1970, UTC; none is `_NEVER`."""
    try:
        return pc.fill_null(_utc(rows[name]).cast(pa.int64()), _NEVER).to_numpy()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise SpecError(f"{where}: no time", [f"{name}: found {rows[name].type}; allowed is a timestamp or a date"]) from error


def _utc(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return values.cast(pa.timestamp("us", "UTC"), safe=False)
