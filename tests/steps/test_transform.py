"""The transform: one row per id, inside the window, from what was known at that time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.dataset as pads
import pytest

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.records import Window
from include.ratchet.domain.viewspec import ViewSpec
from include.ratchet.steps.transform import content_digest, transform
from include.ratchet.steps.views import View
from tests.makers import model_spec

START = datetime(2013, 1, 1, tzinfo=UTC)
SPEC = model_spec()
SQL = "SELECT * FROM f"


def hour(number: float) -> datetime:
    """Return an hour of the first day."""
    return START + timedelta(hours=number)


def flights(*hours: float, ids: list[int] | None = None) -> pads.Dataset:
    """Make a feed's table with one row per hour."""
    count = len(hours)
    return pads.dataset(
        pa.table(
            {
                "id": ids or list(range(count)),
                "at": pa.array([hour(h) for h in hours], pa.timestamp("us", tz="UTC")),
                "y": [h % 2 == 0 for h in hours],
                "x": [float(h) for h in hours],
                "c": ["a"] * count,
            }
        )
    )


def test_the_window_is_half_open() -> None:
    """A row at the start is in, one at the end is not; without a window all rows are."""
    window = Window(hour(1), hour(3))
    assert transform(SPEC, SQL, {"f": flights(0, 1, 2, 3)}, window)["id"].to_pylist() == [1, 2]
    assert transform(SPEC, SQL, {"f": flights(0, 1, 2, 3)}, None).num_rows == 4


def test_rows_come_by_id_with_the_needed_columns_only() -> None:
    """The order does not depend on how rows were stored, and other columns are left out."""
    made = transform(SPEC, "SELECT *, 1 AS extra FROM f", {"f": flights(0, 1, 2, ids=[3, 1, 2])}, None)
    assert made["id"].to_pylist() == [1, 2, 3]
    assert made.column_names == ["id", "at", "y", "x", "c"]


def test_asof_takes_the_last_that_was_known() -> None:
    """A point-in-time join takes the newest report not after the row, and none where there was none: no look ahead."""
    reports = pads.dataset(pa.table({"at": pa.array([hour(1), hour(4)], pa.timestamp("us", tz="UTC")), "temp": [10.0, 40.0]}))
    sql = "SELECT f.id, f.at, f.y, f.c, w.temp AS x FROM f ASOF LEFT JOIN w ON f.at >= w.at"
    made = transform(model_spec(feeds=["f", "w"]), sql, {"f": flights(0, 1, 3.5, 4, 9), "w": reports}, None)
    assert made["x"].to_pylist() == [None, 10.0, 10.0, 40.0, 40.0]


LOAD = View(ViewSpec(name="load", feeds=("w",), entity=("c",), time="known", ttl=timedelta(hours=1), features=("n",)), "SELECT * FROM w")
KNOWN = pads.dataset(pa.table({"c": ["a"], "known": pa.array([hour(1)], pa.timestamp("us", tz="UTC")), "n": [10]}))


def test_a_view_is_joined_as_it_was_known() -> None:
    """The features that the spec names come by the view's name; what only a champion needs comes when asked for."""
    tables = {"f": flights(0, 1, 2, 3), "w": KNOWN}
    made = transform(model_spec(columns__numeric=["x", "load__n"], views=["load"]), SQL, tables, None, views=[LOAD])
    assert made.column_names == ["id", "at", "y", "x", "load__n", "c"]
    assert made["load__n"].to_pylist() == [None, 10, 10, None]
    also = transform(SPEC, SQL, tables, None, ["load__n", "gone"], [LOAD])
    assert also.column_names == ["id", "at", "y", "x", "c", "load__n"]


def test_a_view_needs_its_entity_of_the_transform() -> None:
    """Which row is it about? The error names the column."""
    tables = {"f": flights(0), "w": KNOWN}
    spec = model_spec(columns__numeric=["x", "load__n"], columns__categorical=[])
    with pytest.raises(SpecError, match=r"(?s)lacks columns.*c: not returned; it returns id, at, y, x"):
        transform(spec, "SELECT * EXCLUDE c FROM f", tables, None, views=[LOAD])


def test_tables_of_a_view_are_not_the_transforms() -> None:
    """What a model reads is what it names under feeds: a view's feed is read by its view."""
    with pytest.raises(SpecError, match="does not run"):
        transform(SPEC, "SELECT * FROM w", {"f": flights(0), "w": KNOWN}, None, views=[LOAD])


def test_a_missing_column_is_named() -> None:
    """The error says which columns the spec needs and which there are."""
    with pytest.raises(SpecError, match=r"(?s)lacks columns.*y: not returned; it returns id, at, x, c"):
        transform(SPEC, "SELECT * EXCLUDE y FROM f", {"f": flights(0)}, None)


def test_two_rows_of_one_id_are_refused() -> None:
    """A join that multiplies rows would count them twice: the error shows one such id."""
    with pytest.raises(DataError, match=r"two rows with the id \{'id': 7\}"):
        transform(SPEC, SQL, {"f": flights(0, 1, ids=[7, 7])}, None)


@pytest.mark.parametrize("sql", ["SELECT nope FROM f", "SELEC 1", "SELECT * FROM g"])
def test_sql_that_does_not_run_is_a_fault_of_the_spec(sql: str) -> None:
    """Wrong SQL is terminal: trying again gives the same answer."""
    with pytest.raises(SpecError, match="the transform does not run"):
        transform(SPEC, sql, {"f": flights(0)}, None)


@pytest.mark.parametrize("name", ["dataset", "tables", "spec"])
def test_a_table_is_a_feed_and_nothing_else(name: str) -> None:
    """A name that is no feed is not looked up among Python's variables."""
    with pytest.raises(SpecError, match="does not run"):
        transform(SPEC, f"SELECT * FROM {name}", {"f": flights(0)}, None)  # noqa: S608 - a test's own


def test_a_comment_may_end_the_sql() -> None:
    """A last line that is a comment does not swallow what follows it."""
    assert transform(SPEC, SQL + " -- all of them", {"f": flights(0)}, None).num_rows == 1


def test_digest_is_of_the_rows_as_a_multiset() -> None:
    """The order of rows does not matter, one cell does, a repeated row does, and so do null and the columns' names."""
    rows = pa.table({"a": [1, 2, 3], "b": ["x", None, "z"]})
    name = content_digest(rows)
    assert content_digest(rows.take([2, 0, 1])) == name
    assert content_digest(pa.table({"a": [1, 2, 4], "b": ["x", None, "z"]})) != name
    assert content_digest(pa.table({"a": [1, 2, 3], "b": ["x", "y", "z"]})) != name
    assert content_digest(pa.concat_tables([rows, rows])) != name
    assert content_digest(rows.rename_columns(["a", "c"])) != name
    assert content_digest(rows.slice(0, 0)) != name


def test_digest_sees_cells_that_change_places() -> None:
    """The same cells in other rows are other rows."""
    assert content_digest(pa.table({"a": [1, 2], "b": [3, 4]})) != content_digest(pa.table({"a": [1, 2], "b": [4, 3]}))
