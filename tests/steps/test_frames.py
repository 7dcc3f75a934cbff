"""Frames: one type per feature, labels as they are meant, splits that keep the future out of the past."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.records import Window
from include.ratchet.steps.frames import check_trainable, columns_of, features, keys_of, labelled, labels, split, split_keys
from include.ratchet.steps.pipeline import build_pipeline
from tests.makers import model_spec, untimed

START = datetime(2013, 1, 1, tzinfo=UTC)


def table(y: list[Any], **more: list[Any]) -> pa.Table:
    """Make rows with one label each, six hours apart."""
    count = len(y)
    at = pa.array([START + timedelta(hours=6 * i) for i in range(count)], pa.timestamp("us", tz="UTC"))
    return pa.table({"id": list(range(count)), "at": at, "y": y, "x": [float(i) for i in range(count)], "c": ["a"] * count} | more)


def test_features_have_one_type_whatever_came() -> None:
    """Numbers are float64 with NaN, a missing category is None as in a request, a missing text is the empty one."""
    spec = model_spec(columns__text=["t"], columns__numeric=["x", "n"])
    rows = table([1, 0], x=[None, 2], n=[True, None], c=["a", None], t=[None, "hi"])
    made = features(rows, spec.columns)
    assert list(made.columns) == ["x", "n", "c", "t"]
    assert [str(kind) for kind in made.dtypes] == ["float64", "float64", "object", "object"]
    assert made["c"].tolist() == ["a", None]
    assert made["t"].tolist() == ["", "hi"]
    assert np.isnan(made["x"][0])
    assert made["n"].iloc[0] == 1.0


def test_whole_number_categories_are_texts() -> None:
    """A category 7 is the text 7 and not 7.0, with or without missing ones beside it."""
    spec = model_spec()
    assert features(table([1, 0], c=[7, None]), spec.columns)["c"].tolist() == ["7", None]
    assert features(table([1, 0], c=[7, 8]), spec.columns)["c"].tolist() == ["7", "8"]


def test_labels() -> None:
    """Truth is 0 and 1, whole numbers stay, texts stay, and a number to predict is a float."""
    assert labels(table([True, False]), model_spec()).tolist() == [1.0, 0.0]
    assert labels(table([2, 1]), model_spec()).tolist() == [2, 1]
    assert labels(table(["b", "a"]), model_spec()).tolist() == ["b", "a"]
    regression = model_spec(task="regression", gate__metric="r2", gate__business={"r2": ">= 0"})
    assert labels(table([2, 1]), regression).dtype == np.float64


@pytest.mark.parametrize(
    ("y", "expected"),
    [
        ([True, None, False], [1.0, 0.0, 0.0]),
        ([True, None], [1.0, 0.0]),
        ([1, None], [1.0, 0.0]),
        (["no", "yes", None], ["no", "yes", "no"]),
    ],
)
def test_a_missing_label_may_mean_the_negative_class(y: list[Any], expected: list[Any]) -> None:
    """Where only what happened is recorded, the rest did not happen: 0, even where no 0 was ever written."""
    assert labels(table(y), model_spec(labels__missing="negative")).tolist() == expected


def test_rows_without_a_label_are_dropped() -> None:
    """Only rows whose label is known can teach."""
    assert labelled(table([1, None, 0, None]), model_spec())["id"].to_pylist() == [0, 2]


@pytest.mark.parametrize(
    ("task", "y", "said"),
    [
        ("binary", [], "no labelled rows in the window"),
        ("binary", [1, 1], r"found 1 class\(es\) \(.*1.*\); allowed for task binary is 2"),
        ("binary", [1, 2, 3], r"found 3 class\(es\)"),
        ("multiclass", [1, 2], "allowed for task multiclass is 3 or more"),
    ],
)
def test_what_cannot_be_learnt_is_refused_before_any_work(task: str, y: list[int], said: str) -> None:
    """Too few rows or classes are named, with what to check."""
    with pytest.raises(DataError, match=said):
        check_trainable(table(y), model_spec(task=task))


def dated(days: int, lag: str = "0s", **changes: Any) -> tuple[pa.Table, Any, Window]:
    """Make rows of some days, their spec and their window."""
    rows = table([i % 2 for i in range(days * 4)])
    return rows, model_spec(labels__lag=lag, **changes), Window(START, START + timedelta(days=days))


@settings(max_examples=25, deadline=None)
@given(days=st.integers(50, 90), lag=st.integers(0, 3))
def test_the_split_keeps_the_future_out(days: int, lag: int) -> None:
    """Train and test follow each other without sharing a row, with a gap of the label's lag between them."""
    rows, spec, window = dated(days, f"{lag}d")
    parts = split(rows, spec, window)
    assert not (parts.train & parts.test).any()
    at = rows["at"].to_pandas()
    gap = pd.Timedelta(days=lag)
    assert at[parts.test].min() - at[parts.train].max() >= gap
    assert window.end - at[parts.test].max() >= gap
    assert at[parts.test].max() - at[parts.test].min() == pd.Timedelta(days=28) - pd.Timedelta(hours=6)


@pytest.mark.parametrize("days", [20, 28])
def test_too_little_history_is_said_clearly(days: int) -> None:
    """When nothing is left to train on, the message names the part, what the data spans, and what to do."""
    with pytest.raises(DataError, match=r"the train part has 0 rows .* the data spans 2013-01-01 .* make training.split smaller"):
        split(*dated(days))


def test_a_part_without_one_of_the_classes_is_refused() -> None:
    """A test part of one class measures nothing."""
    rows, spec, window = dated(60)
    y = [i % 2 if i < 128 else 1 for i in range(240)]
    with pytest.raises(DataError, match="the test part has 112 rows and needs at least one of each class"):
        split(rows.set_column(2, "y", pa.array(y)), spec, window)


WINDOW = Window(START, START + timedelta(days=1))


def test_random_splits_hold_shares_and_are_seeded() -> None:
    """Without time about a fifth is for test, the same for a seed and another for another."""
    rows = table([i % 2 for i in range(2000)])
    parts = split(rows, untimed(), WINDOW)
    assert parts.test.mean() == pytest.approx(0.2, abs=0.04)  # 4 standard errors
    assert (parts.train != parts.test).all()
    assert (split(rows, untimed(), WINDOW).test == parts.test).all()
    assert (split(rows, untimed(training__seed=8), WINDOW).test != parts.test).any()


def test_rows_of_one_entity_stay_together() -> None:
    """A customer who is trained on is not tested on."""
    rows = table([i % 2 for i in range(200)], who=[i // 4 for i in range(200)])
    parts = split(rows, untimed(columns__entity=["who"]), WINDOW)
    who = rows["who"].to_numpy()
    groups = [set(who[getattr(parts, name)]) for name in ("train", "test")]
    assert all(groups)
    assert sum(map(len, groups)) == len(set.union(*groups))


def test_a_class_of_one_row_is_our_error() -> None:
    """What cannot be split is terminal for the task: another try would draw the same."""
    with pytest.raises(DataError, match=r"needs at least one of each class.*Deliver more data"):
        split(table([0] * 9 + [1]), untimed(), WINDOW)


def test_a_row_stays_in_its_part_when_others_arrive() -> None:
    """Parts are drawn by a hash of the id: what a champion was fitted on never becomes what it is judged on."""
    rows = table([i % 2 for i in range(400)])
    few, many = split(rows.slice(0, 300), untimed(), WINDOW), split(rows, untimed(), WINDOW)
    assert (few.test == many.test[:300]).all()
    assert (few.train == many.train[:300]).all()


def test_a_pipeline_is_asked_for_what_it_was_fitted_on() -> None:
    """The spec names other features by now; the version that serves keeps its own."""
    old = model_spec(columns__numeric=["x", "gone"], columns__text=["t"])
    frame = features(table([0, 1], gone=[0.0, 1.0], t=["some words", "more words"]), old.columns)
    pipeline = build_pipeline(old, old.training.candidates[0], {}).fit(frame, [0, 1])
    new = model_spec().columns
    assert columns_of(pipeline, new).features == old.columns.features
    assert columns_of(pipeline, new).label == new.label


def test_a_key_is_the_text_of_its_values() -> None:
    """Texts and whole numbers as they are; a row without an entity has a key of its own, that of its id."""
    spec = model_spec(columns__time=None, columns__entity=["who", "at"], training__split={"validation": 0.2, "test": 0.2})
    at = datetime(2020, 1, 1, tzinfo=UTC)
    rows = pa.table({"id": [1, 2, 3], "who": ["a", None, None], "at": [at, at, None]})
    first, *others = split_keys(rows, spec)
    assert first == "a\x1f2020-01-01T00:00:00"
    assert len({first, *others}) == 3
    plain = pa.table({"i": [7], "f": [7.5], "d": [Decimal("2.50")], "w": [Decimal(2)], "n": [float("inf")]})
    assert keys_of(plain, plain.column_names, ["i"]).tolist() == ["7\x1f7.5\x1f2.5\x1f2\x1finf"]
