"""A transform on Spark gives the rows that DuckDB gives, over the same versions of the same tables."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from include.ratchet.adapters.lake import DeltaLake
from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Window
from include.ratchet.domain.viewspec import ViewSpec
from include.ratchet.local import flights
from include.ratchet.steps import spark
from include.ratchet.steps.decode import decode
from include.ratchet.steps.frames import features
from include.ratchet.steps.transform import transform
from include.ratchet.steps.validate import sort_rows
from include.ratchet.steps.views import View
from tests.makers import feed_spec, model_spec

pytest.importorskip("pyspark", reason="an extra: make extras")

SQL = """
SELECT
    f.flight_id, f.scheduled_departure, f.arr_delay > 15 AS late, f.carrier, f.origin, f.dest, f.distance,
    f.sched_dep_time // 100 + (f.sched_dep_time % 100) / 60.0 AS departure_hour,
    dayofweek(f.scheduled_departure - INTERVAL 5 HOUR) AS weekday,
    f.distance / nullif(f.hour, 0) AS pace, w.temp, w.wind_speed, b.busy, b.mean_delay, upper(f.dest) || '-' || f.carrier AS pair
FROM flights AS f -- joined by the hour: no report later than the departure
LEFT JOIN weather AS w ON f.origin = w.origin AND date_trunc('hour', f.scheduled_departure) = w.time_hour
LEFT JOIN (SELECT origin, hour, count(*) AS busy, avg(dep_delay) AS mean_delay FROM flights GROUP BY origin, hour) AS b
    ON f.origin = b.origin AND f.hour = b.hour
"""
NUMBERS = ["distance", "departure_hour", "weekday", "pace", "temp", "wind_speed", "busy", "mean_delay"]
ROWS = 3000


def spec(engine: str) -> ModelSpec:
    """Make a model of the flights."""
    columns = {"id": ["flight_id"], "time": "scheduled_departure", "label": "late", "numeric": NUMBERS, "categorical": ["carrier", "pair"]}
    return model_spec(engine=engine, feeds=["flights", "weather"], columns=columns)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> DeltaLake:
    """Give a lake of flights in three versions: some without a column, which came later; the rest; and a correction."""
    made = DeltaLake(str(tmp_path_factory.mktemp("lake")))
    rows = _decoded("flights", islice(flights._flights("2013-01"), ROWS))
    key = ["flight_id"]
    made.write("clean/flights", rows.slice(0, 1000).drop_columns(["distance"]), write_id="1", mode="merge", key=key)
    made.write("clean/flights", rows.slice(1000), write_id="2", mode="merge", key=key)
    worse = rows.slice(500, 500)
    worse = worse.set_column(worse.column_names.index("dep_delay"), "dep_delay", pa.array([99.0] * 500))
    made.write("clean/flights", worse, write_id="3", mode="merge", key=key)
    weather = [row for row in flights._rows("weather.csv") if row["month"] == "1" and int(row["day"]) < 10]
    made.write("clean/weather", _decoded("weather", weather), write_id="1", mode="replace")
    return made


def _decoded(feed: str, rows: Iterable[dict[str, str]]) -> pa.Table:
    known = specs.feed(feed)
    text = pd.DataFrame(rows)[list(known.columns)].to_csv(index=False)
    return decode(io.BytesIO(text.encode()), known, "csv").rows


def on(engine: str, lake: DeltaLake, versions: dict[str, int], window: Window | None = None, **more: Any) -> pd.DataFrame:
    """Return the transformed rows of an engine: what a model is given of them, and their ids and times."""
    model = spec(engine)
    open_table = lake.parquet if engine == "spark" else lake.dataset
    rows = transform(model, more.pop("sql", SQL), {name: open_table(f"clean/{name}", at) for name, at in versions.items()}, window, **more)
    frame = features(rows, model.columns)
    return frame.assign(id=rows["flight_id"].to_pylist(), at=rows["scheduled_departure"].to_pylist(), late=rows["late"].to_pylist())


@pytest.mark.parametrize("version", [0, 1, 2])
def test_both_engines_give_the_same_rows(lake: DeltaLake, version: int) -> None:
    """Row by row and cell by cell, at each version: files of others are not read, and a column that came later is null before."""
    versions = {"flights": version, "weather": 0}
    with_distance = SQL if version else SQL.replace("f.distance / nullif", "1 / nullif").replace("f.distance", "1.5 AS distance", 1)
    ours, theirs = (on(engine, lake, versions, sql=with_distance) for engine in ("duckdb", "spark"))
    assert len(ours) == (1000 if version == 0 else ROWS)
    pd.testing.assert_frame_equal(theirs, ours, check_exact=False, rtol=1e-12)
    assert ours.notna().any().all()


def test_the_window_and_views_are_the_same(lake: DeltaLake) -> None:
    """The window is half-open on both, and a view is joined to what either gives."""
    start = datetime(2013, 1, 2, 12, tzinfo=UTC)
    window, versions = Window(start, start + timedelta(days=1)), {"flights": 2, "weather": 0}
    load = ViewSpec(name="load", feeds=("flights",), entity=("origin",), time="known", ttl=timedelta(hours=9), features=("n",))
    sql = "SELECT origin, time_hour + INTERVAL 1 HOUR AS known, count(*) AS n FROM flights GROUP BY ALL"
    more = {"views": [View(load, sql)], "also": ["load__n"]}
    ours, theirs = (on(engine, lake, versions, window, **more) for engine in ("duckdb", "spark"))
    pd.testing.assert_frame_equal(theirs, ours, check_exact=False, rtol=1e-12)
    assert ours["at"].min() >= start
    assert 0 < len(ours) < ROWS


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM flights ASOF JOIN weather USING (origin, time_hour)", "found ASOF JOIN weather"),
        ("SELECT nope FROM flights", "does not run on Spark.*nope"),
        ("SELECT to_minutes(3) AS m FROM flights", "does not run on Spark.*to_minutes"),
        ("SELECT flight_id FROM flights", "lacks columns.*late: not returned; it returns flight_id"),
        ("SELECT * FROM elsewhere", "does not run on Spark.*elsewhere"),
    ],
)
def test_what_spark_cannot_do_is_a_fault_of_the_spec(lake: DeltaLake, sql: str, said: str) -> None:
    """By name, as on DuckDB: trying again gives the same answer."""
    with pytest.raises(SpecError, match=f"(?is){said}"):
        on("spark", lake, {"flights": 1, "weather": 0}, sql=sql)


def test_rows_that_are_no_local_files_are_handed_over(lake: DeltaLake) -> None:
    """What lies on an object store goes through Arrow: the same rows."""
    made = [spark.frame(spark.session(), table).count() for table in (lake.dataset("clean/flights", 1), lake.parquet("clean/flights", 1))]
    assert made == [ROWS, ROWS]


def test_a_suite_finds_the_same_rows_on_both_engines() -> None:
    """Great Expectations on Spark: the same rules at the same rows, of nulls too, and the good rows go on."""
    schema = {"id": "int64", "x": "float64?", "c": "string"}
    between = {"type": "expect_column_values_to_be_between", "column": "x", "min_value": 0, "max_value": 9}
    expectations = [between, {"type": "expect_column_values_to_be_in_set", "column": "c", "value_set": ["a", "b"]}]
    content = b"id,x,c\n1,5,a\n2,99,a\n3,,z\n4,-1,z\n5,1,b\n"
    made = {}
    for engine in ("pandas", "spark"):
        feed = feed_spec(schema, engine=engine, expectations=expectations, quarantine={"max_fraction": 1})
        made[engine] = sort_rows(decode(io.BytesIO(content), feed, "csv"), feed, "batch")
    assert made["spark"].quarantined().read_all().to_pylist() == made["pandas"].quarantined().read_all().to_pylist()
    assert made["spark"].clean().read_all().to_pylist() == made["pandas"].clean().read_all().to_pylist()
    assert made["spark"].clean().read_all()["id"].to_pylist() == [1, 5]


def test_without_pyspark_the_error_names_make_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra: the message says how it comes."""
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(SpecError, match=r"(?s)pyspark is not installed.*make extras"):
        spark.session()
