"""What a model must not know is found when it is planted, and not when it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.ratchet.domain.errors import DataError
from include.ratchet.steps.frames import Split
from include.ratchet.steps.leakage import cut_points, forbidden_copies, future_features, split_faults
from tests.makers import model_spec, untimed

START = datetime(2020, 1, 1, tzinfo=UTC)
SPEC = model_spec(columns__numeric=["x"], columns__categorical=[], columns__forbidden=["after"])


def rows(count: int = 100, **more: Any) -> pa.Table:
    """Make rows an hour apart, with a feature, a label and a forbidden column."""
    draw = np.random.default_rng(1)
    frame = pd.DataFrame(
        {"id": range(count), "x": draw.normal(size=count), "y": draw.integers(0, 2, count), "after": draw.normal(size=count)}
    )
    at = pa.array([START + timedelta(hours=n) for n in range(count)], pa.timestamp("us", tz="UTC"))
    return pa.Table.from_pandas(frame.assign(**more), preserve_index=False).append_column("at", at)


def cut(count: int, *ends: int) -> Split:
    """Split at positions: train before the first, test from the second on."""
    number = np.arange(count)
    return Split(number < ends[0], number >= ends[1])


def test_a_forbidden_column_in_disguise() -> None:
    """The same values, or the same in another unit, are a copy; a column that only goes along with it is none."""
    plain = rows()
    after = plain["after"].to_numpy()
    assert forbidden_copies(plain, SPEC) == []
    for copied in (after, after * 60 + 5):
        assert forbidden_copies(rows(x=copied), SPEC) == ["columns.x: the same as after in every row; it is forbidden"]
    assert forbidden_copies(rows(x=after + 0.01 * plain["x"].to_numpy()), SPEC) == []
    assert forbidden_copies(rows(x=plain["y"].to_numpy()), SPEC) == ["columns.x: the same as y in every row; it is the label"]
    texts = model_spec(columns__numeric=[], columns__categorical=["x"], columns__forbidden=["after"])
    words = ["a", "b"] * 50
    assert forbidden_copies(rows(x=words, after=words), texts) == ["columns.x: the same as after in every row; it is forbidden"]


def test_a_split_by_time_leaves_a_gap() -> None:
    """A test row that begins before the last training label is known is named, with how long a label takes."""
    spec = model_spec(columns__numeric=["x"], columns__categorical=[], labels__lag="5h")
    assert split_faults(rows(), spec, cut(100, 50, 56)) == []
    (fault,) = split_faults(rows(), spec, cut(100, 50, 52))
    assert "0 days 03:00:00 between train and test; a label takes 5:00:00" in fault
    both = Split(np.arange(100) < 60, np.arange(100) >= 56)
    assert "training.split: a row is in two parts; allowed is one" in split_faults(rows(), spec, both)


def test_no_row_and_no_entity_on_both_sides() -> None:
    """The same id twice, and where there is no time the same entity, are named with how many."""
    spec = untimed(columns__entity=["who"], columns__numeric=["x"], columns__categorical=[])
    apart = rows(who=[n // 50 for n in range(100)])
    assert split_faults(apart, spec, cut(100, 50, 50)) == []
    assert split_faults(apart, spec, cut(100, 60, 60)) == ["training.split: 1 of who in train and in test; allowed is none"]
    twice = rows(who=[n // 50 for n in range(100)], id=[*range(99), 0])
    assert split_faults(twice, spec, cut(100, 50, 50)) == ["training.split: 1 of id in train and in test; allowed is none"]


def transform(sql: str, given: Mapping[str, pa.Table]) -> pa.Table:
    """Run a SELECT over the tables."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for name, table in given.items():
            connection.register(name, table)
        return connection.sql(sql).to_arrow_table()


@pytest.mark.parametrize(
    ("feature", "leaks"),
    [
        ("x", False),
        ('avg(x) OVER (ORDER BY "at" ROWS BETWEEN 5 PRECEDING AND CURRENT ROW)', False),
        ('lag(x) OVER (ORDER BY "at")', False),
        ("avg(x) OVER ()", True),
        ('lead(x) OVER (ORDER BY "at")', True),
        ("rank() OVER (ORDER BY x)", True),
        ("(SELECT count(*) FROM f AS later)", True),
    ],
)
def test_a_feature_that_knows_the_future(feature: str, leaks: bool) -> None:  # noqa: FBT001 - a parameter of the table
    """Cut off what came later: a feature that changes knew of it; one that looks back does not change."""
    table = rows()

    def made(given: Mapping[str, pa.Table]) -> pa.Table:
        return transform(f'SELECT id, "at", y, {feature} AS x FROM f ORDER BY id', given)  # noqa: S608 - the cases above

    found = future_features(made, {"f": table}, {"f": "at"}, SPEC, START + timedelta(hours=70))
    assert bool(found) == leaks
    assert all(fault.startswith("columns.x: ") and "rows before 2020-01-03" in fault for fault in found)


def test_rows_that_are_there_because_of_later_ones() -> None:
    """A join on what comes after makes rows that would not be known yet."""
    sql = 'SELECT a.id, a."at", a.y, a.x FROM f AS a JOIN f AS b ON b.id = a.id + 1 ORDER BY a.id'
    (fault,) = future_features(lambda given: transform(sql, given), {"f": rows()}, {"f": "at"}, SPEC, START + timedelta(hours=70))
    assert fault == "1 of 70 rows before 2020-01-03 22:00:00+00:00 are there only because of later ones"


def test_nothing_before() -> None:
    """A time before all rows proves nothing, and is refused."""
    with pytest.raises(DataError, match="no row is before"):
        future_features(lambda given: given["f"], {"f": rows()}, {"f": "at"}, SPEC, START)


def test_where_it_is_cut() -> None:
    """Three times in the newest third."""
    times = [START + timedelta(hours=n) for n in range(101)]
    assert [(at - START) / timedelta(hours=1) for at in cut_points(times)] == [67, 83, 99]
