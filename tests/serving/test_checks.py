"""What a client may send, and how it is told what it may not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from include.ratchet.serving.checks import checked, parse
from include.ratchet.serving.errors import MAX_FAULTS, Fault, RequestError
from include.ratchet.serving.frames import row_count
from include.ratchet.serving.reader import MAX_ROWS
from tests.serving.fakes import COLUMNS, ROW


def refused(body: Any) -> RequestError:
    """Send a body that must be refused; the error."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RequestError) as caught:
        checked(parse(raw), COLUMNS)
    return caught.value


def only_fault(body: Any) -> Fault:
    """Send a body with one fault; the fault."""
    error = refused(body)
    assert (error.status, error.code, len(error.faults)) == (422, "invalid_input", 1)
    return error.faults[0]


@pytest.mark.parametrize("content", [{"records": [ROW]}, {"columns": {name: [value] for name, value in ROW.items()}}])
def test_both_forms_pass(content: dict[str, Any]) -> None:
    """Records and columns are handed on as they came."""
    assert checked(parse(json.dumps(content).encode()), COLUMNS) == next(iter(content.values()))


def test_null_is_a_value() -> None:
    """Every feature may be null."""
    row = dict.fromkeys(COLUMNS.features)
    assert checked(parse(json.dumps({"records": [row]}).encode()), COLUMNS) == [row]


@pytest.mark.parametrize("value", ["12", True, [], {}])
def test_numeric_wants_a_number(value: Any) -> None:
    """Strings, booleans and containers are not numbers; the fault names row and field."""
    fault = only_fault({"records": [ROW, {**ROW, "distance": value}]})
    assert (fault.row, fault.field, fault.allowed) == (1, "distance", "a finite number or null")


@pytest.mark.parametrize("value", [7, 1.5, False, ["UA"]])
def test_categorical_wants_a_string(value: Any) -> None:
    """A number is not silently taken for a category."""
    fault = only_fault({"records": [{**ROW, "carrier": value}]})
    assert (fault.row, fault.field, fault.allowed) == (0, "carrier", "a string or null")


NOT_FINITE = [("NaN", "NaN"), ("-Infinity", "-Infinity"), ("1e999", "Infinity"), ("1" + "0" * 400, "an integer too large")]
NOT_JSON = [b"", b"{", b'{"records": [}', b"\xff\xfe{\x00}\x00", b"[" * 100_000, b'{"records": ' + b"9" * 5000 + b"}"]


@pytest.mark.parametrize(("text", "found"), NOT_FINITE)
def test_numbers_are_finite(text: str, found: str) -> None:
    """What is not JSON's or float64's is a fault of its field, not a failure."""
    body = b'{"columns": {"distance": [1, %s], "hour": [1, 2], "carrier": ["a", "b"]}}' % text.encode()
    fault = only_fault(body)
    assert (fault.row, fault.field) == (1, "distance")
    assert fault.found.startswith(found)


def test_half_a_surrogate_pair_is_not_text() -> None:
    """A string that no tokenizer could encode is refused."""
    assert only_fault(b'{"records": [{"distance": 1, "hour": 1, "carrier": "\\ud800"}]}').field == "carrier"
    assert checked(parse(b'{"records": [{"distance": 1, "hour": 1, "carrier": "\\ud83d\\ude00 \xc3\xa9"}]}'), COLUMNS)


def test_a_missing_field_is_a_fault() -> None:
    """Null has to be said: a forgotten field would otherwise predict quietly on nothing."""
    fault = only_fault({"records": [{"distance": 1, "carrier": "UA"}]})
    assert (fault.row, fault.field, fault.found) == (0, "hour", "nothing")
    assert fault.allowed.startswith("required")


def test_an_unknown_field_gets_a_hint() -> None:
    """A misspelt field is reported with the closest feature."""
    fault = only_fault({"records": [{**ROW, "distnace": 1}]})
    assert (fault.row, fault.field) == (0, "distnace")
    assert "did you mean 'distance'?" in fault.allowed


def test_an_unknown_column_gets_a_hint() -> None:
    """So is a misspelt column; it has no row."""
    fault = only_fault({"columns": {**{name: [value] for name, value in ROW.items()}, "Hour": [1]}})
    assert (fault.row, fault.field) == (None, "Hour")
    assert "did you mean 'hour'?" in fault.allowed


def test_columns_have_one_length() -> None:
    """A column that is shorter than the others is named with both lengths."""
    fault = only_fault({"columns": {"distance": [1, 2], "hour": [1, 2], "carrier": ["a"]}})
    assert (fault.field, fault.found, fault.allowed) == ("carrier", "1 values", "2, as many as 'distance' has")


ALSO = [
    ([1, 2], "2 values", "1, as many as 'distance' has"),
    (5, "5", "an array, one value per row"),
    ([True], "true", "a finite number, a string, or null"),
    ([[1]], "an array of 1 item(s)", "a finite number, a string, or null"),
    (["\ud800"], '"\ud800"', "a finite number, a string, or null"),
]


@pytest.mark.parametrize(("values", "found", "allowed"), ALSO)
def test_a_field_of_another_version_is_checked_too(values: Any, found: str, allowed: str) -> None:
    """Wherever it stands: it is logged with the row, and another version may predict on it."""
    row = {name: [value] for name, value in ROW.items()}
    for content in ({"columns": {"mood": values, **row}}, {"columns": {**row, "mood": values}}):
        with pytest.raises(RequestError) as caught:
            checked(parse(json.dumps(content).encode()), COLUMNS, {"mood", "hour"})
        assert [(fault.field, fault.found, fault.allowed) for fault in caught.value.faults] == [("mood", found, allowed)]


@pytest.mark.parametrize("value", [True, [1], {}, "\ud800", float("nan")])
def test_a_records_field_of_another_version_is_checked_too(value: Any) -> None:
    """Row by row, as the model's own fields are."""
    with pytest.raises(RequestError) as caught:
        checked(parse(json.dumps({"records": [ROW, {**ROW, "mood": value}]}).encode()), COLUMNS, {"mood"})
    assert [(fault.row, fault.field) for fault in caught.value.faults] == [(1, "mood")]


@pytest.mark.parametrize("value", [None, 1.5, "glad"])
def test_a_field_of_another_version_may_be_sent(value: Any) -> None:
    """A number or a string: versions may differ in what they take it for."""
    for content in ({"columns": {**{name: [each] for name, each in ROW.items()}, "mood": [value]}}, {"records": [{**ROW, "mood": value}]}):
        assert row_count(checked(parse(json.dumps(content).encode()), COLUMNS, {"mood"})) == 1


def test_a_column_is_an_array() -> None:
    """One bare value is not a column."""
    assert only_fault({"columns": {"distance": 1, "hour": [1], "carrier": ["a"]}}).allowed == "an array, one value per row"


@pytest.mark.parametrize("count", [0, MAX_ROWS + 1])
def test_one_to_ten_thousand_rows(count: int) -> None:
    """No row and too many are refused in both forms."""
    assert only_fault({"records": [ROW] * count}).found == f"{count} rows"
    assert only_fault({"columns": {name: [value] * count for name, value in ROW.items()}}).found == f"{count} rows"


def test_ten_thousand_rows_pass() -> None:
    """The largest allowed request is read."""
    assert row_count(checked(parse(json.dumps({"records": [ROW] * MAX_ROWS}).encode()), COLUMNS)) == MAX_ROWS


@pytest.mark.parametrize("body", [[], 5, None, {}, {"records": [ROW], "columns": {}}, {"records": ROW}, {"columns": []}, {"records": [5]}])
def test_other_shapes_are_refused(body: Any) -> None:
    """Anything but one of the two forms is one fault that says what is allowed."""
    assert only_fault(body).allowed


def test_a_misspelt_form_gets_a_hint() -> None:
    """The two forms are named."""
    assert "did you mean 'records'?" in only_fault({"record": []}).allowed


def test_faults_are_collected_and_bounded() -> None:
    """All faults of a request come at once, at most twenty, without reading the rest."""
    few = refused({"records": [{**ROW, "hour": "x", "carrier": 1}, {"distance": []}]})
    assert [(fault.row, fault.field) for fault in few.faults] == [(0, "hour"), (0, "carrier"), (1, "hour"), (1, "carrier"), (1, "distance")]
    many = refused({"records": [{**ROW, "hour": "x"}] * 100})
    assert len(many.faults) == MAX_FAULTS
    assert "at least 20" in many.message


def test_faults_are_bounded_in_length() -> None:
    """A megabyte of key or value is not sent back, nor searched for what it may have meant."""
    error = refused({"records": [{**ROW, "k" * 10**6: 1, "carrier": ["x" * 10**6], "hour": "9" * 10**6}]})
    assert len(str(error.faults)) < 1500


@pytest.mark.parametrize("body", NOT_JSON)
def test_what_is_not_json_is_400(body: bytes) -> None:
    """Malformed, not UTF-8, nested too deeply, a number too long: 400, never a failure of ours."""
    error = refused(body)
    assert (error.status, error.code, error.faults) == (400, "malformed_json", ())
