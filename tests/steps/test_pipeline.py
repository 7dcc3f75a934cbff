"""A candidate's pipeline: weights, classes that are rare, inputs that are of no use."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.trainingspec import Candidate
from include.ratchet.steps.frames import typed
from include.ratchet.steps.pipeline import Labelled, build_pipeline, fit_pipeline, training_rows
from tests.makers import untimed

BOOSTER = "sklearn.ensemble.HistGradientBoostingClassifier"
LOGISTIC = "sklearn.linear_model.LogisticRegression"
TREE = "sklearn.tree.DecisionTreeClassifier"


def spec_of(noise: int = 0, **changes: Any) -> ModelSpec:
    """Make a model of one number that tells, some that do not, and a category."""
    return untimed(columns__numeric=["x", *(f"n{i}" for i in range(noise))], **changes)


def rows(spec: ModelSpec, count: int = 400, cut: float = 0.0) -> Labelled:
    """Make rows whose label says whether `x`, with some noise, is above `cut`."""
    draw = np.random.default_rng(0)
    content = {name: draw.normal(size=count) for name in spec.columns.numeric} | {"c": draw.choice(["a", "b"], count)}
    y = (content["x"] + draw.normal(size=count) / 2 > cut).astype(int)
    return Labelled(typed(pd.DataFrame(content), spec.columns), y)


def candidate(estimator: str, **more: Any) -> Candidate:
    """Make a candidate."""
    return Candidate(name="a", estimator=estimator, **more)


def test_categories_reach_the_booster_as_categories() -> None:
    """The booster is told which of its inputs are categories; the preparation puts them first."""
    pipeline = fit_pipeline(spec_of(), candidate(BOOSTER), {}, rows(spec_of()))
    assert pipeline["model"].is_categorical_.tolist() == [True, False]


def test_weights_count() -> None:
    """A row of weight zero teaches nothing: the model is that of the other rows."""
    spec = spec_of()
    some = rows(spec, 200)
    weight = np.array([1.0] * 100 + [0.0] * 100)
    turned = np.concatenate([some.y[:100], 1 - some.y[100:]])
    made = [fit_pipeline(spec, candidate(TREE), {}, Labelled(some.x, y, weight)) for y in (some.y, turned)]
    assert (made[0].predict(some.x) == made[1].predict(some.x)).all()


def test_balanced_classes_find_the_rare_one() -> None:
    """With one positive in thirty, a balanced model finds more of them; its weights join those of the rows."""
    spec = spec_of()
    some = rows(spec, 2000, cut=2.0)
    found = [
        fit_pipeline(spec, candidate(LOGISTIC, balance_classes=balance), {}, some).predict(some.x)[some.y == 1].mean()
        for balance in (False, True)
    ]
    assert found[0] < 0.7
    assert found[1] > 0.85
    without = Labelled(some.x, some.y, (some.y == 0).astype(float) + 1e-9)
    assert fit_pipeline(spec, candidate(LOGISTIC), {}, without).predict(some.x).sum() == 0


@pytest.mark.parametrize(("balance", "key"), [(True, "balance_classes"), (False, "columns.weight")])
def test_an_estimator_without_weights_is_named(balance: bool, key: str) -> None:  # noqa: FBT001 - a parameter of the test
    """Weights that an estimator would not see are a fault of the spec, not a silence."""
    some = rows(spec_of())
    chosen = candidate("sklearn.neighbors.KNeighborsClassifier", balance_classes=balance)
    with pytest.raises(SpecError, match=f"{key}: KNeighborsClassifier takes no sample weights"):
        fit_pipeline(spec_of(), chosen, {}, some if balance else Labelled(some.x, some.y, np.ones(len(some))))


@pytest.mark.parametrize("estimator", [BOOSTER, LOGISTIC])
def test_selection_keeps_what_tells(estimator: str) -> None:
    """Of ten inputs of noise most are left out before the model, and `x` stays; the whole frame is still what it is asked with."""
    spec = spec_of(noise=10)
    some = rows(spec)
    chosen = candidate(estimator, select_features=True)
    pipeline = fit_pipeline(spec, chosen, {}, some)
    kept = pipeline["select"].get_support()
    assert kept.sum() < len(kept) / 2
    assert kept[2 if estimator == LOGISTIC else 1]  # `x` comes after the category, which is one number or two columns
    assert pipeline.score(some.x, some.y) > 0.8
    assert "select" not in build_pipeline(spec, candidate(estimator), {}).named_steps


@pytest.mark.parametrize("wrong", [None, -1.0, float("inf")])
def test_a_weight_that_is_none(wrong: float | None) -> None:
    """Missing, negative and infinite weights are counted, and the column is named."""
    table = pa.table({"id": [1, 2], "y": [0, 1], "x": [0.0, 1.0], "c": ["a", "b"], "w": pa.array([1.0, wrong], pa.float64())})
    with pytest.raises(DataError, match="column 'w' has 1 of 2 weights that are missing, infinite or below zero"):
        training_rows(table, spec_of(columns__weight="w"))
