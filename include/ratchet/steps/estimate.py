"""What a metric is before the labels are known, how sure that is, and when not to believe it.

The estimate assumes that the inputs may change and what they mean does not (covariate shift): the share of positives
among rows of one score, or the mean loss among rows of one predicted loss, is what it was on the champion's held-out
rows. Where labels have matured, the estimate of the same rows stands beside what came, and is switched off when the two
differ by more than its error explains: then what the inputs mean has changed (concept drift), and only labels tell.

The error has two parts. The rows' own labels: var = sum of a_i^2 v_i, with a_i what the label of row i adds to the metric
and v_i its variance, times 1 + (m - 1) r for m rows a day that resemble each other by r. And the reference's: its
coefficients, whose error is summed by day. Both are long-run errors of days (`steps/series.py`).

References:
    NannyML's documentation, "Confidence-based Performance Estimation" and "Direct Loss Estimation".
    Garg, Balakrishnan, Lipton, Neyshabur & Sedghi (2022), "Leveraging unlabeled data to predict out-of-distribution
    performance", ICLR: no such estimate can hold without an assumption on the shift; hence the check against labels.
    Kish (1965), Survey Sampling: the design effect 1 + (m - 1) r. Satterthwaite (1946): degrees of freedom of a sum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from include.ratchet.domain.gate import FEWEST_BLOCKS
from include.ratchet.steps.calibrated import Calibration, calibrate, error, small_sample
from include.ratchet.steps.compare import Units
from include.ratchet.steps.expected import expected

Floats = npt.NDArray[np.float64]
Kind = Literal["chances", "right", "loss"]
LEVEL = 0.95
"""Of the interval, two-sided."""
LOSSES = {"neg_mean_absolute_error": 1, "neg_mean_squared_error": 2, "neg_root_mean_squared_error": 2}
"""The metrics of a regression that can be estimated: means of a power of the residual's size."""
MOST_OUTSIDE = 0.05
"""Of the rows may be where the reference has none: beyond, the curve is only guessed."""
SPREADS = 20
"""Groups of predicted losses, each with its own variance."""


@dataclass(frozen=True)
class Sample:
    """Some rows: what the model says (a score, a confidence, a predicted loss), what came of it, and what was sampled as one."""

    said: Floats
    came: Floats
    units: Units


@dataclass(frozen=True)
class Reference:
    """What is known from held-out rows.

    Attributes:
        metric: What is estimated.
        kind: `chances` of the positive class; whether an answer is `right`; or a `loss`.
        threshold: From which score on a decision is positive.
        calibration: What is expected of what the model says.
        likeness: How alike the labels of one unit are beyond what is expected of them [0-1].
        freedom: Degrees of freedom of `likeness`.
        edges: Bounds between groups of predicted losses.
        spread: Variance of a loss in each group.
    """

    metric: str
    kind: Kind
    threshold: float
    calibration: Calibration
    likeness: float
    freedom: int
    serial: bool
    edges: Floats
    spread: Floats


@dataclass(frozen=True)
class Estimate:
    """A metric before its labels, higher is better; `outside` is the share of rows where the reference has none [0-1]."""

    value: float
    error: float
    freedom: float
    outside: float

    @property
    def reach(self) -> float:
        """Half of the interval."""
        return float(student.ppf((1 + LEVEL) / 2, self.freedom)) * self.error

    def p_below(self, null: float) -> float:
        """Return the p-value [0-1] of "not below `null`"."""
        return float(student.cdf((self.value - null) / self.error, self.freedom)) if self.error else float(self.value >= null)

    def p_apart(self, came: float) -> float:
        """Return the two-sided p-value [0-1] of what came."""
        return float(2 * student.sf(abs(came - self.value) / self.error, self.freedom)) if self.error else float(came == self.value)


def refer(metric: str, kind: Kind, sample: Sample, threshold: float = 0.5) -> Reference | None:
    """Learn from held-out rows what the labels are, given what the model says; None where the metric has no value on them.

    Args:
        metric: What is to be estimated, higher is better.
        kind: What `sample.said` is.
        sample: Held-out rows, all labelled.
        threshold: From which score on a decision is positive.
    """
    curve = calibrate(sample.said, sample.came, sample.units, chances=kind != "loss")
    edges = np.unique(np.quantile(sample.said, np.linspace(0, 1, SPREADS + 1)[1:-1])) if kind == "loss" else np.empty(0)
    group = np.searchsorted(edges, sample.said)
    left = sample.came - curve.expect(sample.said)
    sizes = np.bincount(group, minlength=len(edges) + 1)
    spread = np.bincount(group, weights=left**2, minlength=len(edges) + 1) / np.maximum(sizes, 1)
    blank = Reference(metric, kind, threshold, curve, 0.0, 1, sample.units.serial, edges, spread)
    parts = _parts(blank, sample.said)
    if parts is None:
        return None
    _, slope, variance = parts
    by_unit: Floats = np.bincount(sample.units.of, weights=slope * left, minlength=sample.units.count).astype(float)
    found, freedom = error(by_unit, serial=sample.units.serial, fewest=FEWEST_BLOCKS)
    found *= small_sample(sample.units.count)
    alone = float((slope**2 * variance).sum())
    together = _together(sample.units)
    likeness = max(found**2 / alone - 1, 0.0) / (together - 1) if alone > 0 and together > 1 else 0.0
    return Reference(metric, kind, threshold, curve, likeness, freedom, sample.units.serial, edges, spread)


def estimate(reference: Reference, said: Floats, units: Units) -> Estimate | None:
    """Estimate the metric of rows whose labels are not known; None where it has no value on them, such as precision without a yes."""
    parts = _parts(reference, said)
    if parts is None:
        return None
    value, slope, variance = parts
    curve = reference.calibration
    fitted, of_fit = error(curve.moves @ (slope @ curve.slope(said)), serial=reference.serial, fewest=FEWEST_BLOCKS)
    alone = float((slope**2 * variance).sum())
    extra = alone * max(_together(units) - 1, 0.0) * reference.likeness
    whole = alone + extra + fitted**2
    uncertain = extra**2 / reference.freedom + fitted**4 / of_fit
    freedom = min(max(whole**2 / uncertain, 2.0), 1e6) if uncertain > 0 else 1e6
    outside = float(((said < curve.low) | (said > curve.high)).mean())
    return Estimate(value, float(np.sqrt(whole)), freedom, outside)


def came_out(reference: Reference, sample: Sample) -> float:
    """Return the metric that came of labelled rows, by the same way as its estimate."""
    if reference.kind == "chances":
        return expected(reference.metric, sample.said, sample.came, reference.threshold).value
    return _of_mean(reference, float(sample.came.mean()))[0]


def _parts(reference: Reference, said: Floats) -> tuple[float, Floats, Floats] | None:
    """Return the expected metric, what each row's label adds to it, and the variance of each label; None where it has no value."""
    expectation = reference.calibration.expect(said)
    if reference.kind == "chances":
        found = expected(reference.metric, said, expectation, reference.threshold)
        has_value = np.isfinite(found.value) and np.isfinite(found.slope).all()
        return (found.value, found.slope, expectation * (1 - expectation)) if has_value else None
    value, slope = _of_mean(reference, float(expectation.mean()))
    variance = expectation * (1 - expectation) if reference.kind == "right" else reference.spread[np.searchsorted(reference.edges, said)]
    return value, np.full(len(said), slope / len(said)), variance


def _of_mean(reference: Reference, mean: float) -> tuple[float, float]:
    """Return the metric of a mean loss (or share of right answers), and its derivative."""
    if reference.kind == "right":
        return mean, 1.0
    if reference.metric == "neg_root_mean_squared_error":
        root = float(np.sqrt(mean))
        return -root, -0.5 / root if root else 0.0
    return -mean, -1.0


def _together(units: Units) -> float:
    """Return how many rows a row shares its unit with, itself among them, on average."""
    sizes = np.bincount(units.of, minlength=units.count).astype(float)
    return float((sizes**2).sum() / max(sizes.sum(), 1.0))
