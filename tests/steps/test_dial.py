"""The threshold keeps the dialled rate, with what windows share in it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from include.ratchet.steps.dial import critical, persistent

REPEATS = 400_000


@pytest.mark.parametrize(("k", "m", "share"), [(1, 1, 0.1), (2, 3, 0.1), (2, 3, 0.5), (3, 4, 0.9)])
def test_the_rate_is_the_dial(k: int, m: int, share: float) -> None:
    """Statistics drawn with a shared reference and a shared error of the error are beyond k of m times as dialled."""
    dial, freedom, draw = 0.01, 19, np.random.default_rng(3)
    p = critical(dial, 1, freedom, share, k, m)
    reference, error = draw.standard_normal((REPEATS, 1)), np.sqrt(draw.chisquare(freedom, (REPEATS, 1)) / freedom)
    t = (np.sqrt(share) * reference + np.sqrt(1 - share) * draw.standard_normal((REPEATS, m))) / error
    alarms = int(((2 * stats.t.sf(np.abs(t), freedom) <= p).sum(axis=1) >= k).sum())
    low, high = (stats.binom.ppf(level, REPEATS, dial) for level in (0.0005, 0.9995))
    assert low <= alarms <= high


def test_windows_taken_as_independent_would_fire_too_often() -> None:
    """2 of 3 at 1 %: the p-value for independent windows is several times the one that keeps the rate."""
    independent = 0.0589  # 3 p^2 (1 - p) + p^3 = 0.01
    assert 3 * independent**2 * (1 - independent) + independent**3 == pytest.approx(0.01, rel=0.01)
    assert critical(0.01, 1, 19, 0.5, 2, 3) < independent / 2


def test_more_tests_ask_for_more_each() -> None:
    """All tests together keep the dial, so each alone is held to less."""
    assert critical(0.02, 200, 19, 0.1, 2, 3) < critical(0.02, 1, 19, 0.1, 2, 3) / 5


def test_windows_that_share_nothing_have_a_closed_form() -> None:
    """2 of 3 at p: 3 p^2 (1 - p) + p^3."""
    p = persistent(0.02, 2, 3)
    assert 3 * p**2 * (1 - p) + p**3 == pytest.approx(0.02)
    assert persistent(0.02, 1, 1) == pytest.approx(0.02)
