"""Batches of a feed, and the deliveries that brought them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, String, Text, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.records import Batch, Delivery

MERGED = ("merged", "repairing", "repaired")
"""Statuses of batches whose rows are in the clean table."""


_PAST = {
    **dict.fromkeys(("checked", "validated", "stopped"), (*MERGED, "rejected")),
    "merged": ("rejected",),
    "repaired": ("merged",),
}
"""Statuses from which a batch does not go to another: who writes its rows asks for its status before, under the merge's lock."""


class BatchRow(Table):
    """One delivery of a feed, kept as it came."""

    __tablename__ = "batches"
    id: Mapped[int] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(String(200), index=True)
    sha: Mapped[str] = mapped_column(String(64))
    uri: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)  # PostgreSQL's INTEGER ends at 2 GiB
    landed_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    watermark: Mapped[dict[str, Any] | None]
    rows: Mapped[int | None]
    quarantined: Mapped[int | None]
    version: Mapped[int | None]
    max_event_time: Mapped[datetime | None]
    landing: Mapped[int] = mapped_column(default=0)
    judged_by: Mapped[str] = mapped_column(String(64), default="")
    __table_args__ = (UniqueConstraint("feed", "sha", "landing"),)


class DeliveryRow(Table):
    """A source's item that has landed; several may hold the same bytes."""

    __tablename__ = "deliveries"
    feed: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(500), primary_key=True)
    sha: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[datetime]


class Batches(Store):
    """What landed, and how far it has come."""

    def seen(self, feed: str) -> list[str]:
        """Return the fingerprints of all deliveries of a feed that have landed, in the order in which they last did."""
        query = select(DeliveryRow.fingerprint).where(DeliveryRow.feed == feed).order_by(DeliveryRow.seen_at, DeliveryRow.fingerprint)
        with Session(self._reads) as session:
            return list(session.scalars(query))

    def fingerprints(self, feed: str, shas: Sequence[str]) -> list[str]:
        """Return, for each of some bytes, the fingerprint of the delivery that brought them last."""
        query = select(DeliveryRow.sha, DeliveryRow.fingerprint).where(DeliveryRow.feed == feed)
        with Session(self._reads) as session:
            rows = session.execute(query.order_by(DeliveryRow.seen_at, DeliveryRow.fingerprint)).all()
        newest = {row.sha: row.fingerprint for row in rows}
        return [newest[sha] for sha in dict.fromkeys(shas) if sha in newest]

    def land(self, batch: Batch, delivery: Delivery, *, again: bool = False) -> bool:
        """Record that a delivery's bytes are kept; return whether there is a new batch.

        A delivery lands once, whoever else lands it at the same time or tries again: its fingerprint is its key.

        Args:
            batch: The batch.
            delivery: Where it came from.
            again: Bytes that landed before are a new batch too, unless no other has landed since: what is replaced
                may go back to what it was. A delivery that is found at another place is the same as before.
        """
        with Session(self._engine) as session, session.begin():
            if session.get(DeliveryRow, (batch.feed, delivery.fingerprint)):
                return False
            newest = session.scalar(select(BatchRow.sha).where(BatchRow.feed == batch.feed).order_by(BatchRow.id.desc()).limit(1))
            query = select(func.count()).where(BatchRow.feed == batch.feed, BatchRow.sha == batch.sha)
            landed = session.scalar(query) or 0
            new = not landed or (again and newest != batch.sha and not _moved(session, batch, delivery))
            if new:
                content = dataclasses.asdict(batch) | {"watermark": {"value": batch.watermark}, "landing": landed}
                session.add(BatchRow(**content))
            session.add(DeliveryRow(feed=batch.feed, fingerprint=delivery.fingerprint, sha=batch.sha, seen_at=batch.landed_at))
            return new

    def batches(self, feed: str, *statuses: str) -> list[Batch]:
        """Return a feed's batches in the order in which they landed, of some statuses or all."""
        query = select(BatchRow).where(BatchRow.feed == feed).order_by(BatchRow.id)
        if statuses:
            query = query.where(BatchRow.status.in_(statuses))
        with Session(self._reads) as session:
            return [_batch(row) for row in session.scalars(query)]

    def mark(self, feed: str, name: str, **facts: Any) -> None:
        """Move one landing of a batch on, by its `write_id`: its status, and what is now known of it.

        Nothing happens to one that has come further: a run beside this one was faster.
        """
        sha, _, landing = name.partition(".")
        with Session(self._engine) as session, session.begin():
            query = select(BatchRow).where(BatchRow.feed == feed, BatchRow.sha == sha, BatchRow.landing == int(landing or 0))
            row = session.scalar(query.with_for_update())
            if row is None:
                message = f"batch {sha[:12]} of feed {feed}: not in the ledger; land it first"
                raise LedgerError(message)
            if row.status in _PAST.get(facts.get("status", ""), ()):
                return
            for key, value in facts.items():
                setattr(row, key, value)

    def newest_event(self, feed: str) -> datetime | None:
        """Return the newest event time that was merged."""
        with Session(self._reads) as session:
            return session.scalar(select(func.max(BatchRow.max_event_time)).where(BatchRow.feed == feed, BatchRow.status.in_(MERGED)))


def _moved(session: Session, batch: Batch, delivery: Delivery) -> bool:
    """Say whether a delivery differs from one of the same bytes in its folder only: a home or a store that was moved.

    All of it would otherwise land once more in the order of the names, and old rows be merged over newer ones.
    """
    query = select(DeliveryRow.fingerprint).where(DeliveryRow.feed == batch.feed, DeliveryRow.sha == batch.sha)
    return delivery.fingerprint.rpartition("/")[2] in [each.rpartition("/")[2] for each in session.scalars(query)]


def _batch(row: BatchRow) -> Batch:
    values = {f.name: getattr(row, f.name) for f in dataclasses.fields(Batch)}
    return Batch(**values | {"watermark": (row.watermark or {}).get("value")})
