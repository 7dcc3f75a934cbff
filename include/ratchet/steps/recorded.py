"""Any metric on answers that were already given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from include.ratchet.steps.answers import Answers
from include.ratchet.steps.scoring import scorer_of

Rows = npt.NDArray[np.int_]
Statistic = Callable[[Rows], float]


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


def metric(name: str, answers: Answers, truth: npt.NDArray[Any]) -> Statistic:
    """Return the metric as a function of row positions; higher is better, NaN where it is undefined (a class is missing)."""
    scorer = scorer_of(name)
    model = (_RecordedRegressor if answers.probabilities is None else _RecordedClassifier)(answers)

    def statistic(rows: Rows) -> float:
        try:
            return float(scorer(model, rows.reshape(-1, 1), truth[rows]))
        except ValueError:
            return float("nan")

    return statistic


def perfect(answers: Answers, truth: npt.NDArray[Any]) -> Answers:
    """Return what a model that knows the truth would answer, in the form of `answers`."""
    if answers.probabilities is None:
        return Answers(truth.astype(float))
    classes = np.asarray(answers.classes)
    return Answers(truth, (truth[:, None] == classes[None, :]).astype(float), classes)
