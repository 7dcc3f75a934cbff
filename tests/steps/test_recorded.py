"""Scikit-learn's scorers on answers that were already given."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import get_scorer_names, mean_absolute_error, roc_auc_score

from include.ratchet.steps.answers import Answers
from include.ratchet.steps.recorded import metric, perfect

CLASSES = np.array([0, 1])
TRUTH = np.array([0, 1, 1, 0, 1])
SCORE = np.array([0.2, 0.4, 0.9, 0.6, 0.7])
SAID = Answers((SCORE >= 0.5).astype(int), np.column_stack([1 - SCORE, SCORE]), CLASSES)


def test_a_metric_of_errors_is_negative() -> None:
    """Higher is better for every metric; a number that is recorded is scored as a regression."""
    truth = np.array([1.0, 2.0, 4.0])
    statistic = metric("neg_mean_absolute_error", Answers(truth + 1), truth)
    assert statistic(np.arange(3)) == -mean_absolute_error(truth, truth + 1) == -1.0


def test_some_rows_are_scored_as_scikit_learn_scores_them() -> None:
    """The AUC among four of five rows."""
    rows = np.array([0, 1, 2, 4])
    assert metric("roc_auc", SAID, TRUTH)(rows) == roc_auc_score(TRUTH[rows], SCORE[rows])


def test_what_cannot_be_scored_is_nan() -> None:
    """A log loss of one class raises in scikit-learn; here it is not a number."""
    assert np.isnan(metric("neg_log_loss", SAID, TRUTH)(np.array([1, 2])))


@pytest.mark.parametrize(("name", "best"), [("roc_auc", 1.0), ("accuracy", 1.0), ("neg_log_loss", 0.0), ("f1", 1.0)])
def test_a_model_that_knows_is_perfect(name: str, best: float) -> None:
    """What the best value of a metric is follows from the metric itself."""
    assert name in get_scorer_names()
    assert metric(name, perfect(SAID, TRUTH), TRUTH)(np.arange(5)) == pytest.approx(best)


def test_perfect_numbers_are_the_truth() -> None:
    """A regression that knows has no error."""
    truth = np.array([1.0, 5.0])
    assert metric("r2", perfect(Answers(truth * 2), truth), truth)(np.arange(2)) == 1.0
