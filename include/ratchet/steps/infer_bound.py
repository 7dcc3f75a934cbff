"""Propose the business bound: half-way between a trivial model and a quick one."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from include.ratchet.domain.durations import parse_duration
from include.ratchet.steps.infer_leaks import codes
from include.ratchet.steps.infer_time import time_split

if TYPE_CHECKING:
    import pandas as pd

    from include.ratchet.steps.infer_roles import Target
    from include.ratchet.steps.infer_time import EventTimes
    from include.ratchet.steps.infer_types import Column

METRICS = {"binary": "roc_auc", "multiclass": "f1_macro", "regression": "neg_mean_absolute_error"}
_MOST_ROWS = 20_000
_HELD_OUT = 0.2
_TOO_GOOD = 0.99
_WORTH = 0.02
_Rows = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True)
class Proposal:
    """A proposed bound and where it comes from; every score in `metric`, higher is better."""

    metric: str
    trivial: float
    quick: float
    model: str
    held_out: str
    warnings: tuple[str, ...] = ()

    @property
    def bound(self) -> float:
        """Half-way, rounded down to two digits; the trivial score where the quick model is no better."""
        middle = (self.trivial + max(self.quick, self.trivial)) / 2
        return rounded(middle, up=False)

    @property
    def unit(self) -> float:
        """The size of the quick model's score: margins of an error are shares of it."""
        return abs(self.quick)


def propose_bound(features: Sequence[Column], target: Target, times: EventTimes | None, seed: int) -> Proposal:
    """Fit two quick models and a trivial one, and score them on held-out rows.

    Args:
        features: Numeric and categorical features; text is not used.
        target: What is predicted.
        times: With it the newest rows are held out, without it a random fifth.
        seed: For the choice of rows and the fits.
    """
    from sklearn.metrics import get_scorer

    metric = METRICS[target.task]
    train, test, held_out = _split(target, times, seed)
    x = np.column_stack([codes(column) for column in features])
    y = target.column.floats if target.task == "regression" else target.column.cells.astype(str).to_numpy()
    scores: dict[str, float] = {}
    for name, model in _models(features, target.task, seed).items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # convergence, rare classes: a rough score is all that is asked
            scores[name] = float(get_scorer(metric)(model.fit(x[train], y[train]), x[test], y[test]))
    trivial = scores.pop("trivial")
    best = max(scores, key=lambda name: scores[name])
    return Proposal(metric, trivial, scores[best], best, held_out, _doubts(target, trivial, scores[best], len(test)))


def rounded(value: float, *, up: bool, digits: int = 2) -> float:
    """Round to so many significant digits, in the direction said."""
    if not value or not math.isfinite(value):
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - digits + 1)
    count = (math.ceil if up else math.floor)(round(value / step, 6))
    return float(f"{count * step:.{digits}g}")


def _doubts(target: Target, trivial: float, quick: float, rows: int) -> tuple[str, ...]:
    # 1.7 standard errors of an AUC on so many held-out rows of two equal classes: less than that may be noise.
    noise = max(_WORTH, 1 / math.sqrt(rows))
    if quick < (trivial + noise if target.task != "regression" else trivial * (1 - noise)):
        scores = f"{quick:.4g} against {trivial:.4g}"
        return (f"a quick model is hardly better than a trivial one ({scores}): the gate will let little pass",)
    if target.task != "regression" and quick > _TOO_GOOD:
        return (f"a quick model reaches {quick:.3f}: look for features that are known only after the event",)
    if target.task == "regression" and quick / trivial < 1 - _TOO_GOOD:
        return ("a quick model makes almost no error: look for features that are known only after the event",)
    return ()


def _split(target: Target, times: EventTimes | None, seed: int) -> tuple[_Rows, _Rows, str]:
    """Split at most 20,000 rows as the model's spec will; the words say how.

    With time the test is the newest rows, and the validation rows before it are left unused; without, all is random.
    """
    random = np.random.default_rng(seed)
    known = target.column.cells.notna().to_numpy()
    if times is not None:
        known = known & times.moments.notna().to_numpy()
    rows = np.sort(random.permutation(np.flatnonzero(known))[:_MOST_ROWS])
    if times is not None:
        lengths = {name: parse_duration(length) for name, length in time_split(times).items()}
        test_start = times.last - lengths["test"]
        moments = times.moments.iloc[rows]
        train = rows[(moments < test_start - lengths["validation"]).to_numpy()]
        test = rows[(moments >= test_start).to_numpy()]
        if len(train) and len(test) and (target.task == "regression" or _same_classes(target.column.cells, train, test)):
            return train, test, "on the newest rows held out"
    rows = random.permutation(rows)
    if target.task != "regression":  # every class gets its fifth, the rare ones too
        rows = rows[np.argsort(target.column.cells.astype(str).to_numpy()[rows], kind="stable")]
    test = rows[:: round(1 / _HELD_OUT)]
    return np.setdiff1d(rows, test), test, "on a random fifth held out"


def _same_classes(labels: pd.Series[Any], train: _Rows, test: _Rows) -> bool:
    return set(labels.iloc[train]) == set(labels.iloc[test])


def _models(features: Sequence[Column], task: str, seed: int) -> dict[str, Any]:
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression, Ridge

    is_category = np.array([column.kind in ("string", "bool") or not column.numeric for column in features])
    fixed = {"categorical_features": is_category, "random_state": seed}
    if task == "regression":
        return {
            "trivial": DummyRegressor(strategy="median"),
            "ridge": _linear(is_category, Ridge()),
            "boosting": HistGradientBoostingRegressor(**fixed),
        }
    return {
        "trivial": DummyClassifier(strategy="prior"),
        "logistic": _linear(is_category, LogisticRegression(max_iter=500)),
        "boosting": HistGradientBoostingClassifier(**fixed),
    }


def _linear(is_category: np.ndarray[Any, np.dtype[np.bool_]], estimator: Any) -> Any:
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = OneHotEncoder(handle_unknown="ignore", min_frequency=10)
    places = np.arange(len(is_category))
    return make_pipeline(make_column_transformer((numbers, places[~is_category]), (categories, places[is_category])), estimator)
