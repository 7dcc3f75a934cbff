"""The rows of the bench table."""

from __future__ import annotations

import pytest

from benchmarks.table import COLUMNS, Row, markdown


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (Row("a", 0.05, limit=0.1), True),
        (Row("a", 0.2, limit=0.1), False),
        (Row("a", 2.0, peer=10.0, limit=0.25, of_ratio=True), True),
        (Row("a", 3.0, peer=10.0, limit=0.25, of_ratio=True), False),
        (Row("a", 3.0, peer=10.0), None),
        (Row("a", 3.0, limit=1.2, of_ratio=True), None),
    ],
)
def test_a_goal_is_met_by_the_figure_or_by_its_ratio(row: Row, met: bool | None) -> None:  # noqa: FBT001
    """A goal counts against ours, or against the ratio where it says so; without goal or peer there is no verdict."""
    assert row.met is met


def test_a_missed_goal_is_shown_as_missed() -> None:
    """What is not reached stands in the page as NOT met, with its ratio."""
    page = markdown({"Part": [Row("thing", 3.0, peer=2.0, peer_name="floor", limit=1.2, of_ratio=True)]})
    assert "| thing | 3.000 s | 2.000 s (floor) | 1.50 | <= 1.2 x | NOT met |" in page


def test_every_row_has_every_column() -> None:
    """Rows with and without peer and goal fill the same columns."""
    assert len(Row("a", 1.0).cells()) == len(Row("a", 1.0, peer=2.0, limit=3.0).cells()) == len(COLUMNS)
