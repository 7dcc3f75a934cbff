"""Names of columns: guesses at renames by name, by type and by value."""

from __future__ import annotations

import pyarrow as pa

from include.ratchet.domain.skew import Change, Known
from include.ratchet.steps.headers import under_names
from include.ratchet.steps.statistics import describe
from tests.makers import feed_spec

SPEC = feed_spec({"id": "int64", "distance": "float64", "colour": "string"})


def test_a_rename_is_guessed_by_name_where_the_cells_fit() -> None:
    """Of two like names the one whose cells read as the type is the guess, and it is applied."""
    came = pa.table({"id": ["1"], "distance_text": ["far"], "distance_km": ["5"], "colour": ["red"]})
    rows, changes = under_names(came, SPEC, Known())
    assert [each.said for each in changes] == [
        "distance_km: renamed from distance?",
        "distance_text: new; the schema does not have it",
    ]
    assert rows.column_names == ["id", "distance", "colour"]
    assert rows["distance"].to_pylist() == ["5"]


def test_a_rename_is_guessed_by_value() -> None:
    """A name of nothing in common, with the values that the column had before, is a rename; with others it is not."""
    past = pa.table({"id": [1, 2, 3], "distance": [10.0, 20.0, 30.0], "colour": ["red", "green", "red"]})
    known = Known(history=(describe(past, SPEC),))
    came = pa.table({"id": ["1", "2", "3"], "distance": ["1", "2", "3"], "farbton": ["red", "red", "green"]})
    assert [each.said for each in under_names(came, SPEC, known)[1]] == ["farbton: renamed from colour?"]
    other = came.set_column(2, "farbton", pa.array(["x", "y", "z"]))
    assert [each.kind for each in under_names(other, SPEC, known)[1]] == ["missing", "new"]
    numbers = pa.table({"id": ["1", "2", "3"], "how_far": ["11", "19", "30"], "colour": ["red"] * 3})
    assert [each.said for each in under_names(numbers, SPEC, known)[1]] == ["how_far: renamed from distance?"]


def test_what_was_accepted_is_applied() -> None:
    """An accepted rename reads the column, an accepted new one is left out, an accepted missing one is empty."""
    accepted = frozenset({Change("renamed", "distance", "far"), Change("new", "x", "x"), Change("missing", "colour", "")})
    rows, changes = under_names(pa.table({"id": ["1"], "far": ["5"], "x": ["?"]}), SPEC, Known(accepted))
    assert changes == []
    assert rows.to_pylist() == [{"id": "1", "distance": "5", "colour": None}]


def test_a_part_of_the_key_is_said_to_be_one() -> None:
    """A missing key is worse than a missing column."""
    (change,) = under_names(pa.table({"distance": ["1"], "colour": ["red"]}), SPEC, Known())[1]
    assert change.said == "id: missing (part of the key); found distance, colour"
