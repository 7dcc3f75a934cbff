"""The drift proof: what it counts, and that counts drawn stand for rows."""

from __future__ import annotations

from scipy import stats

from proofs import drift_null
from proofs.inside.drift import null_alarms


def test_the_verdict_can_fail() -> None:
    """Within half and twice the dial it holds; beyond either it does not."""
    part = {"case": "a", "models": 1000}
    assert drift_null.judge([part | {"alarms": 20}])[0]
    assert not drift_null.judge([part | {"alarms": 41}])[0]
    assert not drift_null.judge([part | {"alarms": 9}])[0]


def test_counts_drawn_fire_as_often_as_rows() -> None:
    """A million rows are drawn as counts: the rate stays within the binomial limit of twice the dial."""
    alarms = sum(null_alarms(rows=1_000_000, columns=20, phi=0.0, seed=seed, dial=0.02, counted=True) for seed in range(200))
    assert 0 < alarms <= stats.binom.isf(0.001, 200, 0.04)
