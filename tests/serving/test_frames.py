"""Frames have the dtypes that training and serving agree on."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from include.ratchet.domain.modelspec import Columns
from include.ratchet.serving.frames import row_count, to_frame
from include.ratchet.steps.frames import features
from tests.serving.fakes import COLUMNS, toy_records

MIXED = Columns(id=("id",), label="y", numeric=("n", "flag"), categorical=("word", "code"), text=("note",))
MIXED_ROWS: list[dict[str, Any]] = [
    {"n": 1.5, "flag": True, "word": "a", "code": 3, "note": "late"},
    {"n": None, "flag": None, "word": None, "code": None, "note": None},
]
TEXT = Columns(id=("id",), label="y", text=("note",))


def test_columns_come_in_the_order_of_the_spec() -> None:
    """The frame has the features in the spec's order, whatever the record's order, and nothing else."""
    frame = to_frame(COLUMNS, [{"carrier": "UA", "more": 1, "hour": 2, "distance": 3}])
    assert list(frame.columns) == list(COLUMNS.features)


def test_numeric_is_float64_and_the_rest_object() -> None:
    """Numbers are float64 with NaN for null; strings are object with None for null, not pandas' own string dtype."""
    frame = to_frame(COLUMNS, [{"distance": 1, "hour": None, "carrier": None}, {"distance": 2.5, "hour": 3, "carrier": "UA"}])
    assert [str(dtype) for dtype in frame.dtypes] == ["float64", "float64", "object"]
    assert math.isnan(frame.loc[0, "hour"])  # type: ignore[arg-type]
    assert frame["carrier"].tolist() == [None, "UA"]


def test_one_kind_of_column_is_enough() -> None:
    """A model of text alone gets a frame of objects; no text is the empty text, which vectorizers take."""
    frame = to_frame(TEXT, [{"note": "late again"}, {"note": None}])
    assert frame["note"].tolist() == ["late again", ""]
    assert frame["note"].dtype == object


def test_records_and_columns_give_the_same_frame() -> None:
    """The two forms of input are equal."""
    columns: dict[str, list[Any]] = {"distance": [1.0, None], "hour": [2, 3], "carrier": ["UA", None]}
    records: list[dict[str, Any]] = [{"distance": 1.0, "hour": 2, "carrier": "UA"}, {"distance": None, "hour": 3, "carrier": None}]
    pd.testing.assert_frame_equal(to_frame(COLUMNS, columns), to_frame(COLUMNS, records))


@pytest.mark.parametrize("null", [None, math.nan, np.float64("nan"), pd.NA, pd.NaT])
def test_every_null_is_the_same_null(null: Any) -> None:
    """Steps may hand over any of pandas' nulls."""
    frame = to_frame(COLUMNS, [{"distance": null, "hour": 1, "carrier": null}])
    assert math.isnan(frame.loc[0, "distance"])  # type: ignore[arg-type]
    assert frame.loc[0, "carrier"] is None


def test_categories_that_are_numbers_become_strings() -> None:
    """A category read from a table as an integer is the string that clients send."""
    assert to_frame(COLUMNS, [{"distance": 1, "hour": 1, "carrier": np.int64(7)}]).loc[0, "carrier"] == "7"


@pytest.mark.parametrize(("columns", "rows"), [(COLUMNS, toy_records(50)), (MIXED, MIXED_ROWS)])
def test_training_and_serving_build_the_same_frame(columns: Columns, rows: list[dict[str, Any]]) -> None:
    """What a pipeline was fitted on is what it is asked with; else a null category is another category."""
    pd.testing.assert_frame_equal(to_frame(columns, rows), features(pa.Table.from_pylist(rows), columns))


def test_rows_are_counted_in_both_forms() -> None:
    """A row is a record, or one value of each column."""
    assert row_count([{}, {}]) == 2
    assert row_count({"a": [1, 2, 3]}) == 3
    assert row_count({}) == 0
