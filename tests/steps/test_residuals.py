"""The model of a regression's loss: larger where the champion errs more."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.ratchet.domain.modelspec import Columns
from include.ratchet.steps.residuals import fit_losses

COLUMNS = Columns(id=("id",), label="y", numeric=("x",), categorical=("c",))


def test_where_the_champion_errs_more_a_larger_loss_is_expected() -> None:
    """Losses of 1 and 3 by category, doubled where x is above 0; an unknown or missing category is no error; out of fold too."""
    draw = np.random.default_rng(0)
    seen = pd.DataFrame({"x": draw.normal(size=3000), "c": draw.choice(["a", "b"], 3000).astype(object)})
    truth = np.where(seen["c"] == "a", 1.0, 3.0) * np.where(seen["x"] > 0, 2, 1)
    losses = truth * draw.exponential(size=3000)
    model, crossed = fit_losses(seen, np.zeros(3000), losses, np.arange(3000) // 100, COLUMNS, 7)
    assert np.corrcoef(crossed, truth)[0, 1] > 0.85
    asked = pd.DataFrame({"x": [-1.0, 1.0, 0.5, np.nan], "c": np.array(["a", "b", "new", None], dtype=object)})
    found = model.predict(asked, np.zeros(4))
    assert (found[0] < 2, found[1] > 4) == (True, True)
    assert np.isfinite(found).all()
