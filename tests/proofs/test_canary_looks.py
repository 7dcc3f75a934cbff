"""The simulation of canaries that are looked at again and again, and a sample of it."""

from __future__ import annotations

import pytest
from scipy import stats

from proofs import canary_looks

ALPHA, MANY, FEW = 0.05, 100, 30


def test_a_healthy_challenger_is_stopped_at_most_so_often_over_all_looks() -> None:
    """As bad as is just allowed in all three ways: at most `alpha_guard` are stopped, and tests for one look stop more."""
    stopped, naive = canary_looks.simulate("all three as allowed", MANY, seed=5)
    assert len(stopped) <= stats.binom.isf(0.001, MANY, ALPHA) < naive


@pytest.mark.parametrize("case", canary_looks.BAD)
def test_a_bad_challenger_is_stopped_before_the_canary_is_over(case: str) -> None:
    """By its errors, its time or its predictions alone."""
    stopped, _ = canary_looks.simulate(case, FEW, seed=6)
    in_time = sum(after <= canary_looks.WITHIN for after in stopped)
    assert in_time >= stats.binom.ppf(0.001, FEW, canary_looks.FOUND)


@pytest.mark.parametrize(
    ("case", "stopped", "holds"),
    [
        ("errors as allowed", [10] * 14, False),
        ("errors as allowed", [10] * 13, True),
        ("errors 5 x", [310] * 100, False),
        ("errors 5 x", [300] * 80, True),
        ("errors 5 x", [300] * 79, False),
    ],
)
def test_the_claim_can_fail(case: str, stopped: list[int], *, holds: bool) -> None:
    """One more of the healthy ones than luck explains, the bad ones a look too late, or one of them too few."""
    found, said = canary_looks.judge([{"case": case, "challengers": 100, "stopped": stopped, "naive": 0}])
    assert found is holds
    assert case in said
