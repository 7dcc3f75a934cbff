"""DuckDB's SQL as Spark wants it; what the two compute is compared in test_spark.py."""

from __future__ import annotations

import pytest

from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError
from include.ratchet.steps.dialect import spark_sql


def test_what_differs_under_one_name_is_written_out() -> None:
    """A division is one of doubles, inside of another one too; days of the week begin at 0; a whole division stays whole."""
    made = spark_sql("SELECT a / (b / 2.0) AS x, dayofweek(t) - 1 AS d, a // 100 AS h FROM f", "m")
    assert "CAST(a AS DOUBLE) / CAST((CAST(b AS DOUBLE) / CAST(2.0 AS DOUBLE)) AS DOUBLE)" in made
    assert "(DAYOFWEEK(t) - 1) - 1" in made
    assert "a DIV 100" in made


def test_a_point_in_time_join_is_refused_by_name() -> None:
    """The example's transform joins the weather so; all joins that Spark has not are named at once."""
    sql = specs.transform_sql(specs.model("flight_delay"))
    with pytest.raises(SpecError, match=r"(?s)models/flight_delay: not for Spark.*found ASOF JOIN weather.*set engine: duckdb"):
        spark_sql(sql, "models/flight_delay")
    with pytest.raises(SpecError) as error:
        spark_sql("SELECT * FROM f POSITIONAL JOIN g ASOF JOIN h ON f.t >= h.t", "m")
    assert len(error.value.faults) == 2


def test_what_is_no_sql_is_refused() -> None:
    """With where it stops to be."""
    with pytest.raises(SpecError, match="m: not for Spark"):
        spark_sql("SELECT a FROM (", "m")
