"""What a label is expected to be, given one number that the model says: fitted on rows whose labels are known.

A classifier's score is turned into a probability by a logistic regression on its log odds, bent at two knots; a
regression's predicted loss into an expected one by a straight line with the same knots. Few coefficients, so that their
error is known: it is summed by day, as the gate's is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from include.ratchet.steps import series
from include.ratchet.steps.compare import Units

Floats = npt.NDArray[np.float64]
KNOTS = (1 / 3, 2 / 3)
RIDGE = 1e-3
CLIP = 1e-4
ROUNDS = 50


@dataclass(frozen=True)
class Calibration:
    """A fitted curve.

    Attributes:
        centre: Mean of the log odds (of the numbers, for a line).
        scale: Their standard deviation.
        knots: Where the curve may bend, after centring.
        weights: Coefficients, shape `(4,)`.
        moves: What each unit of the reference adds to their error, shape `(n_units, 4)`.
        chances: Whether it is a probability.
        low: The smallest number of the reference.
        high: The greatest.
    """

    centre: float
    scale: float
    knots: Floats
    weights: Floats
    moves: Floats
    chances: bool
    low: float
    high: float

    def basis(self, said: Floats) -> Floats:
        """Return the terms of the curve, shape `(n_rows, 4)`."""
        z = (_odds(said) if self.chances else said) - self.centre
        z = z / self.scale
        return np.column_stack([np.ones(len(z)), z, *(np.maximum(z - knot, 0.0) for knot in self.knots)])

    def expect(self, said: Floats) -> Floats:
        """Return what is expected of each row, shape `(n_rows,)`."""
        found = self.basis(said) @ self.weights
        return np.asarray(expit(found)) if self.chances else np.maximum(found, 0.0)

    def slope(self, said: Floats) -> Floats:
        """Return how the expectation follows the coefficients, shape `(n_rows, 4)`."""
        if not self.chances:
            return self.basis(said)
        chance = self.expect(said)
        return self.basis(said) * (chance * (1 - chance))[:, None]


def calibrate(said: Floats, came: Floats, units: Units, *, chances: bool) -> Calibration:
    """Fit the curve.

    Args:
        said: The model's number, shape `(n_rows,)`.
        came: What came, 0 or 1 (a loss, for a line), shape `(n_rows,)`.
        units: What was sampled as one: the errors of a day go together.
        chances: Whether a probability is fitted.
    """
    z = _odds(said) if chances else said
    centre, scale = float(z.mean()), float(z.std()) or 1.0
    knots = np.quantile((z - centre) / scale, KNOTS)
    blank = Calibration(centre, scale, knots, np.zeros(4), np.zeros((0, 4)), chances, float(said.min()), float(said.max()))
    terms = blank.basis(said)
    weights: Floats = np.zeros(4)
    ridge = RIDGE * len(said) * np.diag([0.0, 0.0, 1.0, 1.0]) + 1e-9 * np.eye(4)
    if chances:
        share = np.clip(came.mean(), CLIP, 1 - CLIP)
        weights = np.array([float(logit(share)), 0.0, 0.0, 0.0])
    inverse: Floats = np.zeros((4, 4))
    for _ in range(ROUNDS):
        found = terms @ weights
        expectation = expit(found) if chances else found
        bend = np.maximum(expectation * (1 - expectation), 1e-6) if chances else np.ones(len(said))
        inverse = np.asarray(np.linalg.inv((terms * bend[:, None]).T @ terms + ridge), dtype=np.float64)
        step = inverse @ (terms.T @ (came - expectation) - ridge @ weights)
        weights = np.asarray(weights + (np.clip(step, -3, 3) if chances else step), dtype=np.float64)
        if np.abs(step).max() < 1e-8:  # noqa: PLR2004 - of a coefficient
            break
    left = came - (expit(terms @ weights) if chances else terms @ weights)
    daily = np.column_stack([np.bincount(units.of, weights=terms[:, k] * left, minlength=units.count) for k in range(4)])
    # What the coefficients have taken out of the residuals is put back, as Liang & Zeger's errors are corrected.
    moves = daily @ inverse * small_sample(units.count)
    return Calibration(centre, scale, knots, weights, moves, chances, blank.low, blank.high)


def small_sample(units: int) -> float:
    """Return by how much residuals of four coefficients make an error too small."""
    return float(np.sqrt(units / max(units - 4, 1)))


def error(by_unit: Floats, *, serial: bool, fewest: int) -> tuple[float, int]:
    """Return the standard error of a sum over units, and its degrees of freedom; that of days allows for likeness."""
    count = len(by_unit)
    if serial and count >= fewest:
        return series.long_run(by_unit)
    return float(np.sqrt(count / max(count - 1, 1) * ((by_unit - by_unit.mean()) ** 2).sum())), max(count - 1, 1)


def _odds(said: Floats) -> Floats:
    return np.asarray(logit(np.clip(said, CLIP, 1 - CLIP)), dtype=np.float64)
