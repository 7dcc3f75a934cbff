"""The simulation of challengers that are half a point worse, and a sample of it."""

from __future__ import annotations

import pytest

from proofs import gate_worse


@pytest.mark.parametrize("kind", list(gate_worse.LEVEL))
def test_half_a_point_worse_is_hardly_ever_promoted(kind: str) -> None:
    """Of 100 at most 5 are, the expectation of the level itself; `>=` takes a quarter or so."""
    promoted, at_least = gate_worse.simulate(kind, 100, seed=3)
    assert promoted <= 5
    assert 10 <= at_least <= 40
