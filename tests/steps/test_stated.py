"""Stated power against simulated power."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2, nct, norm
from scipy.stats import t as student

from include.ratchet.domain.gate import Measured
from include.ratchet.steps import power, series, stated
from tests.steps.test_series import autoregressive

ALPHA = 0.05


def test_with_a_known_error_it_is_the_normal_power() -> None:
    """At 1.645 errors beyond the null it is one half, at the null it is alpha; without an error it is certain."""
    assert stated.power_at(1.6449, 1.0, 10**9, ALPHA) == pytest.approx(0.5, abs=1e-3)
    assert stated.power_at(0.0, 1.0, 10**9, ALPHA) == pytest.approx(ALPHA, abs=1e-4)
    assert (stated.power_at(0.1, 0.0, 5, ALPHA), stated.power_at(0.0, 0.0, 5, ALPHA)) == (1.0, 0.0)


def test_more_is_shown_more_surely() -> None:
    """Power grows with the distance, from few degrees of freedom to many, and for each level that Holm may ask."""
    far = np.linspace(0, 12, 60)
    for freedom in (2, 3, 7, 27, 1000):
        for alpha in (0.05, 0.01, 0.001):
            said = np.array([stated.power_at(each, 1.0, freedom, alpha) for each in far])
            assert (np.diff(said) >= 0).all()
            assert said[0] <= 0.05
            assert said[-1] > 0.95 or student.isf(alpha, freedom) > 6


def test_only_the_power_differs_from_what_the_error_alone_says() -> None:
    """What is detectable and needed stays; the power at each gain is this module's; without an error nothing is stated."""
    seen = Measured("gain over the champion", 0.01, -0.02, error=0.01, blocks=28, freedom=20)
    gains = {"0": 0.0, "smallest_gain": 0.005}
    made, plain = (each.of_proof(seen, ALPHA, gains, 0.0) for each in (stated, power))
    assert made.power == {name: round(stated.power_at(0.02 + gain, 0.01, 20, ALPHA), 4) for name, gain in gains.items()}
    assert (made.detectable, made.needed, made.alpha) == (plain.detectable, plain.needed, ALPHA)
    assert stated.of_proof(Measured("gain", 0.01, 0.0), ALPHA, gains, 0.0).power == {}


@pytest.mark.parametrize("count", [25, 2000])
def test_it_is_right_on_average_over_the_error_of_independent_units(count: int) -> None:
    """The mean over the estimated error's distribution is the noncentral t's own power, within 2.3 points."""
    freedom = count - 1
    errors = np.sqrt(chi2.ppf((np.arange(200) + 0.5) / 200, freedom) / freedom)
    for distance in (1.0, 2.0, 3.0, 4.0):
        said = np.mean([stated.power_at(distance, each, freedom, ALPHA) for each in errors])
        assert said == pytest.approx(float(nct.sf(student.isf(ALPHA, freedom), freedom, distance)), abs=0.023)


@pytest.mark.parametrize(("days", "rho"), [(28, 0.0), (28, 0.25), (60, 0.5)])
def test_it_is_right_on_average_over_days(days: int, rho: float) -> None:
    """The mean stated power of 600 series is within 2 points of the mean chance to be shown; by `power.power` it is up to 3 off."""
    found = np.array([series.long_run(each) for each in autoregressive(np.random.default_rng(days), 600, days, rho)])
    whole = np.sqrt(sum((days - abs(k)) * rho ** abs(k) / (1 - rho**2) for k in range(-days, days) if rho or not k))
    for distance in (2.0, 3.5, 4.0):
        met = norm.sf(student.isf(ALPHA, found[:, 1]) * found[:, 0] / whole - distance).mean()
        said = np.mean([stated.power_at(distance * whole, error, int(freedom), ALPHA) for error, freedom in found])
        assert abs(said - met) < 0.02
