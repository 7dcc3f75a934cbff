"""How large the error of a regression is expected to be, row by row: a model of the loss, fitted on held-out rows.

References:
    NannyML's documentation, "Direct Loss Estimation (DLE)": a second model predicts the loss from the features and the
    prediction. Here it only orders the rows; what its number stands for is calibrated (`steps/calibrated.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.preprocessing import OrdinalEncoder

from include.ratchet.domain.modelspec import Columns

Floats = npt.NDArray[np.float64]
FOLDS = 3
TREES = 40
LEAF = 50


@dataclass(frozen=True)
class Losses:
    """A fitted model of the loss: one part for each fold that it left out."""

    columns: Columns
    encoder: Any
    parts: tuple[Any, ...]

    def predict(self, seen: pd.DataFrame, predicted: Floats) -> Floats:
        """Return the loss that is expected of rows, shape `(n_rows,)`, zero or more: the mean of the parts."""
        x = _matrix(self.columns, self.encoder, seen, predicted)
        return np.maximum(np.mean([part.predict(x) for part in self.parts], axis=0), 0.0)


def fit_losses(
    seen: pd.DataFrame, predicted: Floats, losses: Floats, unit: npt.NDArray[np.int_], columns: Columns, seed: int
) -> tuple[Losses, Floats]:
    """Fit the model of the loss on all but each third of the time, or of the units.

    Args:
        seen: The features, shape `(n_rows, n_features)`.
        predicted: What the champion answered.
        losses: Its loss on each row.
        unit: The day (or entity) of each row: whole ones are left out, neighbours together.
        columns: The champion's own features.
        seed: Of the trees.

    Returns:
        The model, and what it expects of these rows by the parts that did not see them, shape `(n_rows,)`.
    """
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    encoder.fit(seen[list(columns.categorical)]) if columns.categorical else None
    x = _matrix(columns, encoder, seen, predicted)
    fold = unit * FOLDS // max(int(unit.max()) + 1, 1)
    out, parts = np.zeros(len(losses)), []
    for each in np.unique(fold):
        inside = fold != each if len(np.unique(fold)) > 1 else fold == each
        model = HistGradientBoostingRegressor(max_iter=TREES, min_samples_leaf=LEAF, random_state=seed)
        parts.append(model.fit(x[inside], losses[inside]))
        out[fold == each] = np.maximum(model.predict(x[fold == each]), 0.0)
    return Losses(columns, encoder, tuple(parts)), out


def _matrix(columns: Columns, encoder: Any, seen: pd.DataFrame, predicted: Floats) -> Floats:
    parts = [predicted[:, None], seen[list(columns.numeric)].to_numpy(dtype=float)]
    if columns.categorical:
        parts.append(np.asarray(encoder.transform(seen[list(columns.categorical)]), dtype=float))
    return np.column_stack(parts)
