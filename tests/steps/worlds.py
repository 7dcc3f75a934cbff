"""A bench of test rows made by hand: 40 days, a challenger and a champion that are right as often as one likes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.answers import Answers
from include.ratchet.steps.bench import Bench
from include.ratchet.steps.compare import Units
from tests.makers import model_spec

CLASSES = np.array([0, 1])
DAYS, PER_DAY = 40, 100


def said(positive: npt.NDArray[np.float64]) -> Answers:
    """Answer with the chance of the positive class."""
    return Answers((positive >= 0.5).astype(int), np.column_stack([1 - positive, positive]), CLASSES)


def spec_of(**changes: Any) -> ModelSpec:
    """Make a spec whose segments are `c`."""
    return model_spec(**{"columns__segments": ["c"], **changes})


def bench_of(
    spec: ModelSpec, loss: dict[str, float] | None = None, sizes: dict[str, float] | None = None, seed: int = 0, challenger: Any = None
) -> Bench:
    """Make a bench where both models are right on 80 % of the rows, the challenger less by `loss` in a segment.

    `sizes` are the segments' shares; scores are 0.2 or 0.8, which is calibrated.
    """
    draw, count = np.random.default_rng(seed), DAYS * PER_DAY
    shares = sizes or {"a": 0.5, "b": 0.5}
    segment = draw.choice(list(shares), count, p=list(shares.values()))
    truth = draw.integers(0, 2, count)
    lost = np.array([(loss or {}).get(each, 0.0) for each in segment])
    answers = {}
    for who, right in (("challenger", 0.8 - lost), ("champion", 0.8)):
        guessed = np.where(draw.uniform(size=count) < right, truth, 1 - truth)
        answers[who] = said(0.2 + 0.6 * guessed)
    answers["baseline"] = said(np.full(count, 0.5))
    rows = pa.table({"id": np.arange(count), "c": segment, "x": draw.normal(size=count), "y": truth})
    return Bench(spec, answers, truth, Units(np.arange(count) // PER_DAY, serial=True), rows, challenger)
