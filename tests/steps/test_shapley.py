"""Shapley values by asking: they add up, leave out what does nothing, and are those that TreeSHAP computes exactly."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from lightgbm import LGBMRegressor

from include.ratchet.steps import shapley as asking
from include.ratchet.steps.pipeline import Labelled, fit_pipeline
from include.ratchet.steps.shapley import Shapley, moved, shapley
from tests.makers import model_spec

SEED = 5


class Formula:
    """A model that is a function of its columns, and counts how many rows it was asked about."""

    def __init__(self, formula: Any) -> None:
        """Keep the function of a frame."""
        self.formula, self.asked = formula, 0

    def predict(self, rows: pd.DataFrame) -> npt.NDArray[Any]:
        """Apply it."""
        self.asked += len(rows)
        return np.asarray(self.formula(rows), dtype=float)


def grid(**levels: int) -> pd.DataFrame:
    """Return every combination once: columns that know nothing of each other."""
    made = itertools.product(*(range(count) for count in levels.values()))
    return pd.DataFrame(list(made), columns=list(levels), dtype=float)


def stated(found: Shapley) -> npt.NDArray[np.float64]:
    """Return the root mean square error of each feature, as the halves of the orders differ."""
    spread: npt.NDArray[np.float64] = np.sqrt(((found.halves[0] - found.halves[1]) ** 2).mean(axis=(0, 2))) / 2
    return spread


@pytest.mark.parametrize("pairs", [8, 64])
def test_it_agrees_with_treeshap_within_its_stated_error(pairs: int) -> None:
    """On a full grid the covers of a tree are the true shares, so that LightGBM's exact values are ours but for our noise."""
    rows = grid(a=5, b=5, c=5, d=4, dummy=2)
    label = rows["a"] * rows["b"] + 3 * (rows["c"] > 2) * (rows["a"] > 1) + 0.3 * rows["d"] ** 2
    model = LGBMRegressor(n_estimators=60, num_leaves=15, min_child_samples=5, verbosity=-1, n_jobs=1).fit(rows, label)
    explained = rows.sample(300, random_state=SEED)
    exact = np.asarray(model.predict(explained, pred_contrib=True))
    found = shapley(model, explained, rows, SEED, pairs)
    assert found.mean[0] == pytest.approx(exact[0, -1])
    error = np.sqrt(((found.parts[:, :, 0] - exact[:, :-1]) ** 2).mean(axis=0))
    assert error[:4] == pytest.approx(stated(found)[:4], rel=0.25)
    assert error[4] == 0


def test_contributions_add_up_for_every_class_and_raw_column() -> None:
    """Answer less mean, to the last digit, through preparation: a category is one column, one-hot or not, a missing one too."""
    draw = np.random.default_rng(SEED)
    rows = pd.DataFrame({"x": draw.normal(size=400), "c": draw.choice(np.array(["u", "v", None], dtype=object), size=400)})
    rows["c"], rows.loc[::7, "x"] = rows["c"].astype(object), np.nan
    label = np.where(rows["c"] == "u", 0, np.where(rows["x"] > 0, 1, 2))
    spec = model_spec(task="multiclass", gate={"metric": "accuracy", "business": {"accuracy": ">= 0.1"}})
    pipeline = fit_pipeline(spec, spec.training.candidates[0], {}, Labelled(rows, label))
    found = shapley(pipeline, rows.head(60), rows, SEED)
    assert found.parts.shape == (60, 2, 3)
    assert found.answers == pytest.approx(pipeline.predict_proba(rows.head(60)))
    assert found.parts.sum(axis=1) == pytest.approx(found.answers - found.mean, abs=1e-12)
    assert found.parts.sum(axis=2) == pytest.approx(0, abs=1e-12)


def test_a_linear_model_is_its_formula() -> None:
    """Coefficient times distance from the mean; what the model never reads is exactly nothing."""
    rows = grid(a=4, b=4, unread=3)
    found = shapley(Formula(lambda x: 2 * x["a"] - 3 * x["b"]), rows, rows, SEED, pairs=32)
    exact = ((rows - rows.mean()) * [2, -3, 0]).to_numpy()
    error = np.sqrt(((found.parts[:, :, 0] - exact) ** 2).mean(axis=0))
    assert error == pytest.approx(stated(found), rel=0.3)
    assert error.max() < 0.4
    assert not found.parts[:, 2].any()


def test_features_that_do_the_same_get_the_same() -> None:
    """The share of an interaction is halved between the two; each is what enumeration of all orders gives."""
    rows = grid(a=3, b=3)
    found = moved(Formula(lambda x: x["a"] * x["b"]), pd.concat([rows] * 60), 500, SEED)
    exact = np.abs((rows["a"] * rows["b"] - rows["b"] + rows["a"] - 1) / 2).mean()
    for each in found:
        assert each["low"] < exact < each["high"]
    assert found[0]["moved"] - found[1]["moved"] < 0.1


def test_noise_of_the_orders_does_not_pass_for_influence() -> None:
    """Values near zero are the worst case: their plain mean is a fifth too large. What is said is half as far off; its interval holds."""
    rows = grid(a=21, b=21) / 10 - 1
    model = Formula(lambda x: x["a"] ** 3 * x["b"] ** 3)
    truth = np.abs(model.predict(rows) / 2).mean()
    plain = np.abs(shapley(model, rows, rows, SEED).parts).mean(axis=(0, 2))
    assert (plain > 1.15 * truth).all()
    found = moved(model, rows, 500, SEED)
    assert all(each["low"] < truth < each["high"] for each in found)
    assert np.mean([each["moved"] for each in found]) - truth < 0.6 * (plain.mean() - truth)


def test_the_same_seed_says_the_same_and_many_columns_take_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is spent is bounded: at the bound the rows become fewer, and the figure says how many there were."""
    rows = pd.DataFrame(np.random.default_rng(SEED).normal(size=(300, 9)), columns=list("abcdefghi"))
    model = Formula(lambda x: x["a"])
    first = moved(model, rows, 200, SEED)
    assert first == moved(model, rows, 200, SEED)
    assert {each["rows"] for each in first} == {200}
    assert first[0]["feature"] == "a"
    assert first[1] == {"feature": "b", "moved": 0.0, "low": 0.0, "high": 0.0, "rows": 200}
    monkeypatch.setattr(asking, "MOST_ASKED", 60 * 2 * asking.PAIRS * 10)
    model.asked = 0
    assert {each["rows"] for each in moved(model, rows, 200, SEED)} == {60}
    assert model.asked == asking.MOST_ASKED + len(rows)
