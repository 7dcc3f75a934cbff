"""Column types: where a whole column fits, and where only cells do."""

from __future__ import annotations

import pyarrow as pa
import pytest

from include.ratchet.domain.feedspec import COLUMN_TYPES
from include.ratchet.steps.columns import empty, to_type
from tests.makers import feed_spec

SPEC = feed_spec()


@pytest.mark.parametrize("kind", COLUMN_TYPES)
def test_an_empty_column_has_its_type(kind: str) -> None:
    """No cells, and no value in any cell, are both fine for every type."""
    for values in (pa.chunked_array([], type=pa.string()), pa.chunked_array([pa.nulls(3)])):
        converted, bad = to_type(values, kind, SPEC, "v")
        assert (len(converted), converted.null_count, bad) == (len(values), len(values), [])


@pytest.mark.parametrize("kind", COLUMN_TYPES)
def test_what_has_the_type_stays_as_it_is(kind: str) -> None:
    """Converting twice changes nothing."""
    texts = {"string": "a", "int64": "7", "float64": "1.5", "bool": "true", "timestamp": "2013-01-01T05:00:00Z", "date": "2013-01-01"}
    once, _ = to_type(pa.chunked_array([pa.array([texts[kind], None])]), kind, SPEC, "v")
    twice, bad = to_type(pa.chunked_array([once]), kind, SPEC, "v")
    assert twice.equals(once)
    assert bad == []


@pytest.mark.parametrize(
    ("kind", "cell"), [("int64", "seven"), ("float64", "1,5"), ("bool", "maybe"), ("timestamp", "soon"), ("date", "2013-02-30")]
)
def test_the_positions_of_bad_cells(kind: str, cell: str) -> None:
    """A cell that does not convert is null, and its position is told apart from cells that were empty."""
    converted, bad = to_type(pa.chunked_array([["", None], [cell, None]], type=pa.string()).slice(1), kind, SPEC, "v")
    assert bad == [1]
    assert converted.null_count == 3


def test_fractions_are_no_whole_numbers() -> None:
    """A float column is a column of whole numbers where its values are."""
    converted, bad = to_type(pa.chunked_array([[1.0, 2.5, None]]), "int64", SPEC, "v")
    assert (converted.to_pylist(), bad) == ([1, None, None], [1])


def test_an_empty_table_has_the_columns_of_a_clean_one() -> None:
    """SQL is checked on it before there is data: the schema's columns, a derived event time, and the batch."""
    spec = feed_spec({"id": "int64", "day": "date", "hr": "int64?"}, time={"columns": ["day", "hr"]})
    assert empty(spec).num_rows == 0
    assert {field.name: str(field.type) for field in empty(spec).schema} == {
        "id": "int64",
        "day": "date32[day]",
        "hr": "int64",
        "event_time": "timestamp[us, tz=UTC]",
        "_batch": "string",
    }
