"""Which version served when: promotions, and when every serving worker had followed them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest

from include.ratchet.domain.records import Promotion


@dataclass(frozen=True)
class Confirmation:
    """A serving worker answers by a promotion from now on; `began` is since when the worker is there, where it is known."""

    model: str
    sequence: int
    worker: str
    at: datetime
    began: datetime | None = None


@dataclass(frozen=True)
class Reign:
    """One promotion and when it held.

    Inside the changeover `[promotion.at, valid_from)` this version and the one before are both right; `valid_to` is
    where the next reign's changeover begins, None for the newest.
    """

    promotion: Promotion
    valid_from: datetime
    valid_to: datetime | None
    confirmed_by: int


def reigns(promotions: Sequence[Promotion], confirmations: Sequence[Confirmation]) -> list[Reign]:
    """Work out when each promotion held.

    A promotion is valid from when the last of the workers that were there answered by it, or by a later one; where no
    service confirms, from when it was recorded.

    Args:
        promotions: All promotions of one model, oldest first, with their sequence.
        confirmations: What its workers confirmed, in any order.

    Returns:
        One reign per promotion, oldest first.
    """
    made = []
    for promotion, after in zip_longest(promotions, promotions[1:]):
        followed = _followed(promotion, confirmations)
        made.append(Reign(promotion, max(followed, default=promotion.at), after.at if after else None, len(followed)))
    return made


def _followed(promotion: Promotion, confirmations: Sequence[Confirmation]) -> list[datetime]:
    """Return when each worker that was there followed; a worker that came later follows nothing, it begins with it."""
    since: dict[str, datetime] = {}
    first: dict[str, datetime] = {}
    for each in sorted(confirmations, key=lambda each: each.at):
        since.setdefault(each.worker, each.began or each.at)
        if each.sequence >= (promotion.sequence or 0):
            first.setdefault(each.worker, max(each.at, promotion.at))
    there = [at for worker, at in first.items() if since[worker] <= promotion.at]
    return there or sorted(first.values())[:1]


def serving_at(history: Sequence[Reign], at: datetime) -> list[Reign]:
    """Return the reigns whose version is right at a time: one, or inside a changeover the one before and those that follow.

    The champion of that time is the first; the list is empty before the first promotion.
    """
    settled = [each for each in history if each.valid_from <= at]
    coming = [each for each in history if each.promotion.at <= at < each.valid_from]
    newest = settled[-1:]
    return newest + [each for each in coming if not newest or (each.promotion.sequence or 0) > (newest[0].promotion.sequence or 0)]
