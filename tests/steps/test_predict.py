"""Batch predictions: each row once, with what is needed to judge them later."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.ratchet.steps.predict import predict, unscored
from tests.makers import model_spec

AT = datetime(2013, 3, 1, tzinfo=UTC)
ROWS = pa.table(
    {
        "id": [1, 2, 3],
        "day": [1, 1, 2],
        "at": pa.array([AT] * 3, pa.timestamp("us", tz="UTC")),
        "y": [0, 1, 0],
        "x": [0.1, 0.6, 0.9],
        "c": ["a"] * 3,
    }
)


class Echo:
    """A fitted model whose probability of the last class is `x`, or whose number is `x`."""

    def __init__(self, classes: list[Any] | None) -> None:
        """Answer for these classes, or as a regressor."""
        if classes:
            self.classes_ = np.array(classes)
            self.predict_proba = self._proba

    def _proba(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        last = frame["x"].to_numpy()
        rest = np.repeat(((1 - last) / (len(self.classes_) - 1))[:, None], len(self.classes_) - 1, axis=1)
        return np.column_stack([rest, last])

    def predict(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """Return `x`."""
        return frame["x"].to_numpy()


def test_only_rows_without_a_prediction_are_left() -> None:
    """A row that has its prediction is not scored again; before the first prediction all rows are left."""
    spec = model_spec()
    assert unscored(ROWS, None, spec)["id"].to_pylist() == [1, 2, 3]
    assert unscored(ROWS, pa.table({"id": [2, 9]}), spec)["id"].to_pylist() == [1, 3]
    assert unscored(ROWS, ROWS, spec).num_rows == 0
    assert unscored(ROWS.slice(0, 0), ROWS, spec).num_rows == 0


def test_an_id_of_two_columns_matches_as_a_whole() -> None:
    """Each part being known is not enough, and parts do not run into each other."""
    spec = model_spec(columns__id=["id", "day"])
    known = pa.table({"id": [1, 3], "day": [1, 1]})
    assert unscored(ROWS, known, spec)["id"].to_pylist() == [2, 3]
    texts = pa.table({"id": ["a", "ab"], "day": ["bc", "c"]})
    assert unscored(texts, texts.slice(0, 1), spec)["id"].to_pylist() == ["ab"]


def test_a_binary_prediction() -> None:
    """The score is the probability of the positive class, the decision is made at the threshold, and the rest is told."""
    spec = model_spec(gate__threshold=0.7)
    made = predict(Echo([0, 1]), ROWS, pa.table({"id": [2, 7]}), spec, 4, AT)
    assert made.column_names == ["id", "at", "prediction", "score", "model_version", "in_snapshot", "scored_at"]
    assert made["prediction"].to_pylist() == ["0", "0", "1"]
    assert made["score"].to_pylist() == pytest.approx([0.1, 0.6, 0.9])
    assert made["in_snapshot"].to_pylist() == [False, True, False]
    assert set(made["model_version"].to_pylist()) == {4}
    assert set(made["scored_at"].to_pylist()) == {AT}


def test_several_classes_score_the_likeliest() -> None:
    """With three classes the score is the highest probability."""
    made = predict(Echo(["a", "b", "c"]), ROWS, ROWS.slice(0, 0), model_spec(task="multiclass"), 1, AT)
    assert made["prediction"].to_pylist() == ["a", "c", "c"]
    assert made["score"].to_pylist() == pytest.approx([0.45, 0.6, 0.9])


def test_a_number() -> None:
    """A regression's prediction and score are the number itself."""
    spec = model_spec(task="regression", gate__metric="r2", gate__business={"r2": ">= 0"})
    made = predict(Echo(None), ROWS, ROWS.slice(0, 0), spec, 1, AT)
    assert made["prediction"].to_pylist() == made["score"].to_pylist() == [0.1, 0.6, 0.9]
