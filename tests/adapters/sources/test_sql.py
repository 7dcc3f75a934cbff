"""What is particular to databases."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from include.ratchet.adapters.sources.sql import Sql
from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.records import Delivery
from tests.makers import feed_spec

TABLE = {"kind": "sql", "connection": "db", "table": "t"}


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Make a table of three rows, two of them with the newest watermark."""
    place = f"sqlite:///{tmp_path / 's.db'}"
    run(
        place,
        "CREATE TABLE t (id INTEGER, v REAL, at TEXT)",
        "INSERT INTO t VALUES (1, 0.5, '2013-01-01'), (2, 1.5, '2013-01-02'), (3, 2.5, '2013-01-02')",
    )
    return place


def run(url: str, *statements: str) -> None:
    """Change the database."""
    with sa.create_engine(url).begin() as connection:
        for each in statements:
            connection.execute(sa.text(each))


def database(url: str, mode: str = "merge", **source: Any) -> Sql:
    """Open the table."""
    spec = feed_spec({"id": "int64", "v": "float64?", "at": "string"}, {**TABLE, **source}, mode=mode)
    return Sql(spec, url)


def ids(source: Sql, seen: list[str], watermark: Any) -> list[int]:
    """Return the ids of what is found."""
    (delivery,) = source.discover(seen, watermark)
    values: list[int] = pq.read_table(io.BytesIO(source.fetch(delivery).read()))["id"].to_pylist()
    return values


def test_a_quiet_table_is_not_read_at_every_look(url: str) -> None:
    """A watcher looks every few seconds: while the number of rows at the watermark is the same, what landed is opened once."""
    asked: list[Any] = []
    landed = database(url, watermark="at").fetch(Delivery("", "", None, "2013-01-02")).read()

    def give(since: Any) -> Iterator[BinaryIO]:
        asked.append(since)
        yield io.BytesIO(landed)

    source = Sql(database(url, watermark="at")._spec, url, give)
    assert [source.discover([], "2013-01-02") for _ in range(3)] == [[], [], []]
    assert asked == ["2013-01-02"]
    run(url, "INSERT INTO t VALUES (4, 0, '2013-01-02')")
    (late,) = source.discover([], "2013-01-02")
    assert pq.read_table(io.BytesIO(source.fetch(late).read()))["id"].to_pylist() == [4]


def test_rows_that_come_between_look_and_fetch_wait(url: str) -> None:
    """A delivery ends where it was seen to end; the next look finds the rest."""
    source = database(url, watermark="at")
    (delivery,) = source.discover([], None)
    run(url, "INSERT INTO t VALUES (9, 0, '2013-02-01')")
    assert pq.read_table(io.BytesIO(source.fetch(delivery).read()))["id"].to_pylist() == [1, 2, 3]
    assert ids(source, [delivery.fingerprint], delivery.end) == [2, 3, 9]  # nothing has landed: 2 and 3 are as new as 9


def test_a_replaced_table_is_read_whole_when_it_changed(url: str) -> None:
    """The same content is found once; a change is found; going back to what it was is a change too."""
    source = database(url, mode="replace")
    (first,) = source.discover([], None)
    assert source.discover([first.fingerprint], None) == []
    run(url, "UPDATE t SET v = 9 WHERE id = 1")
    (second,) = source.discover([first.fingerprint], None)
    run(url, "UPDATE t SET v = 0.5 WHERE id = 1")
    (third,) = source.discover([first.fingerprint, second.fingerprint], None)
    assert len({each.fingerprint for each in (first, second, third)}) == 3
    assert source.discover([first.fingerprint, second.fingerprint, third.fingerprint], None) == []


def test_a_query_is_read_as_a_table(url: str) -> None:
    """A query may join, filter and compute; its columns are those of the schema."""
    spec = feed_spec(source={"kind": "sql", "connection": "db", "query": "SELECT id, v * 2 AS v FROM t WHERE id > 1", "watermark": "id"})
    source = Sql(spec, url)
    (delivery,) = source.discover([], 2)
    assert pq.read_table(io.BytesIO(source.fetch(delivery).read())).to_pylist() == [{"id": 2, "v": 3.0}, {"id": 3, "v": 5.0}]


def test_the_password_is_in_no_delivery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes into ledger and logs names the database without its secret."""
    real: Callable[[str], sa.Engine] = sa.create_engine
    monkeypatch.setattr(
        sa,
        "create_engine",
        lambda url, **_: real(url) if url.startswith("sqlite") else Hidden(url, real(f"sqlite:///{tmp_path}/x.db")),
    )

    class Hidden:
        def __init__(self, url: str, engine: sa.Engine) -> None:
            self.url, self.connect = sa.make_url(url), engine.connect

    run(f"sqlite:///{tmp_path}/x.db", "CREATE TABLE t (id INTEGER, v REAL, at TEXT)", "INSERT INTO t VALUES (1, 1, 'a')")
    (delivery,) = database("postgresql+psycopg2://u:hunter2@h/db?sslpassword=hunter3", watermark="at").discover([], None)
    assert "hunter" not in repr(delivery)
    assert "u:***@h/db#t" in delivery.uri


@pytest.mark.parametrize("found", ["table", "query", "bounded"])
def test_a_row_without_a_watermark_stops(url: str, found: str) -> None:
    """NULL lies in no window: nobody reads on as if such rows were not there; a query may say what counts instead."""
    run(url, "INSERT INTO t VALUES (7, 0, NULL), (8, 0, '2013-01-03')")
    queries = {"query": "SELECT * FROM t", "bounded": "SELECT * FROM t WHERE (at >= :start AND at < :end) OR at IS NULL"}
    query: dict[str, Any] = {} if found == "table" else {"table": None, "query": queries[found]}
    with pytest.raises(DataError, match=r"feed f: 1 rows of (t|the query) have no at, .*coalesce\(at, created_at\)"):
        database(url, watermark="at", **query).discover([], None)
    dated = database(url, watermark="at", table=None, query="SELECT id, v, coalesce(at, '2013-01-02') AS at FROM t")
    assert ids(dated, [], None) == [1, 2, 3, 7, 8]


def test_a_source_keeps_no_connection_open(url: str) -> None:
    """A watcher opens its source at every look: what it leaves open would pile up at the database."""
    source = database(url, watermark="at")
    opened: list[object] = []
    closed: list[object] = []
    sa.event.listen(source._engine, "connect", lambda connection, _: opened.append(connection))
    sa.event.listen(source._engine, "close", lambda connection, _: closed.append(connection))
    ids(source, [], None)
    assert len(opened) == len(closed) > 0


@pytest.mark.parametrize("watermark", ["at", "id"])
def test_a_watermark_survives_json(url: str, watermark: str) -> None:
    """Watermarks are kept as JSON between runs, and compare as the database does."""
    (delivery,) = database(url, watermark=watermark).discover([], None)
    assert isinstance(delivery.end, str | int)


def test_a_watermark_that_does_not_compare_is_refused(url: str) -> None:
    """Bytes cannot be a watermark: a fault of the spec."""
    run(url, "UPDATE t SET at = x'00ff'")
    with pytest.raises(SpecError, match="found a value of bytes; allowed are numbers, times, dates and texts"):
        database(url, watermark="at").discover([], None)


def test_a_long_watermark_fits_into_the_ledger(tmp_path: Path) -> None:
    """500 characters of a fingerprint are what PostgreSQL keeps."""
    place = f"sqlite:///{tmp_path / 'l.db'}"
    run(place, "CREATE TABLE t (id INTEGER, v REAL, at TEXT)", "INSERT INTO t VALUES (1, 1, printf('%600d', 1))")
    (delivery,) = database(place, watermark="at").discover([], " " * 600)
    assert len(delivery.fingerprint) <= 500


def test_a_watermark_of_another_kind_stops(url: str) -> None:
    """Another column counts now, or another type of it: what is new cannot be told from what has landed, and it is said."""
    with pytest.raises(DataError, match=r"found the watermark '2013-01-02' of at, and 3 has landed.*allowed is a watermark of the kind"):
        database(url, watermark="at").discover([], 3)
    with pytest.raises(DataError, match="found the watermark 3 of id, and '2013-01-02' has landed"):
        database(url, watermark="id").discover([], "2013-01-02")


def test_a_query_with_another_bound_is_refused(url: str) -> None:
    """:start and :end are known; another name is told, with how a colon of SQL's own is written."""
    spec = feed_spec(source={"kind": "sql", "connection": "db", "query": "SELECT * FROM t WHERE id > :since", "watermark": "id"})
    with pytest.raises(SpecError) as error:
        Sql(spec, url).discover([], None)
    assert "found :since; allowed are :start and :end" in error.value.faults[0]


def test_bounds_without_a_watermark_are_refused(url: str) -> None:
    """Nothing would tell what they are."""
    source = {"kind": "sql", "connection": "db", "query": "SELECT * FROM t WHERE id >= :start"}
    with pytest.raises(SpecError) as error:
        Sql(feed_spec(source=source, mode="replace"), url).discover([], None)
    assert "found :start without source.watermark" in error.value.faults[0]


def test_two_feeds_of_one_database_do_not_share_what_they_know(url: str) -> None:
    """Nothing late in one query says nothing of another's late row, though the database, the watermark and the number are the same."""
    spec = {"id": "int64", "v": "float64?", "at": "string"}
    source = {"kind": "sql", "connection": "db", "query": "SELECT * FROM t", "watermark": "id"}
    landed = Sql(feed_spec(spec, source), url).fetch(Delivery("", "w", None, 3)).read()
    assert Sql(feed_spec(spec, source), url, lambda _: iter([io.BytesIO(landed)])).discover([], 3) == []
    other = Sql(feed_spec(spec, source | {"query": "SELECT * FROM t WHERE 1 = 1"}), url)
    assert len(other.discover([], 3)) == 1


def test_a_decimal_is_its_value(tmp_path: Path) -> None:
    """1.5 comes as 1.50 beside 2.25, and as 1.5 alone: what has landed does not land again because of another row's digits."""
    sqlite3.register_converter("exactly", lambda text: Decimal(text.decode()))
    place = f"sqlite:///{tmp_path / 'd.db'}?detect_types=1"
    run(place, "CREATE TABLE t (id INTEGER, at INTEGER, v exactly)", "INSERT INTO t VALUES (1, 1, '2.25'), (2, 2, '1.5')")
    spec, landed = feed_spec({"id": "int64", "at": "int64", "v": "float64"}, {**TABLE, "watermark": "at"}, mode="append"), list[bytes]()
    source = Sql(spec, place, lambda _: iter([io.BytesIO(each) for each in landed]))
    (delivery,) = source.discover([], None)
    landed.append(source.fetch(delivery).read())
    assert pq.read_table(io.BytesIO(landed[0]))["v"].to_pylist() == [Decimal("2.25"), Decimal("1.50")]
    assert source.discover([delivery.fingerprint], 2) == []


@pytest.mark.parametrize(("kept", "declared"), [("20130101", "timestamp"), ("'2013-01-01'", "int64"), ("5", "string")])
def test_bounds_of_another_type_than_the_database_holds_are_refused(tmp_path: Path, kept: str, declared: str) -> None:
    """Nothing lies between them, for ever: it is said, not taken for an empty table."""
    place = f"sqlite:///{tmp_path / 'k.db'}"
    run(place, "CREATE TABLE t (id INTEGER, at)")
    query = "SELECT id, at FROM t WHERE at >= :start AND at < :end"
    source = Sql(feed_spec({"id": "int64", "at": declared}, {"kind": "sql", "connection": "db", "query": query, "watermark": "at"}), place)
    assert source.discover([], None) == []
    run(place, f"INSERT INTO t VALUES (1, {kept})")  # noqa: S608 - the test's own
    with pytest.raises(SpecError) as error:
        source.discover([], None)
    assert f"found at {kept}, not between the first and the last {declared}" in error.value.faults[0]
