"""Made-up rows: in the form of any spec, learnable, the same for a seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from include.ratchet.faults.synthetic import synthetic
from include.ratchet.steps.frames import check_trainable, features, labels, split
from tests.makers import model_spec, untimed

NUMBERS = {"task": "regression", "gate": {"metric": "neg_mean_absolute_error", "business": {"neg_mean_absolute_error": ">= -12"}}}


@pytest.mark.parametrize(
    "spec",
    [
        model_spec(columns__segments=["area"], columns__weight="w"),
        model_spec(**NUMBERS),
        model_spec(task="multiclass"),
        untimed(columns__entity=["who"]),
    ],
    ids=["binary", "regression", "multiclass", "untimed"],
)
def test_rows_fit_the_spec(spec: Any) -> None:
    """They can be split and learnt from as they are, with every column that the spec names, and twice the same."""
    rows, window = synthetic(spec)
    check_trainable(rows, spec)
    parts = split(rows, spec, window)
    assert min(parts.train.sum(), parts.test.sum()) > 500
    assert features(rows, spec.columns).notna().all().all()
    assert {*spec.columns.segments, *spec.columns.entity} <= set(rows.column_names)
    assert synthetic(spec)[0].equals(rows)


def test_a_number_has_the_unit_of_its_bound() -> None:
    """The noise that no model can learn is less than what the business allows; the spread of the labels is more."""
    spec = model_spec(**NUMBERS)
    y = labels(synthetic(spec)[0], spec).astype(float)
    assert 12 < np.std(y) < 120
