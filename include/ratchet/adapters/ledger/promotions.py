"""Changes of champion, and when the serving workers had followed them."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger import routes
from include.ratchet.adapters.ledger.holds import newest_freeze
from include.ratchet.adapters.ledger.seals import Session, require_sealed
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.adapters.ledger.verdicts import VerdictRow
from include.ratchet.domain.errors import FrozenError, LedgerError
from include.ratchet.domain.records import Promotion
from include.ratchet.domain.reigns import Confirmation, Reign, reigns


class PromotionRow(Table):
    """One change of champion; the newest row of a model names the version that serves."""

    __tablename__ = "promotions"
    sealed_by = ("model", "sequence")
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    sequence: Mapped[int]
    version: Mapped[int]
    previous: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(20))
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(String(64), ForeignKey("verdicts.digest"))
    at: Mapped[datetime]
    # The compare-and-set: two promotions over the same champion claim the same sequence, and one is refused.
    __table_args__ = (UniqueConstraint("model", "sequence"),)


class ConfirmationRow(Table):
    """A serving worker answers by a promotion from `at` on; `began` is since when the worker is there."""

    __tablename__ = "confirmations"
    sealed_by = ("model", "sequence", "worker")
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str] = mapped_column(String(200), primary_key=True)
    at: Mapped[datetime]
    began: Mapped[datetime | None]
    recorded_at: Mapped[datetime]


class Promotions(Store):
    """The newest row of a model names the version that serves."""

    def champion(self, model: str) -> int | None:
        """Return the version that serves, None before the first promotion."""
        newest = self.promotions(model, limit=1)
        return newest[0].version if newest else None

    def promotions(self, model: str, limit: int | None = None) -> list[Promotion]:
        """Return changes of champion, newest first; all of them, for each names a version that may serve again."""
        query = select(PromotionRow).where(PromotionRow.model == model).order_by(PromotionRow.sequence.desc()).limit(limit)
        with Session(self._reads) as session:
            return [
                Promotion(r.model, r.version, r.previous, r.action, r.who, r.why, r.evidence, r.at, r.sequence)  # type: ignore[arg-type]
                for r in session.scalars(query)
            ]

    def confirm(self, confirmation: Confirmation) -> None:
        """Record that a serving worker answers by a promotion; the same worker confirms it once."""
        with Session(self._engine) as session, session.begin():
            confirm(session, confirmation)

    def reigns(self, model: str, known: datetime | None = None) -> list[Reign]:
        """Return when each promotion held, oldest first; `known` is a time: only what had been recorded by then counts."""
        query = select(ConfirmationRow).where(ConfirmationRow.model == model)
        if known:
            query = query.where(ConfirmationRow.recorded_at <= known)
        with Session(self._reads) as session:
            confirmed = [Confirmation(r.model, r.sequence, r.worker, r.at, r.began) for r in session.scalars(query)]
        return reigns([each for each in reversed(self.promotions(model)) if known is None or each.at <= known], confirmed)

    def promote(self, promotion: Promotion) -> None:
        """Change the champion, if it still is the one that the promotion replaces; nobody answers beside the new one.

        Raises:
            LedgerError: The verdict is no blessing of this version or was edited, a rollback goes to a version that was
                never champion, or another promotion came first.
            FrozenError: Promotions are frozen; rollbacks are not.
        """
        try:
            with Session(self._engine) as session, session.begin():
                if promotion.action == "promote" and (freeze := newest_freeze(session, promotion.model)):
                    message = f"{promotion.model} version {promotion.version}: not promoted; {freeze.sentence}"
                    raise FrozenError(message)
                verdict = session.get(VerdictRow, promotion.evidence)
                if (
                    verdict is None
                    or verdict.outcome != "promote"
                    or (verdict.model, verdict.version) != (promotion.model, promotion.version)
                ):
                    message = f"{promotion.model} version {promotion.version}: not blessed; only a version with a promote verdict can serve"
                    raise LedgerError(message)
                require_sealed(session, verdict)
                query = select(PromotionRow).where(PromotionRow.model == promotion.model).order_by(PromotionRow.sequence.desc())
                if promotion.action == "rollback" and not session.scalar(query.where(PromotionRow.version == promotion.version).limit(1)):
                    message = f"{promotion.model} version {promotion.version}: was never champion; a rollback goes to one that was"
                    raise LedgerError(message)
                last = session.scalar(query.limit(1))
                if (last.version if last else None) != promotion.previous:
                    raise _overtaken(promotion, last.version if last else None)
                sequence = last.sequence + 1 if last else 1
                session.add(PromotionRow(**dataclasses.asdict(promotion) | {"sequence": sequence}))
                routes.end(session, promotion.model, promotion.at)
        except IntegrityError:
            raise _overtaken(promotion, self.champion(promotion.model)) from None


def confirm(session: Session, confirmation: Confirmation) -> None:
    """Add a confirmation inside a transaction, unless its worker has given it."""
    if not session.get(ConfirmationRow, (confirmation.model, confirmation.sequence, confirmation.worker)):
        session.add(ConfirmationRow(**dataclasses.asdict(confirmation), recorded_at=datetime.now(UTC)))


def _overtaken(promotion: Promotion, found: int | None) -> LedgerError:
    return LedgerError(
        f"{promotion.model} version {promotion.version}: not promoted; the champion is version {found} now, "
        f"and was {promotion.previous} when this promotion began. Start the deploy again."
    )
