"""Databases, by SQLAlchemy: a table or a query, in windows of a watermark or whole."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from include.ratchet.adapters.sources.fingerprints import numbered, same, shortened
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.ports import Source
from include.ratchet.domain.records import Delivery

LONG_WATERMARK = 200
"""Longer watermarks are hashed in a fingerprint."""
_log = logging.getLogger("ratchet.sources")


class Sql(Source):
    """A table or a query, read by watermark in half-open windows, or whole; a batch is its rows as Parquet.

    A row whose watermark is NULL lies in no window and is never read: `fetch` warns of such rows. Give the watermark a
    column that is never NULL, or read the table whole with mode replace.
    """

    format = "parquet"

    def __init__(self, spec: FeedSpec, url: str) -> None:
        """Read from the database at an SQLAlchemy URL."""
        self._spec = spec
        # No pool: a source is opened anew at every look, and connections that wait in it would never be closed.
        self._engine = sa.create_engine(url, poolclass=sa.NullPool)
        # Without the query too, which may hold secrets of its own: this goes into the ledger and the logs.
        self._url = self._engine.url.set(query={}).render_as_string(hide_password=True)

    def discover(self, seen: Sequence[str], watermark: Any) -> list[Delivery]:
        """Say whether the watermark moved; without one, whether the content is another than the last that landed."""
        source = self._spec.source
        if source.watermark is None:
            delivery = Delivery(f"{self._url}#{source.table or 'query'}", "")
            content = f"content|{hashlib.sha256(self.fetch(delivery).read()).hexdigest()}"
            return [] if same(seen[-1] if seen else None, content) else [Delivery(delivery.uri, numbered(content, seen))]
        column: sa.ColumnClause[Any] = sa.column(source.watermark)
        with self._engine.connect() as connection:
            newest = connection.scalar(sa.select(sa.func.max(column)).select_from(self._relation()))
        newest = _plain(newest)
        if newest is None or (watermark is not None and newest <= watermark):
            return []
        window = f"{shortened(str(watermark), LONG_WATERMARK)}|{shortened(str(newest), LONG_WATERMARK)}"
        return [Delivery(f"{self._url}#{source.table or 'query'}", window, watermark, newest)]

    def fetch(self, delivery: Delivery) -> BinaryIO:
        """Read the rows of `(start, end]`, and those at `start` once more unless they are appended: they merge by key."""
        source = self._spec.source
        columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in self._spec.columns]
        query = sa.select(*columns).select_from(self._relation()).order_by(*[sa.column(k) for k in self._spec.key])
        if source.watermark and delivery.end is not None:
            column: sa.ColumnClause[Any] = sa.column(source.watermark)
            query = query.where(column <= delivery.end)
            if delivery.start is not None:
                # What is appended cannot be read twice; what merges by key is, or a row as old as the last one would be lost.
                query = query.where(column > delivery.start if self._spec.mode == "append" else column >= delivery.start)
        with self._engine.connect() as connection:
            self._warn_of_nulls(connection)
            result = connection.execute(query)
            rows = result.fetchall()
            names = list(result.keys())
        table = pa.table({name: _column([row[i] for row in rows]) for i, name in enumerate(names)})
        sink = io.BytesIO()
        pq.write_table(table, sink)
        sink.seek(0)
        return sink

    def _warn_of_nulls(self, connection: sa.Connection) -> None:
        """Say how many rows no look will ever find."""
        if self._spec.source.watermark is None:
            return
        column: sa.ColumnClause[Any] = sa.column(self._spec.source.watermark)
        nulls = connection.scalar(sa.select(sa.func.count()).select_from(self._relation()).where(column.is_(None)))
        if nulls:
            _log.warning("feed %s: %s rows have no %s and are not read; fill it, or use mode replace", self._spec.name, nulls, column.name)

    def _relation(self) -> sa.FromClause:
        source = self._spec.source
        if source.table:
            return _named(source.table)
        return sa.text(str(source.query)).columns(*[sa.column(n) for n in self._spec.columns]).subquery("feed")


def _named(name: str) -> sa.TableClause:
    schema, _, table = name.rpartition(".")
    return sa.table(table, schema=schema or None)


def _column(values: list[Any]) -> pa.Array:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([None if v is None else str(v) for v in values])


def _plain(value: Any) -> Any:
    """Make a watermark that JSON keeps and that compares as the database's own does."""
    if isinstance(value, datetime):
        return (value if value.tzinfo is None else value.astimezone(UTC)).isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, int | float | str):
        return value
    message = f"watermark {value!r}"
    raise SpecError(message, [f"found a value of {type(value).__name__}; allowed are numbers, times, dates and texts"])
