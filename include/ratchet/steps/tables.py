"""A DuckDB that sees some tables by their names, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.ports import TableFiles

Rows: TypeAlias = pads.Dataset | pa.Table | TableFiles
"""Rows to be read: by this process, or by an engine that reads files itself."""


@contextmanager
def duck(tables: Mapping[str, Rows], what: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB in memory for an adopter's SQL, in UTC.

    Args:
        tables: What the SQL may read, by name.
        what: What runs, for the error: `models/flight_delay: the transform`.

    Raises:
        SpecError: The SQL does not run.
    """
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")  # it takes a spawned worker for a person at a terminal
        # DuckDB cannot see how many rows an Arrow table has, takes it for small, and joins ASOF by a nested
        # loop: 3.6 s for a quarter of flights, 0.1 s without.
        connection.execute("SET asof_loop_join_threshold = 0")
        # Else a name that is no feed is looked up among the variables of this function, and `dataset` would be one.
        connection.execute("SET python_enable_replacements = false")
        for name, table in tables.items():
            connection.register(name, table.rows if isinstance(table, TableFiles) else table)
        try:
            yield connection
        except duckdb.Error as error:
            raise SpecError(f"{what} does not run", [" ".join(str(error).split())[:500]]) from error


def columns_of(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    """Return the names of the columns that a SELECT gives; it is bound, not run."""
    return [str(each[0]) for each in connection.execute(f"DESCRIBE {sql}").fetchall()]


def quoted(*names: str) -> str:
    """Write names as SQL: `"a", "b"`."""
    return ", ".join('"' + name.replace('"', '""') + '"' for name in names)
