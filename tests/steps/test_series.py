"""The error of days that resemble each other: against theory, and by simulation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from scipy.stats import binom
from scipy.stats import t as student

from include.ratchet.steps import series

ALPHA = 0.05


def autoregressive(draw: np.random.Generator, times: int, days: int, rho: float) -> npt.NDArray[np.float64]:
    """Draw series of mean zero whose days follow each other, shape `(times, days)`."""
    made = draw.normal(size=(times, days + 50))
    for day in range(1, days + 50):
        made[:, day] += rho * made[:, day - 1]
    return made[:, 50:]


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("days", [2, 20, 41])
def test_what_cosines_catch_against_the_matrix(days: int, rho: float) -> None:
    """The share of the variance that the first cosines catch is what the covariance matrix of an AR(1) says."""
    apart = np.abs(np.subtract.outer(np.arange(days), np.arange(days)))
    covariance = np.where(apart == 0, 1.0, rho**apart)
    waves = np.sqrt(2 / days) * np.cos(np.pi * np.arange(1, days)[:, None] * (np.arange(days) + 0.5) / days)
    squares = np.einsum("ji,ik,jk->j", waves, covariance, waves)
    expected = np.cumsum(squares) / np.arange(1, days) / (covariance.sum() / days)
    assert series._caught(rho, days) == pytest.approx(expected, rel=1e-5)


def test_independent_days_have_nearly_the_classical_error() -> None:
    """An alternating series shows no likeness of neighbours: all cosines are used, and the error is s times root n."""
    daily = np.array([1.0, -1.0, 2.0, -2.0, 1.5, -1.5] * 5)
    error, freedom = series.long_run(daily)
    assert freedom == 29
    assert error == pytest.approx(daily.std(ddof=1) * np.sqrt(30))


def test_a_slow_series_has_few_degrees_of_freedom() -> None:
    """One long wave: the fewest cosines, and an error well above the classical one."""
    daily = np.cos(np.pi * (np.arange(30) + 0.5) / 30)
    error, freedom = series.long_run(daily)
    assert freedom == int(0.4 * 30 ** (2 / 3)) == 3
    assert error > 2 * daily.std(ddof=1) * np.sqrt(30)


def test_no_noise_has_no_error() -> None:
    """Days that add nothing are certain."""
    assert series.long_run(np.zeros(28)) == (0.0, 27)


@pytest.mark.parametrize(("days", "rho"), [(20, 0.0), (28, 0.5), (60, 0.5)])
def test_equal_challengers_pass_at_most_at_alpha(days: int, rho: float) -> None:
    """Of 1,000 series of mean zero at most the 0.1 % binomial limit for 5 % are shown above it; by day blocks, 17 % at 0.5."""
    draw, shown, by_days = np.random.default_rng([days, int(10 * rho)]), 0, 0
    for each in autoregressive(draw, 1000, days, rho):
        error, freedom = series.long_run(each)
        shown += each.sum() > student.isf(ALPHA, freedom) * error
        by_days += each.sum() > student.isf(ALPHA, days - 1) * each.std(ddof=1) * np.sqrt(days)
    limit = binom.ppf(0.999, 1000, ALPHA)
    assert shown <= limit
    assert (by_days > limit) == (rho > 0)
