"""Classes by number inside, by name outside."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from include.ratchet.steps.coded import CodedLabels


@pytest.mark.parametrize("names", [["no", "yes"], ["a", "b", "c"], [3, 7]])
def test_it_answers_by_the_names_that_it_was_given(names: list[str]) -> None:
    """The classes come back as they were, with the same probabilities as without the detour; the inside sees 0, 1, 2."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(90, 2))
    y = np.array(names)[np.digitize(x[:, 0], np.linspace(-0.5, 0.5, len(names) - 1))]
    weight = draw.uniform(size=90)
    made, plain = CodedLabels(LogisticRegression()).fit(x, y, weight), LogisticRegression().fit(x, y, weight)
    assert made.classes_.tolist() == plain.classes_.tolist() == sorted(names)
    assert made.estimator_.classes_.tolist() == list(range(len(names)))
    assert (made.predict(x) == plain.predict(x)).all()
    assert (made.predict_proba(x) == plain.predict_proba(x)).all()
