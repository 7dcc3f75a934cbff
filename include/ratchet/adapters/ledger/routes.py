"""Versions that answer beside the champion."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.records import Route


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


class Routes(Store):
    """Each is opened once and ended once."""

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
            return route_of(row)

    def end_routes(self, model: str, at: datetime, version: int | None = None, mode: str | None = None) -> int:
        """End the open routes of a model, or of one version, in one mode or both; return how many there were."""
        with Session(self._engine) as session, session.begin():
            return end(session, model, at, version, mode)

    def routes(self, model: str) -> list[Route]:
        """Return all routes of a model, newest first."""
        with Session(self._reads) as session:
            return [route_of(row) for row in session.scalars(select(RouteRow).where(RouteRow.model == model).order_by(RouteRow.id.desc()))]


def end(session: Session, model: str, at: datetime, version: int | None = None, mode: str | None = None) -> int:
    """End routes as `Routes.end_routes` does, inside a transaction."""
    query = select(RouteRow).where(RouteRow.model == model, RouteRow.until.is_(None))
    if version is not None:
        query = query.where(RouteRow.version == version)
    if mode is not None:
        query = query.where(RouteRow.mode == mode)
    rows = list(session.scalars(query))
    for row in rows:
        row.until = at
    return len(rows)


def route_of(row: RouteRow) -> Route:
    """Return what a row says."""
    return Route(row.model, row.version, row.mode, row.fraction, row.since, row.until, row.id)  # type: ignore[arg-type]
