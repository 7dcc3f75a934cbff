"""What every estimator that we advertise must do: train on holes, answer what it never saw, survive the registry's format."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.ratchet.adapters.models import load_skops, save_skops
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.trainingspec import Candidate
from include.ratchet.steps.frames import typed
from include.ratchet.steps.pipeline import Labelled, fit_pipeline
from tests.makers import untimed

CLASSIFIERS: dict[str, dict[str, Any]] = {
    "sklearn.linear_model.LogisticRegression": {},
    "sklearn.linear_model.SGDClassifier": {"loss": "log_loss"},
    "sklearn.linear_model.RidgeClassifier": {},
    "sklearn.ensemble.RandomForestClassifier": {"n_estimators": 20},
    "sklearn.ensemble.ExtraTreesClassifier": {"n_estimators": 20},
    "sklearn.ensemble.GradientBoostingClassifier": {"n_estimators": 10},
    "sklearn.ensemble.HistGradientBoostingClassifier": {"max_iter": 10},
    "sklearn.ensemble.AdaBoostClassifier": {"n_estimators": 10},
    "sklearn.tree.DecisionTreeClassifier": {"max_depth": 5},
    "sklearn.naive_bayes.GaussianNB": {"var_smoothing": 0.1},
    "sklearn.neighbors.KNeighborsClassifier": {},
    "sklearn.svm.SVC": {},
    "sklearn.svm.LinearSVC": {},
    "sklearn.discriminant_analysis.LinearDiscriminantAnalysis": {},
    "sklearn.neural_network.MLPClassifier": {"hidden_layer_sizes": [8], "max_iter": 200},
    "lightgbm.LGBMClassifier": {"n_estimators": 10},
    "xgboost.XGBClassifier": {"n_estimators": 10},
}
REGRESSORS: dict[str, dict[str, Any]] = {
    "sklearn.linear_model.Ridge": {},
    "sklearn.linear_model.ElasticNet": {"alpha": 0.01},
    "sklearn.linear_model.HuberRegressor": {},
    "sklearn.linear_model.QuantileRegressor": {"alpha": 0.0},
    "sklearn.ensemble.RandomForestRegressor": {"n_estimators": 20},
    "sklearn.ensemble.ExtraTreesRegressor": {"n_estimators": 20},
    "sklearn.ensemble.GradientBoostingRegressor": {"n_estimators": 30},
    "sklearn.ensemble.HistGradientBoostingRegressor": {"max_iter": 30},
    "sklearn.tree.DecisionTreeRegressor": {"max_depth": 5},
    "sklearn.neighbors.KNeighborsRegressor": {},
    "sklearn.svm.SVR": {},
    "sklearn.neural_network.MLPRegressor": {"hidden_layer_sizes": [16], "max_iter": 400, "solver": "lbfgs"},
    "lightgbm.LGBMRegressor": {"n_estimators": 30},
    "xgboost.XGBRegressor": {"n_estimators": 30},
}
OWN = """
from sklearn.naive_bayes import GaussianNB

class Own(GaussianNB):
    def __init__(self, smooth=0.1):
        super().__init__(var_smoothing=smooth)
        self.smooth = smooth
"""
METRIC = {"binary": "accuracy", "multiclass": "accuracy", "regression": "r2"}
CASES = [
    *((path, "binary") for path in CLASSIFIERS),
    *((path, "multiclass") for path in CLASSIFIERS),
    *((path, "regression") for path in REGRESSORS),
]


def spec_of(task: str) -> ModelSpec:
    """Make a model with an all-empty number and an all-empty category among its features."""
    metric = METRIC[task]
    columns = {"columns__numeric": ["x", "empty"], "columns__categorical": ["c", "void"]}
    return untimed(task=task, gate__metric=metric, gate__business={metric: ">= 0"}, **columns)


def frame(spec: ModelSpec, content: dict[str, Any]) -> pd.DataFrame:
    """Type the columns as training and serving do."""
    return typed(pd.DataFrame(content), spec.columns)


def rows(spec: ModelSpec, count: int = 240) -> Labelled:
    """Make rows with missing and infinite values whose label follows `x` and `c`; classes are words."""
    draw = np.random.default_rng(0)
    x, c = draw.normal(size=count), draw.choice(["a", "b"], count)
    y = x + (c == "a") + draw.normal(size=count) / 10
    seen = x.copy()
    seen[:4] = [np.nan, np.nan, np.inf, -np.inf]
    content = {"x": seen, "empty": [None] * count, "c": [None, *c[1:]], "void": [None] * count}
    if not spec.classifies:
        return Labelled(frame(spec, content), y)
    edges, names = ([0.5], ["no", "yes"]) if spec.task == "binary" else ([0.0, 1.0], ["high", "low", "middle"])
    return Labelled(frame(spec, content), np.array(names, dtype=object)[np.digitize(y, edges)])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("path", "task"), CASES, ids=lambda value: value.rpartition(".")[2])
def test_an_estimator_by_its_path(path: str, task: str, tmp_path: Path) -> None:
    """It learns, gives the same model for the same seed, answers odd rows with numbers, and comes back from skops as it was."""
    pytest.importorskip(path.partition(".")[0])
    spec = spec_of(task)
    some, params = rows(spec), (CLASSIFIERS | REGRESSORS)[path]
    made, again = (fit_pipeline(spec, Candidate(name="a", estimator=path), params, some) for _ in range(2))
    assert made.score(some.x, some.y) > (0.6 if spec.classifies else 0.7)
    odd = frame(spec, {"x": [None, np.inf, 0.0], "empty": [3.0, None, None], "c": ["never seen", None, "a"], "void": ["new", None, None]})
    ask = "predict_proba" if hasattr(made, "predict_proba") else "predict"
    said = getattr(made, ask)(odd)
    assert len(said) == 3
    assert np.isfinite(said).all() if ask == "predict_proba" or not spec.classifies else set(said) <= set(some.y)
    save_skops(made, tmp_path / "model.skops")
    loaded = load_skops(tmp_path / "model.skops")
    for other in (again, loaded):
        assert (getattr(other, ask)(some.x) == getattr(made, ask)(some.x)).all()
        assert (other.predict(some.x) == made.predict(some.x)).all()
    if spec.classifies:
        assert made.classes_.tolist() == sorted(set(some.y))


def test_an_estimator_of_the_models_own_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of the reviewed code.py is fitted, saved and loaded like any other."""
    code = ModuleType("include.models.m.code")
    exec(OWN, code.__dict__)  # noqa: S102 - what an adopter would write into the file
    for parent in ("include.models", "include.models.m"):
        monkeypatch.setitem(sys.modules, parent, ModuleType(parent))
    monkeypatch.setitem(sys.modules, code.__name__, code)
    spec = spec_of("binary")
    some = rows(spec)
    made = fit_pipeline(spec, Candidate(name="a", estimator="include.models.m.code:Own"), {"smooth": 0.5}, some)
    save_skops(made, tmp_path / "model.skops")
    loaded = load_skops(tmp_path / "model.skops")
    assert type(loaded["model"]).__name__ == "Own"
    assert loaded["model"].smooth == 0.5
    assert (loaded.predict_proba(some.x) == made.predict_proba(some.x)).all()
