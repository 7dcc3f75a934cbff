"""How well a model is delivered: the four figures of DORA (Forsgren, Humble, Kim: Accelerate, 2018), from the ledger.

A deployment is a promotion, a change that failed is one that was rolled back from, and what is restored is the champion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from include.ratchet.domain.records import Promotion


@dataclass(frozen=True)
class Dora:
    """The figures over one period; None where there is nothing to tell them by.

    `lead` is the median time from the arrival of the newest batch in a version's training data to the version being
    champion; `restored` the median time from a promotion that failed to the rollback from it.
    """

    deployments: int
    days: float
    failed: int
    lead: timedelta | None
    restored: timedelta | None

    @property
    def per_week(self) -> float | None:
        """Deployments per week."""
        return self.deployments * 7 / self.days if self.days > 0 else None

    @property
    def failure_rate(self) -> float | None:
        """The share [0-1] of deployments that were rolled back from."""
        return self.failed / self.deployments if self.deployments else None


def dora(changes: Sequence[Promotion], arrived: Mapping[int, datetime], since: datetime, until: datetime) -> Dora:
    """Work out the figures.

    Args:
        changes: All changes of champion, oldest first.
        arrived: Per version, when the newest batch of its training data landed.
        since: Begin of the period.
        until: End of the period.
    """
    inside = [each for each in changes if since <= each.at < until and each.action == "promote"]
    restored = {}
    for each in inside:
        later = (after for after in changes if after.at >= each.at and after is not each)
        end = next(later, None)  # only the change right after it takes it back
        if end and end.action == "rollback" and end.previous == each.version:
            restored[each.version, each.at] = end.at - each.at
    leads = [each.at - arrived[each.version] for each in inside if each.version in arrived]
    return Dora(
        len(inside),
        (until - since) / timedelta(days=1),
        len(restored),
        _median(leads),
        _median(list(restored.values())),
    )


def _median(times: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=median(each.total_seconds() for each in times)) if times else None


def cost(steps: Sequence[Mapping[str, Any]]) -> dict[str, tuple[int, float]]:
    """Return, per task, how many tries there were and how many seconds they took, the most expensive first."""
    found: dict[str, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for step in steps:
        name = f"{step['dag_id']}.{step['task_id']}"
        tries, seconds = found[name]
        found[name] = (tries + 1, seconds + (step["ended_at"] - step["started_at"]).total_seconds())
    return dict(sorted(found.items(), key=lambda item: -item[1][1]))
