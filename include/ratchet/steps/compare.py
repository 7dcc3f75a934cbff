"""Measure challenger, champion and baseline on the same untouched rows, with errors that respect time.

The sampling unit is a block: a calendar day where there is time, one of 40 random groups where there is
none. Flights of one day share their weather: DeLong's standard error of a paired AUC difference is 0.003
there and the day-clustered one 0.011 to 0.014. Every figure is a delete-one-block jackknife with Student's
t on blocks - 1 degrees of freedom, which works for any metric that scikit-learn can score.

References:
    Busing, Meijer & van der Leeden (1999), "Delete-m jackknife for unequal m", Statistics and Computing 9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from include.ratchet.domain.gate import Measured
from include.ratchet.steps.scoring import scorer_of

RANDOM_BLOCKS = 40
Rows = npt.NDArray[np.int_]
Statistic = Callable[[Rows], float]


@dataclass(frozen=True)
class Answers:
    """What one model says about the test rows.

    Attributes:
        predicted: Labels or numbers, shape `(n_rows,)`.
        probabilities: Per class, shape `(n_rows, n_classes)`; None for regression.
        classes: The classes in the order of the columns of `probabilities`.
    """

    predicted: npt.NDArray[Any]
    probabilities: npt.NDArray[np.float64] | None = None
    classes: npt.NDArray[Any] | None = None


class _Recorded(BaseEstimator):
    """Answers rows by their position, so that a scikit-learn scorer scores what was already predicted."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, rows: Rows) -> npt.NDArray[Any]:
        return self.answers.predicted[rows.ravel()]


class _RecordedClassifier(ClassifierMixin, _Recorded):
    @property
    def classes_(self) -> npt.NDArray[Any]:
        return np.asarray(self.answers.classes)

    def predict_proba(self, rows: Rows) -> npt.NDArray[np.float64]:
        return np.asarray(self.answers.probabilities)[rows.ravel()]


class _RecordedRegressor(RegressorMixin, _Recorded):
    pass


def answer(pipeline: Any, features: pd.DataFrame, threshold: float = 0.5) -> Answers:
    """Ask a fitted pipeline about all rows; a binary decision is made at `threshold`."""
    if not hasattr(pipeline, "predict_proba"):
        return Answers(np.asarray(pipeline.predict(features)))
    probabilities, classes = np.asarray(pipeline.predict_proba(features)), np.asarray(pipeline.classes_)
    if len(classes) == 2:  # noqa: PLR2004
        return Answers(classes[(probabilities[:, 1] >= threshold).astype(int)], probabilities, classes)
    return Answers(classes[probabilities.argmax(axis=1)], probabilities, classes)


def metric(name: str, answers: Answers, truth: npt.NDArray[Any]) -> Statistic:
    """Return the metric as a function of row positions; higher is better, as with all scikit-learn scorers."""
    scorer = scorer_of(name)
    model = (_RecordedRegressor if answers.probabilities is None else _RecordedClassifier)(answers)
    return lambda rows: float(scorer(model, rows.reshape(-1, 1), truth[rows]))


def blocks(times: pd.Series | None, rows: int, seed: int) -> npt.NDArray[np.int_]:
    """Return the block of each row, shape `(n_rows,)`: its day, or one of 40 random groups."""
    if times is not None:
        return pd.factorize(times.dt.floor("D"))[0]
    return np.random.default_rng(seed).permutation(np.arange(rows) % RANDOM_BLOCKS)


@dataclass(frozen=True)
class Replicates:
    """A statistic on all rows, and on all rows but those of one block, for each block.

    Differences of statistics are differences of replicates, so that each model is scored once per block.
    """

    whole: float
    without: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.int_]

    def __sub__(self, other: Replicates) -> Replicates:
        """Pair two models on the same rows."""
        return Replicates(self.whole - other.whole, self.without - other.without, self.sizes)

    def times(self, sign: float) -> Replicates:
        """Turn a figure where lower is better around."""
        return Replicates(sign * self.whole, sign * self.without, self.sizes)


def replicate(statistic: Statistic, block: npt.NDArray[np.int_]) -> Replicates:
    """Compute a statistic with each block left out; NaN where it is undefined (a class is missing)."""
    everything = np.arange(len(block))
    ids, sizes = np.unique(block, return_counts=True)
    without = [_or_nan(statistic, everything[block != each]) for each in ids]
    return Replicates(_or_nan(statistic, everything), np.array(without), sizes)


def measure(rule: str, figures: Replicates, alpha: float, null: float = 0.0) -> Measured:
    """Estimate a statistic with its error from its replicates.

    Args:
        rule: Name of the rule that it is for.
        figures: The statistic, higher is better, with each block left out.
        alpha: The interval is one-sided at `alpha` on each end.
        null: What must be exceeded.

    Returns:
        Estimate, interval, the p-value [0-1] of "not above `null`" and of "not below `null`", and the blocks used.
        A statistic that is undefined without some block yields no p-values.
    """
    whole, count = figures.whole, len(figures.sizes)
    if not np.isfinite(whole):
        return Measured(rule, None, null, blocks=count)
    if count < 2 or not np.isfinite(figures.without).all():  # noqa: PLR2004
        return Measured(rule, whole, null, blocks=count)
    share = figures.sizes.sum() / figures.sizes
    pseudo = share * whole - (share - 1) * figures.without
    centre = count * whole - ((1 - 1 / share) * figures.without).sum()
    error = float(np.sqrt(((pseudo - centre) ** 2 / (share - 1)).mean()))
    reach = float(student.ppf(1 - alpha, count - 1)) * error
    return Measured(
        rule,
        whole,
        null,
        low=whole - reach,
        high=whole + reach,
        error=error,
        p_above=_tail(whole - null, error, count - 1),
        p_below=_tail(null - whole, error, count - 1),
        blocks=count,
    )


def _tail(distance: float, error: float, freedom: int) -> float:
    if error == 0.0:
        return 0.0 if distance > 0 else 1.0
    return float(student.sf(distance / error, freedom))


def _or_nan(statistic: Statistic, rows: Rows) -> float:
    try:
        return statistic(rows)
    except ValueError:
        return float("nan")


def calibration_error(answers: Answers, truth: npt.NDArray[Any], bins: int = 10) -> Statistic:
    """Return the expected calibration error [0-1, lower is better] of the positive class, over bins of equal width."""
    positive = truth == np.asarray(answers.classes)[1]
    scores = np.asarray(answers.probabilities)[:, 1]
    which = np.minimum((scores * bins).astype(int), bins - 1)

    def statistic(rows: Rows) -> float:
        inside = np.bincount(which[rows], minlength=bins)
        gap = np.bincount(which[rows], weights=scores[rows] - positive[rows], minlength=bins)
        return float(np.abs(gap).sum() / inside.sum())

    return statistic


def rate(answers: Answers, truth: npt.NDArray[Any], measure_name: str) -> Statistic:
    """Return the rate of positive decisions among the positives, the negatives or all rows."""
    positive = np.asarray(answers.classes)[1]
    among = {"true_positive_rate": truth == positive, "false_positive_rate": truth != positive}.get(
        measure_name, np.ones(len(truth), dtype=bool)
    )
    chosen = answers.predicted == positive

    def statistic(rows: Rows) -> float:
        kept = rows[among[rows]]
        return float(chosen[kept].mean()) if len(kept) else float("nan")

    return statistic
