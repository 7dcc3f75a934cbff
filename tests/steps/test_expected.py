"""An expected metric is scikit-learn's where labels are known, and its slope is what one label more adds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from include.ratchet.steps.expected import expected, weighs

DRAW = np.random.default_rng(0)
SCORES = DRAW.uniform(size=300).round(3)
TRUTH = (DRAW.uniform(size=300) < SCORES).astype(float)
SAID = (SCORES >= 0.4).astype(float)
KNOWN = {
    "roc_auc": metrics.roc_auc_score(TRUTH, SCORES),
    "accuracy": metrics.accuracy_score(TRUTH, SAID),
    "balanced_accuracy": metrics.balanced_accuracy_score(TRUTH, SAID),
    "f1": metrics.f1_score(TRUTH, SAID),
    "precision": metrics.precision_score(TRUTH, SAID),
    "recall": metrics.recall_score(TRUTH, SAID),
    "neg_brier_score": -metrics.brier_score_loss(TRUTH, SCORES),
    "neg_log_loss": -metrics.log_loss(TRUTH, SCORES),
    "average_precision": metrics.average_precision_score(TRUTH, SCORES),
}


@pytest.mark.parametrize("metric", list(KNOWN))
def test_with_known_labels_it_is_the_metric(metric: str) -> None:
    """Chances of 0 and 1 give what scikit-learn gives, by formula or by asking it."""
    assert expected(metric, SCORES, TRUTH, 0.4).value == pytest.approx(KNOWN[metric], abs=1e-9)


@pytest.mark.parametrize("metric", ["accuracy", "neg_brier_score", "roc_auc"])
def test_it_is_the_mean_over_labels_that_may_come(metric: str) -> None:
    """Drawn 300 times by the chances, the metric is on average what was expected of it, and spreads as its slope says."""
    found = expected(metric, SCORES, SCORES, 0.4)
    draws = [expected(metric, SCORES, (DRAW.uniform(size=300) < SCORES).astype(float), 0.4).value for _ in range(300)]
    error = np.sqrt((found.slope**2 * SCORES * (1 - SCORES)).sum())
    assert found.value == pytest.approx(np.mean(draws), abs=4 * error / np.sqrt(300) + 0.001)
    assert np.std(draws) == pytest.approx(error, rel=0.2)


def test_many_scores_are_levels() -> None:
    """On 20,000 distinct scores the levels are 1e-4 off at most."""
    scores = DRAW.uniform(size=20_000)
    truth = (DRAW.uniform(size=20_000) < scores).astype(float)
    assert expected("roc_auc", scores, truth, 0.5).value == pytest.approx(metrics.roc_auc_score(truth, scores), abs=1e-4)
    assert expected("neg_log_loss", scores, truth, 0.5).value == pytest.approx(-metrics.log_loss(truth, scores), abs=1e-3)


def test_what_takes_no_weights_is_said() -> None:
    """The largest residual is no metric of weighted rows; those with a formula, and those that scikit-learn weighs, are."""
    assert weighs("roc_auc")
    assert weighs("average_precision")
    assert not weighs("neg_max_error")
