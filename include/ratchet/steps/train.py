"""Fit candidates: preprocessing inside the pipeline, a recorded list of trials, one seed."""

from __future__ import annotations

import importlib
import inspect
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.metrics import get_scorer
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from threadpoolctl import threadpool_limits

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.modelspec import Candidate, Columns, ModelSpec

RARE = 20
"""A category seen fewer times than this is read as the one infrequent category."""
MAX_CATEGORIES = 254
"""The histogram booster keeps at most 255 bins, one of them for missing."""


@dataclass(frozen=True)
class Fitted:
    """The best trial of one candidate.

    `score` is the spec's metric on the validation rows, higher is better; `trials` lists every trial
    with its parameters and score, so that a replay refits the same list.
    """

    name: str
    pipeline: Pipeline
    score: float
    trials: tuple[dict[str, Any], ...]
    seconds: float


def fit_candidate(
    spec: ModelSpec,
    candidate: Candidate,
    train: tuple[pd.DataFrame, npt.NDArray[np.generic]],
    validation: tuple[pd.DataFrame, npt.NDArray[np.generic]],
    weight: npt.NDArray[np.float64] | None = None,
) -> Fitted:
    """Fit a candidate's trials on the train rows and keep the one that validates best.

    Threads are pinned to one: forests and linear models give other numbers with more.

    Raises:
        SpecError: The estimator cannot be imported or does not take the parameters.
    """
    began = time.monotonic()
    scorer = get_scorer(spec.gate.metric)
    best: tuple[float, Pipeline] | None = None
    trials: list[dict[str, Any]] = []
    with threadpool_limits(1):
        for params in trial_list(candidate, spec.training.budget.trials, spec.training.seed):
            if trials and time.monotonic() - began > spec.training.budget.minutes * 60:
                break
            pipeline = build_pipeline(spec, candidate, params)
            extra = {"model__sample_weight": weight} if weight is not None else {}
            pipeline.fit(*train, **extra)
            score = float(scorer(pipeline, *validation))
            trials.append({"params": params, "score": score})
            if np.isfinite(score) and (best is None or score > best[0]):
                best = score, pipeline
    if best is None:
        message = f"models/{spec.name}: candidate {candidate.name} has no finite {spec.gate.metric} on the validation rows"
        raise DataError(message)
    return Fitted(candidate.name, best[1], best[0], tuple(trials), time.monotonic() - began)


def fit_baseline(spec: ModelSpec, train: tuple[pd.DataFrame, npt.NDArray[np.generic]]) -> Pipeline:
    """Fit the trivial model: the classes' shares, or the median."""
    dummy = DummyClassifier(strategy="prior") if spec.classifies else DummyRegressor(strategy="median")
    return Pipeline([("model", dummy)]).fit(*train)


def trial_list(candidate: Candidate, most: int, seed: int) -> list[dict[str, Any]]:
    """Return the parameters to try: the whole grid, or `most` of it drawn by the seed."""
    grid = [dict(point) for point in ParameterGrid(candidate.search)] if candidate.search else [{}]
    if len(grid) > most:
        drawn = np.random.default_rng(seed).choice(len(grid), size=most, replace=False)
        grid = [grid[i] for i in sorted(drawn)]
    return [{**candidate.params, **point} for point in grid]


def build_pipeline(spec: ModelSpec, candidate: Candidate, params: dict[str, Any]) -> Pipeline:
    """Put the preprocessing that suits the estimator before it.

    Raises:
        SpecError: The estimator does not take a parameter.
    """
    kind = estimator_class(candidate.estimator)
    known = inspect.signature(kind).parameters
    unknown = [name for name in params if name not in known]
    if unknown:
        raise SpecError(
            f"models/{spec.name}: candidate {candidate.name}", [f"{n}: {kind.__name__} takes no such parameter" for n in unknown]
        )
    own: dict[str, Any] = {"random_state": spec.training.seed} if "random_state" in known and "random_state" not in params else {}
    native = kind.__name__.startswith("HistGradientBoosting")
    if native and "categorical_features" not in params and spec.columns.categorical:
        own["categorical_features"] = list(range(len(spec.columns.categorical)))  # the preparation puts them first
    model = kind(**own, **params)
    return Pipeline([("prepare", _preparation(spec.columns, native=native)), ("model", model)])


def estimator_class(path: str) -> type[BaseEstimator]:
    """Import an estimator from an allowed place.

    Raises:
        SpecError: It cannot be imported, or is no estimator.
    """
    module, _, name = path.rpartition(":") if ":" in path else path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SpecError(
            f"estimator {path}", [f"cannot be imported: {error}"], "Check the name, or install the package that has it."
        ) from error
    if not (isinstance(kind, type) and hasattr(kind, "fit") and hasattr(kind, "predict")):
        raise SpecError(f"estimator {path}", ["found something without fit and predict; allowed is an estimator class"])
    return kind


def _preparation(columns: Columns, *, native: bool) -> ColumnTransformer:
    """Fill, scale and encode; a tree booster gets categories as numbers, and a flag beside each filled number.

    An all-empty column is kept and filled: the booster of scikit-learn 1.9 raises on one ("window shape cannot
    be larger than input array shape"), and a real monthly batch will hold one.
    """
    numbers: Any = SimpleImputer(strategy="median", add_indicator=native, keep_empty_features=True)
    if native:
        words: Any = OrdinalEncoder(
            handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan, max_categories=MAX_CATEGORIES
        )
    else:
        numbers = Pipeline([("fill", numbers), ("scale", StandardScaler())])
        words = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=RARE, sparse_output=False)
    parts: list[tuple[str, Any, Any]] = []
    if columns.categorical:
        parts.append(("categorical", words, list(columns.categorical)))
    if columns.numeric:
        parts.append(("numeric", numbers, list(columns.numeric)))
    parts.extend((f"text_{name}", TfidfVectorizer(max_features=2000), name) for name in columns.text)
    return ColumnTransformer(parts, sparse_threshold=0.0, verbose_feature_names_out=False)
