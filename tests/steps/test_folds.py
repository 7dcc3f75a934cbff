"""What candidates are compared on: the future never teaches the past, and every class is on both sides."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Window
from include.ratchet.steps.folds import Fold, folds
from include.ratchet.steps.frames import split
from tests.makers import model_spec, untimed

START = datetime(2013, 1, 1, tzinfo=UTC)


def table(y: list[Any], **more: list[Any]) -> pa.Table:
    """Make four rows a day with these labels."""
    at = pa.array([START + timedelta(hours=6 * i) for i in range(len(y))], pa.timestamp("us", tz="UTC"))
    return pa.table({"id": list(range(len(y))), "at": at, "y": y, "x": [float(i) for i in range(len(y))], "c": ["a"] * len(y), **more})


def made(rows: pa.Table, spec: ModelSpec) -> tuple[pa.Table, tuple[Fold, ...]]:
    """Split off the test rows, and make folds of the others."""
    window = Window(START, START + timedelta(hours=6 * rows.num_rows))
    train = rows.filter(pa.array(split(rows, spec, window).train))
    return train, folds(train, spec, window)


@settings(max_examples=25, deadline=None)
@given(days=st.integers(60, 140), lag=st.integers(0, 3), count=st.integers(1, 5))
def test_folds_go_forward_in_time(days: int, lag: int, count: int) -> None:
    """Each fold is fitted on what lies the label's lag before what it holds out, and the last one ends where the train rows end."""
    train, found = made(table([i % 2 for i in range(days * 4)]), model_spec(labels__lag=f"{lag}d", training__folds=count))
    at = train["at"].to_pandas()
    assert 1 <= len(found) <= count
    for each in found:
        assert at[each.held].min() - at[each.fit].max() >= pd.Timedelta(days=lag)
        assert at[each.held].max() - at[each.held].min() == pd.Timedelta(days=10) - pd.Timedelta(hours=6)
    assert at[found[-1].held].max() == at.max()
    ends = [at[each.held].max() for each in found]
    assert ends == sorted(set(ends))
    assert all(len(each.fit) >= len(each.held) for each in found[:-1])


def test_a_young_history_has_fewer_folds() -> None:
    """With 65 days, 28 to test and 10 to a fold, the third fold would learn from 7 days: there are two."""
    assert len(made(table([i % 2 for i in range(65 * 4)]), model_spec())[1]) == 2


def test_without_time_folds_hold_the_classes_shares() -> None:
    """A fifth of all rows, and of every class, is held out by each fold; no row twice."""
    rows = table([int(i % 10 == 0) for i in range(2000)])
    train, found = made(rows, untimed())
    y = train["y"].to_numpy()
    assert len(found) == 3
    for each in found:
        assert not set(each.fit) & set(each.held)
        assert len(each.held) == pytest.approx(train.num_rows / 4, abs=2)
        assert y[each.held].mean() == pytest.approx(y.mean(), abs=0.002)
    held = np.concatenate([each.held for each in found])
    assert len(set(held)) == len(held)


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_rows_of_one_entity_are_on_one_side(task: str) -> None:
    """A customer who is fitted on is not validated on, whatever the task."""
    changes: dict[str, Any] = {"gate__metric": "r2", "gate__business": {"r2": ">= 0"}} if task == "regression" else {}
    rows = table([i % 2 for i in range(400)], who=[i // 4 for i in range(400)])
    train, found = made(rows, untimed(task=task, columns__entity=["who"], **changes))
    who = train["who"].to_numpy()
    assert all(not set(who[each.fit]) & set(who[each.held]) for each in found)


def test_a_fold_without_a_class_is_left_out() -> None:
    """Days on which nothing happened measure nothing: the fold that holds them out is dropped, the others stay."""
    y = [i % 2 for i in range(480)]
    y[200:328] = [0] * 128  # the newest 32 of the 92 train days
    _, found = made(table(y), model_spec(training__folds=6))
    assert found
    assert all(len({y[i] for i in each.held}) == 2 for each in found)


def test_no_fold_at_all_is_an_error() -> None:
    """With nothing to hold out before the test rows the message says what to do."""
    with pytest.raises(
        DataError, match=r"the validation part has 40 rows and needs at least one of each class, .* make training.split smaller"
    ):
        made(table([i % 2 for i in range(38 * 4)]), model_spec())


def test_the_seed_deals() -> None:
    """The same seed, the same folds; another seed, others."""
    rows = table([i % 2 for i in range(400)])
    once, again, other = (made(rows, untimed(training__seed=seed))[1] for seed in (7, 7, 8))
    assert all((a.held == b.held).all() for a, b in zip(once, again, strict=True))
    assert any(len(a.held) != len(b.held) or (a.held != b.held).any() for a, b in zip(once, other, strict=True))
