"""Run a model's SELECT over pinned tables, and name what came out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.feedspec import BATCH_COLUMN
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Window


def transform(spec: ModelSpec, sql: str, tables: Mapping[str, pads.Dataset], window: Window | None, also: Sequence[str] = ()) -> pa.Table:
    """Make one row per prediction.

    Args:
        spec: The model.
        sql: One SELECT over the tables' names.
        tables: The feeds' clean tables at the versions to read.
        window: Rows whose event time is in it; None for all.
        also: Columns to return besides, as far as the SQL has them: what a champion was fitted on.

    Returns:
        The rows, ordered by the id columns; the columns that the spec needs, and no others.

    Raises:
        SpecError: The SQL does not run, or does not return a column that the spec needs.
        DataError: Two rows have the same id.
    """
    time = spec.columns.time
    where = f'WHERE "{time}" >= ? AND "{time}" < ?' if time and window else ""
    order = ", ".join(f'"{name}"' for name in spec.columns.id)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        # DuckDB cannot see how many rows an Arrow table has, takes it for small, and joins ASOF by a nested
        # loop: 3.6 s for a quarter of flights, 0.1 s without.
        connection.execute("SET asof_loop_join_threshold = 0")
        # Else a name that is no feed is looked up among the variables of this function, and `dataset` would be one.
        connection.execute("SET python_enable_replacements = false")
        for name, dataset in tables.items():
            connection.register(name, dataset)
        try:
            columns = [each[0] for each in connection.execute(f"DESCRIBE {sql}").fetchall()]
            missing = [name for name in spec.columns.needed if name not in columns]
            if missing:
                raise SpecError(
                    f"models/{spec.name}: the transform lacks columns",
                    [f"{n}: not returned; it returns {', '.join(columns)}" for n in missing],
                )
            asked = [*spec.columns.needed, *(name for name in also if name in columns and name not in spec.columns.needed)]
            wanted = ", ".join(f'"{name}"' for name in asked)
            query = f"SELECT {wanted} FROM ({sql}\n) {where} ORDER BY {order}"  # noqa: S608 - the adopter's own reviewed SQL
            rows = connection.sql(query, params=[window.start, window.end] if where and window else []).to_arrow_table()
        except duckdb.Error as error:
            raise SpecError(f"models/{spec.name}: the transform does not run", [" ".join(str(error).split())[:500]]) from error
    ids = rows.select(list(spec.columns.id)).to_pandas()
    if ids.duplicated().any():
        example = ids[ids.duplicated()].iloc[0].to_dict()
        message = (
            f"models/{spec.name}: the transform returns two rows with the id {example}; allowed is one. Mend the joins, or columns.id."
        )
        raise DataError(message)
    return rows


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
