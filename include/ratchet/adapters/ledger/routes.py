"""Versions that answer beside the champion, and what each worker of the service serves."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from sqlalchemy import String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.promotions import PromotionRow, confirm
from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.records import Route, Standing
from include.ratchet.domain.reigns import Confirmation


class RouteRow(Table):
    """A shadow or a canary; it ends once."""

    __tablename__ = "routes"
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    version: Mapped[int]
    mode: Mapped[str] = mapped_column(String(20))
    fraction: Mapped[float]
    since: Mapped[datetime]
    until: Mapped[datetime | None]


class WorkerRow(Table):
    """What one worker of the service serves of one model, and when it last said so."""

    __tablename__ = "workers"
    worker: Mapped[str] = mapped_column(String(100), primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    version: Mapped[int]
    sequence: Mapped[int]
    since: Mapped[datetime]
    seen_at: Mapped[datetime]


class Routes(Store):
    """What the service polls, and what it says back."""

    def standings(self) -> dict[str, Standing]:
        """Return, for each model that has a champion, what the service is to do; one look for all of them."""
        newest = select(PromotionRow.model, func.max(PromotionRow.sequence).label("sequence")).group_by(PromotionRow.model).subquery()
        last = select(PromotionRow.model, PromotionRow.version, PromotionRow.sequence).join(
            newest, (PromotionRow.model == newest.c.model) & (PromotionRow.sequence == newest.c.sequence)
        )
        with Session(self._reads) as session:
            routes = [_route(row) for row in session.scalars(select(RouteRow).where(RouteRow.until.is_(None)).order_by(RouteRow.id))]
            return {
                row.model: Standing(row.version, row.sequence, tuple(each for each in routes if each.model == row.model))
                for row in session.execute(last)
            }

    def route(self, route: Route) -> Route:
        """Open a route; the same version in the same mode, while open, is the same route with this fraction."""
        with Session(self._engine) as session, session.begin():
            query = select(RouteRow).where(RouteRow.model == route.model, RouteRow.version == route.version)
            row = session.scalar(query.where(RouteRow.mode == route.mode, RouteRow.until.is_(None)))
            if row is None:
                row = RouteRow(**{name: value for name, value in dataclasses.asdict(route).items() if name != "id"})
                session.add(row)
            row.fraction = route.fraction
            session.flush()
            return _route(row)

    def end_routes(self, model: str, at: datetime, version: int | None = None, mode: str | None = None) -> int:
        """End the open routes of a model, or of one version, in one mode or both; return how many there were."""
        with Session(self._engine) as session, session.begin():
            query = select(RouteRow).where(RouteRow.model == model, RouteRow.until.is_(None))
            if version is not None:
                query = query.where(RouteRow.version == version)
            if mode is not None:
                query = query.where(RouteRow.mode == mode)
            rows = list(session.scalars(query))
            for row in rows:
                row.until = at
            return len(rows)

    def routes(self, model: str) -> list[Route]:
        """Return all routes of a model, newest first."""
        with Session(self._reads) as session:
            return [_route(row) for row in session.scalars(select(RouteRow).where(RouteRow.model == model).order_by(RouteRow.id.desc()))]

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


def _route(row: RouteRow) -> Route:
    return Route(row.model, row.version, row.mode, row.fraction, row.since, row.until, row.id)  # type: ignore[arg-type]
