"""Run a model's SELECT over pinned tables, and name what came out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.feedspec import BATCH_COLUMN
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Window
from include.ratchet.steps.tables import Rows, columns_of, duck, quoted
from include.ratchet.steps.views import View, join, read
from include.ratchet.steps.views import columns as view_columns

Select: TypeAlias = Callable[[ModelSpec, str, Mapping[str, Rows], Sequence[str], Sequence[str], Window | None], pa.Table]


def transform(
    spec: ModelSpec,
    sql: str,
    tables: Mapping[str, Rows],
    window: Window | None,
    also: Sequence[str] = (),
    views: Sequence[View] = (),
) -> pa.Table:
    """Make one row per prediction.

    Args:
        spec: The model.
        sql: One SELECT over the tables' names.
        tables: The feeds' clean tables at the versions to read: the model's and its views'.
        window: Rows whose event time is in it; None for all.
        also: Columns to return besides, as far as the SQL or a view has them: what a champion was fitted on.
        views: The feature views whose features are joined as they were known at the rows' time.

    Returns:
        The rows, ordered by the id columns; the columns that the spec needs, and no others.

    Raises:
        SpecError: The SQL does not run, or does not return a column that the spec needs.
        DataError: Two rows have the same id, or a view has two rows of one entity and time.
    """
    joined = view_columns(views)
    entity = [name for view in views for name in view.spec.entity]
    needed = [name for name in dict.fromkeys([*spec.columns.needed, *entity]) if name not in joined]
    also_asked = [name for name in also if name not in joined]
    rows = _engine(spec)(spec, sql, {name: tables[name] for name in spec.feeds}, needed, also_asked, window)
    ids = rows.select(list(spec.columns.id)).to_pandas()
    if ids.duplicated().any():
        example = ids[ids.duplicated()].iloc[0].to_dict()
        message = (
            f"models/{spec.name}: the transform returns two rows with the id {example}; allowed is one. Mend the joins, or columns.id."
        )
        raise DataError(message)
    if not views:
        return rows
    rows = join(rows, str(spec.columns.time), {view.spec: read(view, {name: tables[name] for name in view.spec.feeds}) for view in views})
    return rows.select([name for name in dict.fromkeys([*spec.columns.needed, *also]) if name in rows.column_names])


def _engine(spec: ModelSpec) -> Select:
    if spec.engine == "duckdb":
        return _select
    from include.ratchet.steps import spark  # pyspark is an extra, and 10 s to start

    return spark.select


def _select(
    spec: ModelSpec, sql: str, tables: Mapping[str, Rows], needed: Sequence[str], also: Sequence[str], window: Window | None
) -> pa.Table:
    time = spec.columns.time
    where = f"WHERE {quoted(time)} >= ? AND {quoted(time)} < ?" if time and window else ""
    with duck(tables, f"models/{spec.name}: the transform") as connection:
        there = columns_of(connection, sql)
        missing = [f"{name}: not returned; it returns {', '.join(there)}" for name in needed if name not in there]
        if missing:
            raise SpecError(f"models/{spec.name}: the transform lacks columns", missing)
        wanted = quoted(*needed, *(name for name in also if name in there and name not in needed))
        query = f"SELECT {wanted} FROM ({sql}\n) {where} ORDER BY {quoted(*spec.columns.id)}"  # noqa: S608 - the adopter's own reviewed SQL
        return connection.sql(query, params=[window.start, window.end] if where and window else []).to_arrow_table()


def rows_by_batch(table: pads.Dataset) -> dict[str, int]:
    """Count a clean table's rows by the batch that brought them."""
    with duckdb.connect() as connection:
        connection.register("rows", table)
        found = connection.execute(f'SELECT "{BATCH_COLUMN}", count(*) FROM rows GROUP BY 1').fetchall()  # noqa: S608 - a constant
    return {str(batch): int(count) for batch, count in found}


def content_digest(rows: pa.Table) -> str:
    """Return a digest of the rows as a multiset: the same rows in another order, the same digest.

    Every row is hashed to 64 bits; the digest is over the sum, the xor and the count of the hashes.
    """
    frame = rows.to_pandas()
    hashes = pd.util.hash_pandas_object(frame, index=False).to_numpy(dtype=np.uint64)
    total = int(hashes.sum(dtype=np.uint64))
    mixed = int(np.bitwise_xor.reduce(hashes)) if len(hashes) else 0
    text = f"{total}|{mixed}|{len(hashes)}|{'|'.join(rows.column_names)}"
    return hashlib.sha256(text.encode()).hexdigest()
