"""A metric's expected value when the labels are not known, only how likely each is; and how much each row's label moves it.

References:
    NannyML's documentation, "Confidence-based Performance Estimation (CBPE)": a confusion matrix, and an AUC, in which
    each row counts as positive by its calibrated probability and as negative by the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin

from include.ratchet.steps.scoring import scorer_of

Floats = npt.NDArray[np.float64]
Formula: TypeAlias = Callable[[Floats, Floats, Floats, Floats], Any]
LEVELS = 400
"""Scores are taken alike in so many groups of equal size: the same work for a window of any size."""
GROUPS = 40
"""Groups of neighbouring scores whose labels are moved together to see what they do to the metric."""
STEP = 0.1
"""By how much they are moved, in log odds, both ways."""


class _Said(ClassifierMixin, BaseEstimator):
    """Answers rows of `(score, decision)` with just these."""

    classes_ = np.array([0, 1])

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def predict(self, rows: Floats) -> npt.NDArray[np.int_]:
        return rows[:, 1].astype(int)

    def predict_proba(self, rows: Floats) -> Floats:
        return np.column_stack([1 - rows[:, 0], rows[:, 0]])


@dataclass(frozen=True)
class Expected:
    """The expected metric of some rows.

    Attributes:
        value: The metric, higher is better; NaN where it is undefined.
        slope: What one more label of a row (1 instead of 0) adds to it, shape `(n_rows,)`.
    """

    value: float
    slope: Floats


def weighs(metric: str) -> bool:
    """Whether a metric takes weights of rows, which is what an expected one needs."""
    return bool(np.isfinite(_value(metric, np.array([0.2, 0.7]), np.array([0.0, 1.0]), np.array([0.3, 0.6]), np.ones(2))))


def expected(metric: str, scores: Floats, chances: Floats, threshold: float) -> Expected:
    """Return a metric in which each row counts as positive by its chance, and its slope.

    Args:
        metric: Name of a scikit-learn scorer, or of `code.py`, that takes `sample_weight`.
        scores: What the model says, shape `(n_rows,)` [0-1].
        chances: How likely the label is positive, shape `(n_rows,)` [0-1]; 0 and 1 where it is known.
        threshold: From which score on the decision is positive.
    """
    order = np.argsort(scores, kind="stable")
    decided = (scores >= threshold).astype(float)
    level = np.empty(len(scores), dtype=np.int64)
    level[order] = np.arange(len(scores)) * LEVELS // max(len(scores), 1)
    if len(np.unique(scores)) <= LEVELS:
        level = np.unique(scores, return_inverse=True)[1]
    level = np.unique(level * 2 + decided.astype(np.int64), return_inverse=True)[1]
    count = np.bincount(level)
    means = [np.bincount(level, weights=each) / count for each in (scores, decided, chances)]
    said, decision, chance = means
    value = _value(metric, said, decision.round(), chance, count)
    group = np.arange(len(count)) * GROUPS // len(count)
    odds = logit(np.clip(chance, 1e-6, 1 - 1e-6))
    slopes = np.zeros(len(count))
    for each in np.unique(group):
        here = group == each
        up, down = (np.where(here, expit(odds + by), chance) for by in (STEP, -STEP))
        moved = float(((up - down) * count)[here].sum())
        slopes[here] = (_value(metric, said, decision.round(), up, count) - _value(metric, said, decision.round(), down, count)) / moved
    return Expected(value, slopes[level])


def _value(metric: str, said: Floats, decision: Floats, chance: Floats, count: Any) -> float:
    formula = _FORMULAS.get(metric)
    if formula is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(formula(said, decision, chance * count, (1 - chance) * count))
    rows = np.tile(np.column_stack([said, decision]), (2, 1))
    truth = np.repeat([1, 0], len(said))
    weights = np.concatenate([chance * count, (1 - chance) * count])
    counted = weights > 0
    try:
        return float(scorer_of(metric)(_Said(), rows[counted], truth[counted], sample_weight=weights[counted]))  # type: ignore[call-arg]
    except (ValueError, TypeError):
        return float("nan")


def _auc(said: Floats, _: Floats, positive: Floats, negative: Floats) -> Any:
    order = np.argsort(said, kind="stable")
    below = np.cumsum(negative[order]) - negative[order] / 2
    return (positive[order] * below).sum() / (positive.sum() * negative.sum())


def _ratio(of: Callable[[Any, Any, Any, Any], Any]) -> Formula:
    """Make a formula of the expected confusion matrix: true and false positives, false and true negatives."""
    return lambda _, decision, positive, negative: of(
        (positive * decision).sum(), (negative * decision).sum(), (positive * (1 - decision)).sum(), (negative * (1 - decision)).sum()
    )


def _log_loss(said: Floats, _: Floats, positive: Floats, negative: Floats) -> Any:
    tiny = np.finfo(float).eps
    said = np.clip(said, tiny, 1 - tiny)
    return (positive * np.log(said) + negative * np.log(1 - said)).sum() / (positive + negative).sum()


_FORMULAS: dict[str, Formula] = {
    "roc_auc": _auc,
    "accuracy": _ratio(lambda tp, fp, fn, tn: (tp + tn) / (tp + fp + fn + tn)),
    "balanced_accuracy": _ratio(lambda tp, fp, fn, tn: (tp / (tp + fn) + tn / (tn + fp)) / 2),
    "f1": _ratio(lambda tp, fp, fn, tn: 2 * tp / (2 * tp + fp + fn + 0 * tn)),
    "precision": _ratio(lambda tp, fp, fn, tn: tp / (tp + fp + 0 * (fn + tn))),
    "recall": _ratio(lambda tp, fp, fn, tn: tp / (tp + fn + 0 * (fp + tn))),
    "neg_brier_score": lambda said, _, positive, negative: (
        -(positive * (1 - said) ** 2 + negative * said**2).sum() / (positive + negative).sum()
    ),
    "neg_log_loss": _log_loss,
}
"""Asked with score and decision of each level, and how many positives and negatives are expected there; the rest asks scikit-learn."""
