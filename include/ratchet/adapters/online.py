"""The online store in an SQL database: SQLite on one machine, PostgreSQL where several predict."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import JSON, Engine, Insert, QueuePool, and_, event, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DisconnectionError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from include.ratchet.adapters.ledger.store import READS, UtcTime, make_engine
from include.ratchet.domain.online import Entity, Known, Lookup, OnlineStore

_AT_ONCE = 500
"""Entities in one statement: SQLite allows 32,766 variables."""
_REMEMBERED = 100_000
"""Answers that this process knows to be kept, about 50 MB of them at most: the same answer again is not a write again."""


class _Table(DeclarativeBase):
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcTime, dict[str, Any]: JSON}


class ValueRow(_Table):
    """The newest values of one entity; `entity` is a JSON list of texts."""

    __tablename__ = "online_values"
    view: Mapped[str] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    definition: Mapped[str]
    time: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    tables: Mapped[dict[str, Any]]
    newness: Mapped[int]
    """Sum of the tables' versions: of two rows of the same feeds, the larger one was read later."""
    as_of: Mapped[datetime]


class LookupRow(_Table):
    """The first time that a row was answered with, while it lasted or after."""

    __tablename__ = "online_lookups"
    view: Mapped[str] = mapped_column(primary_key=True)
    definition: Mapped[str] = mapped_column(primary_key=True)
    entity: Mapped[str] = mapped_column(primary_key=True)
    time: Mapped[datetime] = mapped_column(primary_key=True)
    newness: Mapped[int] = mapped_column(primary_key=True)
    lasted: Mapped[bool] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    content: Mapped[dict[str, Any]]
    tables: Mapped[dict[str, Any]]
    as_of: Mapped[datetime]


class SqlOnline(OnlineStore):
    """Tables `online_values` and `online_lookups` at an SQLAlchemy URL."""

    def __init__(self, url: str) -> None:
        """Open the database; make the tables when they are not there."""
        self._engine = _engine(url)
        self._answered: dict[tuple[object, ...], None] = {}
        self._reads = self._engine.execution_options(**{READS: True})
        try:
            _Table.metadata.create_all(self._engine)
        except (OperationalError, ProgrammingError, IntegrityError):
            _Table.metadata.create_all(self._engine)  # another process made them between the look and the CREATE

    def put(self, rows: Sequence[Known]) -> int:
        """Write rows, each only forward; return how many moved."""
        moved = 0
        # In one order: two writers that lock rows in two orders would wait for each other for ever.
        lines = sorted((_line(row) for row in rows), key=lambda line: (line["view"], line["entity"]))
        with Session(self._engine) as session, session.begin():
            for start in range(0, len(lines), _AT_ONCE):
                insert = self._insert(ValueRow, lines[start : start + _AT_ONCE])
                new, old = insert.excluded, ValueRow
                forward = or_(
                    old.definition != new.definition,
                    old.time < new.time,
                    and_(old.time == new.time, old.newness < new.newness),
                )
                changed = {name: new[name] for name in ("definition", "time", "content", "tables", "newness", "as_of")}
                statement = insert.on_conflict_do_update(index_elements=["view", "entity"], set_=changed, where=forward)
                moved += len(session.execute(statement.returning(ValueRow.entity)).all())
        return moved

    def get(self, view: str, definition: str, entities: Sequence[Entity]) -> Mapping[Entity, Known]:
        """Return what is known of entities."""
        found: dict[Entity, Known] = {}
        keys = sorted({json.dumps(entity) for entity in entities})
        with Session(self._reads) as session:
            for start in range(0, len(keys), _AT_ONCE):
                asked = ValueRow.entity.in_(keys[start : start + _AT_ONCE])
                query = select(ValueRow).where(ValueRow.view == view, ValueRow.definition == definition, asked)
                found |= {each.entity: each for each in (_known(row) for row in session.scalars(query))}
        return found

    def log(self, lookups: Sequence[Lookup]) -> None:
        """Keep the first answer of each kind."""
        new = {key: each for each in lookups if (key := _answer(each)) not in self._answered}
        lines = [_line(each.known) | {"at": each.at, "lasted": each.lasted} for each in new.values()]
        if not lines:
            return
        with Session(self._engine) as session, session.begin():
            for start in range(0, len(lines), _AT_ONCE):
                session.execute(self._insert(LookupRow, lines[start : start + _AT_ONCE]).on_conflict_do_nothing())
        if len(self._answered) > _REMEMBERED:
            self._answered.clear()
        self._answered |= dict.fromkeys(new)

    def logged(self, view: str, definition: str, since: datetime | None = None) -> list[Lookup]:
        """Return the answers that were kept, oldest first."""
        query = select(LookupRow).where(LookupRow.view == view, LookupRow.definition == definition)
        if since is not None:
            query = query.where(LookupRow.at >= since)
        with Session(self._reads) as session:
            rows = session.scalars(query.order_by(LookupRow.at, LookupRow.entity, LookupRow.time))
            return [Lookup(row.at, _known(row), row.lasted) for row in rows]

    def _insert(self, table: type[_Table], lines: list[dict[str, Any]]) -> Any:
        dialect: Any = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        insert: Insert = dialect.insert(table)
        return insert.values(lines)


def _engine(url: str) -> Engine:
    """Return an engine that keeps its connections: to open one takes 0.6 ms, and to close SQLite's last one is a checkpoint."""
    if not url.startswith("sqlite"):
        return make_engine(url)
    engine = make_engine(url, poolclass=QueuePool)
    place = engine.url.database

    @event.listens_for(engine, "connect")
    def _tune(connection: Any, record: Any) -> None:
        # In write-ahead logging this keeps the database whole whatever happens; a power cut may take the last answers.
        connection.execute("PRAGMA synchronous=NORMAL")
        record.info["file"] = _inode(place)

    @event.listens_for(engine, "checkout")
    def _look(connection: Any, record: Any, proxy: Any) -> None:  # noqa: ARG001
        if record.info["file"] != _inode(place):
            message = "the file was replaced"
            raise DisconnectionError(message)  # SQLAlchemy opens it again

    return engine


def _inode(place: str | None) -> int:
    try:
        return Path(place or "").stat().st_ino
    except FileNotFoundError:
        return 0


def opened(url: str) -> SqlOnline:
    """Return this process's store at a URL, opened once."""
    return _opened(url, os.getpid())


@functools.cache
def _opened(url: str, pid: int) -> SqlOnline:  # noqa: ARG001 - a fork must not use its parent's connections
    return SqlOnline(url)


def _answer(lookup: Lookup) -> tuple[object, ...]:
    row = lookup.known
    return row.view, row.definition, row.entity, row.time, sum(row.tables.values()), lookup.lasted


def _line(row: Known) -> dict[str, Any]:
    return {
        "view": row.view,
        "entity": json.dumps(row.entity),
        "definition": row.definition,
        "time": row.time,
        "content": row.values,
        "tables": row.tables,
        "newness": sum(row.tables.values()),
        "as_of": row.as_of,
    }


def _known(row: ValueRow | LookupRow) -> Known:
    return Known(row.view, row.definition, tuple(json.loads(row.entity)), row.time, row.content, row.tables, row.as_of)
