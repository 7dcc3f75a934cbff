"""What operators decided about batches, and the statistics that later batches are compared with."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.batches import MERGED, BatchRow
from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.records import Json, digest
from include.ratchet.domain.skew import Change, Decision

COMPARED = 20
"""Earlier batches that a new one is compared with."""
PASSED = ("checked", "validated", *MERGED)


class DecisionRow(Table):
    """One decision of an operator about a batch; written once."""

    __tablename__ = "decisions"
    sealed_by = ("feed", "batch", "action", "digest")
    id: Mapped[int] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(String(200), index=True)
    batch: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(20))
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    changes: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))
    __table_args__ = (UniqueConstraint("feed", "batch", "action", "digest"),)


class StatisticsRow(Table):
    """The figures of one batch's columns."""

    __tablename__ = "batch_statistics"
    feed: Mapped[str] = mapped_column(String(200), primary_key=True)
    batch: Mapped[str] = mapped_column(String(100), primary_key=True)
    content: Mapped[dict[str, Any]]


class Reviews(Store):
    """Decided once; described again as often as a batch is checked."""

    def decide(self, decision: Decision) -> None:
        """Record a decision, and the status that it gives the batch, in one transaction. The same one again is one.

        Raises:
            LedgerError: A batch is to be rejected that does not wait any more, or repaired that is not merged.
        """
        changes = {"changes": [each.to_json() for each in decision.changes]}
        again = (decision.run or decision.at.isoformat()) if decision.action == "repair" else ""  # asked for as often as somebody likes
        content = dataclasses.asdict(decision) | {"changes": changes | {"run": decision.run}, "digest": digest([changes, again])}
        content.pop("run")
        try:
            with Session(self._engine) as session, session.begin():
                session.add(DecisionRow(**content))
                session.flush()
                if decision.action != "accept":
                    _follow(session, decision)
        except IntegrityError:
            return

    def decisions(self, feed: str) -> list[Decision]:
        """Return the decisions about a feed's batches, the oldest first."""
        query = select(DecisionRow).where(DecisionRow.feed == feed).order_by(DecisionRow.id)
        with Session(self._reads) as session:
            return [
                Decision(
                    r.feed,
                    r.batch,
                    r.action,  # type: ignore[arg-type]
                    r.who,
                    r.why,
                    r.at,
                    tuple(Change(**each) for each in r.changes["changes"]),
                    r.changes.get("run", ""),
                )
                for r in session.scalars(query)
            ]

    def describe(self, feed: str, batch: str, content: Json) -> None:
        """Keep the statistics of a batch; those of the same batch again replace them."""
        with Session(self._engine) as session, session.begin():
            session.merge(StatisticsRow(feed=feed, batch=batch, content=content))

    def figures_before(self, feed: str, before: str) -> list[tuple[str, Json]]:
        """Return names and statistics of the newest batches that landed before one and passed, the oldest first."""
        passed = [(row.id, row.write_id, row.status) for row in self._landings(feed)]
        at = next((number for number, name, _ in passed if name == before), None)
        names = [name for number, name, status in passed if status in PASSED and (at is None or number < at)][-COMPARED:]
        query = select(StatisticsRow).where(StatisticsRow.feed == feed, StatisticsRow.batch.in_(names))
        with Session(self._reads) as session:
            found = {row.batch: row.content for row in session.scalars(query)}
        return [(name, found[name]) for name in names if name in found]

    def _landings(self, feed: str) -> list[Any]:
        query = select(BatchRow.id, BatchRow.sha, BatchRow.landing, BatchRow.status).where(BatchRow.feed == feed).order_by(BatchRow.id)

        @dataclasses.dataclass
        class Landing:
            id: int
            write_id: str
            status: str

        with Session(self._reads) as session:
            return [Landing(i, f"{sha}.{landing}" if landing else sha, status) for i, sha, landing, status in session.execute(query)]


def _follow(session: Session, decision: Decision) -> None:
    """Give the batch the status that a decision asks for, if it is in the one that allows it."""
    allowed, becomes, done = {"reject": ("stopped", "rejected", "rejected"), "repair": ("merged", "repairing", "repaired")}[decision.action]
    sha, _, landing = decision.batch.partition(".")
    query = select(BatchRow).where(BatchRow.feed == decision.feed, BatchRow.sha == sha, BatchRow.landing == int(landing or 0))
    row = session.scalar(query)
    if row is None or row.status != allowed:
        status = "not in the ledger" if row is None else row.status
        message = f"batch {sha[:12]} of feed {decision.feed}: {status}; only a {allowed} batch can be {done}"
        raise LedgerError(message)
    row.status = becomes
    if becomes == "rejected":
        row.reason = f"rejected by {decision.who}: {decision.why}\n{row.reason}"
