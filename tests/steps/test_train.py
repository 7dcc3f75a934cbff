"""Fitting candidates: real data's holes, a bounded list of trials, the same seed the same model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import get_scorer

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.modelspec import Candidate, ModelSpec
from include.ratchet.steps.frames import typed
from include.ratchet.steps.train import Fitted, build_pipeline, estimator_class, fit_baseline, fit_candidate, trial_list
from tests.makers import untimed

BOOSTER = "sklearn.ensemble.HistGradientBoostingClassifier"
LOGISTIC = "sklearn.linear_model.LogisticRegression"
FOREST = "sklearn.ensemble.RandomForestClassifier"


def data(spec: ModelSpec, rows: int = 200, *, seed: int = 0) -> tuple[pd.DataFrame, Any]:
    """Make rows whose label follows `x`, with a category and a text."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=rows)
    frame = pd.DataFrame(
        {
            "x": x,
            "empty": [None] * rows,
            "c": np.array(["a", "b", None])[draw.integers(0, 3, rows)],
            "t": draw.choice(["red car", "blue"], rows),
        }
    )
    return typed(frame, spec.columns), (x + draw.normal(size=rows) / 4 > 0).astype(int)


def spec_of(**changes: Any) -> ModelSpec:
    """Make a model with every kind of feature, one number always empty."""
    return untimed(columns__numeric=["x", "empty"], columns__text=["t"], **changes)


def candidate(estimator: str, search: dict[str, list[Any]] | None = None, **params: Any) -> Candidate:
    """Make a candidate."""
    return Candidate(name="a", estimator=estimator, params=params, search=search or {})


def fit(spec: ModelSpec, chosen: Candidate) -> Fitted:
    """Fit on 200 rows, validate on 100."""
    return fit_candidate(spec, chosen, data(spec), data(spec, 100, seed=1))


@pytest.mark.parametrize("estimator", [BOOSTER, LOGISTIC, FOREST])
def test_empty_columns_and_unseen_words(estimator: str) -> None:
    """A column without any value trains; an empty row, an unseen category and an unseen text are answered with numbers."""
    spec = spec_of()
    made = fit(spec, candidate(estimator))
    odd = typed(pd.DataFrame({"x": [None, 1.0], "empty": [None, 3.0], "c": ["never", None], "t": ["unseen words", None]}), spec.columns)
    assert np.isfinite(made.pipeline.predict_proba(odd)).all()
    assert made.score > 0.8


def test_categories_reach_the_booster_as_categories() -> None:
    """The booster is told which of its inputs are categories; the preparation puts them first."""
    pipeline = fit(spec_of(), candidate(BOOSTER)).pipeline
    assert pipeline["model"].is_categorical_[:1].tolist() == [True]
    assert not pipeline["model"].is_categorical_[1:].any()


@pytest.mark.parametrize("estimator", [BOOSTER, FOREST])
def test_the_same_seed_is_the_same_model(estimator: str) -> None:
    """A replay gives the same probabilities to the last bit; a forest of another seed gives others."""
    chosen = candidate(estimator)
    x, _ = data(spec_of(), 50, seed=2)
    once, again = (fit(spec_of(), chosen).pipeline.predict_proba(x) for _ in range(2))
    assert (once == again).all()
    if estimator == FOREST:
        assert (fit(spec_of(training__seed=8), chosen).pipeline.predict_proba(x) != once).any()


def test_the_trials_are_the_whole_grid_when_it_is_small() -> None:
    """Fixed parameters are in every trial; a candidate without a grid has one."""
    made = trial_list(candidate(LOGISTIC, {"C": [1, 2], "tol": [0.1]}, max_iter=50), 12, 7)
    assert made == [{"max_iter": 50, "C": 1, "tol": 0.1}, {"max_iter": 50, "C": 2, "tol": 0.1}]
    assert trial_list(candidate(LOGISTIC), 12, 7) == [{}]


def test_the_trials_of_a_large_grid_are_drawn_by_the_seed() -> None:
    """A budget of five draws five different points, the same for a seed."""
    chosen = candidate(LOGISTIC, {"C": list(range(1, 101))})
    made = trial_list(chosen, 5, 7)
    assert len({point["C"] for point in made}) == 5
    assert trial_list(chosen, 5, 7) == made
    assert trial_list(chosen, 5, 8) != made


def test_the_best_trial_on_validation_is_kept() -> None:
    """The pipeline that comes back is the one with the best recorded score."""
    spec = spec_of()
    made = fit(spec, candidate(LOGISTIC, {"C": [1e-9, 1.0]}))
    assert [trial["params"]["C"] for trial in made.trials] == [1e-9, 1.0]
    assert made.score == max(trial["score"] for trial in made.trials) > made.trials[0]["score"]
    assert get_scorer("accuracy")(made.pipeline, *data(spec, 100, seed=1)) == made.score


def test_a_trial_without_a_score_does_not_stand_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first trial that scores NaN is not the best; all of them NaN is our error."""
    scores = iter([float("nan"), 0.5, 0.4])
    monkeypatch.setattr("include.ratchet.steps.train.get_scorer", lambda _: lambda *_: next(scores))
    assert fit(spec_of(), candidate(LOGISTIC, {"C": [1, 2, 3]})).score == 0.5
    monkeypatch.setattr("include.ratchet.steps.train.get_scorer", lambda _: lambda *_: float("nan"))
    with pytest.raises(DataError, match="candidate a has no finite accuracy"):
        fit(spec_of(), candidate(LOGISTIC))


def test_the_time_budget_ends_the_search_after_the_first_trial() -> None:
    """A spent budget leaves one trial, not none."""
    made = fit(spec_of(training__budget={"trials": 12, "minutes": 1e-9}), candidate(LOGISTIC, {"C": [1, 2, 3]}))
    assert len(made.trials) == 1


def test_an_unknown_parameter_is_named() -> None:
    """The error names the candidate, the parameter and the class, before anything is fitted."""
    with pytest.raises(SpecError, match=r"candidate a\n  - depth: LogisticRegression takes no such parameter"):
        build_pipeline(spec_of(), candidate(LOGISTIC), {"depth": 3})


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


def test_weights_count() -> None:
    """A row of weight zero teaches nothing: the model is that of the other rows."""
    spec = untimed(columns__categorical=[])
    x, y = data(spec_of())
    x, halves = x[["x"]], (y, np.concatenate([y[:100], 1 - y[100:]]))
    weight = np.array([1.0] * 100 + [0.0] * 100)
    made = [fit_candidate(spec, candidate("sklearn.tree.DecisionTreeClassifier"), (x, each), (x, y), weight) for each in halves]
    assert (made[0].pipeline.predict(x) == made[1].pipeline.predict(x)).all()


def test_the_baseline_says_what_anyone_could() -> None:
    """The trivial model answers with the classes' shares, or the median."""
    x, y = data(spec_of())
    assert fit_baseline(spec_of(), (x, y)).predict_proba(x)[0, 1] == pytest.approx(y.mean())
    regression = untimed(task="regression", gate__metric="r2", gate__business={"r2": ">= 0"})
    assert fit_baseline(regression, (x[:3], np.array([1.0, 2.0, 30.0]))).predict(x[:1]).tolist() == [2.0]
