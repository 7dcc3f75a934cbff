"""What every part of the ledger shares: the base of its tables, times in UTC, and the engine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, DateTime, Dialect, Engine, NullPool, Pool, TypeDecorator, create_engine, event, make_url
from sqlalchemy.orm import DeclarativeBase

from include.ratchet.adapters.ledger import migrate

BUSY_TIMEOUT_MS = 30_000
READS = "ratchet_reads"
"""Execution option of a transaction that writes nothing."""


class UtcTime(TypeDecorator[datetime]):
    """A time that is UTC on both sides; SQLite itself forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of all ledger tables."""

    sealed_by: ClassVar[tuple[str, ...]] = ()
    """The columns that name a record of a table whose records are never changed; each is sealed when it is added."""

    type_annotation_map = {datetime: UtcTime, dict[str, Any]: JSON}  # noqa: RUF012 - SQLAlchemy reads it so


class Store:
    """An open ledger; each part of it adds its methods."""

    def __init__(self, url: str) -> None:
        """Open the ledger at an SQLAlchemy URL; make its tables, or bring them up to date, when they are not.

        Raises:
            LedgerError: A newer release has changed the tables.
        """
        self._engine = make_engine(url)
        self._reads = self._engine.execution_options(**{READS: True})
        migrate.require_newest(self._engine)


def make_engine(url: str, poolclass: type[Pool] = NullPool) -> Engine:
    """Return an engine for an SQLAlchemy URL, with SQLite set up for several processes that write."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    # No pool: an SQLite connection must not be carried over a fork, and would hold on to a file that was replaced.
    kept = {"poolclass": poolclass} if make_url(url).database else {}
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, **kept)

    @event.listens_for(engine, "connect")
    def _tune(connection: Any, _record: object) -> None:
        # Write-ahead logging lets readers go on while one task writes; the timeout lets writers queue.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A deferred transaction that reads first and writes then fails with "database is locked" at once, whatever
        # the timeout, when another wrote in between: what may write takes the lock before it reads.
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READS) else "BEGIN IMMEDIATE")

    return engine
