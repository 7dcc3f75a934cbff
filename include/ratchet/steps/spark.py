"""A model's SELECT on Spark, over the Parquet files of pinned versions of Delta tables."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.ports import TableFiles
from include.ratchet.domain.records import Window
from include.ratchet.steps.tables import Rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

POSITION = "_position"
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    # A cell that does not fit stops the run, as it does in DuckDB; without it Spark makes it null.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.shuffle.partitions": str(2 * (os.cpu_count() or 1)),
}


def session() -> SparkSession:
    """Return this process's Spark: the one that a spark-defaults.conf describes, else all cores of this machine.

    Raises:
        SpecError: pyspark is not installed.
    """
    try:
        from pyspark import SparkConf
        from pyspark.sql import SparkSession
    except ModuleNotFoundError:
        raise SpecError(
            "engine: spark", ["engine: found 'spark', and pyspark is not installed"], "Install it by make extras, or set engine: duckdb."
        ) from None
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    configured = SparkConf()
    for name, value in _SETTINGS.items():
        configured.setIfMissing(name, value)
    configured.setIfMissing("spark.master", "local[*]")
    return SparkSession.builder.config(conf=configured).appName("ratchet").getOrCreate()


def select(
    spec: ModelSpec,
    sql: str,
    tables: Mapping[str, Rows],
    needed: Sequence[str],
    also: Sequence[str],
    window: Window | None,
) -> pa.Table:
    """Do what `transform.select` does on DuckDB.

    Args:
        spec: The model.
        sql: One SELECT over the tables' names, in DuckDB's SQL.
        tables: The files of the feeds' clean tables at the versions to read.
        needed: Columns to return.
        also: Columns to return besides, as far as the SQL has them.
        window: Rows whose event time is in it; None for all.

    Raises:
        SpecError: Spark cannot do it, it does not run, a column is missing, or pyspark is not installed.
    """
    where = f"models/{spec.name}: the transform"
    from include.ratchet.steps.dialect import spark_sql  # sqlglot, which an ingest needs not load

    text = spark_sql(sql, f"models/{spec.name}")
    spark = session()
    from pyspark.errors import PySparkException
    from pyspark.sql import functions

    try:
        for name, files in tables.items():
            frame(spark, files).createOrReplaceTempView(name)
        rows = spark.sql(text)
        missing = [f"{name}: not returned; it returns {', '.join(rows.columns)}" for name in needed if name not in rows.columns]
        if missing:
            raise SpecError(f"{where} lacks columns", missing)
        if spec.columns.time and window:
            time = functions.col(spec.columns.time)
            rows = rows.where((time >= _moment(window.start)) & (time < _moment(window.end)))
        wanted = [*needed, *(name for name in also if name in rows.columns and name not in needed)]
        return rows.select(*wanted).orderBy(*spec.columns.id).toArrow()
    except PySparkException as error:
        raise SpecError(f"{where} does not run on Spark", [" ".join(str(error).split())[:500]]) from error


def frame(spark: SparkSession, table: Rows) -> DataFrame:
    """Open the rows of a table's version.

    The schema is the version's own: a file that was written before a column came has nulls in it. Files that Spark
    cannot reach as they are (an object store, whose jars PyPI does not have) are handed over as an Arrow table.
    """
    from pyspark.sql.pandas.types import from_arrow_schema

    schema = from_arrow_schema(table.schema)
    if isinstance(table, TableFiles) and table.paths and all(path.startswith("/") for path in table.paths):
        return spark.read.schema(schema).parquet(*table.paths)
    rows = table.rows if isinstance(table, TableFiles) else table
    return spark.createDataFrame(rows if isinstance(rows, pa.Table) else rows.to_table(), schema)


def batch_frame(rows: pa.Table) -> DataFrame:
    """Hand a batch over, with each row's place as `POSITION`.

    Raises:
        SpecError: pyspark is not installed.
    """
    return session().createDataFrame(rows.append_column(POSITION, pa.array(range(rows.num_rows), pa.int64())))


def _moment(time: Any) -> Any:
    from pyspark.sql import functions

    return functions.expr(f"TIMESTAMP '{time:%Y-%m-%d %H:%M:%S.%f}+00:00'")
