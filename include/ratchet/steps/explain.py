"""What the test rows say about a model besides its verdict: calibration, residuals, what it looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.records import Json
from include.ratchet.steps import recorded
from include.ratchet.steps.answers import Answers, answer
from include.ratchet.steps.recorded import Rows

MOST_ROWS = 50_000
"""Curves are drawn over at most so many test rows, drawn by the seed."""
IMPORTANCE_ROWS = 1_000
"""Importance is measured on at most so many."""
MOST_PREDICTED = 40_000
"""So many rows may be predicted for it, each feature at least once: 150 boosted trees take about 1 s for them."""
IMPORTANCE = pa.schema([("feature", pa.string()), ("drop", pa.float64()), ("low", pa.float64()), ("high", pa.float64())])
"""How it is kept."""
MOST_SHUFFLES = 5
MOST_FEATURES = 200
BINS = 10


def drawn(count: int, most: int, seed: int) -> Rows:
    """Return the positions of all rows, or of `most` drawn ones in their order."""
    if count <= most:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, size=most, replace=False))


def calibration(answers: Answers, truth: npt.NDArray[Any]) -> list[Json]:
    """Compare what a classifier says with what happened, over ten bins of equal width.

    Args:
        answers: For two classes the probability of the second one is meant, for more the probability of the chosen one.
        truth: The labels, shape `(n_rows,)`.

    Returns:
        Per bin that has rows: mean probability `said` [0-1], frequency `came` [0-1], and `rows`.
    """
    probabilities = np.asarray(answers.probabilities)
    binary = probabilities.shape[1] == 2  # noqa: PLR2004
    said = probabilities[:, 1] if binary else probabilities.max(axis=1)
    came = truth == np.asarray(answers.classes)[1] if binary else truth == answers.predicted
    which = np.clip((said * BINS).astype(int), 0, BINS - 1)
    found = []
    for each in np.unique(which):
        inside = which == each
        found.append({"said": float(said[inside].mean()), "came": float(came[inside].mean()), "rows": int(inside.sum())})
    return found


def residuals(answers: Answers, truth: npt.NDArray[Any]) -> list[Json]:
    """Show how far a regression is off (label less prediction) over ten equal shares of the rows, by prediction.

    Returns:
        Per share: mean `predicted`, the `low` (10 %), `middle` and `high` (90 %) residual in the label's unit, and `rows`.
    """
    predicted = np.asarray(answers.predicted, dtype=float)
    off = np.asarray(truth, dtype=float) - predicted
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, BINS + 1)))
    which = np.clip(np.searchsorted(edges, predicted, side="right") - 1, 0, max(len(edges) - 2, 0))
    found = []
    for each in np.unique(which):
        inside = which == each
        low, middle, high = (float(v) for v in np.quantile(off[inside], (0.1, 0.5, 0.9)))
        found.append({"predicted": float(predicted[inside].mean()), "low": low, "middle": middle, "high": high, "rows": int(inside.sum())})
    return found


def importance(pipeline: Any, features: pd.DataFrame, truth: npt.NDArray[Any], metric: str, threshold: float, seed: int) -> list[Json]:
    """Measure how much of the metric is lost when one feature is shuffled: permutation importance.

    All shuffled copies are predicted in a few large calls: a pipeline's call costs more than its rows do.

    Returns:
        Per feature the mean `drop` of the metric (0: the model does not need it) with the least and the greatest of
        the shuffles, the greatest drop first. Nothing where the metric is undefined on these rows.

    References:
        Breiman (2001), "Random forests", Machine Learning 45; for what is shuffled and scored.
    """
    draw = np.random.default_rng(seed)
    rows = drawn(len(features), IMPORTANCE_ROWS, seed)
    x, y = features.iloc[rows].reset_index(drop=True), truth[rows]
    whole = _score(pipeline, x, y, metric, threshold, 1)[0]
    names = list(x.columns)[:MOST_FEATURES]
    times = int(np.clip(MOST_PREDICTED // (len(x) * len(names)), 1, MOST_SHUFFLES))
    found = []
    for name in names:
        copies = pd.concat([x] * times, ignore_index=True)
        copies[name] = np.concatenate([x[name].to_numpy()[draw.permutation(len(x))] for _ in range(times)])
        drops = whole - np.array(_score(pipeline, copies, y, metric, threshold, times))
        if np.isfinite(drops).all():
            found.append({"feature": name, "drop": float(drops.mean()), "low": float(drops.min()), "high": float(drops.max())})
    return sorted(found, key=lambda each: (-each["drop"], each["feature"]))


def _score(pipeline: Any, x: pd.DataFrame, truth: npt.NDArray[Any], metric: str, threshold: float, times: int) -> list[float]:
    """Score each of `times` copies of the rows, predicted in one call."""
    answers = answer(pipeline, x, threshold)
    statistic, count = recorded.metric(metric, answers, np.tile(truth, times)), len(truth)
    found = []
    for copy in range(times):
        try:
            found.append(statistic(np.arange(copy * count, (copy + 1) * count)))
        except ValueError:
            found.append(float("nan"))
    return found
