"""What is drawn of a model: calibration, residuals, importance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from include.ratchet.steps import explain
from include.ratchet.steps.answers import Answers

DRAW = np.random.default_rng(3)


def binary(said: Any) -> Answers:
    """Make answers of a model that says these probabilities."""
    said = np.asarray(said, dtype=float)
    return Answers((said >= 0.5).astype(int), np.column_stack([1 - said, said]), np.array([0, 1]))


def test_a_calibrated_model_lies_on_the_diagonal() -> None:
    """Said and came agree within noise; a model that doubles the odds does not; rows add up."""
    said = DRAW.uniform(size=20_000)
    truth = (DRAW.uniform(size=20_000) < said).astype(int)
    good = explain.calibration(binary(said), truth)
    assert max(abs(each["said"] - each["came"]) for each in good) < 0.05
    assert sum(each["rows"] for each in good) == 20_000
    bad = explain.calibration(binary(np.clip(said * 1.5, 0, 1)), truth)
    assert max(abs(each["said"] - each["came"]) for each in bad) > 0.2


def test_more_classes_are_judged_by_the_chosen_one() -> None:
    """The probability of the class that was chosen, against how often it was right."""
    answers = Answers(np.array(["a", "b"]), np.array([[0.8, 0.1, 0.1], [0.1, 0.85, 0.05]]), np.array(["a", "b", "c"]))
    (only,) = explain.calibration(answers, np.array(["a", "c"]))
    assert only == {"said": pytest.approx(0.825), "came": 0.5, "rows": 2}


def test_residuals_show_where_a_model_is_off() -> None:
    """A model that is 5 too low for large predictions shows it there, and not elsewhere; one constant is one share."""
    predicted = np.arange(1000.0)
    truth = predicted + np.where(predicted >= 900, 5.0, 0.0)
    found = explain.residuals(Answers(predicted), truth)
    assert [round(each["middle"], 6) for each in found] == [0.0] * 9 + [5.0]
    assert len(explain.residuals(Answers(np.full(10, 2.0)), np.arange(10.0))) == 1


def test_importance_finds_the_feature_that_counts() -> None:
    """Shuffling what the label follows costs the metric, shuffling noise does not; the same seed says the same."""
    x = pd.DataFrame({"noise": DRAW.normal(size=800), "x": DRAW.normal(size=800)})
    y = (x["x"] > 0).to_numpy().astype(int)
    model = LogisticRegression().fit(x, y)
    first = explain.importance(model, x, y, "roc_auc", 0.5, 7)
    assert [each["feature"] for each in first] == ["x", "noise"]
    assert first[0]["low"] > 0.3
    assert abs(first[1]["drop"]) < 0.02
    assert first == explain.importance(model, x, y, "roc_auc", 0.5, 7)


def test_importance_in_the_metric_of_a_regression() -> None:
    """The drop is in the metric's own unit: a mean absolute error of zero becomes about the spread of the label."""
    x = pd.DataFrame({"x": DRAW.normal(size=500)})
    (only,) = explain.importance(LinearRegression().fit(x, x["x"]), x, x["x"].to_numpy(), "neg_mean_absolute_error", 0.5, 7)
    assert only["drop"] == pytest.approx(2 / np.sqrt(np.pi), abs=0.15)


def test_a_metric_without_both_classes_has_no_importance() -> None:
    """Nothing is said where nothing can be measured."""
    x = pd.DataFrame({"x": DRAW.normal(size=50)})
    model = LogisticRegression().fit(x, (x["x"] > 0).astype(int))
    assert explain.importance(model, x, np.ones(50, dtype=int), "roc_auc", 0.5, 7) == []


def test_rows_are_drawn_by_the_seed() -> None:
    """All of them when they are few, else as many as asked for, in order, the same again."""
    assert explain.drawn(5, 10, 1).tolist() == [0, 1, 2, 3, 4]
    some = explain.drawn(100, 10, 1)
    assert some.tolist() == sorted(set(some.tolist())) == explain.drawn(100, 10, 1).tolist()
    assert len(some) == 10
