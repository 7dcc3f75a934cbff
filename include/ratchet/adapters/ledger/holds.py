"""What people say about deployments: a freeze, its end, and their agreement to a version, for which they were asked."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from sqlalchemy import String, Text, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.records import Agreement, Freeze, Question


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


class QuestionRow(Table):
    """A question that a run put to people."""

    __tablename__ = "questions"
    sealed_by = ("verdict", "dossier", "number")
    verdict: Mapped[str] = mapped_column(String(64), primary_key=True)
    dossier: Mapped[str] = mapped_column(String(64), primary_key=True)
    # Of two runs that ask at once, both claim the same number, and one is told that the other asks.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model: Mapped[str] = mapped_column(String(200), index=True)
    version: Mapped[int]
    run_id: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]
    until: Mapped[datetime]


class Holds(Store):
    """Freezes, questions and agreements; each is written once."""

    def freeze(self, freeze: Freeze) -> None:
        """Record a freeze, or its end."""
        with Session(self._engine) as session, session.begin():
            session.add(FreezeRow(**dataclasses.asdict(freeze)))

    def frozen(self, model: str) -> Freeze | None:
        """Return the freeze that holds, None when there is none."""
        with Session(self._reads) as session:
            return newest_freeze(session, model)

    def freezes(self, model: str) -> list[Freeze]:
        """Return every freeze and every end of one, oldest first."""
        with Session(self._reads) as session:
            rows = session.scalars(select(FreezeRow).where(FreezeRow.model == model).order_by(FreezeRow.id))
            return [found for row in rows if (found := _freeze(row))]

    def froze(self, model: str, since: datetime) -> Freeze | None:
        """Return the newest freeze that began at a moment or after it, even if it has ended; None when there is none."""
        asked = select(FreezeRow).where(FreezeRow.model == model, FreezeRow.on, FreezeRow.at >= since).order_by(FreezeRow.id.desc())
        with Session(self._reads) as session:
            return _freeze(session.scalar(asked.limit(1)))

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

    def ask(self, question: Question, *, anew: bool = False) -> Question:
        """Record that a run asks, unless another run's question is open; return the one that is open now.

        Args:
            question: What is asked; its `at` says what is open.
            anew: Ask even so.
        """
        same = (QuestionRow.verdict == question.verdict, QuestionRow.dossier == question.dossier)
        query = select(QuestionRow).where(*same).order_by(QuestionRow.number.desc()).limit(1)
        try:
            with Session(self._engine) as session, session.begin():
                last = session.scalar(query)
                if last and last.until > question.at and (not anew or last.run_id == question.run_id):
                    return _question(last)
                session.add(QuestionRow(**dataclasses.asdict(question), number=last.number + 1 if last else 1))
                return question
        except IntegrityError:  # another run was faster
            with Session(self._reads) as session:
                return _question(session.scalars(query).one())


def _question(row: QuestionRow) -> Question:
    return Question(row.model, row.version, row.verdict, row.dossier, row.run_id, row.at, row.until)


def newest_freeze(session: Session, model: str) -> Freeze | None:
    """Return the freeze that holds, inside a transaction."""
    found = _freeze(session.scalar(select(FreezeRow).where(FreezeRow.model == model).order_by(FreezeRow.id.desc()).limit(1)))
    return found if found and found.on else None


def _freeze(row: FreezeRow | None) -> Freeze | None:
    return Freeze(row.model, row.on, row.who, row.why, row.at) if row else None
