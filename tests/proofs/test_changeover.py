"""What the proof of the changeover makes of its parts."""

from __future__ import annotations

import pytest

from proofs.changeover import judge

PART = {"promotions": 20, "kills": 1, "answers": 9000, "refused": 0, "cut": 1, "stale": 0, "wrong": 0, "lost": 0, "slowest_change": 0.9}


def test_parts_add_up() -> None:
    """A connection that a kill cut is no refused request."""
    held, said = judge([PART, PART])
    assert held
    assert "40 promotions, 2 kills" in said


@pytest.mark.parametrize("fault", [{"refused": 1}, {"stale": 1}, {"wrong": 1}, {"lost": 1}, {"cut": 2}, {"kills": 0}, {"answers": 0}])
def test_one_fault_breaks_the_claim(fault: dict[str, int]) -> None:
    """Anywhere; and a kill that struck nobody proves nothing."""
    assert not judge([PART | fault])[0]
