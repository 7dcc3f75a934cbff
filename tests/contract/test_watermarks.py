"""What reading by watermark promises, on SQLite and PostgreSQL: every row once, also those that come late."""

from __future__ import annotations

import io
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from include.ratchet.adapters.sources.sql import Sql
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.records import Delivery
from tests.makers import feed_spec

DAY = datetime(2013, 1, 1)  # noqa: DTZ001 - as databases keep it
KINDS = {"number": "BIGINT", "time": "TIMESTAMP", "zoned": "TIMESTAMP WITH TIME ZONE", "date": "DATE"}


class Reader:
    """A table, and a feed that lands what is new in it, as the ingest does."""

    def __init__(self, url: str, kind: str = "number", lag: Any = None) -> None:
        """Make an empty table whose watermark is of a kind."""
        self.kind, self.raw, self.seen, self.mark = kind, list[tuple[Any, bytes]](), list[str](), None
        self.engine = sa.create_engine(url)
        self.table = sa.Table("t", sa.MetaData(), sa.Column("id", sa.BigInteger), sa.Column("at", _type(kind)), sa.Column("v", sa.Float))
        self.table.create(self.engine)
        source = {"kind": "sql", "connection": "db", "table": "t", "watermark": "at"} | ({"lag": lag} if lag else {})
        self.spec: FeedSpec = feed_spec(
            {"id": "int64", "at": "int64" if kind == "number" else "timestamp", "v": "float64?"}, source, mode="append"
        )
        self.url = url

    def insert(self, *rows: tuple[int, int], v: float = 0.0) -> None:
        """Insert rows: an id, and a watermark in days (or whole numbers)."""
        with self.engine.begin() as connection:
            connection.execute(self.table.insert(), [{"id": i, "at": self.value(at), "v": v} for i, at in rows])

    def value(self, at: int) -> Any:
        """Return a watermark."""
        if self.kind == "number":
            return at
        moment = DAY + timedelta(days=at)
        return moment.date() if self.kind == "date" else moment.replace(tzinfo=UTC) if self.kind == "zoned" else moment

    def landed(self, since: Any) -> Iterator[BinaryIO]:
        """Give the batches that may hold rows of a window."""
        return (io.BytesIO(content) for mark, content in reversed(self.raw) if since is None or mark is None or mark >= since)

    def look(self) -> list[int]:
        """Land what is new; return its ids."""
        source = Sql(self.spec, self.url, self.landed)
        return [number for each in source.discover(self.seen, self.mark) for number in self.land(source, each)]

    def between(self, start: int, end: int, name: str) -> list[int]:
        """Land what is missing of a range of days."""
        source = Sql(self.spec, self.url, self.landed)
        days = [(DAY + timedelta(days=each)).replace(tzinfo=UTC) for each in (start, end)]
        return [number for each in source.between(days[0], days[1], name) for number in self.land(source, each)]

    def land(self, source: Sql, delivery: Delivery) -> list[int]:
        """Land one delivery."""
        content = source.fetch(delivery).read()
        assert content not in [each for _, each in self.raw]  # else it would be taken for the batch that landed before
        self.raw.append((None if delivery.half_open else delivery.end, content))
        self.seen.append(delivery.fingerprint)
        self.mark = self.mark if delivery.half_open else delivery.end
        found: list[int] = pq.read_table(io.BytesIO(content))["id"].to_pylist()
        return found


def _type(kind: str) -> Any:
    return {"number": sa.BigInteger(), "time": sa.DateTime(), "zoned": sa.DateTime(timezone=True), "date": sa.Date()}[kind]


@pytest.fixture(params=["number", "time", "zoned", "date"])
def kind(request: pytest.FixtureRequest, url: str) -> str:
    """Name each kind of watermark; SQLite forgets zones."""
    if request.param == "zoned" and url.startswith("sqlite"):
        pytest.skip("SQLite keeps no zone")
    return str(request.param)


def test_a_late_row_with_the_newest_watermark_is_read_once(url: str, kind: str) -> None:
    """It was not there when its window was read, and nothing newer came since: it lands, without those that had."""
    reader = Reader(url, kind)
    reader.insert((1, 1), (2, 2))
    assert reader.look() == [1, 2]
    reader.insert((3, 2))
    assert reader.look() == [3]
    reader.insert((4, 2), (5, 3))
    assert reader.look() == [4, 5]
    assert reader.look() == []


def test_a_row_that_is_late_by_the_lag_is_read_once(url: str, kind: str) -> None:
    """Whatever is older than the watermark by no more than the lag lands; what is older still does not."""
    reader = Reader(url, kind, lag=2 if kind == "number" else "2d")
    reader.insert((1, 10))
    assert reader.look() == [1]
    reader.insert((2, 8), (3, 7))
    assert reader.look() == [2]
    reader.insert((4, 9), (5, 11))
    assert reader.look() == [4, 5]
    assert reader.look() == []


def test_a_changed_row_is_read_again(url: str) -> None:
    """A row that moved its watermark is another row; so is one that changed within the lag."""
    reader = Reader(url, lag=5)
    reader.insert((1, 1), (2, 2))
    reader.look()
    with reader.engine.begin() as connection:
        connection.execute(sa.text("UPDATE t SET v = 9, at = 3 WHERE id = 1"))
    assert reader.look() == [1]
    with reader.engine.begin() as connection:
        connection.execute(sa.text("UPDATE t SET v = 8 WHERE id = 2"))
        connection.execute(sa.text("INSERT INTO t VALUES (3, 3, 0)"))
    assert reader.look() == [2, 3]


def test_equal_rows_land_as_often_as_they_are_there(url: str) -> None:
    """A table without a unique key may hold a row twice: the second one, come late, is not taken for the first."""
    reader = Reader(url)
    for _ in range(3):
        reader.insert((1, 1))
        assert reader.look() == [1]
        assert reader.look() == []


def test_a_range_is_read_half_open_and_only_what_is_missing(url: str) -> None:
    """A range of days takes what lies in it and has not landed, whatever the lag; the watermark stays where it was."""
    reader = Reader(url, "time")
    reader.insert((1, 1), (2, 5))
    assert reader.look() == [1, 2]
    reader.insert((3, 1), (4, 2), (5, 3))
    assert reader.look() == []
    assert reader.between(1, 3, "first") == [3, 4]
    assert reader.between(3, 4, "second") == [5]
    assert reader.between(1, 4, "again") == []
    reader.insert((6, 6))
    assert reader.look() == [6]


def test_a_range_before_all_else(url: str) -> None:
    """A range that was read first is not read again by the look that begins at the beginning."""
    reader = Reader(url, "date")
    reader.insert((1, 1), (2, 2), (3, 3))
    assert reader.between(1, 3, "first") == [1, 2]
    assert reader.look() == [3]


@pytest.mark.parametrize("seed", range(3))
def test_rows_in_any_order_within_the_lag_land_once(url: str, seed: int) -> None:
    """Rows that arrive up to the lag late, in random portions, some equal: each lands as often as it is there."""
    draw = random.Random(seed)  # noqa: S311 - a seeded draw
    reader, lag, came, taken = Reader(url, lag=5), 5, Counter[int](), Counter[int]()
    newest = 0
    for step in range(25):
        newest = max(newest, step)
        rows = [(draw.randrange(40), draw.randint(max(0, newest - lag), newest + 1)) for _ in range(draw.randrange(4))]
        newest = max([newest, *(at for _, at in rows)])
        rows = [(number, max(at, newest - lag)) for number, at in rows]
        if rows:
            reader.insert(*rows)
        came.update(number for number, _ in rows)
        taken.update(reader.look() if draw.random() < 0.7 else [])
    taken.update(reader.look())
    assert came.total() > 20
    assert taken == came


def test_a_column_more_or_less_makes_no_row_new(url: str) -> None:
    """The schema of an append feed changes: what has landed has landed; a late row with the new column is read."""
    reader = Reader(url)
    reader.insert((1, 1), (2, 2))
    assert reader.look() == [1, 2]
    whole = reader.spec
    reader.spec = feed_spec({"id": "int64", "at": "int64"}, reader.spec.source.model_dump(), mode="append")
    assert reader.look() == []
    reader.insert((3, 2))
    assert reader.look() == [3]
    reader.spec = whole
    assert reader.look() == []
    reader.insert((4, 2), (5, 3))
    assert reader.look() == [4, 5]


BOUNDED = {
    "plain": "SELECT * FROM t WHERE at >= :start AND at < :end",
    "careful": "SELECT * FROM t WHERE (:start IS NULL OR at >= :start) AND (:end IS NULL OR at < :end)",
    "sums": "SELECT id, at, sum(v) AS v FROM t WHERE at >= :start AND at < :end GROUP BY id, at",
}


@pytest.mark.parametrize("written", BOUNDED)
def test_a_query_is_read_between_bounds(url: str, kind: str, written: str) -> None:
    """A query that says :start and :end is given the window's, or the ends of all; it finds what the same table would."""
    query = BOUNDED[written]
    reader = Reader(url, kind)
    source = {"kind": "sql", "connection": "db", "query": query, "watermark": "at"}
    reader.spec = feed_spec({name: str(each) for name, each in reader.spec.columns.items()}, source, mode="append")
    reader.insert((1, 1), (2, 2))
    assert reader.look() == [1, 2]
    reader.insert((3, 2), (4, 5))
    assert reader.look() == [3, 4]
    reader.insert((5, 0), (6, 5))
    assert reader.look() == [6]
    if kind != "number":
        assert reader.between(0, 2, "backfill") == [5]


def test_a_sum_of_a_group_at_one_watermark_is_of_the_whole_group(url: str, kind: str) -> None:
    """A row comes late: the group lands again with all its rows, never a sum of the late one alone."""
    reader = Reader(url, kind)
    query = "SELECT min(id) AS id, at, sum(v) AS v FROM t WHERE (at >= :start AND at < :end) OR at IS NULL GROUP BY at"
    source = {"kind": "sql", "connection": "db", "query": query, "watermark": "at"}
    reader.spec = feed_spec({name: str(each) for name, each in reader.spec.columns.items()}, source)
    sums: list[list[float]] = []
    for row in ((1, 1), (2, 2), (3, 2)):
        reader.insert(row, v=1.5)
        reader.look()
        sums.append(pq.read_table(io.BytesIO(reader.raw[-1][1]))["v"].to_pylist())
    assert sums == [[1.5], [1.5], [3.0]]
    assert reader.look() == []


def test_a_text_is_read_between_bounds(url: str) -> None:
    """A watermark that is a text has a first and a last value too."""
    with sa.create_engine(url).begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (id BIGINT, at VARCHAR(20), v FLOAT)"))
        connection.execute(sa.text("INSERT INTO t VALUES (1, 'a', 0), (2, 'zzz', 0), (3, 'ÿ', 0)"))
    source = {"kind": "sql", "connection": "db", "query": BOUNDED["plain"], "watermark": "at"}
    reader = Sql(feed_spec({"id": "int64", "at": "string", "v": "float64"}, source, mode="append"), url)
    (delivery,) = reader.discover([], None)
    assert pq.read_table(reader.fetch(delivery))["id"].to_pylist() == [1, 2, 3]


def test_a_backfill_stops_at_a_watermark_of_another_kind(url: str) -> None:
    """A column of numbers became one of times: which of its rows have landed cannot be told, so none lands twice."""
    reader = Reader(url)
    reader.insert((1, 1), (2, 2))
    assert reader.look() == [1, 2]
    with reader.engine.begin() as connection:
        connection.execute(sa.text("DROP TABLE t"))
    changed = Reader(url, "time")
    changed.insert((1, 1), (2, 2))
    changed.raw = [(None, content) for _, content in reader.raw]
    with pytest.raises(DataError, match=r"found the watermark '2013-01-02 00:00:00.*' of at, and 1 has landed"):
        changed.between(0, 5, "backfill")
