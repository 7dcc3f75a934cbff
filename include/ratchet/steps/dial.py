"""How far a statistic must be out before an alarm: the threshold that keeps a dialled rate for the whole procedure.

An undrifted model watches `tests` statistics; each is Student's t with the error of the reference in it, which all
windows share. An alarm is `k` of the newest `m` windows beyond the threshold, in the same statistic, in any of them.
Taken as if windows were independent, 2 of 3 calibrated to 1 % fires 7 to 23 %: what is shared is integrated out here.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy import optimize, stats

NODES = 61


@functools.lru_cache(maxsize=256)
def critical(dial: float, tests: int, freedom: int, share: float, k: int, m: int) -> float:
    """Return the two-sided p-value below which one test of one window counts.

    Args:
        dial: Probability [0-1] that a window of an undrifted model is in alarm, all tests together.
        tests: How many statistics are watched; taken as independent, so that the rate is lower where they are not.
        freedom: Degrees of freedom of the error of the reference: its blocks less one.
        share: Part of a difference's variance that all windows share, `n / (n + N)` for windows of n and a reference of N.
        k: Windows that must be beyond.
        m: Of how many.
    """
    each = 1 - (1 - dial) ** (1 / tests)
    shared, weight = np.polynomial.hermite_e.hermegauss(NODES)
    weight = weight / weight.sum()
    # The error of the error is shared as well; its lower tail, where small errors make large statistics, needs the finer grid.
    level = np.concatenate([10 ** np.linspace(-10, -2, 64), np.linspace(0.01, 0.999, 160)[1:]])
    width = np.diff(np.concatenate([[0.0], (level[1:] + level[:-1]) / 2, [1.0]]))
    error = np.sqrt(stats.chi2.ppf(level, freedom) / freedom)
    own = np.sqrt(1 - share)

    def excess(bound: float) -> float:
        reach, moved = bound * error[None, :], np.sqrt(share) * shared[:, None]
        beyond = stats.norm.sf((reach - moved) / own) + stats.norm.sf((reach + moved) / own)
        alarmed = stats.binom.sf(k - 1, m, np.clip(beyond, 0.0, 1.0))
        rate = float((alarmed * weight[:, None] * width[None, :]).sum())
        return float(np.log(max(rate, 1e-300)) - np.log(each))

    bound = optimize.brentq(excess, 0.0, 500.0, xtol=1e-6)
    return float(2 * stats.t.sf(bound, freedom))


@functools.lru_cache(maxsize=64)
def persistent(dial: float, k: int, m: int) -> float:
    """Return the p-value at which k of m windows are beyond with probability `dial`, where the windows share nothing."""
    return float(optimize.brentq(lambda p: stats.binom.sf(k - 1, m, p) - dial, 0.0, 1.0, xtol=1e-12))
