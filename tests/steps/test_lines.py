"""Lines of JSON: what a container reads is what a model would have been given, and its answers belong to their rows."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from include.ratchet.domain.errors import DataError
from include.ratchet.steps.lines import from_lines, to_lines


def test_numbers_are_written_in_full_and_what_is_missing_as_null() -> None:
    """A third has all its digits; infinity is read as missing by every model; files are cut by rows."""
    seen = pd.DataFrame({"x": [1 / 3, np.nan, np.inf], "c": pd.Series(["ü", None, "b"], dtype=object)})
    first, second = to_lines(seen, part=2)
    assert [json.loads(each) for each in first.splitlines()] == [{"x": 1 / 3, "c": "ü"}, {"x": None, "c": None}]
    assert json.loads(second) == {"x": None, "c": "b"}


@pytest.mark.parametrize(("probability", "prediction", "score"), [(0.7, 1, 0.7), ({"a": 0.2, "b": 0.8}, "b", 0.8), (None, 3.5, 3.5)])
def test_each_task_has_its_score(probability: object, prediction: object, score: float) -> None:
    """The positive class, the most probable one, or the number itself."""
    line = json.dumps({"prediction": prediction, "probability": probability, "version": 2}).encode()
    predicted, scores = from_lines([line], 1, 2)
    assert (predicted.tolist(), scores.tolist()) == ([prediction], [score])


@pytest.mark.parametrize(
    ("rows", "version", "said"), [(2, 2, "1 answers; expected 2"), (1, 3, "some by version 2; expected 1 by version 3")]
)
def test_answers_of_others_are_refused(rows: int, version: int, said: str) -> None:
    """One answer short, or another version's: nothing is written."""
    with pytest.raises(DataError, match=said):
        from_lines([b'{"prediction": 1, "probability": 0.5, "version": 2}'], rows, version)


@pytest.mark.parametrize("line", [b"cut {", b"3", b'{"message": "broken"}', b'{"prediction": 1, "version": 2}'])
def test_an_answer_that_is_none_is_refused(line: bytes) -> None:
    """Said as what it is, and not tried again."""
    with pytest.raises(DataError, match=r"an answer among 1 cannot be read \(.*\); expected 1 by version 2\. Nothing was written"):
        from_lines([line], 1, 2)
