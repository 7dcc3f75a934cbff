"""A classifier that wants its classes as 0, 1, 2: XGBoost refuses `yes` and `no`."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, clone


class CodedLabels(ClassifierMixin, BaseEstimator):
    """Gives a classifier numbers for its classes, and its answers their names back."""

    def __init__(self, estimator: Any) -> None:
        """Wrap a classifier."""
        self.estimator = estimator

    def fit(self, x: Any, y: npt.NDArray[Any], sample_weight: npt.NDArray[np.float64] | None = None) -> Self:
        """Fit on the classes' numbers; x has shape `(n_rows, n_inputs)`."""
        self.classes_, codes = np.unique(y, return_inverse=True)
        self.estimator_ = clone(self.estimator).fit(x, codes, sample_weight=sample_weight)
        return self

    def predict(self, x: Any) -> npt.NDArray[Any]:
        """Return the likeliest class of each row."""
        return self.classes_[self.predict_proba(x).argmax(axis=1)]

    def predict_proba(self, x: Any) -> npt.NDArray[np.float64]:
        """Return the probability of each class, in the order of `classes_`."""
        return np.asarray(self.estimator_.predict_proba(x), dtype=float)
