"""The error of a sum over days that resemble the days before them.

Flights of one day share their weather, and a storm lasts: a test that takes days for independent promotes 17 % of
equal challengers, for 5 %, when the daily differences follow an AR(1) of 0.5 (20, 28 and 60 days alike).

References:
    Lazarus, Lewis, Stock & Watson (2018), "HAR Inference: Recommendations for Practice", JBES 36: equal-weighted
    cosines, Student's t, and the fewest of them, 0.4 n^(2/3).
    Andrews & Monahan (1992), Econometrica 60: what an AR(1) explains is taken out of the remaining bias.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.fft import dct

BIAS = 0.2
"""Of the variance, at most so much may be missed before the correction; measured best of 0.05 to 0.2 (ADR 0009)."""
CAUTION = 1.0
"""The autocorrelation is taken so many of its standard errors higher than it is found: what rows add to each day hides it (with
a tenth to a half of such noise on an AR(1) of 0.5, 6.3 % of equal challengers passed at 0.5 standard errors, 5.6 % at 1)."""
FEWEST_COSINES = 2
_LARGEST, _NOTHING = 0.98, 1e-6

Floats = npt.NDArray[np.float64]


def long_run(daily: Floats) -> tuple[float, int]:
    """Estimate the error of a sum of days.

    Each of the first B cosines of the series is, squared, an estimate of its long-run variance, and as good as
    independent of the others: their mean has B degrees of freedom. Independent days let B be as large as n - 1, the
    classical error; the more they resemble each other, the fewer slow cosines still measure what counts.

    Args:
        daily: What each day adds to the estimate, in order of time, shape `(n_days,)`, 2 days at least.

    Returns:
        The standard error of the sum, and the degrees of freedom of Student's t to hold it against.
    """
    days = len(daily)
    centred = daily - daily.mean()
    squares = dct(centred, type=2, norm="ortho")[1:] ** 2
    if not squares.any():
        return 0.0, days - 1
    caught = _caught(autocorrelation(centred), days)
    fewest = min(max(int(0.4 * days ** (2 / 3)), FEWEST_COSINES), days - 1)
    enough = np.flatnonzero(caught >= 1 - BIAS)
    used = max(int(enough[-1]) + 1 if len(enough) else 0, fewest)
    return float(np.sqrt(days * squares[:used].mean() / caught[used - 1])), used


def autocorrelation(centred: Floats) -> float:
    """Return the correlation [0-1] of a day with the next, less the small-sample bias and plus its standard error."""
    days = len(centred)
    found = float(centred[1:] @ centred[:-1] / (centred @ centred))
    unbiased = found + (1 + 4 * found) / days  # Kendall (1954)
    return min(max(unbiased + CAUTION * float(np.sqrt(max(1 - unbiased**2, 0.1) / days)), 0.0), _LARGEST)


def _caught(rho: float, days: int) -> Floats:
    """Return how much of the sum's variance the first 1, 2, ... cosines catch, in expectation, under an AR(1) of `rho`.

    The expected square of cosine j is exact: the sum over lags k of rho^k times the autocorrelation of its weights,
    ((n - k) cos wk - sin wk / sin w) / n at w = pi j / n.
    """
    count = np.arange(1, days)
    if rho == 0.0:
        return np.ones(days - 1)
    lags = np.arange(1, min(days, 2 + int(np.log(_NOTHING) / np.log(rho))))
    decay = rho**lags
    turn = np.pi * count[:, None] / days
    squares = 1 + 2 / days * (((days - lags) * np.cos(turn * lags) - np.sin(turn * lags) / np.sin(turn)) @ decay)
    whole = 1 + 2 / days * float((days - lags) @ decay)
    found: Floats = np.cumsum(squares) / count / whole
    return found
