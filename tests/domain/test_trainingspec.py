"""`training:` what may be searched, and what is said about the rest."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.ratchet.domain.trainingspec import Candidate, Range, Training


def candidate(**search: Any) -> Candidate:
    """Make a candidate that searches."""
    return Candidate.model_validate({"name": "a", "estimator": "sklearn.svm.SVC", "search": search})


def test_choices_and_ranges() -> None:
    """A list is choices, whatever is in it; a mapping is a range."""
    made = candidate(C={"low": 0.1, "high": 10, "log": True}, degree={"low": 2, "high": 8, "step": 2}, kernel=["rbf", None, [1, 2]])
    assert made.search == {
        "C": Range(low=0.1, high=10, log=True),
        "degree": Range(low=2, high=8, step=2),
        "kernel": ("rbf", None, [1, 2]),
    }


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        ({"low": 1, "high": 5}, True),
        ({"low": 1, "high": 5.5}, False),
        ({"low": 1, "high": 5, "step": 0.5}, False),
        ({"low": 1, "high": 5, "log": True}, True),
    ],
)
def test_whole_numbers_where_all_is_whole(content: dict[str, Any], whole: bool) -> None:  # noqa: FBT001 - an expected value
    """A depth from 1 to 5 is never 2.7."""
    assert Range.model_validate(content).whole is whole


@pytest.mark.parametrize(
    ("axis", "said"),
    [
        (3, "C: found 3; allowed is a list of choices, or {low, high}"),
        ("1, 2", "C: found '1, 2'; allowed is a list"),
        ([], "C: found an empty list"),
        ({"low": 1}, "C: found {'low': 1}; allowed is a list"),
        ({"low": 1, "hihg": 2}, "allowed is a list of choices, or {low, high}"),
        ({"low": 2, "high": 1}, "low 2, high 1; allowed is a low that is less than high"),
        ({"low": 0, "high": 1, "log": True}, "allowed with log is a low above 0 and no step"),
        ({"low": 1, "high": 2, "log": True, "step": 1}, "allowed with log is a low above 0 and no step"),
        ({"low": 1, "high": 2, "step": 0}, "step 0; allowed is a step above 0"),
        ({"low": 1, "high": 2, "step": 5}, "step 5; allowed is a step above 0 that fits"),
    ],
)
def test_a_search_that_cannot_be(axis: Any, said: str) -> None:
    """The parameter, what was found, and what is allowed."""
    with pytest.raises(ValidationError) as caught:
        candidate(C=axis)
    assert said in str(caught.value)


@pytest.mark.parametrize("folds", [0, 21, 2.5])
def test_folds_are_a_small_whole_number(folds: float) -> None:
    """From 1 to 20."""
    content = {"split": {"validation": "7d", "test": "28d"}, "candidates": [{"name": "a", "estimator": "sklearn.svm.SVC"}], "folds": folds}
    with pytest.raises(ValidationError, match="folds"):
        Training.model_validate(content)
