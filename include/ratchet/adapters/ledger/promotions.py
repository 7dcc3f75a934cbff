"""Changes of champion."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.adapters.ledger.verdicts import VerdictRow
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.records import Promotion


class PromotionRow(Table):
    """One change of champion; the newest row of a model names the version that serves."""

    __tablename__ = "promotions"
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
                Promotion(r.model, r.version, r.previous, r.action, r.who, r.why, r.evidence, r.at)  # type: ignore[arg-type]
                for r in session.scalars(query)
            ]

    def promote(self, promotion: Promotion) -> None:
        """Change the champion, if it still is the one that the promotion replaces.

        Raises:
            LedgerError: The verdict is no blessing of this version, or another promotion came first.
        """
        try:
            with Session(self._engine) as session, session.begin():
                verdict = session.get(VerdictRow, promotion.evidence)
                if (
                    verdict is None
                    or verdict.outcome != "promote"
                    or (verdict.model, verdict.version) != (promotion.model, promotion.version)
                ):
                    message = f"{promotion.model} version {promotion.version}: not blessed; only a version with a promote verdict can serve"
                    raise LedgerError(message)
                query = select(PromotionRow).where(PromotionRow.model == promotion.model).order_by(PromotionRow.sequence.desc()).limit(1)
                last = session.scalar(query)
                if (last.version if last else None) != promotion.previous:
                    raise _overtaken(promotion, last.version if last else None)
                sequence = last.sequence + 1 if last else 1
                session.add(PromotionRow(**dataclasses.asdict(promotion), sequence=sequence))
        except IntegrityError:
            raise _overtaken(promotion, self.champion(promotion.model)) from None


def _overtaken(promotion: Promotion, found: int | None) -> LedgerError:
    return LedgerError(
        f"{promotion.model} version {promotion.version}: not promoted; the champion is version {found} now, "
        f"and was {promotion.previous} when this promotion began. Start the deploy again."
    )
