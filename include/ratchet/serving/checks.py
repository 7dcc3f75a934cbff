"""Read a request's body and check every value against the model's features."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, cast

from include.ratchet.domain.modelspec import Columns
from include.ratchet.domain.specs import did_you_mean
from include.ratchet.serving.errors import MAX_FAULTS, Fault, RequestError, clip, invalid_input, shown
from include.ratchet.serving.frames import Rows, row_count

MAX_ROWS = 10_000
_FORMS = ["columns", "records"]
_LARGEST = sys.float_info.max
_NUMBER = "a finite number or null"
_STRING = "a string or null"


def read_rows(body: bytes, columns: Columns, fill: Callable[[Any], Any] = lambda content: content) -> Rows:
    """Return the rows of a request, every one complete and of the right types, after `fill` has added what may be left out.

    Raises:
        RequestError: 400 when the body is not JSON; 422 with up to `MAX_FAULTS` faults otherwise.
    """
    content = fill(_parse(body))
    faults = list(islice(_faults(content, columns), MAX_FAULTS))
    if faults:
        raise invalid_input(faults)
    return cast("Rows", next(iter(content.values())))


def _parse(body: bytes) -> Any:
    try:
        # Decoded here: json.loads(bytes) would guess UTF-16 and let half surrogate pairs through.
        return json.loads(body.decode("utf-8"))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RequestError(400, "malformed_json", f"the body is not JSON: {error.msg} at {where}") from None
    except UnicodeDecodeError:
        raise RequestError(400, "malformed_json", "the body is not UTF-8") from None
    except (ValueError, RecursionError):
        # An integer of more than 4,300 digits, or nesting deeper than the interpreter's stack.
        raise RequestError(400, "malformed_json", "the body holds an integer too long, or is nested too deeply") from None


def _faults(content: Any, columns: Columns) -> Iterator[Fault]:
    if not isinstance(content, dict) or len(content) != 1:
        yield Fault(None, "", shown(content), 'an object with one key, "records" or "columns"')
        return
    form, rows = next(iter(content.items()))
    if form not in _FORMS:
        yield Fault(None, clip(form), "an unknown key", f'"records" or "columns"{did_you_mean(clip(form), _FORMS)}')
    elif form == "records":
        yield from _faults_in_records(rows, columns) if isinstance(rows, list) else [Fault(None, form, shown(rows), "an array of objects")]
    else:
        yield from _faults_in_columns(rows, columns) if isinstance(rows, dict) else [Fault(None, form, shown(rows), "an object of arrays")]


def _faults_in_records(records: list[Any], columns: Columns) -> Iterator[Fault]:
    yield from _count_fault("records", len(records))
    expected = set(columns.features)
    checks = [(name, *((_NUMBER, _is_number) if name in columns.numeric else (_STRING, _is_string))) for name in columns.features]
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            yield Fault(row, "", shown(record), "an object, field to value")
            continue
        if record.keys() != expected:
            yield from _key_faults(row, record, columns)
        for name, allowed, is_right in checks:
            if name in record and not is_right(record[name]):
                yield Fault(row, name, shown(record[name]), allowed)


def _faults_in_columns(content: dict[str, Any], columns: Columns) -> Iterator[Fault]:
    yield from _key_faults(None, content, columns)
    given = {name: content[name] for name in columns.features if name in content}
    lists = {name: values for name, values in given.items() if isinstance(values, list)}
    yield from (Fault(None, name, shown(values), "an array, one value per row") for name, values in given.items() if name not in lists)
    length = row_count(lists)
    if lists:
        yield from _count_fault("columns", length)
    for name, values in lists.items():
        if len(values) != length:
            yield Fault(None, name, f"{len(values)} values", f"{length}, as many as {next(iter(lists))!r} has")
        numeric = name in columns.numeric
        is_right = _is_number if numeric else _is_string
        for row, value in enumerate(values):
            if not is_right(value):
                yield Fault(row, name, shown(value), _NUMBER if numeric else _STRING)


def _count_fault(field: str, count: int) -> Iterator[Fault]:
    if not 1 <= count <= MAX_ROWS:
        yield Fault(None, field, f"{count} rows", f"1 to {MAX_ROWS} rows")


def _key_faults(row: int | None, given: dict[str, Any], columns: Columns) -> Iterator[Fault]:
    """Report missing features (null has to be said) and unknown keys, which are mostly misspelt features."""
    for name in columns.features:
        if name not in given:
            yield Fault(row, name, "nothing", f"required; {_NUMBER if name in columns.numeric else _STRING}")
    known = list(columns.features)
    for key in given:
        if key not in known:
            yield Fault(row, clip(key), "an unknown field", f"one of {', '.join(known)}{did_you_mean(clip(key), known)}")


def _is_number(value: object) -> bool:
    """Accept null, int and float; not true and false, NaN, Infinity or what overflows float64."""
    return value is None or (type(value) in (int, float) and -_LARGEST <= cast("float", value) <= _LARGEST)


def _is_string(value: object) -> bool:
    """Accept null and strings that are text: half a surrogate pair cannot be encoded by any tokenizer."""
    if type(value) is not str:
        return value is None
    return value.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in value)
