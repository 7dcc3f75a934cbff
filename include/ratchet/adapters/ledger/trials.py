"""How versions did when they were tried: canaries and rehearsals."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.records import Trial


class TrialRow(Table):
    """One trial of one version."""

    __tablename__ = "trials"
    sealed_by = ("id",)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(20))
    verdict: Mapped[str] = mapped_column(String(64), index=True)
    passed: Mapped[bool]
    why: Mapped[str] = mapped_column(Text)
    seconds: Mapped[float]
    at: Mapped[datetime]


class Trials(Store):
    """Each is written once."""

    def tried(self, trial: Trial) -> None:
        """Record a trial."""
        with Session(self._engine) as session, session.begin():
            session.add(TrialRow(**dataclasses.asdict(trial)))

    def trials(self, model: str, kind: str, verdict: str | None = None) -> list[Trial]:
        """Return the trials of one kind, of a model or of one of its verdicts, newest first."""
        query = select(TrialRow).where(TrialRow.model == model, TrialRow.kind == kind)
        if verdict is not None:
            query = query.where(TrialRow.verdict == verdict)
        with Session(self._reads) as session:
            return [
                Trial(r.model, r.version, r.kind, r.verdict, r.passed, r.why, r.seconds, r.at)  # type: ignore[arg-type]
                for r in session.scalars(query.order_by(TrialRow.id.desc()))
            ]
