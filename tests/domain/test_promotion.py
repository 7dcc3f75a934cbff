"""Who serves after whom."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ratchet.domain.promotion import former
from include.ratchet.domain.records import Promotion

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
