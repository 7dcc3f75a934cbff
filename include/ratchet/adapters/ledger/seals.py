"""Records that are never changed: a session that seals each new one over the one before, and the audit of all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, String, UniqueConstraint, event, insert, inspect, select, text, update
from sqlalchemy import orm as sa_orm
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.chain import GENESIS, Audit, Seal, audit, content_digest, link
from include.ratchet.domain.errors import LedgerError

_LOCK = 0x72617463
"""Of PostgreSQL's advisory locks, with the chain's name: who seals waits for who sealed before."""


class SealRow(Table):
    """One link of one chain."""

    __tablename__ = "seals"
    chain: Mapped[str] = mapped_column(String(50), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    record: Mapped[str] = mapped_column(String(500))
    content: Mapped[str] = mapped_column(String(64))
    previous: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
    __table_args__ = (UniqueConstraint("chain", "record"),)


class HeadRow(Table):
    """The newest link of a chain, apart from the chain: it shows when the end was cut off."""

    __tablename__ = "seal_heads"
    chain: Mapped[str] = mapped_column(String(50), primary_key=True)
    number: Mapped[int]
    hash: Mapped[str] = mapped_column(String(64))


class Session(sa_orm.Session):
    """A session that seals new records of tables with `sealed_by`, and refuses to change or remove one."""


@event.listens_for(Session, "before_flush")
def _refuse(session: sa_orm.Session, *_: object) -> None:
    changed = [each for each in session.dirty if session.is_modified(each)]
    for row in [*changed, *session.deleted]:
        if _is_sealed(row):
            message = f"{row.__tablename__} {_name(row)}: a record of the ledger is not changed or removed; add another one"
            raise LedgerError(message)


@event.listens_for(Session, "after_flush")
def _seal(session: sa_orm.Session, *_: object) -> None:
    chains = defaultdict(list)
    for row in session.new:
        if _is_sealed(row):
            chains[row.__tablename__].append(row)
    for chain, rows in sorted(chains.items()):
        _append(session.connection(), chain, [(_name(row), content_digest(_content(row))) for row in rows])


def _append(connection: Connection, chain: str, records: list[tuple[str, str]]) -> None:
    """Add links at the end of a chain, inside the transaction that adds the records."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock, hashtext(:chain))"), {"lock": _LOCK, "chain": chain})
    head = connection.execute(select(HeadRow.number, HeadRow.hash).where(HeadRow.chain == chain)).first()
    number, previous = head or (0, GENESIS)
    links = []
    for record, content in sorted(records):
        links.append(link(chain, number + 1, record, content, previous))
        number, previous = links[-1].number, links[-1].hash
    connection.execute(insert(SealRow), [vars(each) for each in links])
    newest = {"number": number, "hash": previous}
    if head:
        connection.execute(update(HeadRow).where(HeadRow.chain == chain).values(**newest))
    else:
        connection.execute(insert(HeadRow).values(chain=chain, **newest))


def _is_sealed(row: Any) -> bool:
    return isinstance(row, Table) and bool(row.sealed_by)


def _name(row: Any) -> str:
    return "/".join(str(getattr(row, key)) for key in row.sealed_by)


def _content(row: Table) -> dict[str, Any]:
    return {each.key: getattr(row, each.key) for each in inspect(type(row)).column_attrs}


def require_sealed(session: sa_orm.Session, row: Table) -> None:
    """Refuse a record that is not as it was recorded.

    Raises:
        LedgerError: It was edited, or never sealed.
    """
    query = select(SealRow.content).where(SealRow.chain == row.__tablename__, SealRow.record == _name(row))
    if session.scalar(query) != content_digest(_content(row)):
        message = f"{row.__tablename__} {_name(row)}: not as it was recorded; ./ratchet audit verify names all that was altered"
        raise LedgerError(message)


class Audits(Store):
    """What tells whether the ledger is as it was written."""

    def audit(self, noted: Sequence[str] = ()) -> list[Audit]:
        """Compare every sealed record with its seal, and the chains with heads that were noted; one answer per chain, by name."""
        tables: dict[str, Any] = {each.class_.__tablename__: each.class_ for each in Table.registry.mappers if each.class_.sealed_by}
        with Session(self._reads) as session:
            heads = {row.chain: (row.number, row.hash) for row in session.scalars(select(HeadRow))}
            found = []
            for chain in sorted({*tables, *heads}):
                links = [
                    Seal(row.chain, row.number, row.record, row.content, row.previous, row.hash)
                    for row in session.scalars(select(SealRow).where(SealRow.chain == chain).order_by(SealRow.number))
                ]
                rows: Iterable[Any] = session.scalars(select(tables[chain])) if chain in tables else ()
                contents = {_name(row): content_digest(_content(row)) for row in rows}
                found.append(audit(chain, links, heads.get(chain), contents, noted))
            return found
