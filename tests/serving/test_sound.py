"""A large request is found right at once, or looked at closer; never taken for right when it is not."""

from __future__ import annotations

import json
import math
from typing import Any

import pandas as pd
import pytest

from include.ratchet.serving.checks import checked
from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.frames import to_frame
from include.ratchet.serving.sound import sound
from tests.serving.fakes import COLUMNS, ROW, toy_records

MANY = toy_records(300, seed=8)
ALIKE = {name: [row[name] for row in MANY] for name in COLUMNS.features}


def test_what_is_right_passes_as_columns() -> None:
    """In both forms, and the frame is the one that row by row gives."""
    for content in ({"records": MANY}, {"columns": ALIKE}):
        found = sound(json.loads(json.dumps(content)), COLUMNS)
        assert found == ALIKE
        pd.testing.assert_frame_equal(to_frame(COLUMNS, found), to_frame(COLUMNS, MANY))


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
    with pytest.raises(RequestError) as caught:
        checked(content, COLUMNS)
    assert [(fault.row, fault.field) for fault in caught.value.faults] == [(200, field)]


@pytest.mark.parametrize(
    "content",
    [
        {"records": [*MANY, {**ROW, "more": 1}]},
        {"records": [*MANY, 5]},
        {"records": MANY[:10]},
        {"columns": {**ALIKE, "hour": ALIKE["hour"][1:]}},
        {"columns": {**ALIKE, "hour": 5}},
        {"columns": {"hour": ALIKE["hour"]}},
        {"columns": {}},
        {"rows": MANY},
        {"records": MANY * 40},
        [],
    ],
)
def test_what_is_not_surely_right_is_looked_at(content: Any) -> None:
    """Missing, unknown, ragged, too few or too many: that is for the checks to say."""
    assert sound(content, COLUMNS) is None


def test_letters_of_other_scripts_are_right() -> None:
    """They only take the longer way."""
    assert checked({"records": [*MANY, {**ROW, "carrier": "Ö"}]}, COLUMNS)
