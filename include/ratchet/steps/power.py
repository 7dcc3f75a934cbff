"""What a rule could have shown on these rows: its power at fixed true values, never at the observed one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from include.ratchet.domain.gate import FEWEST_BLOCKS, Measured

ENOUGH = 0.8
"""The power at which a detectable loss, and the blocks needed, are stated."""
ERROR_IS_NOISY = 0.2
"""An error that is itself estimated promises too much on average; a distance is counted 0.2 / freedom shorter. Measured for
20, 28 and 60 days with an AR(1) of 0, 0.25 and 0.5: stated power is within 3 points of the simulated one where that is above
45 %, and within 4 where it is a third (proof gate-power)."""


def power(distance: float, error: float, freedom: int, alpha: float) -> float:
    """Return the chance [0-1] to show a true value that is `distance` beyond the null."""
    if error == 0.0:
        return 1.0 if distance > 0 else 0.0
    return float(norm.cdf(distance / error * (1 - ERROR_IS_NOISY / freedom) - student.isf(alpha, freedom)))


def reach(error: float, freedom: int, alpha: float) -> float:
    """Return how far beyond the null a true value must be to be shown with 80 % power."""
    return float((student.isf(alpha, freedom) + norm.ppf(ENOUGH)) / (1 - ERROR_IS_NOISY / freedom)) * error


def of_proof(measured: Measured, alpha: float, gains: Mapping[str, float], reference: float) -> Measured:
    """State what a proof could have shown.

    Args:
        measured: What was measured.
        alpha: The level that it is held to.
        gains: Gains over `reference`, by the name to state them under; `smallest_gain` among them.
        reference: The value of no gain: 0 for a difference, the bound for a metric.

    Returns:
        The same, with its power at each gain; `detectable`, the true value that is shown with 80 % power; and `needed`,
        the blocks in all that show the smallest gain, and the observed one where it is positive, with that power.
    """
    if not measured.error or measured.freedom is None or measured.estimate is None:
        return replace(measured, alpha=alpha)
    error, freedom = measured.error, measured.freedom
    stated = {name: round(power(reference + gain - measured.null, error, freedom, alpha), 4) for name, gain in gains.items()}
    far = reach(error, freedom, alpha)
    wanted = {"smallest_gain": reference + gains["smallest_gain"] - measured.null}
    if measured.estimate > reference:
        wanted["observed"] = measured.estimate - measured.null
    needed = {name: blocks_for(distance, far, measured.blocks) for name, distance in wanted.items() if distance > 0}
    return replace(measured, alpha=alpha, power=stated, detectable=measured.null + far, needed=needed)


def of_guard(measured: Measured, alpha: float) -> Measured:
    """State the value that a guard would have caught with 80 % power at the first step of Holm's procedure."""
    if measured.error is None or measured.freedom is None:
        return replace(measured, alpha=alpha)
    return replace(measured, alpha=alpha, detectable=measured.null - reach(measured.error, measured.freedom, alpha))


def blocks_for(distance: float, far: float, blocks: int) -> int:
    """Return how many blocks in all show `distance`, when `blocks` of them show `far`: the error falls with their root."""
    return max(int(np.ceil(blocks * (far / distance) ** 2)), FEWEST_BLOCKS)
