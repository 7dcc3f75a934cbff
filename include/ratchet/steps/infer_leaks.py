"""Find features that give the answer away."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.ratchet.steps.infer_key import words

if TYPE_CHECKING:
    from include.ratchet.steps.infer_roles import Target
    from include.ratchet.steps.infer_types import Column

SUSPICIOUS = 0.98
# The AUC of several classes is a mean that easy pairs lift: one honest petal length reaches 0.98 on iris.
SUSPICIOUS_OF_SEVERAL = 0.99
_PROBE_ROWS = 5_000
_MOST_COLUMNS = 60
_EXACT = 0.995  # share of rows on which a sum must give the target
_EARLIER = frozenset({"lag", "lagged", "prev", "previous", "last", "past", "prior", "rolling", "mean", "avg", "average"})
_FloatArray = np.ndarray[Any, np.dtype[np.float64]]


def find_leaks(features: Sequence[Column], target: Target, seed: int) -> dict[str, str]:
    """Find columns that a model must not see, each with the reason.

    Args:
        features: The proposed features.
        target: What is predicted.
        seed: For the sample of rows and the folds.
    """
    rows = _some_rows(target, seed)
    found = _sums(features, target, rows) if target.task == "regression" else {}
    for column in features:
        if column.name in found:
            continue
        score = _alone(column, target, rows, seed)
        if score > (SUSPICIOUS_OF_SEVERAL if target.task == "multiclass" else SUSPICIOUS):
            found[column.name] = f"alone predicts {target.column.name} almost perfectly ({_measure(target)} {score:.3f})"
        elif _is_variant(column.name, target.column.name):
            found[column.name] = f"by its name a variant of {target.column.name}"
    return {column.name: found[column.name] for column in features if column.name in found}


def codes(column: Column) -> _FloatArray:
    """Return the column as numbers, missing as NaN: categories by their sorted place."""
    if column.numeric or column.kind == "bool":
        return column.floats
    found, _ = pd.factorize(column.cells, sort=True)
    return np.where(found < 0, np.nan, found).astype("float64")


def _measure(target: Target) -> str:
    return "R2" if target.task == "regression" else "AUC"


def _some_rows(target: Target, seed: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    known = np.flatnonzero(target.column.cells.notna().to_numpy())
    return np.sort(np.random.default_rng(seed).permutation(known)[:_PROBE_ROWS])


def _alone(column: Column, target: Target, rows: np.ndarray[Any, np.dtype[np.intp]], seed: int) -> float:
    """Score a small tree on one feature, out of fold: AUC [0-1] or R2 [-inf-1], higher is better."""
    from sklearn.metrics import r2_score, roc_auc_score
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    x = codes(column)[rows].reshape(-1, 1)
    size = {"max_leaf_nodes": 256, "min_samples_leaf": 3, "random_state": seed}
    if target.task == "regression":
        y = target.column.floats[rows]
        return float(r2_score(y, cross_val_predict(DecisionTreeRegressor(**size), x, y, cv=KFold(2, shuffle=True, random_state=seed))))
    labels = target.column.cells.astype(str).to_numpy()[rows]
    kept = pd.Series(labels).map(pd.Series(labels).value_counts()).to_numpy() >= 4  # noqa: PLR2004
    if len(np.unique(labels[kept])) < 2:  # noqa: PLR2004
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        folds = StratifiedKFold(2, shuffle=True, random_state=seed)
        chances = cross_val_predict(DecisionTreeClassifier(**size), x[kept], labels[kept], cv=folds, method="predict_proba")
    if chances.shape[1] == 2:  # noqa: PLR2004
        return float(roc_auc_score(labels[kept], chances[:, 1]))
    return float(roc_auc_score(labels[kept], chances, multi_class="ovr"))


def _sums(features: Sequence[Column], target: Target, rows: np.ndarray[Any, np.dtype[np.intp]]) -> dict[str, str]:
    """Find numeric columns that add up to the target: a sum or difference of two, else of more."""
    numbers = {column.name: column.floats[rows] for column in features[:_MOST_COLUMNS] if column.numeric and column.distinct > 2}  # noqa: PLR2004
    y, name = target.column.floats[rows], target.column.name
    for (a, left), (b, right) in combinations(numbers.items(), 2):
        for text, value in ((f"{a} + {b}", left + right), (f"{a} - {b}", left - right), (f"{b} - {a}", right - left)):
            if _same(value, y):
                return dict.fromkeys((a, b), f"{text} = {name}")
    return _many_parts(numbers, y, name)


def _many_parts(numbers: Mapping[str, _FloatArray], y: _FloatArray, name: str) -> dict[str, str]:
    """Find three or more columns whose weighted sum is the target, by least squares."""
    if len(numbers) < 3:  # noqa: PLR2004
        return {}
    x = np.column_stack(list(numbers.values()))
    full = ~np.isnan(x).any(axis=1)
    x, y = x[full], y[full]
    scale = x.std(axis=0) if len(x) else np.zeros(x.shape[1])
    if len(x) <= 2 * x.shape[1] or not y.std() or not scale.all():
        return {}
    z = np.column_stack([(x - x.mean(axis=0)) / scale, np.ones(len(x))])
    weights, *_ = np.linalg.lstsq(z, y, rcond=None)
    if float(np.abs(z @ weights - y).max()) > 1e-6 * float(y.std()):
        return {}
    parts = [each for each, weight in zip(numbers, weights[:-1], strict=True) if abs(weight) > 1e-3 * float(y.std())]
    return dict.fromkeys(parts, f"{' and '.join(parts)} add up to {name}")


def _same(value: _FloatArray, y: _FloatArray) -> bool:
    known = ~np.isnan(value)
    tolerance = 1e-6 * float(np.abs(y).max() or 1.0)
    return bool(known.mean() >= _EXACT and (np.abs(value[known] - y[known]) <= tolerance).mean() >= _EXACT)


def _is_variant(name: str, target: str) -> bool:
    """Whether the target's words stand in the column's name, unless it says that it is an earlier value."""
    mine, its = words(name), words(target)
    if not its or _EARLIER & set(mine):
        return False
    return any(mine[i : i + len(its)] == its for i in range(len(mine) - len(its) + 1))
