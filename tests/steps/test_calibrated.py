"""A curve of few coefficients, whose error is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from include.ratchet.steps.calibrated import calibrate, error, small_sample
from include.ratchet.steps.compare import Units

DRAW = np.random.default_rng(0)
UNITS = Units(np.repeat(np.arange(40), 500), serial=True)


def test_wrong_probabilities_are_mended() -> None:
    """Scores twice as sure as they should be, and too high, are read as what comes of them."""
    truth = expit(DRAW.normal(size=20_000))
    said = expit(2 * logit(truth) + 0.5)
    curve = calibrate(said, (DRAW.uniform(size=20_000) < truth).astype(float), UNITS, chances=True)
    assert np.abs(curve.expect(said) - truth).mean() < 0.01


def test_a_loss_is_mended_by_a_line() -> None:
    """A predicted loss that is half of what comes is doubled; none is below zero."""
    said = DRAW.uniform(1, 2, 20_000)
    curve = calibrate(said, 2 * said + DRAW.normal(size=20_000), UNITS, chances=False)
    assert curve.expect(np.array([1.0, 1.5, 2.0])) == pytest.approx([2.0, 3.0, 4.0], abs=0.1)
    assert curve.expect(np.array([-9.0]))[0] == 0.0


def test_few_and_sure_scores_are_no_error() -> None:
    """A tree says 0, 1 and one number between: the curve is finite, and right about each."""
    said = np.repeat([0.0, 0.3, 1.0], 1000)
    came = np.concatenate([np.zeros(1000), (np.arange(1000) % 2).astype(float), np.ones(1000)])
    curve = calibrate(said, came, Units(np.arange(3000) % 30, serial=True), chances=True)
    assert curve.expect(np.array([0.0, 0.3, 1.0])) == pytest.approx([0.0, 0.5, 1.0], abs=0.05)
    assert np.isfinite(curve.moves).all()


def test_errors_of_units() -> None:
    """Twice the value, twice the error; of rows without time the classical one; four coefficients of 28 days cost 8 %."""
    daily = DRAW.normal(size=28)
    assert error(2 * daily, serial=True, fewest=20)[0] == pytest.approx(2 * error(daily, serial=True, fewest=20)[0])
    classical, freedom = error(daily, serial=False, fewest=20)
    assert classical == pytest.approx(np.sqrt(28) * daily.std(ddof=1))
    assert freedom == 27
    assert small_sample(28) == pytest.approx(1.0801, abs=1e-4)
