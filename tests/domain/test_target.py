"""What a target says of itself."""

from __future__ import annotations

import pytest

from include.ratchet.domain.target import Live


@pytest.mark.parametrize(
    ("live", "alone"),
    [
        (Live({2: 1.0}), True),
        (Live({2: 1.0}, settled=False), False),
        (Live({1: 0.9, 2: 0.1}), False),
        (Live({1: 1.0}), False),
        (Live(), False),
    ],
)
def test_one_version_serves_alone_once_nothing_changes_any_more(live: Live, alone: bool) -> None:  # noqa: FBT001 - a case
    """A share is not enough, nor is a change that may still be taken back."""
    assert live.only(2) is alone
