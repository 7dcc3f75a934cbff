"""Pipelines on disk: every estimator we advertise survives, and nothing that was not reviewed is loaded."""

from __future__ import annotations

import copy
import importlib
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn import ensemble, linear_model, naive_bayes, neighbors, neural_network, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.preprocessing import FunctionTransformer

from include.ratchet.adapters.models import TRUSTED, _trusted, load_skops, save_skops
from include.ratchet.domain.errors import RegistryError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.frames import typed
from include.ratchet.steps.pipeline import build_pipeline
from tests.makers import untimed

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(120, 3))
TWO, THREE, NUMBER = (X[:, 0] > 0).astype(int), np.digitize(X[:, 0], [-0.5, 0.5]), np.exp(X[:, 0])

CLASSIFIERS = [
    linear_model.LogisticRegression(),
    linear_model.SGDClassifier(loss="log_loss"),
    ensemble.RandomForestClassifier(5),
    ensemble.ExtraTreesClassifier(5),
    ensemble.GradientBoostingClassifier(n_estimators=3),
    ensemble.HistGradientBoostingClassifier(max_iter=3),
    ensemble.AdaBoostClassifier(n_estimators=3),
    ensemble.BaggingClassifier(n_estimators=3),
    ensemble.StackingClassifier([("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier())], cv=2),
    ensemble.VotingClassifier([("a", naive_bayes.GaussianNB())]),
    svm.SVC(),
    neighbors.KNeighborsClassifier(algorithm="kd_tree"),
    neighbors.KNeighborsClassifier(algorithm="ball_tree", p=1),
    neighbors.KNeighborsClassifier(algorithm="brute"),
    neural_network.MLPClassifier((4,), max_iter=3),
    neural_network.MLPClassifier((4,), max_iter=3, solver="sgd"),
    *(CalibratedClassifierCV(linear_model.LogisticRegression(), cv=2, method=method) for method in ("sigmoid", "isotonic", "temperature")),
]
REGRESSORS = [
    linear_model.Ridge(),
    linear_model.Lasso(),
    linear_model.PoissonRegressor(),
    linear_model.TweedieRegressor(power=1.5, link="log"),
    ensemble.RandomForestRegressor(5),
    *(
        ensemble.HistGradientBoostingRegressor(max_iter=3, loss=loss, quantile=0.5 if loss == "quantile" else None)
        for loss in ("squared_error", "absolute_error", "gamma", "poisson", "quantile")
    ),
    svm.SVR(),
    neighbors.KNeighborsRegressor(),
    neural_network.MLPRegressor(hidden_layer_sizes=(4,), max_iter=3),
]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("estimator", "labels"),
    [
        *((each, TWO) for each in CLASSIFIERS),
        (ensemble.HistGradientBoostingClassifier(max_iter=3), THREE),
        *((each, NUMBER) for each in REGRESSORS),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "fit") else "",
)
def test_what_is_saved_is_loaded(tmp_path: Path, estimator: Any, labels: np.ndarray[Any, Any]) -> None:
    """The loaded estimator answers to the last bit as the fitted one."""
    estimator.fit(X, labels)
    save_skops(estimator, tmp_path / "deep" / "model.skops")
    loaded = load_skops(tmp_path / "deep" / "model.skops")
    ask = "predict_proba" if hasattr(estimator, "predict_proba") else "predict"
    assert (getattr(loaded, ask)(X) == getattr(estimator, ask)(X)).all()


@pytest.mark.parametrize("estimator", ["sklearn.ensemble.HistGradientBoostingClassifier", "sklearn.linear_model.LogisticRegression"])
def test_our_whole_pipeline_is_loaded(tmp_path: Path, estimator: str) -> None:
    """Imputers, encoders, scalers and text features of our own preparation are trusted too."""
    import pandas as pd

    spec: ModelSpec = untimed(columns__text=["t"], training__candidates=[{"name": "a", "estimator": estimator}])
    frame = typed(pd.DataFrame({"x": X[:, 0], "c": ["a", None, "b"] * 40, "t": ["red car", None] * 60}), spec.columns)
    pipeline = build_pipeline(spec, spec.training.candidates[0], {}).fit(frame, TWO)
    save_skops(pipeline, tmp_path / "model.skops")
    assert (load_skops(tmp_path / "model.skops").predict_proba(frame) == pipeline.predict_proba(frame)).all()


def test_a_function_is_refused_by_name(tmp_path: Path) -> None:
    """A type that nobody reviewed is named, with where to add it."""
    skops.io.dump(FunctionTransformer(copy.copy), tmp_path / "model.skops")
    with pytest.raises(RegistryError, match=r"nobody reviewed: copy\.copy\. Review them and add them to TRUSTED"):
        load_skops(tmp_path / "model.skops")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", pickle.dumps([1])], ids=["empty", "broken", "pickle"])
def test_what_is_no_skops_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Whatever its name says, only the skops format is read."""
    path = tmp_path / "model.skops"
    path.write_bytes(content)
    with pytest.raises(RegistryError, match="no skops file"):
        load_skops(path)


def test_a_zip_of_something_else_is_refused(tmp_path: Path) -> None:
    """An archive without a schema is no model."""
    with zipfile.ZipFile(tmp_path / "model.skops", "w") as archive:
        archive.writestr("readme", "hello")
    with pytest.raises(RegistryError, match="no skops file"):
        load_skops(tmp_path / "model.skops")


@pytest.mark.parametrize("name", [each for each in TRUSTED if each.startswith("sklearn")])
def test_every_trusted_type_exists(name: str) -> None:
    """The list names types of the installed scikit-learn: a renamed one would be trusted for nothing."""
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


def test_a_class_of_a_models_own_code_is_trusted() -> None:
    """`include.models.<name>.code` lies in the repository and was reviewed; the same name elsewhere was not."""
    assert "include.models.m.code.Own" in _trusted(["include.models.m.code.Own", "elsewhere.Own"])
    assert "elsewhere.Own" not in _trusted(["include.models.m.code.Own", "elsewhere.Own"])
