"""The learning curve."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.ratchet.steps.folds import Fold
from include.ratchet.steps.learning import learning_curve
from include.ratchet.steps.pipeline import Labelled


def rows(count: int = 600) -> Labelled:
    """Make rows that `x` decides, with a column that says nothing."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=count)
    return Labelled(pd.DataFrame({"noise": draw.normal(size=count), "x": x}), (x > 0).astype(int))


def test_the_curve_rises_in_rows() -> None:
    """A tenth, three tenths and all of the last fold's rows; the last score is the one that was measured before."""
    some, fold = rows(), Fold(np.arange(500), np.arange(500, 600))
    seen: list[Labelled] = []

    def fit(part: Labelled) -> float:
        seen.append(part)
        return len(part) / 1000

    assert learning_curve(fit, some, fold, 0.9, 7) == ((50, 0.05), (150, 0.15), (500, 0.9))
    assert all(set(part.x["x"]) <= set(some.x["x"][:500]) for part in seen)


def test_a_share_that_cannot_be_fitted_is_left_out() -> None:
    """Few rows may lack a class: that point is missing, the others stay."""

    def fit(part: Labelled) -> float:
        if len(part) < 100:
            message = "one class"
            raise ValueError(message)
        return float("nan")

    assert learning_curve(fit, rows(), Fold(np.arange(500), np.arange(500, 600)), 0.9, 7) == ((500, 0.9),)
