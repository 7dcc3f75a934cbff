"""Errors and latency per version, and inputs that are not what training sees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa

from include.ratchet.domain.records import Json
from include.ratchet.steps.answered import service, serving_skew
from include.ratchet.steps.requests import to_table
from tests.makers import model_spec

AT = datetime(2020, 1, 1, tzinfo=UTC)
SPEC = model_spec()
ROWS = pa.table({"id": [1, 2, 3], "x": [1.0, 2.0, None], "c": ["a", "b", None]})


def line(number: int, rows: list[Json], *, error: str = "", version: int = 1, ms: float = 2.0) -> Json:
    """Make one logged request."""
    said = None if error else {"predictions": [1] * len(rows), "probabilities": [0.5] * len(rows)}
    head = {"id": f"{number:032x}", "at": (AT + timedelta(hours=number)).isoformat(), "route": "champion", "version": version}
    return {**head, "ms": ms, "error": error, "in": {"records": rows}, "out": said}


def test_errors_and_latency_are_per_request() -> None:
    """A request of many rows counts once; older ones do not count; versions are apart."""
    lines = [line(i, [{"x": 1.0}] * (i + 1), ms=float(i), error="ValueError" if i == 3 else "") for i in range(5)]
    found = service(to_table([*lines, line(9, [{"x": 1.0}], version=2)], SPEC, {}), AT + timedelta(hours=1))
    assert [(each["version"], each["requests"], each["rows"], each["errors"]) for each in found] == [(1, 4, 14, 0.25), (2, 1, 1, 0.0)]
    assert (found[0]["p50_ms"], found[0]["p99_ms"]) == (2.5, 3.97)


def test_inputs_that_training_does_not_see_are_named() -> None:
    """Row 1 has another number, row 2 another category; missing is missing, what was left out is not compared, others are not joined."""
    asked: list[Json] = [
        {"id": 1, "x": 1.5, "c": "a"},
        {"id": 2, "x": 2.0 + 1e-9, "c": "B"},
        {"id": 3, "x": None},
        {"id": 9, "x": 0.0},
        {"x": 7.0},
    ]
    found = serving_skew(to_table([line(0, asked)], SPEC, {}), ROWS, SPEC, SPEC.columns, AT)
    assert found == {"rows": 3, "different": {"c": 0.5, "x": 0.333333}}


def test_nothing_in_common_is_no_error() -> None:
    """Without a row in both there is nothing to compare."""
    assert serving_skew(to_table([line(0, [{"x": 1.0}])], SPEC, {}), ROWS, SPEC, SPEC.columns, AT) == {"rows": 0, "different": {}}


def test_a_service_that_was_idle_is_no_error() -> None:
    """No request since then: nothing to say."""
    assert service(to_table([line(0, [{"x": 1.0}])], SPEC, {}), AT + timedelta(hours=1)) == []


def test_what_is_no_number_differs() -> None:
    """A text in the place of a number is counted, and stops nothing."""
    asked: list[Json] = [{"id": 1, "x": "sha256:00", "c": "a"}, {"id": 2, "x": 2.0, "c": "b"}]
    assert serving_skew(to_table([line(0, asked)], SPEC, {}), ROWS, SPEC, SPEC.columns, AT) == {"rows": 2, "different": {"x": 0.5}}
