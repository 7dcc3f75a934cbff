"""Would more rows help? A candidate fitted on shares of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from include.ratchet.steps.folds import Fold
from include.ratchet.steps.pipeline import Labelled

SHARES = (0.1, 0.3)
"""Of the last fold's rows, for the learning curve; together they cost less than half a fit."""

Curve = tuple[tuple[int, float], ...]
"""Rows fitted on, and the score on the last fold."""


def learning_curve(fit: Callable[[Labelled], float], rows: Labelled, fold: Fold, full: float, seed: int) -> Curve:
    """Score fits on growing shares of the last fold's rows, drawn by the seed.

    Args:
        fit: Fits on rows and returns the score on the fold's held-out rows, higher is better.
        rows: The train rows.
        fold: The last fold.
        full: The score with all of its rows.
        seed: Draws the shares.

    Returns:
        Number of rows and score, rising in rows; a share that cannot be fitted (a class is missing) is left out.
    """
    dealt = np.random.default_rng(seed).permutation(fold.fit)
    found: list[tuple[int, float]] = []
    for share in SHARES:
        some = np.sort(dealt[: int(share * len(dealt))])
        try:
            score = fit(rows.take(some))
        except ValueError:
            continue
        if np.isfinite(score):
            found.append((len(some), score))
    return (*found, (len(fold.fit), full))
