"""The simulation of challengers at the null: its worlds, its limit, and a sample of it."""

from __future__ import annotations

import numpy as np
import pytest

from proofs import gate_null, worlds


def test_a_gate_that_promotes_too_often_is_seen() -> None:
    """The 0.1 % limit of 2,000 holds and one more does not; it is no more than the 133 that is claimed."""
    part, most = {"case": "accuracy superior", "challengers": 2000, "at_least": 1000}, gate_null.limit(2000)
    assert gate_null.judge([part | {"promoted": most}])[0]
    assert not gate_null.judge([part | {"promoted": most + 1}])[0]
    assert 120 < most <= 133


@pytest.mark.parametrize("kind", gate_null.KINDS)
def test_the_worlds_have_the_difference_that_they_claim(kind: str) -> None:
    """Over 150 worlds the mean difference of the models is the gap, within four standard errors; days matter as on the flights."""
    draw, gap, found, name = np.random.default_rng(5), -0.02, [], worlds.METRICS[kind]
    for _ in range(150):
        bench = worlds.bench_of(worlds.draw_world(draw, kind, gap), kind)
        found.append((bench.figure(name, "challenger") - bench.figure(name, "champion")).whole)
    error = np.std(found, ddof=1) / np.sqrt(len(found))
    assert abs(np.mean(found) - gap) < 4 * error
    assert 0.006 < np.std(found) < 0.02


@pytest.mark.parametrize(("kind", "mode"), [("roc_auc", "superior"), ("accuracy", "non_inferior"), ("neg_mean_absolute_error", "superior")])
def test_equal_challengers_are_promoted_at_most_at_alpha(kind: str, mode: str) -> None:
    """Of 100 challengers at the null, with an AR(1) of 0.5 over 28 days and 20 segments, at most the binomial limit; `>=` takes half."""
    promoted, at_least = gate_null.simulate(kind, mode, (28, 0.5), 100, seed=3)
    assert promoted <= gate_null.limit(100)
    assert 30 <= at_least <= 70
