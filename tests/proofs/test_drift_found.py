"""The proof of planted drift: its verdict can fail, and a sample of it holds."""

from __future__ import annotations

import pytest
from scipy import stats

from proofs import drift_found
from proofs.inside import planted

COUNT = 10


def test_the_verdict_can_fail() -> None:
    """95 of a hundred hold and 94 do not, of any fault; the index is only told."""
    part = {"fault": "shift", "models": 100, "found": 95, "psi": 100}
    assert drift_found.judge([part])[0]
    assert not drift_found.judge([part, part | {"fault": "swap", "found": 94}])[0]


@pytest.mark.parametrize("fault", planted.FAULTS)
def test_planted_faults_are_found_within_two_windows(fault: str) -> None:
    """A quarter of a deviation, two categories swapped, missing values in one of 40 columns, which is named: by a limit of 0.1 %."""
    hits = sum(planted.found(fault, 40, seed, drift_found.DIAL) for seed in range(COUNT))
    assert hits >= stats.binom.ppf(0.001, COUNT, drift_found.FEWEST)


def test_the_index_fires_on_undrifted_streams() -> None:
    """What the field uses: above 0.1 on identical data of 100 rows most of the time, and it has no dial."""
    assert sum(planted.index_fires(100, 5, seed, 0.1) for seed in range(20)) >= 15
