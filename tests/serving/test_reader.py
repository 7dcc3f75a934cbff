"""A large request is read at once into arrays, or looked at closer; never taken for right when it is not."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pytest

from include.ratchet.domain.modelspec import Columns
from include.ratchet.serving.checks import checked, naming, parse
from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.frames import to_frame
from include.ratchet.serving.reader import LARGE, MAX_ROWS, Reader, Table
from tests.serving.fakes import COLUMNS, ROW, toy_records

MANY = toy_records(800, seed=8)
ALIKE = {name: [row[name] for row in MANY] for name in COLUMNS.features}


def read(content: Any, columns: Columns = COLUMNS) -> Table | None:
    """Read a request."""
    body = json.dumps(content).encode()
    assert len(body) > LARGE
    return Reader(columns, naming(columns)).read(body)


def test_what_is_right_passes_as_columns() -> None:
    """In both forms, and the frame is the one that row by row gives."""
    for content in ({"records": MANY}, {"columns": ALIKE}):
        found = read(content)
        assert found is not None
        pd.testing.assert_frame_equal(to_frame(COLUMNS, found), to_frame(COLUMNS, MANY))


def test_nulls_whole_numbers_and_texts_become_what_the_version_was_fitted_on() -> None:
    """Whole numbers beyond 2^53 too; a text's null is empty, a category's stays; a column may be named as no variable may."""
    columns = COLUMNS.model_copy(update={"numeric": ("how far, km", "hour"), "text": ("note",)})
    row: dict[str, Any] = {"how far, km": None, "hour": 2**60 + 1, "carrier": None, "note": None}
    rows = [row, {**row, "how far, km": 1e-7, "note": "spät", "carrier": "\U0001f600"}] * 500
    for content in ({"records": rows}, {"columns": {name: [each[name] for each in rows] for name in row}}):
        found = read(content, columns)
        assert found is not None
        pd.testing.assert_frame_equal(to_frame(columns, found), to_frame(columns, rows))


@pytest.mark.parametrize("name", ['5" pipe', "a\\b", "a\nb", "\x01"])
def test_a_name_that_no_reader_takes_is_left_to_the_checks(name: str) -> None:
    """A feature, or what names a row, may have a quote, a backslash or a control character in its name."""
    feature, key = COLUMNS.model_copy(update={"numeric": (name, "hour")}), COLUMNS.model_copy(update={"id": (name,)})
    for columns in (feature, key):
        rows = [{**dict.fromkeys(columns.features), name: 1}] * 1000
        assert read({"records": rows}, columns) is None
        assert checked({"records": rows}, columns) == rows


def test_what_names_a_row_may_be_sent() -> None:
    """By all rows or some; it is checked as well, and not predicted on."""
    columns = COLUMNS.model_copy(update={"id": ("id",), "entity": ("plane",)})
    named = [{**row, "id": number, "plane": "N1"} for number, row in enumerate(MANY)]
    table = {**ALIKE, "id": list(range(len(MANY)))}
    for content in ({"records": [*named, *MANY]}, {"columns": table}):
        assert set(read(content, columns) or {}) == set(columns.features)
    for wrong in (1.5, True, 10**400):
        assert read({"records": [*named, {**ROW, "id": wrong}]}, columns) is None
        assert read({"columns": {**table, "id": [wrong] * len(MANY)}}, columns) is None
    assert read({"columns": {**table, "id": [1]}}, columns) is None


def test_a_small_request_is_left_to_the_checks() -> None:
    """Building arrays takes longer than its few values."""
    assert Reader(COLUMNS, ()).read(json.dumps({"records": [ROW]}).encode()) is None
    few = [{**ROW, "carrier": "x" * 1000}] * 20
    assert read({"records": few}) is None


WRONG: list[tuple[str, Any]] = [
    ("distance", "12"),
    ("distance", True),
    ("hour", math.nan),
    ("hour", math.inf),
    ("hour", 10**400),
    ("carrier", 7),
    ("carrier", "\ud800"),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
@pytest.mark.parametrize("form", ["records", "columns"])
def test_one_wrong_value_of_many_is_named(form: str, field: str, value: Any) -> None:
    """By its row and field, as in a small request."""
    rows = [*MANY[:200], {**ROW, field: value}, *MANY[200:]]
    content = {"records": rows} if form == "records" else {"columns": {name: [row[name] for row in rows] for name in COLUMNS.features}}
    assert read(content) is None
    with pytest.raises(RequestError) as caught:
        checked(parse(json.dumps(content).encode()), COLUMNS)
    assert [(fault.row, fault.field) for fault in caught.value.faults] == [(200, field)]


@pytest.mark.parametrize(
    "content",
    [
        {"records": [*MANY, {**ROW, "more": 1}]},
        {"records": [*MANY, 5]},
        {"columns": {**ALIKE, "hour": ALIKE["hour"][1:]}},
        {"columns": {**ALIKE, "hour": 5}},
        {"columns": {name: ALIKE[name] for name in ("distance", "carrier")}},
        {"records": MANY, "columns": ALIKE},
        {"columns": ALIKE, "more": 1},
        {"records": None, "columns": ALIKE},
        {"rows": MANY},
        {"records": MANY * 40},
        {"columns": {name: values * 40 for name, values in ALIKE.items()}},
    ],
)
def test_what_is_not_surely_right_is_looked_at(content: Any) -> None:
    """Missing, unknown, ragged or too many: that is for the checks to say."""
    assert read(content) is None


@pytest.mark.parametrize("broken", [b"", b"{", b"\xff" * LARGE, b"[" * 10 * LARGE, b'{"records": ' + b" " * LARGE + b"}"])
def test_what_is_no_json_is_looked_at(broken: bytes) -> None:
    """Cut off, of another encoding, nested without end."""
    body = json.dumps({"records": MANY}).encode()
    reader = Reader(COLUMNS, ())
    assert reader.read(body) is not None
    for each in (broken, body[:-1], body + b"x", body.replace(b'"carrier"', b'"carri\xff"', 1), body.decode().encode("utf-16")):
        assert reader.read(each) is None


def test_the_largest_request_is_read() -> None:
    """As many rows as may be sent."""
    found = read({"records": [ROW] * MAX_ROWS})
    assert found is not None
    assert len(found["hour"]) == MAX_ROWS
