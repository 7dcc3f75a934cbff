"""One run of Great Expectations: what was broken, where, and its page."""

from __future__ import annotations

from typing import Any

import pandas as pd

from include.ratchet.steps.suite import Outcome, run_suite
from tests.makers import feed_spec

BETWEEN = {"type": "expect_column_values_to_be_between", "column": "v", "min_value": 0, "max_value": 10}
FRAME = pd.DataFrame({"id": [1, 2, 2, 4], "v": [5.0, 98765.0, None, -1.0]})


def run(*expectations: dict[str, Any], **keys: Any) -> Outcome:
    """Run a suite over the frame."""
    spec = feed_spec(expectations=list(expectations), **keys)
    return run_suite(FRAME, spec, spec.suite())


def test_positions_counts_and_kinds() -> None:
    """Row rules name positions; rules about the batch name none, and say what was seen."""
    columns = {"type": "expect_table_row_count_to_be_between", "min_value": 10, "route": "stop"}
    rows, table = run(BETWEEN, columns).broken
    assert rows.positions is not None
    assert (rows.positions.tolist(), rows.count) == ([1, 3], 2)
    assert (table.positions, table.seen) == (None, "observed 4")


def test_what_is_unique() -> None:
    """All rows of a name that stands twice are named, of one column and of several."""
    found = run(unique=[["id"], ["id", "v"]]).broken
    assert [each.positions.tolist() for each in found if each.positions is not None] == [[1, 2]]


def test_the_page_shows_what_was_found_but_of_nobody() -> None:
    """Great Expectations' page holds the rule and examples; of a personal column it holds none."""
    assert "98765" in run(BETWEEN).page
    hidden = run(BETWEEN, personal=["v"]).page
    assert "98765" not in hidden
    assert "values must be greater than or equal to" in hidden


def test_nothing_to_hold_against() -> None:
    """No suite, no run, no page."""
    assert run() == Outcome()
