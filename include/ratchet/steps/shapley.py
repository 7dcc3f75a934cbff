"""How far each column moves the answers: Shapley values, by asking the model as it serves ([ADR 26]).

The value of a column in a row is what its real value adds to the answer, averaged over all orders in which the columns
of another row, drawn from the background, are replaced by the row's own: SHAP values, interventional, of the columns
as they come in. They are estimated from drawn orders, so that any estimator has them: one asks, nothing is opened.

[ADR 26]: docs/adr/0026-shapley-values-by-asking.md
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.records import Json
from include.ratchet.steps.answers import answer
from include.ratchet.steps.explain import drawn

Numbers = npt.NDArray[np.float64]

PAIRS = 16
"""Orders drawn per row, each walked forth and back: the errors of an order and of its reverse partly cancel."""
MOST_ASKED = 1_000_000
"""So many mixed rows are asked about, fewer rows explained where columns are many: about 12 s of CPU for 120 boosted trees."""
FEWEST_ROWS = 50
CHUNK = 50_000
"""Mixed rows asked about at a time."""
SHAPLEY = pa.schema(
    [("feature", pa.string()), ("moved", pa.float64()), ("low", pa.float64()), ("high", pa.float64()), ("rows", pa.int64())]
)
"""How it is kept."""


@dataclass(frozen=True)
class Shapley:
    """Contributions to the answers of some rows, each row's summing to its answer less `mean`.

    Attributes:
        features: Names of the columns.
        parts: In the answer's unit, shape `(n_rows, n_features, n_outputs)`: probabilities per class, or the prediction.
        halves: The same from half of the orders each, shape `(2, n_rows, n_features, n_outputs)`.
        answers: What the model says of the rows, shape `(n_rows, n_outputs)`.
        mean: What it says of the background on average, shape `(n_outputs,)`.
    """

    features: tuple[str, ...]
    parts: Numbers
    halves: Numbers
    answers: Numbers
    mean: Numbers


def moved(pipeline: Any, seen: pd.DataFrame, rows: int, seed: int) -> list[Json]:
    """Say how far each column moves the answer of a row on average: mean |SHAP|.

    Args:
        pipeline: Fitted.
        seen: Features that explained rows and background are drawn from, shape `(n_rows, n_features)`.
        rows: How many rows are explained, at most; fewer where `MOST_ASKED` would be passed.
        seed: Draws rows, background and orders.

    Returns:
        Per feature `moved` [>= 0], the greatest first, and `rows` explained. For classes it is the probability that
        moves from one to another (half the sum over classes; with two, what the second gains or loses), else the
        label's unit. A mean of absolute values grows with the noise of the orders, about as one over their number: half
        of the orders show by how much, and it is taken off (a jackknife). `high` is the mean without that, and two
        standard errors of the rows; `low` what both halves of the orders say alike, which is too little, less two.
    """
    affordable = max(MOST_ASKED // (2 * PAIRS * (seen.shape[1] + 1)), FEWEST_ROWS)
    explained = seen.iloc[drawn(len(seen), min(rows, affordable), seed)]
    found = shapley(pipeline, explained, seen, seed)
    share = 1.0 if found.parts.shape[2] == 1 else 0.5
    first, second = found.halves
    all_orders, half = (share * np.abs(each).sum(axis=-1) for each in (found.parts, found.halves))
    alike = share * (first * np.sign(second) + second * np.sign(first)).sum(axis=2) / 2
    best = 2 * all_orders.mean(axis=0) - half.mean(axis=(0, 1))
    error = 2 * all_orders.std(axis=0, ddof=1) / np.sqrt(len(explained))
    low, high = np.maximum(alike.mean(axis=0) - error, 0), all_orders.mean(axis=0) + error
    columns = zip(found.features, np.maximum(best, 0).tolist(), low.tolist(), high.tolist(), strict=True)
    listed: list[Json] = [{"feature": n, "moved": m, "low": least, "high": most, "rows": len(explained)} for n, m, least, most in columns]
    return sorted(listed, key=lambda each: (-each["moved"], each["feature"]))


def shapley(pipeline: Any, explained: pd.DataFrame, background: pd.DataFrame, seed: int, pairs: int = PAIRS) -> Shapley:
    """Estimate the contributions to the answers of some rows.

    Args:
        pipeline: Fitted.
        explained: The rows, shape `(n_rows, n_features)`.
        background: Rows that say what a column is without being known, of the same columns.
        seed: Draws background rows and orders.
        pairs: Orders per row, even; each with a background row of its own, walked forth and back.

    References:
        Strumbelj & Kononenko (2014), "Explaining prediction models and individual predictions with feature
        contributions", Knowledge and Information Systems 41, for the estimate; Mitchell et al. (2022), "Sampling
        permutations for Shapley value estimation", JMLR 23, for orders in pairs.
    """
    draw, width = np.random.default_rng(seed), explained.shape[1]
    mean = _asked(pipeline, background).mean(axis=0)
    own = np.repeat(np.arange(len(explained)), pairs)
    other = draw.integers(len(background), size=len(own))
    places = draw.permuted(np.tile(np.arange(width), (len(own), 1)), axis=1)
    steps = [_walked(pipeline, explained, background, own, other, each) for each in (places, width - 1 - places)]
    shape = (len(explained), pairs, width, len(mean))
    added = ((steps[0][0] + steps[1][0]) / 2).reshape(shape)
    start = steps[0][1].reshape(len(explained), pairs, len(mean))
    slopes = _slopes(added, start)

    def settled(chosen: slice) -> Numbers:
        """Average over orders, corrected by how far their background rows are from the mean of all."""
        off = start[:, chosen].mean(axis=1) - mean
        corrected: Numbers = added[:, chosen].mean(axis=1) - np.tensordot(off, slopes, axes=1)
        return corrected

    halves = np.stack([settled(slice(0, None, 2)), settled(slice(1, None, 2))])
    answers = start[:, 0] + added[:, 0].sum(axis=1)
    return Shapley(tuple(map(str, explained.columns)), settled(slice(None)), halves, answers, mean)


def _slopes(added: Numbers, start: Numbers) -> Numbers:
    """Regress contributions on the answer of the background row that they start from, shape `(n_outputs, n_features, n_outputs)`.

    The mean of that answer is known, so its slope takes noise out (a control variate). Contributions sum to the row's
    answer less that one: corrected by their slopes, they sum to the answer less the mean. All classes are regressed on
    together, so that what one gains the others go on losing.
    """
    off = (start - start.mean(axis=1, keepdims=True)).reshape(-1, start.shape[2])
    found: Numbers = np.linalg.lstsq(off, added.reshape(len(off), -1), rcond=None)[0]
    return found.reshape(start.shape[2], *added.shape[2:])


def _walked(pipeline: Any, explained: pd.DataFrame, background: pd.DataFrame, own: Any, other: Any, places: Any) -> tuple[Numbers, Numbers]:
    """Replace the columns of background rows one by one by the rows' own.

    Args:
        pipeline: Fitted.
        explained: See `shapley`.
        background: See `shapley`.
        own: Which row is explained, shape `(n_walks,)`.
        other: Which background row a walk starts from, shape `(n_walks,)`.
        places: When each column is replaced, shape `(n_walks, n_features)`.

    Returns:
        What each column added, shape `(n_walks, n_features, n_outputs)`, and where it started, `(n_walks, n_outputs)`.
    """
    width, found = places.shape[1], []
    together = max(CHUNK // (width + 1), 1)
    for first in range(0, len(own), together):
        some = slice(first, first + together)
        replaced = (places[some, None, :] < np.arange(width + 1)[None, :, None]).reshape(-1, width)
        mine, theirs = (np.repeat(each[some], width + 1) for each in (own, other))
        mixed = {
            name: pd.Series(np.where(replaced[:, i], mine_of, theirs_of), dtype=explained[name].dtype)
            for i, name in enumerate(explained.columns)
            for mine_of, theirs_of in [(explained[name].to_numpy()[mine], background[name].to_numpy()[theirs])]
        }
        said = _asked(pipeline, pd.DataFrame(mixed))
        found.append(said.reshape(-1, width + 1, said.shape[1]))
    said = np.concatenate(found)
    return np.take_along_axis(np.diff(said, axis=1), places[:, :, None], axis=1), said[:, 0]


def _asked(pipeline: Any, rows: pd.DataFrame) -> Numbers:
    """Return answers, shape `(n_rows, n_outputs)`."""
    said = np.asarray(answer(pipeline, rows).raw, dtype=float)
    return said if said.ndim == 2 else said[:, None]  # noqa: PLR2004
