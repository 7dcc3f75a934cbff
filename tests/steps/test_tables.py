"""The DuckDB of an adopter's SQL: its tables, UTC, and nothing else."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ratchet.domain.errors import SpecError
from include.ratchet.steps.tables import columns_of, duck, quoted

ROWS = pa.table({"a": [1, 2], "b": ["x", "y"]})


def test_it_sees_its_tables_by_name() -> None:
    """The columns of a SELECT are known before it runs."""
    with duck({"f": ROWS}, "this") as connection:
        assert columns_of(connection, "SELECT b, a + 1 AS c FROM f") == ["b", "c"]
        assert connection.sql("SELECT sum(a) FROM f").fetchall() == [(3,)]


@pytest.mark.parametrize("sql", ["SELECT * FROM ROWS", "SELECT nope FROM f", "SELEC"])
def test_what_does_not_run_is_a_fault_of_the_spec(sql: str) -> None:
    """It is said what does not run; a variable of Python is no table."""
    with pytest.raises(SpecError, match="views/v: the SQL does not run"), duck({"f": ROWS}, "views/v: the SQL") as connection:
        connection.sql(sql).fetchall()


def test_now_is_utc() -> None:
    """A time without a zone is one of UTC, wherever the machine stands."""
    with duck({}, "this") as connection:
        assert connection.sql("SELECT epoch(TIMESTAMPTZ '1970-01-02')").fetchall() == [(86400.0,)]


def test_a_name_is_quoted_whole() -> None:
    """A quote in a name ends no name."""
    assert quoted("a", 'b"c') == '"a", "b""c"'
