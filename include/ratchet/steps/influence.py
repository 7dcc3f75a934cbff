"""How much each row moves a metric: its influence values, which sum to zero.

The sum of a day's values is what the day adds to the metric's error, so that one pass over the rows replaces a
metric call per day left out.

References:
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44: the components of the AUC.
    Busing, Meijer & van der Leeden (1999), Statistics and Computing 9: leaving out groups of unequal size, for any metric.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from include.ratchet.steps.answers import Answers
from include.ratchet.steps.recorded import Statistic

Floats = npt.NDArray[np.float64]
Truth = npt.NDArray[Any]
Influence = tuple[float, Floats]


def known(name: str, answers: Answers) -> Callable[[Answers, Truth], Influence] | None:
    """Return the formula of a metric's influence values, None where there is none: leave out groups of rows then."""
    if answers.probabilities is None:
        return _NUMBERS.get(name)
    if np.asarray(answers.probabilities).shape[1] == 0:  # only the decisions were kept
        return _DECISIONS.get(name)
    binary = len(np.asarray(answers.classes)) == 2  # noqa: PLR2004
    return _DECISIONS.get(name) or (_CHANCES.get(name) if binary or name == "neg_log_loss" else None)


def mean(values: Floats) -> Influence:
    """Return the mean and each row's part in its error."""
    if not len(values):
        return float("nan"), values
    whole = float(values.mean())
    return whole, (values - whole) / len(values)


def ratio(above: Floats, below: Floats) -> Influence:
    """Return a ratio of two sums and each row's part in its error (delta method)."""
    total = float(below.sum())
    if total == 0.0:
        return float("nan"), np.full(len(above), np.nan)
    whole = float(above.sum()) / total
    return whole, (above - whole * below) / total


def left_out(statistic: Statistic, unit: npt.NDArray[np.int_], count: int) -> Influence:
    """Return any statistic, and each unit's influence from what it is without the unit.

    Args:
        statistic: Of row positions.
        unit: The unit of each row, shape `(n_rows,)`, from 0.
        count: How many units there are, 2 at least; every one has rows.
    """
    everything, rows = np.arange(len(unit)), len(unit)
    whole = statistic(everything)
    sizes = np.bincount(unit, minlength=count)
    without = np.array([statistic(everything[unit != each]) for each in range(count)])
    raw = (whole - without) * (rows - sizes) / rows
    return whole, raw - raw.mean()


def _auc(answers: Answers, truth: Truth) -> Influence:
    """DeLong's components: how often a positive outranks the negatives, a negative is outranked; ties count half."""
    score, positive = answers.score, truth == np.asarray(answers.classes)[1]
    total = int(positive.sum())
    others = len(truth) - total
    if not total or not others:
        return float("nan"), np.full(len(truth), np.nan)
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    first = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    group = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(ranked)]))
    here = np.add.reduceat(positive[order].astype(float), first)  # positives among rows of one score
    there = np.diff(np.r_[first, len(ranked)]) - here
    below, above = np.cumsum(there) - there / 2, total - np.cumsum(here) + here / 2
    component = np.empty(len(truth))
    component[order] = np.where(positive[order], (below / others)[group], (above / total)[group])
    whole = float(component[positive].mean())
    return whole, (component - whole) / np.where(positive, total, others)


def _balanced_accuracy(answers: Answers, truth: Truth) -> Influence:
    classes = np.unique(truth)
    right = (answers.predicted == truth).astype(float)
    parts = [ratio(right * (truth == each), (truth == each).astype(float)) for each in classes]
    return float(np.mean([whole for whole, _ in parts])), np.asarray(sum(values for _, values in parts)) / len(classes)


def _log_loss(answers: Answers, truth: Truth) -> Influence:
    classes, chances = np.asarray(answers.classes), np.asarray(answers.probabilities, dtype=float)
    column = np.minimum(np.searchsorted(classes, truth), len(classes) - 1)
    if (classes[column] != truth).any():  # a class that the model never saw: scikit-learn refuses it too
        return float("nan"), np.full(len(truth), np.nan)
    tiny = np.finfo(np.asarray(answers.probabilities).dtype).eps
    return mean(np.log(np.clip(chances[np.arange(len(truth)), column], tiny, 1 - tiny)))


def _brier(answers: Answers, truth: Truth) -> Influence:
    return mean(-((answers.score - (truth == np.asarray(answers.classes)[1])) ** 2))


def _apart(answers: Answers, truth: Truth) -> Floats:
    return np.asarray(answers.predicted, dtype=float) - truth.astype(float)


def _root(answers: Answers, truth: Truth) -> Influence:
    whole, values = mean(_apart(answers, truth) ** 2)
    root = float(np.sqrt(whole))
    return -root, -values / (2 * root) if root else values


def _r2(answers: Answers, truth: Truth) -> Influence:
    unexplained, values = ratio(_apart(answers, truth) ** 2, (truth.astype(float) - truth.astype(float).mean()) ** 2)
    return 1 - unexplained, -values


_DECISIONS: dict[str, Callable[[Answers, Truth], Influence]] = {
    "accuracy": lambda answers, truth: mean((answers.predicted == truth).astype(float)),
    "balanced_accuracy": _balanced_accuracy,
}
_CHANCES: dict[str, Callable[[Answers, Truth], Influence]] = {
    "roc_auc": _auc,
    "neg_log_loss": _log_loss,
    "neg_brier_score": _brier,
}
_NUMBERS: dict[str, Callable[[Answers, Truth], Influence]] = {
    "neg_mean_absolute_error": lambda answers, truth: mean(-np.abs(_apart(answers, truth))),
    "neg_mean_squared_error": lambda answers, truth: mean(-(_apart(answers, truth) ** 2)),
    "neg_root_mean_squared_error": _root,
    "r2": _r2,
}
