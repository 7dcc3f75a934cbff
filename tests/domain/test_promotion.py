"""Who serves after whom."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ratchet.domain.promotion import former, passed
from include.ratchet.domain.records import Promotion, Trial

AT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], None),
        ([("promote", 1)], None),
        ([("promote", 1), ("promote", 2)], 1),
        ([("promote", 1), ("promote", 2), ("rollback", 1)], None),
        ([("promote", 1), ("promote", 2), ("promote", 3), ("rollback", 2)], 1),
        ([("promote", 1), ("promote", 2), ("rollback", 1), ("promote", 3)], 1),
    ],
)
def test_the_former_champion_was_not_rolled_back_from(steps: list[tuple[str, int]], expected: int | None) -> None:
    """A version that had to be taken back does not come back by itself."""
    history, previous = [], None
    for action, version in steps:
        history.append(Promotion("m", version, previous, action, "me", "why", "x", AT))  # type: ignore[arg-type]
        previous = version
    assert former(history[::-1]) == expected


@pytest.mark.parametrize(("hours", "good", "expected"), [(1, True, True), (1, False, False), (-1, True, False)])
def test_a_trial_counts_until_the_next_change_of_champion(hours: int, good: bool, expected: bool) -> None:  # noqa: FBT001
    """Who was promoted and rolled back from passed before that, and is tried again."""
    history = [Promotion("m", 1, 2, "rollback", "me", "why", "x", AT)]
    trial = Trial("m", 2, "canary", "x", good, "", 0.0, AT + timedelta(hours=hours))
    assert passed([trial], history) is expected
    assert not passed([], history)
