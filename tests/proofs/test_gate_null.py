"""The simulation of challengers at the null."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, roc_auc_score

from proofs import gate_null, worlds


def test_a_gate_that_promotes_too_often_is_seen() -> None:
    """One percent more than alpha of 2,000 is within the limit, five percent more is not."""
    part = {"case": "accuracy superior", "challengers": 2000, "at_least": 1000}
    assert gate_null.judge([part | {"promoted": 120}])[0]
    assert not gate_null.judge([part | {"promoted": 200}])[0]


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc"])
def test_the_worlds_have_the_difference_that_they_claim(metric: str) -> None:
    """Over many worlds the mean difference of the models is the gap, within four standard errors."""
    score = {
        "accuracy": lambda truth, who: accuracy_score(truth, who.predicted),
        "roc_auc": lambda truth, who: roc_auc_score(truth, who.probabilities[:, 1]),
    }
    draw, gap, found = np.random.default_rng(5), -0.02, []
    for _ in range(150):
        world = getattr(worlds, metric)(draw, gap)
        found.append(score[metric](world.truth, world.challenger) - score[metric](world.truth, world.champion))
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - gap) < 4 * error
    assert 0.006 < np.std(found) < 0.02, "days must matter as much as on the flights"
