"""The power that a proof states: what `steps/power.py` says of an error, less what the error's own noise does to it.

It is kept beside `steps/power.py`, by which the gate decides what stands alone: here is only what is said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from include.ratchet.domain.gate import Measured
from include.ratchet.steps import power

CAUTION, SHIFT, NOISE = 0.25, 1.0, 0.35
"""Measured for 20, 28 and 60 days with an AR(1) of 0, 0.25 and 0.5, for 25 to 2,000 independent rows, and in the worlds of the
proof gate-power: on average stated power is within 2.2 points of the simulated one, from 17 % to 99 % (without them, up to 3.3)."""
LEAST = 0.1
"""At least so much of the variance is left: what lies that far out has a power of 1 to three digits anyway."""


def power_at(distance: float, error: float, freedom: int, alpha: float) -> float:
    """Return the chance [0-1] to show a true value that is `distance` beyond the null, right on average over the error's noise.

    By the true error it is the noncentral t's: nearly the normal chance of (d - t) / sqrt(1 + t^2 / 2f), at a distance of
    d errors and f degrees of freedom. But d is known by the estimated error only, which scatters it by d^2 / 2f, and a mean
    over what scatters lies too near to the middle: that much is taken off the variance. The three constants: an error is
    some hundredths too large on purpose (`series.CAUTION`), a ratio to an estimate is too large on average, and what the
    noise leaves of 1/2, since its own cosines are chosen by the same days.

    References:
        Johnson, Kotz & Balakrishnan (1995), Continuous Univariate Distributions 2, ch. 31: the noncentral t by the normal.
    """
    if error == 0.0:
        return 1.0 if distance > 0 else 0.0
    far, middle = distance / error, float(student.isf(alpha, freedom)) + SHIFT / freedom
    left = max(1 + NOISE * (middle**2 - far**2) / freedom, LEAST)
    return float(norm.cdf((1 + CAUTION / np.sqrt(freedom)) * (far - middle) / np.sqrt(left)))


def of_proof(measured: Measured, alpha: float, gains: Mapping[str, float], reference: float) -> Measured:
    """State what a proof could have shown: `power.of_proof`, with the power at each gain freed of the error's noise."""
    made = power.of_proof(measured, alpha, gains, reference)
    if not made.error or made.freedom is None:
        return made
    said = {name: power_at(reference + gains[name] - made.null, made.error, made.freedom, alpha) for name in made.power}
    return replace(made, power={name: round(each, 4) for name, each in said.items()})
