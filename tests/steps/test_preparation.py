"""What real columns hold: nothing, infinity, a thousand words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from include.ratchet.domain.modelspec import Columns
from include.ratchet.steps.frames import typed
from include.ratchet.steps.preparation import MAX_CATEGORIES, MAX_INDICATORS, preparation

COLUMNS = Columns(id=("id",), label="y", numeric=("x", "empty"), categorical=("c", "void"))


def frame(rows: int = 300, words: int = 3) -> pd.DataFrame:
    """Make rows with an all-empty number and an all-empty category."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=rows)
    x[:3] = [np.inf, -np.inf, np.nan]
    content = {"x": x, "empty": [None] * rows, "c": [f"w{i}" for i in draw.integers(0, words, rows)], "void": [None] * rows}
    return typed(pd.DataFrame(content), COLUMNS)


@pytest.mark.parametrize("coded", [True, False])
def test_infinite_numbers_and_empty_columns(coded: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Infinity is read as missing and filled by the median; an empty column stays, and is filled too."""
    made = preparation(COLUMNS, coded=coded, sparse=False)
    out = np.asarray(made.fit_transform(frame()), dtype=float)
    numbers = out[:, 2:4] if coded else out[:, -2:]  # coded: flags of what was filled come after them
    assert np.isfinite(numbers).all()
    assert len(np.unique(numbers[:3, 0])) == 1
    odd = typed(pd.DataFrame({"x": [np.inf, 1e308], "empty": [5.0, None], "c": ["never", None], "void": ["new", None]}), COLUMNS)
    assert np.isfinite(np.asarray(made.transform(odd), dtype=float)[:, 2 if coded else 0 :]).all()


def test_unseen_and_missing_categories_as_numbers() -> None:
    """Both are NaN: the booster's own way of "not known"."""
    made = preparation(COLUMNS, coded=True, sparse=False).fit(frame())
    odd = typed(pd.DataFrame({"x": [0.0] * 3, "empty": [0.0] * 3, "c": ["never", None, "w1"], "void": [None] * 3}), COLUMNS)
    assert np.isnan(np.asarray(made.transform(odd))[:, 0]).tolist() == [True, True, False]


def test_many_categories_are_bounded() -> None:
    """A column of a thousand words is neither a thousand columns nor more numbers than the booster takes."""
    many = frame(30_000, 1000)
    wide = preparation(COLUMNS, coded=False, sparse=False).fit_transform(many)
    assert wide.shape[1] <= MAX_INDICATORS + 1 + 2  # with the empty category's one, and two numbers
    codes = preparation(COLUMNS, coded=True, sparse=False).fit_transform(many)[:, 0]
    assert np.nanmax(codes) < MAX_CATEGORIES


def test_texts_are_sparse_where_the_estimator_takes_it() -> None:
    """2,000 words of 100,000 rows are 1.6 GB with their zeros: a linear model gets them without, a booster gets 200."""
    draw = np.random.default_rng(0)
    columns = Columns(id=("id",), label="y", numeric=("x",), text=("t",))
    words = [f"word{i}" for i in range(900)]
    texts = [" ".join(draw.choice(words, 8)) for _ in range(2000)]
    rows = typed(pd.DataFrame({"x": draw.normal(size=2000), "t": texts}), columns)
    sparse = preparation(columns, coded=False, sparse=True).fit_transform(rows)
    dense = preparation(columns, coded=True, sparse=False).fit_transform(rows)
    assert (sparse.shape[1], sparse.nnz < sparse.shape[0] * 12) == (901, True)
    assert isinstance(dense, np.ndarray)
    assert dense.shape[1] == 201
