"""Behaviour tests: what must not move, and what must not move the wrong way."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from include.ratchet.domain.gatespec import Behaviour
from include.ratchet.steps import behaviour
from tests.steps.worlds import bench_of, spec_of


class Logistic:
    """Rises with `x`, and is 0.3 higher where `c` is b."""

    classes_ = np.array([0, 1])

    def predict_proba(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return both columns."""
        positive = 0.6 / (1 + np.exp(-frame["x"].to_numpy())) + 0.3 * (frame["c"] == "b").to_numpy()
        return np.column_stack([1 - positive, positive])


def rate(**test: Any) -> tuple[float, float]:
    """Return the rate of broken rows, and the p-value of harm."""
    bench = bench_of(spec_of(gate__behaviour=[test]), challenger=Logistic())
    found = next(behaviour.guards(bench))
    return -(found.estimate or 0.0), found.p_below or 0.0


@pytest.mark.parametrize(("expect", "broken"), [("up", 0.0), ("down", 1.0), ("invariant", 1.0)])
def test_a_feature_that_raises_the_score(expect: str, broken: float) -> None:
    """More of `x` is up on every row, and neither down nor the same on any."""
    found, p = rate(change={"x": 2.0}, expect=expect, within=0.01)
    assert found == broken
    assert (p < 0.001) == (broken > 0)


def test_a_word_that_does_not_matter_to_those_who_have_it() -> None:
    """Set to b, half of the rows move by 0.3: that breaks invariance at 10 %, and not when 0.4 is allowed."""
    found, p = rate(change={"c": "b"}, expect="invariant")
    assert found == pytest.approx(0.5, abs=0.05)
    assert p < 0.001
    assert rate(change={"c": "b"}, expect="invariant", within=0.4)[0] == 0.0


def test_changes_leave_the_rows_alone() -> None:
    """Numbers are added to and words replaced, in a copy."""
    seen = pd.DataFrame({"x": [1.0, np.nan], "c": ["a", "b"]})
    made = behaviour.changed(seen, Behaviour.model_validate({"change": {"x": -1, "c": "z"}, "expect": "up"}))
    assert made["c"].tolist() == ["z", "z"]
    assert made["x"].iloc[0] == 0.0
    assert seen["x"].iloc[0] == 1.0


def test_many_rows_are_thinned_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 4,000 rows every fortieth is asked; all 40 days remain."""
    monkeypatch.setattr(behaviour, "MOST_ROWS", 100)
    bench = bench_of(spec_of(gate__behaviour=[{"change": {"x": 1}, "expect": "up"}]), challenger=Logistic())
    found = next(behaviour.guards(bench))
    assert (found.rows, found.blocks) == (100, 40)
