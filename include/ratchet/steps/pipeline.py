"""One pipeline of a candidate: preparation, perhaps a selection of inputs, and the estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.feature_selection import SelectFromModel
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import has_fit_parameter

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.trainingspec import Candidate
from include.ratchet.steps.estimators import build_model, codes_categories, estimator_class
from include.ratchet.steps.frames import features, labels
from include.ratchet.steps.preparation import preparation

SELECTED_ON = 10_000
"""Rows that each tree of the quick forest sees at most: all of 100,000 would take longer than the model."""
OF_USE = "0.25*mean"
"""An input stays when the quick forest finds it a quarter as important as the average input, or more."""


@dataclass(frozen=True)
class Labelled:
    """Rows with their labels: features of shape `(n_rows, n_features)`, labels and weights of shape `(n_rows,)`."""

    x: pd.DataFrame
    y: npt.NDArray[Any]
    weight: npt.NDArray[np.float64] | None = None

    def take(self, rows: npt.NDArray[Any]) -> Labelled:
        """Return some rows, by position or by mask."""
        return Labelled(
            self.x[rows] if rows.dtype == bool else self.x.iloc[rows], self.y[rows], self.weight[rows] if self.weight is not None else None
        )

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.y)


def training_rows(table: pa.Table, spec: ModelSpec) -> Labelled:
    """Read features, labels and weights.

    Raises:
        DataError: A weight is missing, infinite or below zero.
    """
    weight = None
    if spec.columns.weight:
        weight = table[spec.columns.weight].to_pandas().astype("float64").to_numpy()
        wrong = int((~(np.isfinite(weight) & (weight >= 0))).sum())
        if wrong:
            message = (
                f"models/{spec.name}: column {spec.columns.weight!r} has {wrong} of {len(weight)} weights that are missing, infinite or "
                "below zero; allowed are numbers from 0. Mend them in the transform."
            )
            raise DataError(message)
    return Labelled(features(table, spec.columns), labels(table, spec), weight)


def build_pipeline(spec: ModelSpec, candidate: Candidate, params: dict[str, Any]) -> Pipeline:
    """Put the preprocessing that suits the estimator before it.

    Raises:
        SpecError: The estimator does not take a parameter.
    """
    coded = codes_categories(estimator_class(candidate.estimator))
    # A selection moves the columns, so a booster is then not told which of its numbers are categories.
    model = build_model(spec, candidate, params, len(spec.columns.categorical) if coded and not candidate.select_features else 0)
    sparse = hasattr(model, "__sklearn_tags__") and bool(get_tags(model).input_tags.sparse)
    steps: list[tuple[str, Any]] = [("prepare", preparation(spec.columns, coded=coded, sparse=sparse and not coded))]
    if candidate.select_features:
        forest = ExtraTreesClassifier if spec.classifies else ExtraTreesRegressor
        # Of all inputs at each split: where only some are looked at, noise is split on too.
        quick = forest(n_estimators=30, max_depth=6, min_samples_leaf=20, max_features=None, random_state=spec.training.seed)
        steps.append(("select", SelectFromModel(quick, threshold=OF_USE)))
    return Pipeline([*steps, ("model", model)])


def fit_pipeline(spec: ModelSpec, candidate: Candidate, params: dict[str, Any], rows: Labelled) -> Pipeline:
    """Fit a pipeline on rows, with their weights.

    Raises:
        SpecError: The estimator does not take a parameter, or takes no weights where the spec asks for some.
    """
    pipeline = build_pipeline(spec, candidate, params)
    if candidate.select_features and len(rows) > SELECTED_ON:
        pipeline.set_params(select__estimator__bootstrap=True, select__estimator__max_samples=SELECTED_ON)
    weight = rows.weight
    if candidate.balance_classes:
        weight = compute_sample_weight("balanced", rows.y) * (1.0 if weight is None else weight)
    if weight is None:
        return pipeline.fit(rows.x, rows.y)
    if not has_fit_parameter(pipeline["model"], "sample_weight"):
        asks = "balance_classes" if candidate.balance_classes else "columns.weight"
        name = candidate.estimator.rpartition(".")[2]
        fault = f"{asks}: {name} takes no sample weights; leave it out, or choose another estimator"
        raise SpecError(f"models/{spec.name}: candidate {candidate.name}", [fault])
    return pipeline.fit(rows.x, rows.y, model__sample_weight=weight)
