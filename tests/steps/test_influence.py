"""Influence values: the metric is scikit-learn's, and their sums are what leaving out says."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import roc_auc_score

from include.ratchet.steps import influence
from include.ratchet.steps.answers import Answers
from include.ratchet.steps.recorded import metric

BINARY = ("roc_auc", "accuracy", "balanced_accuracy", "neg_log_loss", "neg_brier_score")
NUMBERS = ("neg_mean_absolute_error", "neg_mean_squared_error", "neg_root_mean_squared_error", "r2")
SEVERAL = ("accuracy", "balanced_accuracy", "neg_log_loss")
ROWS = 1200


def world(kind: str) -> tuple[Answers, npt.NDArray[Any]]:
    """Draw a model's answers, with ties, and the truth."""
    draw = np.random.default_rng(1)
    if kind == "numbers":
        numbers = draw.normal(size=ROWS)
        return Answers(numbers + draw.normal(size=ROWS)), numbers
    classes = np.array([0, 1] if kind == "binary" else ["a", "b", "c"])  # the Brier score wants numbers
    truth = draw.choice(len(classes), ROWS)
    chances = draw.dirichlet(np.ones(len(classes)), ROWS) + 0.3 * np.eye(len(classes))[truth]
    chances = np.round(chances / chances.sum(axis=1, keepdims=True), 2)
    chances[:, -1] = 1 - chances[:, :-1].sum(axis=1)
    return Answers(classes[chances.argmax(axis=1)], chances, classes), classes[truth]


CASES = [(name, kind) for kind, names in (("binary", BINARY), ("numbers", NUMBERS), ("several", SEVERAL)) for name in names]


@pytest.mark.parametrize(("name", "kind"), CASES)
def test_formulas_against_scikit_learn(name: str, kind: str) -> None:
    """The metric is the scorer's; influences sum to zero, and by day they are what leaving out the day says, up to 3 %."""
    answers, truth = world(kind)
    formula = influence.known(name, answers)
    assert formula is not None
    whole, values = formula(answers, truth)
    assert whole == pytest.approx(metric(name, answers, truth)(np.arange(ROWS)))
    assert values.sum() == pytest.approx(0.0, abs=1e-12)
    day = np.arange(ROWS) % 40
    left_out = influence.left_out(metric(name, answers, truth), day, 40)[1]
    by_day = np.bincount(day, weights=values)
    assert np.abs(by_day - left_out).max() < 0.15 * left_out.std()
    assert by_day.std() == pytest.approx(left_out.std(), rel=0.03)


def test_the_auc_against_pairs() -> None:
    """Ties count half: against scikit-learn on scores of which many are equal."""
    truth = np.array([0, 0, 1, 1, 0, 1])
    score = np.array([0.1, 0.5, 0.5, 0.9, 0.5, 0.1])
    answers = Answers((score >= 0.5).astype(int), np.column_stack([1 - score, score]), np.array([0, 1]))
    formula = influence.known("roc_auc", answers)
    assert formula is not None
    assert formula(answers, truth)[0] == pytest.approx(roc_auc_score(truth, score))


@pytest.mark.parametrize(("name", "kind"), [("average_precision", "binary"), ("roc_auc", "several"), ("max_error", "numbers")])
def test_other_metrics_have_no_formula(name: str, kind: str) -> None:
    """They are measured by leaving out."""
    assert influence.known(name, world(kind)[0]) is None


@pytest.mark.parametrize("name", ["roc_auc", "neg_log_loss"])
def test_what_is_undefined_is_nan(name: str) -> None:
    """An AUC of one class, and a class that the model never saw."""
    answers = world("binary")[0]
    formula = influence.known(name, answers)
    assert formula is not None
    assert np.isnan(formula(answers, np.full(ROWS, 2 if name == "neg_log_loss" else 0))[0])


def test_a_ratio_of_nothing_is_nan() -> None:
    """A rate among no rows is no rate."""
    assert np.isnan(influence.ratio(np.zeros(3), np.zeros(3))[0])
