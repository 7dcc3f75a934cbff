"""Estimators by their import path: what they are, what they take, what suits them."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from sklearn.base import BaseEstimator

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.trainingspec import Candidate
from include.ratchet.steps.coded import CodedLabels

EXTRAS = ("lightgbm", "xgboost")
"""Packages that `make extras` installs."""


def estimator_class(path: str) -> type[BaseEstimator]:
    """Import an estimator from an allowed place.

    Raises:
        SpecError: It cannot be imported, or is no estimator.
    """
    module, _, name = path.rpartition(":") if ":" in path else path.rpartition(".")
    try:
        kind = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        package = module.partition(".")[0]
        missing = package in EXTRAS and isinstance(error, ModuleNotFoundError) and error.name == package
        hint = f"make extras installs {package}." if missing else "Check the name, or install the package that has it."
        raise SpecError(
            f"estimator {path}", [f"cannot be imported: {error}{'; make extras installs it' if missing else ''}"], hint
        ) from error
    if not (isinstance(kind, type) and hasattr(kind, "fit") and hasattr(kind, "predict")):
        raise SpecError(f"estimator {path}", ["found something without fit and predict; allowed is an estimator class"])
    return kind


def parameters(kind: type) -> set[str]:
    """Return the names that an estimator's constructor takes; LightGBM and XGBoost pass the rest on to their base."""
    known: set[str] = set()
    for each in kind.__mro__:
        if "__init__" not in vars(each) or each is object:
            continue
        taken = inspect.signature(each).parameters.values()
        known |= {one.name for one in taken if one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)}
        if all(one.kind != one.VAR_KEYWORD for one in taken):
            break
    return known


def codes_categories(kind: type) -> bool:
    """Say whether an estimator splits on numbers that stand for categories: boosted trees, for which one column per word is slow."""
    return kind.__name__.startswith("HistGradientBoosting") or kind.__module__.partition(".")[0] in EXTRAS


def build_model(spec: ModelSpec, candidate: Candidate, params: dict[str, Any], categories: int = 0) -> BaseEstimator:
    """Make an estimator that gives the same model again: seeded, on one thread.

    Args:
        spec: The model.
        candidate: Which estimator.
        params: Its parameters.
        categories: How many of the first inputs are categories as numbers, for an estimator that wants to be told.

    Raises:
        SpecError: The estimator does not take a parameter.
    """
    kind = estimator_class(candidate.estimator)
    known = parameters(kind)
    faults = [f"{name}: {kind.__name__} takes no such parameter" for name in params if name not in known]
    if params.get("n_jobs") not in (None, 1):
        faults.append(f"n_jobs: found {params['n_jobs']!r}; allowed is 1, since more threads give other numbers")
    if faults:
        raise SpecError(f"models/{spec.name}: candidate {candidate.name}", faults)
    own: dict[str, Any] = {}
    if "random_state" in known:
        own["random_state"] = spec.training.seed
    if "n_jobs" in known and kind.__module__.partition(".")[0] in EXTRAS:
        own["n_jobs"] = 1  # theirs is all cores; scikit-learn's None is one
    if kind.__module__.startswith("lightgbm"):
        own["verbosity"] = -1
    if categories and "categorical_features" in known:
        own["categorical_features"] = list(range(categories))
    model = kind(**(own | params))
    return CodedLabels(model) if spec.classifies and kind.__module__.startswith("xgboost") else model
