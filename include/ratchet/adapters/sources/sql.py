"""Databases, by SQLAlchemy: a table or a query, in windows of a watermark or whole; a batch is its rows as Parquet.

A look reads what is not older than the newest watermark that has landed, less `source.lag`, and takes out what has
landed: so a row that comes late with an equal watermark is read, or with one that is older by up to `lag`, and none
twice, in whatever mode it is merged. A row whose watermark is NULL lies in no window: the source stops and says so.

A query may say :start and :end, the half-open bounds of what is read; where there is none, the first or last value of
the watermark's type. A database that cannot look into a query then reads no more than it has to. No bounds hold a NULL,
and they cut a group that does not lie at one watermark: docs/sources.md says how a query is written then.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from include.ratchet.adapters.fingerprints import numbered, same, shortened
from include.ratchet.adapters.sources import Where
from include.ratchet.adapters.watermarks import alike, earlier, ends, like, not_below, plain
from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.ports import Source
from include.ratchet.domain.records import Delivery

LONG_WATERMARK = 150
"""Longer watermarks are hashed in a fingerprint."""
_nothing_late: dict[tuple[str, str], tuple[Any, int | None]] = {}
"""Per table and feed.yaml: the watermark, and how many rows were not below it, when none of them was new."""


def open_source(spec: FeedSpec, where: Where) -> Source:
    """Open the database by the feed's connection."""
    return Sql(spec, where.connections.get(str(spec.source.connection)).sqlalchemy_url, where.landed)


class Sql(Source):
    """Reads one table or query."""

    format = "parquet"

    def __init__(self, spec: FeedSpec, url: str, landed: Callable[[Any], Iterator[BinaryIO]] = lambda _: iter(())) -> None:
        """Read from the database at an SQLAlchemy URL; `landed` gives the batches that may hold a row of a window already."""
        self._spec, self._landed = spec, landed
        # No pool: a source is opened anew at every look, and connections that wait in it would never be closed.
        self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        # Without the query too, which may hold secrets of its own: this goes into the ledger and the logs.
        self._url = self._engine.url.set(query={}).render_as_string(hide_password=True)

    def discover(self, seen: Sequence[str], watermark: Any) -> list[Delivery]:
        """Say whether there is a row that has not landed; without a watermark, whether the content is another than the last.

        Raises:
            DataError: A row has no watermark, or watermarks are of another kind than those that landed.
        """
        uri = f"{self._url}#{self._spec.source.table or 'query'}"
        if self._spec.source.watermark is None:
            content = f"content|{hashlib.sha256(self.fetch(Delivery(uri, '')).read()).hexdigest()}"
            return [] if same(seen[-1] if seen else None, content) else [Delivery(uri, numbered(content, seen))]
        newest = self._newest(watermark)
        if newest is None:
            return []
        window = f"{shortened(str(watermark), LONG_WATERMARK)}|{shortened(str(newest), LONG_WATERMARK)}"
        if watermark is None or newest > watermark:
            return [Delivery(uri, window, watermark, newest)]
        late = self._late(uri, watermark)
        return [Delivery(uri, numbered(f"{window}|{late}", seen), watermark, watermark)] if late else []

    def between(self, start: datetime, end: datetime, name: str) -> list[Delivery]:
        """Say what of the half-open window `[start, end)` has not landed, whenever it came."""
        newest = self._newest()
        if newest is None:
            return []
        uri = f"{self._url}#{self._spec.source.table or 'query'}"
        window = f"range|{shortened(name, LONG_WATERMARK)}"
        found = Delivery(uri, window, like(newest, start), like(newest, end), half_open=True)
        rows = self._rows(found)
        if not rows.num_rows:
            return []
        # By content too: a run that is cleared keeps its name, and what it finds then came after it had landed.
        content = hashlib.sha256(repr(rows.to_pydict()).encode()).hexdigest()[:16]
        return [dataclasses.replace(found, fingerprint=f"{window}|{content}")]

    def fetch(self, delivery: Delivery) -> BinaryIO:
        """Read the delivery's rows that have not landed, as Parquet; its window's name in it, so that no two are the same bytes."""
        table = self._rows(delivery)
        named = table.replace_schema_metadata({"ratchet.window": delivery.fingerprint}) if delivery.end is not None else table
        sink = io.BytesIO()
        pq.write_table(named, sink)
        sink.seek(0)
        return sink

    def _late(self, uri: str, watermark: Any) -> str:
        """Name what came below the watermark after it had landed; nothing when nothing did.

        A watcher asks every few seconds: in one process, the rows are only read again when their number has changed.
        """
        column: sa.ColumnClause[Any] = sa.column(str(self._spec.source.watermark))
        query = sa.select(sa.func.count()).select_from(self._relation(earlier(watermark, self._spec.source.lag)))
        query = query.where(column >= earlier(watermark, self._spec.source.lag))
        with self._engine.connect() as connection:
            state, key = (watermark, connection.scalar(query)), (uri, self._spec.digest)
        if _nothing_late.get(key) == state:
            return ""
        late = self._rows(Delivery(uri, "", watermark, watermark))
        if not late.num_rows:
            _nothing_late[key] = state
            return ""
        return hashlib.sha256(repr(list(_rows_of(late, late.column_names))).encode()).hexdigest()

    def _rows(self, delivery: Delivery) -> pa.Table:
        """Read a window and take out what landed before, row by row as often as it did."""
        source = self._spec.source
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in self._spec.columns]
        windowed = source.watermark and delivery.end is not None
        since = (
            earlier(delivery.start, source.lag) if windowed and not delivery.half_open and delivery.start is not None else delivery.start
        )
        relation = self._relation(since, delivery.end if delivery.half_open else None)
        query = sa.select(*columns).select_from(relation).order_by(*[sa.column(k) for k in self._spec.key])
        if windowed:
            column: sa.ColumnClause[Any] = sa.column(str(source.watermark))
            query = query.where(column < delivery.end if delivery.half_open else column <= delivery.end)
            if since is not None:
                query = query.where(column >= since)
        with self._engine.connect() as connection:
            result = connection.execute(query)
            names, rows = list(result.keys()), result.fetchall()
        table = pa.table({name: _column([row[i] for row in rows]) for i, name in enumerate(names)})
        return self._without_landed(table, since) if source.watermark else table

    def _without_landed(self, table: pa.Table, since: Any) -> pa.Table:
        # By the columns that both have: a column that feed.yaml names since does not make rows new that are not.
        known: dict[tuple[str, ...], Counter[tuple[Any, ...]]] = defaultdict(Counter)
        column, edges, needed = str(self._spec.source.watermark), [], {str(self._spec.source.watermark), *self._spec.key}
        for stream in self._landed(since):
            with stream:
                batch = pq.ParquetFile(stream).read()
            shared = tuple(name for name in table.column_names if name in batch.column_names)
            if not needed.issubset(shared):
                continue  # landed when a row had another name, or another order: none of it is one of these
            if table.num_rows and batch.num_rows:
                self._require_alike(*(plain(each[column][0].as_py()) for each in (table, batch)))
            held = not_below(batch, column, since)
            edges.append(pc.max(held[column]))
            known[shared].update(_rows_of(held, shared))
        if not any(known.values()):
            return table
        old, new = _split(table, column, edges)
        again = set(range(old.num_rows))
        for shared, rows in known.items():
            for number, row in enumerate(_rows_of(old, shared)):
                if number in again and rows[row] > 0:
                    rows[row] -= 1
                    again.remove(number)
        return pa.concat_tables([old.take(pa.array(sorted(again), pa.int64())), new])

    def _newest(self, landed: Any = None) -> Any:
        """Return the highest watermark, None when nothing is there; `landed` is the one that has landed."""
        column: sa.ColumnClause[Any] = sa.column(str(self._spec.source.watermark))
        relation = self._relation(None if landed is None else earlier(landed, self._spec.source.lag))
        with self._engine.connect() as connection:
            if connection.scalar(sa.select(sa.literal(1)).select_from(relation).where(column.is_(None)).limit(1)):
                nulls = connection.scalar(sa.select(sa.func.count()).select_from(relation).where(column.is_(None)))
                name, found = column.name, self._spec.source.table or "the query"
                message = (
                    f"feed {self._spec.name}: {nulls} rows of {found} have no {name}, so that no window would ever hold them; allowed are "
                    f"rows with a watermark. Fill it, or say in a query what counts, such as coalesce({name}, created_at), or "
                    f"WHERE {name} IS NOT NULL to leave them out"
                )
                raise DataError(message)
            found = plain(connection.scalar(sa.select(sa.func.max(column)).select_from(relation)))
        if found is None and landed is None:
            self._require_bounds_that_hold(column)
        self._require_alike(found, landed)
        return found

    def _require_bounds_that_hold(self, column: sa.ColumnClause[Any]) -> None:
        """Refuse a query that finds nothing between the ends of the schema's type, and something between those of another."""
        declared = self._spec.columns[column.name]
        for kind in ("float64", "timestamp", "string") if self._spec.source.query else ():
            with self._engine.connect() as connection:
                try:
                    found = connection.scalar(sa.select(sa.func.max(column)).select_from(self._relation(*ends(kind))))
                except sa.exc.DBAPIError:  # PostgreSQL compares no time with a number
                    continue
            if found is not None:
                fault = (
                    f"found {column.name} {found!r}, not between the first and the last {declared} that stand for :start and :end; "
                    "allowed is a watermark that the database holds as `schema` declares it. Cast it in the query, or leave the bounds out"
                )
                raise SpecError(f"feeds/{self._spec.name}/feed.yaml: source.query", [fault])

    def _require_alike(self, found: Any, landed: Any) -> None:
        if found is None or landed is None or alike(found, landed):
            return
        message = (
            f"feed {self._spec.name}: found the watermark {found!r} of {self._spec.source.watermark}, and {landed!r} has landed; what is "
            "new cannot be told; allowed is a watermark of the kind that landed. Name that column again, or make a new feed"
        )
        raise DataError(message)

    def _relation(self, start: Any = None, end: Any = None) -> sa.FromClause:
        source = self._spec.source
        if source.table:
            schema, _, table = source.table.rpartition(".")
            return sa.table(table, schema=schema or None)
        names = dict.fromkeys([*self._spec.columns, *([source.watermark] if source.watermark else [])])
        query = sa.text(str(source.query))
        asked = query.compile().params
        where = f"feeds/{self._spec.name}/feed.yaml: source.query"
        if unknown := sorted(set(asked) - {"start", "end"}):
            fault = f"found :{', :'.join(unknown)}; allowed are :start and :end; a colon of SQL's own is written \\:"
            raise SpecError(where, [fault])
        if asked and not source.watermark:
            raise SpecError(where, [f"found :{', :'.join(sorted(asked))} without source.watermark, by which they are told; name it"])
        first, last = ends(self._spec.columns[str(source.watermark)]) if asked else (None, None)
        bounds = {"start": first if start is None else start, "end": last if end is None else end}
        bound = query.bindparams(**{name: bounds[name] for name in asked})
        return bound.columns(*[sa.column(n) for n in names]).subquery("feed")


def _split(table: pa.Table, column: str, edges: Sequence[pa.Scalar]) -> tuple[pa.Table, pa.Table]:
    """Part a table at the newest watermark that landed: what is above it has not, and need not be looked for row by row."""
    values = table[column]
    if any(each.type != values.type for each in edges):
        return table, table.slice(0, 0)
    edge = max(each.as_py() for each in edges if each.is_valid)
    below = pc.less_equal(values, pa.scalar(edge, values.type))
    return table.filter(below), table.filter(pc.invert(below))


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if v is None else str(v) for v in values])


def _rows_of(table: pa.Table, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Give rows as what compares and counts: NaN is itself, times are their texts, 1 is 1.0.

    A decimal is its value: Arrow gives a batch one scale, and 1.5 beside 2.25 would come as 1.50, alone as 1.5.
    """
    return zip(*[[_comparable(value) for value in table[name].to_pylist()] for name in names], strict=True)


def _comparable(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if value is None or isinstance(value, int | float | str | Decimal):
        return value
    if isinstance(value, list):
        return tuple(_comparable(each) for each in value)
    return str(plain(value)) if isinstance(value, date | datetime) else str(value)
