"""Estimators by their path: seeded, on one thread, and every fault in words."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.trainingspec import Candidate
from include.ratchet.steps.coded import CodedLabels
from include.ratchet.steps.estimators import build_model, codes_categories, estimator_class, parameters
from tests.makers import untimed

LOGISTIC = "sklearn.linear_model.LogisticRegression"
REGRESSION: dict[str, Any] = {"task": "regression", "gate__metric": "r2", "gate__business": {"r2": ">= 0"}}


def made(estimator: str, spec: ModelSpec | None = None, categories: int = 0, **params: Any) -> Any:
    """Build one."""
    return build_model(spec or untimed(), Candidate(name="a", estimator=estimator), params, categories)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("sklearn.linear_model.LogisticRegresion", "cannot be imported"),
        ("sklearn.nowhere.Thing", "cannot be imported"),
        ("sklearn.preprocessing.StandardScaler", "without fit and predict"),
        ("sklearn.metrics.accuracy_score", "without fit and predict"),
    ],
)
def test_an_estimator_that_is_none(path: str, said: str) -> None:
    """A path that does not lead to an estimator is a fault of the spec."""
    with pytest.raises(SpecError, match=said):
        estimator_class(path)


@pytest.mark.parametrize("package", ["lightgbm", "xgboost"])
def test_an_extra_that_is_not_installed(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the command that installs it."""
    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setattr(sys, "path", [])
    sys.path_importer_cache.clear()
    with pytest.raises(SpecError, match=f"No module named '{package}'; make extras installs it"):
        estimator_class(f"{package}.Model")


def test_an_unknown_parameter_is_named() -> None:
    """The error names the candidate, the parameter and the class, before anything is fitted."""
    with pytest.raises(SpecError, match=r"candidate a\n  - depth: LogisticRegression takes no such parameter"):
        made(LOGISTIC, depth=3)


def test_more_threads_are_refused() -> None:
    """A forest on two threads predicts other numbers: one is said, not silently put in its place."""
    with pytest.raises(SpecError, match="n_jobs: found 4; allowed is 1"):
        made("sklearn.ensemble.RandomForestClassifier", n_jobs=4)


def test_the_seed_is_given_unless_it_is_set() -> None:
    """The spec's seed, or the candidate's own."""
    assert made("sklearn.ensemble.RandomForestClassifier").random_state == 7
    assert made("sklearn.ensemble.RandomForestClassifier", random_state=3).random_state == 3
    assert "random_state" not in made("sklearn.naive_bayes.GaussianNB").get_params()


@pytest.mark.parametrize("path", ["lightgbm.LGBMClassifier", "xgboost.XGBClassifier"])
def test_the_parameters_of_the_boosters_are_known(path: str) -> None:
    """Their constructors pass names on to a base: those are known too, and a misspelt one is not."""
    pytest.importorskip(path.partition(".")[0])
    assert {"learning_rate", "n_estimators", "random_state", "n_jobs"} <= parameters(estimator_class(path))
    assert "learnig_rate" not in parameters(estimator_class(path))


def test_the_boosters_of_the_extras_get_one_thread() -> None:
    """Theirs is all cores by default."""
    pytest.importorskip("xgboost")
    model = made("xgboost.XGBClassifier")
    assert isinstance(model, CodedLabels)
    assert (model.estimator.n_jobs, model.estimator.random_state) == (1, 7)
    assert made("xgboost.XGBRegressor", untimed(**REGRESSION)).n_jobs == 1


def test_who_takes_categories_as_numbers() -> None:
    """Boosted trees do, and the histogram booster is told which."""
    booster = "sklearn.ensemble.HistGradientBoostingClassifier"
    assert codes_categories(estimator_class(booster))
    assert not codes_categories(estimator_class(LOGISTIC))
    assert made(booster, categories=2).categorical_features == [0, 1]
    assert made(booster, categories=2, categorical_features=None).categorical_features is None
