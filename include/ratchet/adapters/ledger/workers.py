"""What the workers of the service poll, and what each of them says back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.promotions import PromotionRow, confirm
from include.ratchet.adapters.ledger.routes import RouteRow, route_of
from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.records import Standing
from include.ratchet.domain.reigns import Confirmation


class WorkerRow(Table):
    """What one worker of the service serves of one model, and when it last said so."""

    __tablename__ = "workers"
    worker: Mapped[str] = mapped_column(String(100), primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    version: Mapped[int]
    sequence: Mapped[int]
    since: Mapped[datetime]
    seen_at: Mapped[datetime]


class Workers(Store):
    """What the service polls, and what it says back."""

    def standings(self) -> dict[str, Standing]:
        """Return, for each model that has a champion, what the service is to do; one look for all of them."""
        newest = select(PromotionRow.model, func.max(PromotionRow.sequence).label("sequence")).group_by(PromotionRow.model).subquery()
        last = select(PromotionRow.model, PromotionRow.version, PromotionRow.sequence).join(
            newest, (PromotionRow.model == newest.c.model) & (PromotionRow.sequence == newest.c.sequence)
        )
        with Session(self._reads) as session:
            routes = [route_of(row) for row in session.scalars(select(RouteRow).where(RouteRow.until.is_(None)).order_by(RouteRow.id))]
            return {
                row.model: Standing(row.version, row.sequence, tuple(each for each in routes if each.model == row.model))
                for row in session.execute(last)
            }

    def beat(self, worker: str, serves: dict[str, tuple[int, int]], at: datetime) -> None:
        """Say that a worker lives, and which version of each model answers in it, by which promotion; a new one is confirmed by it."""
        with Session(self._engine) as session, session.begin():
            known: dict[str, WorkerRow] = {row.model: row for row in session.scalars(select(WorkerRow).where(WorkerRow.worker == worker))}
            for gone in known.keys() - serves.keys():
                session.delete(known[gone])
            for model, (version, sequence) in serves.items():
                there = known.get(model)
                if there is None or there.sequence != sequence:
                    confirm(session, Confirmation(model, sequence, worker, at))
                if there is None:
                    session.add(WorkerRow(worker=worker, model=model, version=version, sequence=sequence, since=at, seen_at=at))
                    continue
                if there.sequence != sequence:
                    there.version, there.sequence, there.since = version, sequence, at
                there.seen_at = at

    def leave(self, worker: str) -> None:
        """Say that a worker stops."""
        with Session(self._engine) as session, session.begin():
            for row in session.scalars(select(WorkerRow).where(WorkerRow.worker == worker)):
                session.delete(row)

    def workers(self, model: str, seen_after: datetime) -> dict[str, tuple[int, int, datetime]]:
        """Return, of each worker heard of lately, the version it serves, by which promotion, and since when."""
        query = select(WorkerRow).where(WorkerRow.model == model, WorkerRow.seen_at > seen_after)
        with Session(self._reads) as session:
            return {row.worker: (row.version, row.sequence, row.since) for row in session.scalars(query)}
