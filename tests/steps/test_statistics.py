"""The figures of a batch: exact where they are cheap, and none of a personal value."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from include.ratchet.steps.statistics import QUANTILES, SAMPLE, describe, shape
from tests.makers import feed_spec


def test_numbers() -> None:
    """Counts, ends, mean, deviation and quantiles; NaN and infinity are in none of them."""
    values = [*range(101), None, float("nan"), float("inf")]
    found = describe(pa.table({"v": pa.array(values, pa.float64())}), feed_spec())["v"]
    assert (found["n"], found["nulls"], found["min"], found["max"], found["mean"]) == (104, 1, 0.0, 100.0, 50.0)
    assert found["q"] == pytest.approx([100 * q for q in QUANTILES])


def test_quantiles_of_many_rows_are_of_a_sample() -> None:
    """The quantiles of four times the sample are those of all rows to a percent of their spread."""
    values = np.random.default_rng(1).normal(size=4 * SAMPLE)
    found = describe(pa.table({"v": values}), feed_spec())["v"]
    assert found["q"] == pytest.approx(list(np.quantile(values, QUANTILES)), abs=0.03)


def test_texts_times_and_nothing() -> None:
    """Texts by their commonest values and shapes, times by their ends, an empty column by its counts."""
    rows = pa.table({"c": ["A1", "A1", "B"], "at": pa.array([0, 1, 2], pa.timestamp("us", tz="UTC")), "e": pa.nulls(3, pa.float64())})
    found = describe(rows, feed_spec({"c": "string", "at": "timestamp", "e": "float64?"}))
    assert found["c"]["values"] == {"A1": 0.6667, "B": 0.3333}
    assert found["c"]["shapes"] == {"a9": 0.6667, "a": 0.3333}
    assert found["at"]["max"].startswith("1970-01-01T00:00:00.000002")
    assert found["e"] == {"n": 3, "nulls": 3}


def test_a_personal_column_leaves_no_value() -> None:
    """Neither a text nor the greatest number is kept; how texts are written is."""
    rows = pa.table({"id": ["N14228"], "v": [123456.0]})
    found = describe(rows, feed_spec({"id": "string", "v": "float64"}, personal=["id", "v"]))
    assert found["id"] == {"n": 1, "nulls": 0, "shapes": {"a9": 1.0}}
    assert {"min", "max"} & set(found["v"]) == set()
    assert "N14228" not in json.dumps(found)


def test_shapes() -> None:
    """Letters of any alphabet and digits are runs; what is between them stays."""
    assert shape("2013-01-01-UA-1545") == shape("1999-7-12-é-2") == "9-9-9-a-9"
