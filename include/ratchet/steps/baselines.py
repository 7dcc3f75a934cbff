"""Trivial models, fitted every run: a challenger that is not better than these is not worth serving."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.pipeline import Pipeline
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from include.ratchet.domain.modelspec import Columns, ModelSpec
from include.ratchet.steps.pipeline import Labelled
from include.ratchet.steps.preparation import preparation
from include.ratchet.steps.scoring import scorer_of

SCREENED = 20_000
"""Rows that the one feature is chosen on: the best of sixteen stays the best on them."""
DEALT = 3
"""Parts that the choice is made on, in the order of the rows: each is predicted from the others."""


def fit_baselines(spec: ModelSpec, train: tuple[pd.DataFrame, npt.NDArray[np.generic]]) -> dict[str, Pipeline]:
    """Fit what knows nothing (`baseline`: the classes' shares, or the median), and what knows one feature (`one_feature`).

    Args:
        spec: The model.
        train: Features, shape `(n_rows, n_features)`, and labels, shape `(n_rows,)`.

    Returns:
        Fitted pipelines by name; the second is a small tree of the feature that predicts best.
    """
    x, y = train
    feature = best_feature(spec, Labelled(x, y))
    return {"baseline": fit_trivial(spec, train), "one_feature": _small_tree(spec, feature).fit(x, y)}


def fit_trivial(spec: ModelSpec, train: tuple[pd.DataFrame, npt.NDArray[np.generic]]) -> Pipeline:
    """Fit what knows nothing: the classes' shares, or the median."""
    dummy = DummyClassifier(strategy="prior") if spec.classifies else DummyRegressor(strategy="median")
    return Pipeline([("model", dummy)]).fit(*train)


def best_feature(spec: ModelSpec, rows: Labelled) -> str:
    """Return the feature whose small tree scores best, each third of the rows predicted from the two others.

    A feature is prepared once for all three, since preparation sees no label: it takes longer than the trees do.
    """
    drawn = np.random.default_rng(spec.training.seed).permutation(len(rows))[:SCREENED]
    sample, scorer = rows.take(np.sort(drawn)), scorer_of(spec.gate.metric)
    parts = np.arange(len(sample)) * DEALT // max(1, len(sample))
    means = {}
    for name in sample.x.columns:
        prepare, tree = _small_tree(spec, name)
        try:
            inputs = prepare.fit_transform(sample.x)
        except ValueError:  # texts without a word
            means[name] = -np.inf
            continue
        scores = [_score(scorer, tree, inputs, sample.y, parts == part) for part in range(DEALT)]
        means[name] = float(np.mean([one for one in scores if np.isfinite(one)] or [-np.inf]))
    return max(means, key=lambda name: means[name])


def _score(scorer: Any, tree: Any, inputs: npt.NDArray[np.float64], y: npt.NDArray[Any], held: npt.NDArray[np.bool_]) -> float:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a class that a part lacks: NaN says it
            return float(scorer(tree.fit(inputs[~held], y[~held]), inputs[held], y[held]))
    except ValueError:
        return float("nan")


def _small_tree(spec: ModelSpec, name: str) -> Pipeline:
    columns = spec.columns
    only = {kind: tuple(each for each in getattr(columns, kind) if each == name) for kind in ("numeric", "categorical", "text")}
    kept = Columns.model_validate({"id": columns.id, "label": columns.label, **only})
    shape = {"max_leaf_nodes": 4, "min_samples_leaf": 20, "random_state": spec.training.seed}
    tree = DecisionTreeClassifier(**shape) if spec.classifies else DecisionTreeRegressor(**shape)
    return Pipeline([("prepare", preparation(kept, coded=False, sparse=False)), ("model", tree)])
