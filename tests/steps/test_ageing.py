"""The plot of losses by age."""

from __future__ import annotations

from include.ratchet.domain.records import Json
from include.ratchet.steps import ageing


def test_a_line_has_days_and_a_band() -> None:
    """Ages in windows become days; a loss of too few windows for an interval has a band of no height; one unknown is left out."""
    found: list[Json] = [
        {"age": 1, "estimate": 0.01, "low": 0.0, "high": 0.02},
        {"age": 2, "estimate": 0.03, "low": None, "high": None},
        {"age": 3, "estimate": None, "low": None, "high": None},
    ]
    made = ageing.curve("all", "est", found, 30.5)
    assert made.points == ((30.5, 0.01), (61.0, 0.03))
    assert made.band == ((0.0, 0.02), (0.03, 0.03))


def test_nothing_is_drawn_of_nothing() -> None:
    """Without a point there is no plot; with one its axes say what and in what unit."""
    assert ageing.plot([ageing.curve("all", "est", [], 1.0)], "roc_auc") is None
    drawn = ageing.plot([ageing.curve("all", "est", [{"age": 1, "estimate": 0.0, "low": None, "high": None}], 1.0)], "roc_auc")
    assert drawn
    assert "days since it was trained" in drawn
    assert "loss of roc_auc" in drawn
