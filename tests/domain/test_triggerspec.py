"""Triggers: the dial follows from false alarms a year, and a budget says something."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pydantic import ValidationError

from include.ratchet.domain.triggerspec import Degradation, Drift, RunBudget


def test_the_dial_is_a_probability_per_window() -> None:
    """One false alarm a year is one in 52 windows of a week."""
    assert Drift(false_alarms_per_year=1).dial(timedelta(days=7)) == pytest.approx(7 / 365.25)
    assert Degradation(drop=0.1, windows="3 of 4").persistence == (3, 4)


@pytest.mark.parametrize("windows", ["2", "3 of 2", "0 of 3", "2 of 30", "two of three"])
def test_persistence_is_some_of_a_few_windows(windows: str) -> None:
    """What cannot be read as k of m, with k at most m, is refused with an example."""
    with pytest.raises(ValidationError, match="allowed is such as '2 of 3'"):
        Drift(windows=windows)


def test_a_budget_of_nothing_is_refused() -> None:
    """An empty budget would hold nothing back."""
    with pytest.raises(ValidationError, match="runs_per_day, minutes_per_day, or both"):
        RunBudget()
