"""What the service logged becomes rows, and labels become a delivery."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from include.ratchet.steps.requests import as_predictions, is_delivery, known_ids, label_lines, prediction_id, readable, to_table
from tests.makers import model_spec

SPEC = model_spec()
AT = "2026-01-01T00:00:00+00:00"
ID = "a" * 32


def logged(rows: Any, said: Any, **changes: Any) -> dict[str, Any]:
    """Make a line of the log."""
    return {"id": ID, "at": AT, "version": 3, "route": "champion", "ms": 1.5, "error": "", "in": rows, "out": said, **changes}


SAID = {"predictions": [1, 0], "probabilities": [0.9, 0.2]}


@pytest.mark.parametrize(
    "rows",
    [
        {"records": [{"id": 7, "x": 1.0, "c": "a"}, {"x": None, "c": None}]},
        {"columns": {"id": [7, None], "x": [1.0, None], "c": ["a", None]}},
    ],
)
def test_a_request_is_one_row_per_row(rows: Any) -> None:
    """In both forms; a row without its own id is named by the prediction's, and one of the snapshot is marked."""
    first, second = to_table([logged(rows, SAID)], SPEC, {3: frozenset({"7"})}).to_pylist()
    assert (first["prediction_id"], first["row_id"], first["in_snapshot"]) == (f"{ID}.0", "7", True)
    assert (second["prediction_id"], second["row_id"], second["in_snapshot"]) == (f"{ID}.1", f"{ID}.1", False)
    assert [(row["prediction"], row["score"]) for row in (first, second)] == [("1", 0.9), ("0", 0.2)]
    assert json.loads(first["inputs"]) == {"id": 7, "x": 1.0, "c": "a"}
    assert (first["route"], first["model_version"], first["latency_ms"], first["asked_at"].isoformat()) == ("champion", 3, 1.5, AT)


def test_a_failure_has_no_prediction() -> None:
    """What a version raised is kept by its name."""
    (row,) = to_table([logged({"records": [{"x": 1}]}, None, error="ValueError")], SPEC, {}).to_pylist()
    assert (row["prediction"], row["score"], row["error"]) == (None, None, "ValueError")


RIGHT = {"columns": {"x": [1.0, 2.0]}}
ODD: list[dict[str, Any]] = [
    {},
    logged({"columns": {"x": [1.0, 2.0], "mood": [1]}}, SAID),
    logged({"columns": {"x": [1.0, 2.0], "mood": 5}}, SAID),
    logged({"records": [1, 2]}, SAID),
    logged({}, SAID),
    logged(None, SAID),
    logged(RIGHT, {"predictions": [1]}),
    logged(RIGHT, 5),
    logged(RIGHT, SAID, at="today"),
    logged(RIGHT, SAID, version=2**70),
    logged(RIGHT, SAID, version=[3]),
    logged(RIGHT, SAID, ms="fast"),
]


@pytest.mark.parametrize("odd", ODD)
def test_a_line_that_is_no_request_holds_up_no_other(odd: dict[str, Any]) -> None:
    """It is counted; the lines before and after it are read as if it were not there."""
    right = logged(RIGHT, SAID)
    found, damaged = readable([right, odd, right], SPEC, {})
    assert (found, damaged) == (to_table([right, right], SPEC, {}), 1)
    assert readable([odd], SPEC, {}) == (to_table([], SPEC, {}), 1)
    assert readable([right], SPEC, {}) == (to_table([right], SPEC, {}), 0)


@pytest.mark.parametrize(
    "odd", [{}, {"at": AT}, {"at": AT, "labels": 5}, {"at": AT, "labels": [5]}, {"at": AT, "labels": [{"id": 1}]}, {"at": 5}]
)
def test_a_line_that_is_no_delivery_of_labels_is_known(odd: dict[str, Any]) -> None:
    """Before anything of it is written."""
    assert not is_delivery(odd)
    assert is_delivery({"at": AT, "labels": [{"id": 1, "label": 0}]})


def test_scores_of_several_classes_and_of_numbers() -> None:
    """Of several classes the highest probability; of a regression the number itself."""
    classes = {"predictions": ["b"], "probabilities": [{"a": 0.2, "b": 0.7, "c": 0.1}]}
    rows = {"records": [{"x": 1}]}
    found = to_table([logged(rows, classes), logged(rows, {"predictions": [4.5]})], SPEC, {})
    assert found["score"].to_pylist() == [0.7, 4.5]


def test_labels_become_lines_with_the_names_of_the_model() -> None:
    """A label that names a prediction gets that row's own id; what came under its own id keeps it."""
    lines = [{"at": AT, "labels": [{"id": f"{ID}.0", "label": 1}, {"id": 9, "label": 0}]}]
    written = [json.loads(line) for line in label_lines(lines, SPEC, {f"{ID}.0": "7"}).splitlines()]
    assert written == [{"id": "7", "y": 1, "labelled_at": AT}, {"id": "9", "y": 0, "labelled_at": AT}]


def test_a_label_finds_the_columns_of_a_composed_id() -> None:
    """An id of two columns is given back in two."""
    spec = model_spec(columns__id=["day", "id"])
    table = to_table([logged({"records": [{"day": 5, "id": "x", "c": "a"}]}, {"predictions": [1], "probabilities": [0.6]})], spec, {})
    known = known_ids(table, [f"{ID}.0"])
    written = json.loads(label_lines([{"at": AT, "labels": [{"id": ID, "label": 1}]}], spec, known))
    assert written == {"day": "5", "id": "x", "y": 1, "labelled_at": AT}


def test_the_request_alone_is_its_first_row() -> None:
    """A client that asked for one row need not count."""
    assert prediction_id(ID) == f"{ID}.0"
    assert prediction_id(f"{ID}.4") == f"{ID}.4"
    assert prediction_id(12) == "12"


def test_answers_take_the_form_of_batch_predictions() -> None:
    """Shadows, failures and rows without an id of their own are left out; ids get the types of the model's rows."""
    one = {"records": [{"id": 7, "x": 1.0}]}
    said = {"predictions": [1], "probabilities": [0.9]}
    lines = [
        logged(one, said),
        logged(one, said, route="shadow"),
        logged(one, None, error="ValueError"),
        logged({"records": [{"x": 1.0}]}, said),
    ]
    like = pa.schema([("id", pa.int64())])
    found = as_predictions(to_table(lines, SPEC, {}), SPEC, like)
    assert found.drop_columns(["scored_at"]).to_pylist() == [
        {"id": 7, "prediction": "1", "score": 0.9, "model_version": 3, "in_snapshot": False}
    ]
    assert found.schema.field("id").type == pa.int64()
    assert as_predictions(to_table([], SPEC, {}), SPEC, like).num_rows == 0
