"""Rows past pandas: proved the same bit by bit, or not used."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.pipeline import Pipeline

from include.ratchet.domain.modelspec import Columns
from include.ratchet.serving.fast import compiled
from include.ratchet.serving.frames import to_frame
from tests.serving.fakes import COLUMNS, fit, prepared, toy_records

CASES = [
    f"sklearn.{name}"
    for name in ("ensemble.HistGradientBoostingClassifier", "linear_model.LogisticRegression", "tree.DecisionTreeClassifier")
]
ROWS = [*toy_records(60, seed=3), {"distance": None, "hour": None, "carrier": None}, {"distance": 1e30, "hour": -5, "carrier": "never"}]


@pytest.mark.parametrize("estimator", CASES)
def test_a_row_is_answered_as_the_pipeline_answers_it(estimator: str) -> None:
    """To the last bit, for what training fits: nulls, unheard words and huge numbers too."""
    pipeline = prepared(COLUMNS, estimator)
    fast = compiled(pipeline, COLUMNS)
    assert fast is not None
    assert (fast.trees is not None) == ("HistGradient" in estimator)
    for row in ROWS:
        assert fast.predict_proba(row).tolist() == pipeline.predict_proba(to_frame(COLUMNS, [row])).tolist()
        assert fast.predict(row).tolist() == pipeline.predict(to_frame(COLUMNS, [row])).tolist()


def test_another_kind_of_pipeline_has_no_fast_way() -> None:
    """Its own steps, texts, or a preparation that nobody knows: the pipeline answers."""
    assert compiled(fit([0, 1]), COLUMNS) is None
    assert compiled(object(), COLUMNS) is None
    texts = Columns(id=("id",), label="late", numeric=("distance", "hour"), text=("note",))
    assert compiled(prepared(COLUMNS), texts) is None
    known = prepared(COLUMNS, CASES[1])
    odd = Pipeline([("prepare", known[0]), ("more", "passthrough"), ("model", known[-1])])
    assert compiled(odd, COLUMNS) is None


def test_a_part_that_raises_leaves_the_pipeline_to_answer() -> None:
    """Whatever it raises: a version must not fail to load for want of a faster way."""
    pipeline = prepared(COLUMNS, CASES[1])

    class Odd:
        def predict_proba(self, rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            raise RuntimeError(f"{len(rows)} rows are too many")

    assert compiled(Pipeline([("prepare", pipeline[0]), ("model", Odd())]), COLUMNS) is None


def test_a_boosted_regression_and_several_classes() -> None:
    """The other tasks have their own last step."""
    frame = to_frame(COLUMNS, toy_records(300))
    for kind, y in (("Regressor", frame["hour"].fillna(0) * 1.5), ("Classifier", np.array(["a", "b", "c"])[np.arange(300) % 3])):
        pipeline = prepared(COLUMNS, f"sklearn.ensemble.HistGradientBoosting{kind}", y=y)
        fast: Any = compiled(pipeline, COLUMNS)
        assert fast is not None
        for row in ROWS[:20]:
            assert fast.predict(row).tolist() == pipeline.predict(to_frame(COLUMNS, [row])).tolist()
