"""The point-in-time join: what was known of an entity at a time, not later, and not longer than it lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.viewspec import ViewSpec
from include.ratchet.steps.views import View, columns, join, latest, read

START = datetime(2013, 1, 1, tzinfo=UTC)
TTL = 5


def minute(number: int | None) -> datetime | None:
    """Return a minute of the first day."""
    return None if number is None else START + timedelta(minutes=number)


def spec(**changes: Any) -> ViewSpec:
    """Make a view of a shop and a place, that lasts five minutes."""
    content = {"name": "v", "feeds": ["f"], "entity": ["shop", "place"], "time": "at", "ttl": f"{TTL}m", "features": ["n", "word"]}
    return ViewSpec.model_validate(content | changes)


def table(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Make a feed of (shop, place, minute, n, word)."""
    shop, place, at, n, word = zip(*rows, strict=True) if rows else ([],) * 5
    times = pa.array([minute(each) for each in at], pa.timestamp("us", "UTC"))
    kinds = {"shop": pa.array(shop, pa.string()), "place": pa.array(place, pa.int64()), "at": times}
    return pa.table(kinds | {"n": pa.array(n, pa.int64()), "word": pa.array(word, pa.string())})


def asked(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Make rows of (shop, place, minute) that ask."""
    shop, place, at = zip(*rows, strict=True) if rows else ([],) * 3
    times = pa.array([minute(each) for each in at], pa.timestamp("us", "UTC"))
    return pa.table({"id": range(len(rows)), "shop": pa.array(shop, pa.string()), "place": pa.array(place, pa.int32()), "t": times})


def joined(rows: list[tuple[Any, ...]], known: list[tuple[Any, ...]]) -> list[tuple[Any, Any]]:
    """Return what the rows got of the view."""
    view = View(spec(), "SELECT * FROM f")
    made = join(asked(rows), "t", {view.spec: read(view, {"f": table(known)})})
    assert made["id"].to_pylist() == list(range(len(rows)))
    return list(zip(made["v__n"].to_pylist(), made["v__word"].to_pylist(), strict=True))


def test_the_newest_that_is_known_and_lasts_is_joined() -> None:
    """Both ends count: known at the very time, and as old as the time-to-live. A later one, or an older, does not."""
    known = [("a", 1, 10, 1, "x"), ("a", 1, 12, 2, None), ("a", 2, 10, 3, "z")]
    found = joined([("a", 1, 9), ("a", 1, 10), ("a", 1, 11), ("a", 1, 17), ("a", 1, 18), ("a", 2, 15), ("a", 2, 16)], known)
    assert found == [(None, None), (1, "x"), (1, "x"), (2, None), (None, None), (3, "z"), (None, None)]


def test_a_null_that_is_the_newest_word_stays() -> None:
    """An older value is not dug out for it."""
    assert joined([("a", 1, 12)], [("a", 1, 10, 1, "x"), ("a", 1, 11, None, None)]) == [(None, None)]


def test_who_is_not_known_gets_nothing() -> None:
    """Another entity, half of one, a null in it, and a row without a time."""
    known = [("a", 1, 10, 1, "x"), ("b", 2, 10, 2, "y"), (None, 1, 10, 3, "z"), ("a", None, 10, 4, "z"), ("a", 1, None, 5, "z")]
    rows = [("a", 2, 10), ("c", 1, 10), (None, 1, 10), ("a", None, 10), ("a", 1, None), ("a", 1, 10)]
    assert joined(rows, known) == [(None, None)] * 5 + [(1, "x")]


def test_without_rows_on_either_side_the_columns_are_there() -> None:
    """An empty view, or nobody who asks."""
    assert joined([("a", 1, 10)], []) == [(None, None)]
    assert joined([], [("a", 1, 10, 1, "x")]) == []


def test_two_rows_of_one_entity_and_time_are_refused() -> None:
    """Which of them counts would be luck: the entity and the time are named."""
    with pytest.raises(
        DataError, match=r"views/v: two rows of shop a, place 1, at 2013-01-01 00:10:00.*Group by shop, place and at in view\.sql"
    ):
        joined([("a", 1, 10)], [("a", 1, 10, 1, "x"), ("a", 1, 10, 2, "y")])


def test_columns_that_are_not_there_are_named() -> None:
    """All at once, with what there is."""
    view = View(spec(features=["n", "m"], time="when"), "SELECT * FROM f")
    with pytest.raises(SpecError, match=r"(?s)views/v: the SQL lacks columns.*when: not returned; it returns shop.*m: not returned"):
        read(view, {"f": table([])})


def test_an_entity_of_another_type_is_named() -> None:
    """A text that is no number cannot be one's name, and a list names nobody; a number of another width can."""
    view = View(spec(entity=["place"]), "SELECT * FROM f")
    known = {view.spec: read(view, {"f": table([("a", 1, 1, 1, "x")])})}
    with pytest.raises(SpecError, match=r"entity\.place: found string in the transform and int64 in the view"):
        join(pa.table({"place": ["a"], "t": pa.array([START])}), "t", known)
    with pytest.raises(SpecError, match="place: found list<"):
        join(pa.table({"place": [[1]], "t": pa.array([START])}), "t", known)


def test_numbers_keep_their_nulls_and_their_width() -> None:
    """What is not found is null and not NaN; a NaN of the view is null too; whole numbers stay whole beyond 2 ** 53."""
    view = View(spec(entity=["shop"], features=["n", "share"]), "SELECT * FROM f")
    times = pa.array([minute(1), minute(2), minute(3)], pa.timestamp("us", "UTC"))
    feed = pa.table({"shop": ["a"] * 3, "at": times, "n": [2**60 + 1, None, 3], "share": [0.5, float("nan"), None]})
    asking = pa.table(
        {"shop": ["a", "a", "a", "b"], "t": pa.array([minute(3), minute(2), minute(1), minute(1)], pa.timestamp("us", "UTC"))}
    )
    made = join(asking, "t", {view.spec: read(view, {"f": feed})})
    assert made["v__n"].to_pylist() == [3, None, 2**60 + 1, None]
    assert made["v__share"].to_pylist() == [None, None, 0.5, None]


@pytest.mark.parametrize("more", [[], [("a", None, 3)], [("a", 1, None)]], ids=["whole", "no entity", "no time"])
def test_one_entity_of_whole_numbers_is_joined_by_its_numbers(more: list[tuple[Any, ...]]) -> None:
    """Any number names somebody, -1 too, and askers may come in any order; one that names nobody, or asks at no time, gets nothing."""
    view = View(spec(entity=["place"], features=["n"]), "SELECT * FROM f")
    known = {view.spec: read(view, {"f": table([("a", -1, 1, 1, "x"), ("a", -1, 2, 2, "x"), ("a", 2**40, 1, 3, "x")])})}
    rows = asked([("a", -1, 9), ("a", -1, 3), ("a", -1, 1), ("a", 7, 3), *more])
    assert join(rows, "t", known)["v__n"].to_pylist() == [None, 2, 1, None, *[None] * len(more)]


def test_a_row_that_asks_at_no_time_type_is_named() -> None:
    """A text is no time."""
    view = View(spec(entity=["shop"]), "SELECT * FROM f")
    with pytest.raises(SpecError, match="t: found list"):
        join(pa.table({"shop": ["a"], "t": [[1]]}), "t", {view.spec: read(view, {"f": table([("a", 1, 1, 1, "x")])})})


def test_dates_and_times_without_zone_are_utc() -> None:
    """A date is its first moment."""
    view = View(spec(entity=["shop"]), "SELECT * FROM f")
    known = {view.spec: read(view, {"f": table([("a", 1, 0, 1, "x"), ("a", 1, 1, 2, "x")])})}
    for time in (pa.array([START.date()]), pa.array([START.replace(tzinfo=None)], pa.timestamp("ns"))):
        assert join(pa.table({"shop": ["a"], "t": time}), "t", known)["v__n"].to_pylist() == [1]


def test_the_latest_of_each_entity_is_not_later_than_now() -> None:
    """One row per entity, and none that is known only later."""
    view = View(spec(entity=["shop"]), "SELECT * FROM f")
    known = read(view, {"f": table([("a", 1, 10, 1, "x"), ("a", 1, 12, 2, "y"), ("b", 1, 11, 3, "z"), ("c", 1, 13, 4, "z")])})
    assert sorted(latest(view.spec, known, START + timedelta(minutes=12))["n"].to_pylist()) == [2, 3]
    assert columns([view]) == ["v__n", "v__word"]


MINUTES = st.integers(0, 12)
ENTITY = st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([1, 2, None]))
KNOWN = st.lists(st.tuples(ENTITY, MINUTES, st.none() | st.integers(0, 9)), max_size=25, unique_by=lambda row: row[:2])
ASKED = st.lists(st.tuples(ENTITY, MINUTES), max_size=25)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(asked_for=ASKED, known=KNOWN)
def test_it_is_merge_asof_and_asof_join_row_by_row(asked_for: list[Any], known: list[Any]) -> None:
    """Pandas' merge_asof and DuckDB's ASOF JOIN give the same: duplicate askers, ties in time, nulls, and the ends of the time-to-live."""
    rows, right = [(*who, at) for who, at in asked_for], [(*who, at, n, None if n is None else str(n)) for who, at, n in known]
    ours = [n for n, _ in joined(rows, right)]
    assert ours == _by_asof(asked(rows), table(right)) == _by_pandas(asked(rows), table(right))


def _by_asof(left: pa.Table, right: pa.Table) -> list[int | None]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("l", left)
        connection.register("r", right)
        query = f"""SELECT CASE WHEN l.t - r.at <= INTERVAL {TTL} MINUTE THEN r.n END FROM l
            ASOF LEFT JOIN r ON l.shop = r.shop AND l.place = r.place AND l.t >= r.at ORDER BY id"""  # noqa: S608
        return [each[0] for each in connection.sql(query).fetchall()]


def _by_pandas(left: pa.Table, right: pa.Table) -> list[int | None]:
    keys = ["shop", "place"]
    known = right.to_pandas(types_mapper=pd.ArrowDtype).dropna(subset=keys).astype({"place": "int64", "shop": object})
    rows = left.to_pandas(types_mapper=pd.ArrowDtype)
    whole = rows.dropna(subset=keys).astype({"place": "int64", "shop": object})
    known["at"], whole["t"] = (pd.to_datetime(each, utc=True).astype("datetime64[us, UTC]") for each in (known["at"], whole["t"]))
    merged = pd.merge_asof(
        whole.sort_values("t", kind="stable"), known.sort_values("at", kind="stable"), left_on="t", right_on="at", by=keys,
        tolerance=pd.Timedelta(minutes=TTL),
    )  # fmt: skip
    found = dict(zip(merged["id"], merged["n"], strict=True))
    return [None if pd.isna(value := found.get(each)) else int(value) for each in rows["id"]]
