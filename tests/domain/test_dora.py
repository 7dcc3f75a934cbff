"""The four figures, from changes of champion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.ratchet.domain.dora import cost, dora
from include.ratchet.domain.records import Promotion

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def change(day: float, version: int, previous: int | None, action: str = "promote") -> Promotion:
    """Change the champion."""
    return Promotion("m", version, previous, action, "me", "w", "e", BEGIN + day * DAY)  # type: ignore[arg-type]


CHANGES = [change(1, 1, None), change(3, 2, 1), change(3.25, 1, 2, "rollback"), change(8, 3, 1), change(9, 1, 3, "rollback")]


def test_the_four_figures() -> None:
    """Three deployments in two weeks, two of them taken back after six hours and after a day."""
    arrived = {1: BEGIN, 2: BEGIN + 2.5 * DAY, 3: BEGIN + 7.75 * DAY}
    found = dora(CHANGES, arrived, BEGIN, BEGIN + 14 * DAY)
    assert (found.deployments, found.failed, found.per_week) == (3, 2, 1.5)
    assert found.failure_rate == pytest.approx(2 / 3)
    assert found.lead == 0.5 * DAY
    assert found.restored == 0.625 * DAY


def test_only_the_change_right_after_takes_it_back() -> None:
    """A rollback that comes after another promotion is of that one."""
    found = dora([change(1, 1, None), change(2, 2, 1), change(3, 3, 2), change(4, 2, 3, "rollback")], {}, BEGIN, BEGIN + 7 * DAY)
    assert (found.deployments, found.failed, found.lead, found.restored) == (3, 1, None, DAY)


def test_nothing_happened() -> None:
    """No deployment has no failure rate; what lies outside the period does not count."""
    found = dora(CHANGES, {}, BEGIN + 20 * DAY, BEGIN + 27 * DAY)
    assert (found.deployments, found.per_week, found.failure_rate, found.lead, found.restored) == (0, 0.0, None, None, None)
    assert dora([], {}, BEGIN, BEGIN).per_week is None


def test_cost_is_of_every_try() -> None:
    """Seconds add up over runs and tries, the most expensive task first."""

    def step(task: str, seconds: float) -> dict[str, Any]:
        return {"dag_id": "m_train", "task_id": task, "started_at": BEGIN, "ended_at": BEGIN + timedelta(seconds=seconds)}

    assert cost([step("fit", 5), step("judge", 8), step("fit", 4)]) == {"m_train.fit": (2, 9.0), "m_train.judge": (1, 8.0)}
