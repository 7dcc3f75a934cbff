"""What a model must do when a feature changes: the behaviour tests of the spec, measured as rates.

References:
    Ribeiro et al. (2020), "Beyond Accuracy: Behavioral Testing of NLP Models with CheckList": invariance and direction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.ratchet.domain.gate import Measured
from include.ratchet.domain.gatespec import Behaviour
from include.ratchet.steps import compare, influence
from include.ratchet.steps.answers import answer
from include.ratchet.steps.bench import Bench
from include.ratchet.steps.frames import features

MOST_ROWS = 20_000
"""Each test predicts again; so many rows, spread evenly, show a rate of 10 % within half a point."""
NOTHING = 1e-9


def guards(bench: Bench) -> Iterator[Measured]:
    """Measure, for each test of the spec, the share of rows on which the challenger breaks it."""
    asked = bench.spec.gate.behaviour
    pipeline = bench.challenger
    if not asked:
        return
    every = -(-bench.test.num_rows // MOST_ROWS)
    rows = np.arange(0, bench.test.num_rows, every)
    seen = features(bench.test.take(rows), bench.spec.columns)
    sampled = bench.sampled.among(np.isin(np.arange(bench.test.num_rows), rows))
    before = _scores(pipeline, seen, bench)
    for each in asked:
        broken = breaks(each, before, _scores(pipeline, changed(seen, each), bench), _slack(each, bench))
        found = compare.summed(*influence.mean(broken.astype(float)), sampled).times(-1.0)
        yield replace(compare.measure(f"behaviour {each.name}", found, bench.spec.gate.alpha_guard, -each.max_rate), margin=each.max_rate)


def changed(seen: pd.DataFrame, test: Behaviour) -> pd.DataFrame:
    """Return the rows as the test changes them: numbers are added to, words replaced."""
    made = {name: seen[name] + by if isinstance(by, int | float) else by for name, by in test.change.items()}
    return seen.assign(**made)


def breaks(test: Behaviour, before: npt.NDArray[np.float64], after: npt.NDArray[np.float64], slack: float) -> npt.NDArray[np.bool_]:
    """Say of each row whether its score moved where it must not; arrays of shape `(n_rows, n_scores)`."""
    moved = after - before
    if test.expect == "invariant":
        return np.asarray((np.abs(moved) > slack).any(axis=1))
    return np.asarray((moved[:, 0] < -NOTHING) if test.expect == "up" else (moved[:, 0] > NOTHING))


def _scores(pipeline: Any, seen: pd.DataFrame, bench: Bench) -> npt.NDArray[np.float64]:
    said = answer(pipeline, seen, bench.spec.gate.threshold)
    if bench.spec.task == "multiclass" and said.probabilities is not None:
        return said.probabilities
    return said.score[:, None]


def _slack(test: Behaviour, bench: Bench) -> float:
    """Return how far a score may move and still be called the same: 0.05 of a probability, or of the labels' spread."""
    if test.within is not None:
        return test.within
    return 0.05 if bench.spec.classifies else 0.05 * float(np.std(bench.truth.astype(float)))
