"""Asking a model once, in chunks, and deciding at the threshold."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest

from include.ratchet.steps import answers
from include.ratchet.steps.answers import Answers, answer, answer_all
from tests.makers import model_spec


class Fixed:
    """A fitted binary model that answers with fixed probabilities."""

    classes_ = np.array(["no", "yes"])

    def __init__(self, *positive: float) -> None:
        """Keep the probabilities of "yes"."""
        self._positive = np.array(positive)

    def predict_proba(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return both columns."""
        return np.column_stack([1 - self._positive, self._positive])[: len(frame)]


class Doubling:
    """A regression that answers twice its feature, and counts how often it was asked."""

    def __init__(self) -> None:
        """Nobody has asked yet."""
        self.asked = 0

    def predict(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return twice `x`."""
        self.asked += 1
        return frame["x"].to_numpy() * 2


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, ["no", "yes", "yes"]), (0.7, ["no", "no", "yes"]), (0.1, ["yes", "yes", "yes"])])
def test_decisions_are_made_at_the_threshold(threshold: float, expected: list[str]) -> None:
    """A probability at or above the threshold is a yes."""
    said = answer(Fixed(0.1, 0.5, 0.7), pd.DataFrame(index=range(3)), threshold)
    assert said.predicted.tolist() == expected
    assert said.score.tolist() == [0.1, 0.5, 0.7]


def test_chunks_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five rows in chunks of two are asked three times, and answered in their order."""
    monkeypatch.setattr(answers, "CHUNK", 2)
    model, rows = Doubling(), pa.table({"x": [1.0, 2.0, 3.0, 4.0, 5.0], "c": ["a"] * 5})
    said = answer_all({"challenger": model}, rows, model_spec().columns)["challenger"]
    assert said.predicted.tolist() == [2.0, 4.0, 6.0, 8.0, 10.0]
    assert model.asked == 3


def test_some_rows_by_mask() -> None:
    """Predictions and probabilities are taken together."""
    said = answer(Fixed(0.1, 0.5, 0.7), pd.DataFrame(index=range(3))).take(np.array([True, False, True]))
    assert (said.predicted.tolist(), said.score.tolist()) == (["no", "yes"], [0.1, 0.7])
    assert Answers(np.array([1.0, 2.0])).take(np.array([1])).raw.tolist() == [2.0]
