"""The models that anyone could make."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.baselines import best_feature, fit_baselines
from include.ratchet.steps.frames import typed
from include.ratchet.steps.pipeline import Labelled
from tests.makers import untimed

REGRESSION: dict[str, Any] = {"task": "regression", "gate__metric": "r2", "gate__business": {"r2": ">= 0"}}


def rows(spec: ModelSpec, tells: str, count: int = 600) -> Labelled:
    """Make rows whose label follows one of the features."""
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "x": draw.normal(size=count),
            "z": draw.normal(size=count),
            "c": draw.choice(["a", "b"], count),
            "t": draw.choice(["red car", "blue"], count),
        }
    )
    said = {"x": frame["x"], "z": frame["z"], "c": (frame["c"] == "a") * 2 - 1, "t": (frame["t"] == "blue") * 2 - 1}[tells]
    y = said + draw.normal(size=count) / 3
    return Labelled(typed(frame, spec.columns), (y.to_numpy() if not spec.classifies else (y > 0).astype(int).to_numpy()))


def spec_of(**changes: Any) -> ModelSpec:
    """Make a model with every kind of feature."""
    return untimed(columns__numeric=["x", "z"], columns__text=["t"], **changes)


@pytest.mark.parametrize("changes", [{}, REGRESSION], ids=["binary", "regression"])
@pytest.mark.parametrize("tells", ["x", "z", "c", "t"])
def test_the_one_feature_is_the_one_that_tells(tells: str, changes: dict[str, Any]) -> None:
    """A number, a category or a text: the feature that the label follows is found, and its small model is good."""
    spec = spec_of(**changes)
    some = rows(spec, tells)
    assert best_feature(spec, some) == tells
    found = fit_baselines(spec, (some.x, some.y))
    assert found["one_feature"].score(some.x, some.y) > 0.75
    blind = some.x.assign(**{name: some.x[name].iloc[0] for name in some.x.columns if name != tells})
    assert (found["one_feature"].predict(blind) == found["one_feature"].predict(some.x)).all()


def test_the_baseline_says_what_anyone_could() -> None:
    """The classes' shares, or the median."""
    spec = spec_of()
    some = rows(spec, "x")
    assert fit_baselines(spec, (some.x, some.y))["baseline"].predict_proba(some.x)[0, 1] == pytest.approx(some.y.mean())
    numbers = spec_of(**REGRESSION)
    said = fit_baselines(numbers, (some.x[:30], np.array([1.0, 2.0, 30.0] * 10)))["baseline"].predict(some.x[:1])
    assert said.tolist() == [2.0]


def test_a_metric_that_some_part_cannot_answer() -> None:
    """Rows sorted by their label leave a third with one class: the choice is made on the others."""
    spec = spec_of(gate__metric="roc_auc", gate__business={"roc_auc": ">= 0.5"})
    some = rows(spec, "x")
    order = np.argsort(some.y, kind="stable")
    assert best_feature(spec, some.take(order)) in spec.columns.features
