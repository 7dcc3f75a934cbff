"""Groups of rows, and gains among some of them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from include.ratchet.steps import compare
from include.ratchet.steps.answers import Answers
from include.ratchet.steps.bench import Bench, groups
from tests.makers import model_spec


def test_groups_are_the_values_as_text() -> None:
    """Numbers, words and missing ones, each with its rows."""
    rows = pa.table({"n": pa.array([2, None, 10, 2]), "w": ["b", "a", None, "b"]})
    assert {value: inside.tolist() for value, inside in groups(rows, "n")} == {
        "(missing)": [False, True, False, False],
        "10": [False, False, True, False],
        "2": [True, False, False, True],
    }
    assert [value for value, _ in groups(rows, "w")] == ["(missing)", "a", "b"]


def test_a_gain_is_paired_and_only_of_its_rows() -> None:
    """Challenger right on three of four, champion on one: half; among the first two rows, one half too, on one day."""
    truth, classes = np.array([0, 1, 0, 1]), np.array([0, 1])

    def said(*right: int) -> Answers:
        predicted = np.where(np.array(right) == 1, truth, 1 - truth)
        return Answers(predicted, np.column_stack([1 - predicted, predicted]).astype(float), classes)

    sampled = compare.Units(np.array([0, 0, 1, 2]), serial=True)
    bench = Bench(
        model_spec(), {"challenger": said(1, 1, 1, 0), "champion": said(1, 0, 0, 0)}, truth, sampled, pa.table({"id": [1, 2, 3, 4]})
    )
    whole = bench.figure("accuracy", "challenger") - bench.figure("accuracy", "champion")
    assert whole.whole == pytest.approx(0.5)
    assert whole.influence == pytest.approx([0.0, 0.125, -0.125])
    assert bench.figure("accuracy", "champion") is bench.figure("accuracy", "champion")
    some = bench.gain(np.array([True, True, False, False]))
    assert (some.whole, len(some.influence)) == (0.5, 1)
