"""Fitting candidates: real data's holes, folds, the same seed the same model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.trainingspec import Candidate
from include.ratchet.steps.folds import Fold
from include.ratchet.steps.frames import typed
from include.ratchet.steps.pipeline import Labelled, fit_pipeline
from include.ratchet.steps.train import Fitted, fit_candidate
from tests.makers import untimed

BOOSTER = "sklearn.ensemble.HistGradientBoostingClassifier"
LOGISTIC = "sklearn.linear_model.LogisticRegression"
FOREST = "sklearn.ensemble.RandomForestClassifier"
FOLDS = tuple(Fold(np.arange(end), np.arange(end, end + 60)) for end in (120, 180, 240))


def data(spec: ModelSpec, rows: int = 300, *, seed: int = 0) -> Labelled:
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
    return Labelled(typed(frame, spec.columns), (x + draw.normal(size=rows) / 4 > 0).astype(int))


def spec_of(**changes: Any) -> ModelSpec:
    """Make a model with every kind of feature, one number always empty."""
    return untimed(columns__numeric=["x", "empty"], columns__text=["t"], **changes)


def candidate(estimator: str, search: dict[str, Any] | None = None, **params: Any) -> Candidate:
    """Make a candidate."""
    return Candidate(name="a", estimator=estimator, params=params, search=search or {})


def fit(spec: ModelSpec, chosen: Candidate) -> Fitted:
    """Fit on 300 rows, compared on three folds of 60."""
    return fit_candidate(spec, chosen, data(spec), FOLDS)


@pytest.mark.parametrize("estimator", [BOOSTER, LOGISTIC, FOREST])
def test_empty_columns_and_unseen_words(estimator: str) -> None:
    """A column without any value trains; an empty row, an unseen category and an unseen text are answered with numbers."""
    spec = spec_of()
    made = fit(spec, candidate(estimator))
    odd = typed(pd.DataFrame({"x": [None, 1.0], "empty": [None, 3.0], "c": ["never", None], "t": ["unseen words", None]}), spec.columns)
    assert np.isfinite(made.pipeline.predict_proba(odd)).all()
    assert made.score > 0.8
    assert made.importances[0]["feature"] == "x"


@pytest.mark.parametrize("estimator", [BOOSTER, FOREST])
def test_the_same_seed_is_the_same_model(estimator: str) -> None:
    """A replay gives the same probabilities to the last bit; a forest of another seed gives others."""
    chosen = candidate(estimator, {"max_depth": {"low": 2, "high": 5}})
    x = data(spec_of(), 50, seed=2).x
    budget = {"training__budget": {"trials": 3, "minutes": 5}}
    first, again = (fit(spec_of(**budget), chosen) for _ in range(2))
    assert (first.trials, first.score, first.curve) == (again.trials, again.score, again.curve)
    assert (first.pipeline.predict_proba(x) == again.pipeline.predict_proba(x)).all()
    if estimator == FOREST:
        assert (fit(spec_of(**budget, training__seed=8), chosen).pipeline.predict_proba(x) != first.pipeline.predict_proba(x)).any()


def test_the_best_complete_trial_is_fitted_once_on_all_rows() -> None:
    """The pipeline that comes back is that of the best trial, fitted on every train row; its score is the folds' mean."""
    spec = spec_of()
    made = fit(spec, candidate(LOGISTIC, {"C": [1e-9, 1.0]}))
    assert made.best.params == {"C": 1.0}
    assert made.score == np.mean(made.best.scores)
    assert [each.params["C"] for each in made.trials] == [1e-9, 1.0]
    same = fit_pipeline(spec, candidate(LOGISTIC), {"C": 1.0}, data(spec))
    x = data(spec, 50, seed=1).x
    assert (made.pipeline.predict_proba(x) == same.predict_proba(x)).all()


def test_the_curve_ends_at_the_last_folds_score() -> None:
    """Rows and scores of the learning curve, the last of which is the fold that is most like the test rows."""
    made = fit(spec_of(), candidate(LOGISTIC))
    assert [rows for rows, _ in made.curve] == [24, 72, 240]
    assert made.curve[-1][1] == made.best.scores[-1]


def test_what_nobody_looks_at_is_not_made() -> None:
    """Without a look into it the same pipeline is fitted, from the same trials."""
    spec, chosen = spec_of(), candidate(LOGISTIC)
    made, bare = fit(spec, chosen), fit_candidate(spec, chosen, data(spec), FOLDS, explained=False)
    x = data(spec, 50, seed=1).x
    assert (bare.trials, bare.curve, bare.importances) == (made.trials, (), [])
    assert (bare.pipeline.predict_proba(x) == made.pipeline.predict_proba(x)).all()


def test_a_replay_fits_the_recorded_list() -> None:
    """What was tried is tried again, and nothing else: the same model, although the budget allows other trials now."""
    chosen = candidate(LOGISTIC, {"C": {"low": 1e-6, "high": 100, "log": True}})
    made = fit(spec_of(training__budget={"trials": 6, "minutes": 5}), chosen)
    spec = spec_of(training__budget={"trials": 1, "minutes": 1e-9}, training__seed=7)
    again = fit_candidate(spec, chosen, data(spec), FOLDS, made.trials)
    assert again.trials == made.trials
    x = data(spec, 50, seed=1).x
    assert (again.pipeline.predict_proba(x) == made.pipeline.predict_proba(x)).all()


def test_no_finite_score_is_our_error() -> None:
    """A metric that is undefined on every fold names the candidate, the metric and why."""
    spec = spec_of(gate__metric="roc_auc", gate__business={"roc_auc": ">= 0.5"})
    some = data(spec)
    one_class = Labelled(some.x, np.concatenate([some.y[:120], np.ones(180, dtype=int)]))
    with (
        pytest.warns(UserWarning, match="Only one class"),
        pytest.raises(DataError, match=r"candidate a has no finite roc_auc .* score on fold 1"),
    ):
        fit_candidate(spec, candidate(LOGISTIC), one_class, FOLDS)


def test_a_parameter_of_the_wrong_kind_is_the_specs_fault() -> None:
    """What scikit-learn says about a value is shown with the candidate's name."""
    with pytest.raises(SpecError, match=r"candidate a\n  - InvalidParameterError: The 'C' parameter of LogisticRegression must be"):
        fit(spec_of(), candidate(LOGISTIC, C=-1.0))
