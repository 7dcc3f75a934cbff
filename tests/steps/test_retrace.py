"""What a replay compares."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from include.ratchet.steps.frames import Split
from include.ratchet.steps.retrace import count_differing, differing_rows, split_digest

ROWS = pa.table({"id": [1, 2, 3], "part": ["a", "a", "b"], "x": [0.5, None, 2.0], "word": ["red", "blue", None]})
IDS = ("id", "part")


def parts(train: list[int], test: list[int]) -> Split:
    """Say which rows are for what."""
    return Split(np.isin(np.arange(3), train), np.isin(np.arange(3), test))


def test_who_is_held_out_counts_and_not_the_order() -> None:
    """The same ids in another order are the same split; one row on the other side is another."""
    base = split_digest(ROWS, IDS, parts([0, 1], [2]))
    assert split_digest(ROWS.take([2, 1, 0]), IDS, parts([1, 2], [0])) == base
    assert split_digest(ROWS, IDS, parts([0], [1, 2])) != base
    assert split_digest(ROWS, IDS, parts([2], [0, 1])) != base


def test_equal_tables_differ_nowhere() -> None:
    """What is missing on both sides is equal."""
    assert differing_rows(ROWS, ROWS, IDS) == []


@pytest.mark.parametrize(
    ("row", "column", "value", "said"),
    [
        (0, "x", 0.75, "id 1, part a: x is 0.75, and was 0.5"),
        (1, "x", 1.0, "id 2, part a: x is 1.0, and was nan"),
        (2, "word", "green", "id 3, part b: word is 'green', and was nan"),
    ],
)
def test_one_changed_cell_is_named(row: int, column: str, value: object, said: str) -> None:
    """The row by its id, the column, and both values."""
    values = ROWS[column].to_pylist()
    values[row] = value
    found = ROWS.set_column(ROWS.column_names.index(column), column, pa.array(values))
    assert differing_rows(found, ROWS, IDS) == [said]


def test_rows_that_only_one_has() -> None:
    """Both ways, and of very many only the number."""
    assert differing_rows(ROWS.slice(1), ROWS, IDS) == ["id 1, part a: only in the snapshot"]
    assert differing_rows(ROWS, ROWS.slice(0, 2), IDS) == ["id 3, part b: not in the snapshot"]
    many = pa.table({"id": range(50), "x": np.zeros(50)})
    found = differing_rows(many, many.set_column(1, "x", pa.array(np.ones(50))), ("id",))
    assert (len(found), found[-1]) == (21, "and 30 more")


def test_other_rows_are_counted() -> None:
    """One changed cell is one row, two more are two; the order is none, and neither is a column that only one has."""
    assert count_differing(ROWS, ROWS.take([2, 0, 1]).append_column("more", pa.array([1, 2, 3]))) == 0
    assert count_differing(ROWS, ROWS.set_column(2, "x", pa.array([0.5, None, 3.0]))) == 1
    assert count_differing(ROWS.slice(0, 1), ROWS) == count_differing(ROWS, ROWS.slice(0, 1)) == 2
