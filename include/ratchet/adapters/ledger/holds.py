"""What people say about deployments: a freeze, its end, and their agreement to a version."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from sqlalchemy import String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.records import Agreement, Freeze


class FreezeRow(Table):
    """A freeze of a model's deployments, or the end of one; the newest says which."""

    __tablename__ = "freezes"
    sealed_by = ("id",)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    on: Mapped[bool]
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class AgreementRow(Table):
    """An answer to the question whether a version may serve, bound to what was shown."""

    __tablename__ = "agreements"
    sealed_by = ("id",)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    version: Mapped[int]
    verdict: Mapped[str] = mapped_column(String(64))
    dossier: Mapped[str] = mapped_column(String(64))
    agreed: Mapped[bool]
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]


class Holds(Store):
    """Freezes and agreements; each is written once."""

    def freeze(self, freeze: Freeze) -> None:
        """Record a freeze, or its end."""
        with Session(self._engine) as session, session.begin():
            session.add(FreezeRow(**dataclasses.asdict(freeze)))

    def frozen(self, model: str) -> Freeze | None:
        """Return the freeze that holds, None when there is none."""
        with Session(self._reads) as session:
            return newest_freeze(session, model)

    def agree(self, agreement: Agreement) -> None:
        """Record an answer."""
        with Session(self._engine) as session, session.begin():
            session.add(AgreementRow(**dataclasses.asdict(agreement)))

    def agreement(self, verdict: str, dossier: str) -> Agreement | None:
        """Return the newest answer about a verdict and just this dossier."""
        query = select(AgreementRow).where(AgreementRow.verdict == verdict, AgreementRow.dossier == dossier)
        with Session(self._reads) as session:
            row = session.scalar(query.order_by(AgreementRow.id.desc()).limit(1))
            return Agreement(row.model, row.version, row.verdict, row.dossier, row.agreed, row.who, row.why, row.at) if row else None


def newest_freeze(session: Session, model: str) -> Freeze | None:
    """Return the freeze that holds, inside a transaction."""
    row = session.scalar(select(FreezeRow).where(FreezeRow.model == model).order_by(FreezeRow.id.desc()).limit(1))
    return Freeze(row.model, row.on, row.who, row.why, row.at) if row and row.on else None
