"""The simulation of years of retrains."""

from __future__ import annotations

import pytest

from proofs import gate_claims


def test_a_claim_that_is_not_kept_is_seen() -> None:
    """One year in ten above its bound is too many."""
    part = {"case": "superior", "years": 100, "kept": 95, "claimed": 1.0, "observed": 2.0, "true": 1.0, "bound": 1.0}
    assert gate_claims.judge([part])[0]
    assert not gate_claims.judge([part | {"kept": 90}])[0]


@pytest.mark.parametrize("spread", gate_claims.SPREADS)
def test_a_sample_of_years(spread: float) -> None:
    """In ten years what is claimed is far less than what was observed, and within its bound of the truth."""
    years = [gate_claims.year(spread, "superior", [9, each]) for each in range(10)]
    assert sum(claimed <= true + bound for claimed, _, true, bound in years) >= 9
    assert sum(year[0] for year in years) < sum(year[1] for year in years) / 3
