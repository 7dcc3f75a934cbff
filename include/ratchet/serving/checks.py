"""Read a request's body and check every value against the model's features."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from typing import Any, cast

from pydantic_core import from_json

from include.ratchet.domain.modelspec import Columns
from include.ratchet.domain.specs import did_you_mean
from include.ratchet.serving.errors import MAX_FAULTS, Fault, RequestError, clip, invalid_input, shown
from include.ratchet.serving.frames import Rows, row_count
from include.ratchet.serving.reader import LARGE, MAX_ROWS

_FORMS = ["columns", "records"]
_LARGEST = sys.float_info.max
_NUMBER = "a finite number or null"
_STRING = "a string or null"
_NAME = "a string or a whole number, or null"
_VALUE = "a finite number, a string, or null"


def checked(content: Any, columns: Columns, also: Collection[str] = ()) -> Rows:
    """Return the rows of a parsed request.

    Args:
        content: What `parse` returned.
        columns: Of the version that is to answer. Its id and entity columns may be sent, and need not.
        also: More fields that may be sent, such as features of another version, whichever kind those are of; their values are
            logged with the others, and so checked with them.

    Raises:
        RequestError: 422 with up to `MAX_FAULTS` faults.
    """
    faults = list(islice(_faults(content, columns, also), MAX_FAULTS))
    if faults:
        raise invalid_input(faults)
    return cast("Rows", next(iter(content.values())))


def parse(body: bytes, row: int | None = None) -> Any:
    """Read JSON.

    Args:
        body: The whole request; or one line of it.
        row: Which row that line is, from 0, for the text of what is wrong.

    Raises:
        RequestError: 400 when it is none.
    """
    try:
        if len(body) > LARGE:  # in half of the time, and the same where it says anything
            return from_json(body)
    except ValueError:
        pass  # what is wrong, or odd as half a surrogate pair is, is named below
    what = "the body" if row is None else f"row {row}"
    try:
        # Decoded here: json.loads(bytes) would guess UTF-16 and let half surrogate pairs through.
        return json.loads(body.decode("utf-8"))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}" if row is None else f"column {error.colno}"
        raise RequestError(400, "malformed_json", f"{what} is not JSON: {error.msg} at {where}") from None
    except UnicodeDecodeError:
        raise RequestError(400, "malformed_json", f"{what} is not UTF-8") from None
    except (ValueError, RecursionError):
        # An integer of more than 4,300 digits, or nesting deeper than the interpreter's stack.
        raise RequestError(400, "malformed_json", f"{what} holds an integer too long, or is nested too deeply") from None


def _faults(content: Any, columns: Columns, also: Collection[str]) -> Iterator[Fault]:
    if not isinstance(content, dict) or len(content) != 1:
        yield Fault(None, "", shown(content), 'an object with one key, "records" or "columns"')
        return
    form, rows = next(iter(content.items()))
    if form not in _FORMS:
        yield Fault(None, clip(form), "an unknown key", f'"records" or "columns"{did_you_mean(clip(form), _FORMS)}')
    elif form == "records":
        wrong = Fault(None, form, shown(rows), "an array of objects")
        yield from _faults_in_records(rows, columns, also) if isinstance(rows, list) else [wrong]
    else:
        wrong = Fault(None, form, shown(rows), "an object of arrays")
        yield from _faults_in_columns(rows, columns, also) if isinstance(rows, dict) else [wrong]


def _faults_in_records(records: list[Any], columns: Columns, also: Collection[str]) -> Iterator[Fault]:
    yield from _count_fault("records", len(records))
    expected = set(columns.features)
    checks = _checks(columns, also)
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            yield Fault(row, "", shown(record), "an object, field to value")
            continue
        if record.keys() != expected:
            yield from _key_faults(row, record, columns, also)
        for name, allowed, is_right in checks:
            if name in record and not is_right(record[name]):
                yield Fault(row, name, shown(record[name]), allowed)


def _faults_in_columns(content: dict[str, Any], columns: Columns, also: Collection[str]) -> Iterator[Fault]:
    yield from _key_faults(None, content, columns, also)
    checks = {name: (allowed, is_right) for name, allowed, is_right in _checks(columns, also)}
    given = {name: content[name] for name in checks if name in content}
    lists = {name: values for name, values in given.items() if isinstance(values, list)}
    yield from (Fault(None, name, shown(values), "an array, one value per row") for name, values in given.items() if name not in lists)
    length = row_count(lists)
    if lists:
        yield from _count_fault("columns", length)
    for name, values in lists.items():
        if len(values) != length:
            yield Fault(None, name, f"{len(values)} values", f"{length}, as many as {next(iter(lists))!r} has")
        allowed, is_right = checks[name]
        for row, value in enumerate(values):
            if not is_right(value):
                yield Fault(row, name, shown(value), allowed)


def _checks(columns: Columns, also: Collection[str]) -> list[tuple[str, str, Callable[[object], bool]]]:
    """Return every field that may be sent, and what it may hold: the features, what names a row, and the others."""
    found: list[tuple[str, str, Callable[[object], bool]]] = [(name, _NUMBER, _is_number) for name in columns.numeric]
    found += [(name, _STRING, _is_string) for name in (*columns.categorical, *columns.text)]
    found += [(name, _NAME, _is_name) for name in naming(columns)]
    return found + [(name, _VALUE, _is_value) for name in sorted({*also}.difference(name for name, *_ in found))]


def naming(columns: Columns) -> list[str]:
    """Return the columns that are no features and name a row, or whose row it is."""
    return [name for name in dict.fromkeys([*columns.id, *columns.entity]) if name not in columns.features]


def _count_fault(field: str, count: int) -> Iterator[Fault]:
    if not 1 <= count <= MAX_ROWS:
        yield Fault(None, field, f"{count} rows", f"1 to {MAX_ROWS} rows")


def _key_faults(row: int | None, given: dict[str, Any], columns: Columns, also: Collection[str]) -> Iterator[Fault]:
    """Report missing features (null has to be said) and unknown keys, which are mostly misspelt features."""
    for name in columns.features:
        if name not in given:
            yield Fault(row, name, "nothing", f"required; {_NUMBER if name in columns.numeric else _STRING}")
    known = [*columns.features, *naming(columns)]
    for key in given:
        if key not in known and key not in also:
            yield Fault(row, clip(key), "an unknown field", f"one of {', '.join(known)}{did_you_mean(clip(key), known)}")


def _is_number(value: object) -> bool:
    """Accept null, int and float; not true and false, NaN, Infinity or what overflows float64."""
    return value is None or (type(value) in (int, float) and -_LARGEST <= cast("float", value) <= _LARGEST)


def _is_name(value: object) -> bool:
    """Accept what may name a row."""
    return _is_string(value) or (type(value) is int and -_LARGEST <= value <= _LARGEST)


def _is_value(value: object) -> bool:
    """Accept what one version or another may predict on."""
    return _is_string(value) or _is_number(value)


def _is_string(value: object) -> bool:
    """Accept null and strings that are text: half a surrogate pair cannot be encoded by any tokenizer."""
    if type(value) is not str:
        return value is None
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
