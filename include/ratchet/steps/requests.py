"""What the service logged, as tables: one row per row that was asked for."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json

SHADOW = "shadow"
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError, OverflowError)
"""What a line raises that is JSON, and not as the service writes it."""
JOIN = "\x1f"
"""Between the parts of an id of several columns."""
SCHEMA = pa.schema(
    [
        ("prediction_id", pa.string()),
        ("row_id", pa.string()),
        ("asked_at", pa.timestamp("us", tz="UTC")),
        ("route", pa.string()),
        ("model_version", pa.int64()),
        ("prediction", pa.string()),
        ("score", pa.float64()),
        ("latency_ms", pa.float64()),
        ("error", pa.string()),
        ("inputs", pa.string()),
        ("in_snapshot", pa.bool_()),
    ]
)


def to_table(lines: Sequence[Json], spec: ModelSpec, trained: Mapping[int, frozenset[str]]) -> pa.Table:
    """Write logged requests as a table.

    Args:
        lines: As `serving.records.line` wrote them.
        spec: The model.
        trained: Of each version, the ids of the rows that it was made from.

    Returns:
        One row per row asked for: `prediction_id` (`<request>.<row>`), `row_id` (the model's id columns as text,
        the prediction's own id where the client sent none), when, by which route and version, the decision as text,
        `score` (probability of the positive class, the highest one, or the number itself), the request's latency [ms],
        the name of what the version raised (then there is no prediction), the input as JSON, and whether the row was in
        that version's snapshot.
    """
    rows = [row for line in lines for row in _rows(line, spec, trained)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def readable(lines: Sequence[Json], spec: ModelSpec, trained: Mapping[int, frozenset[str]]) -> tuple[pa.Table, int]:
    """Return `to_table` of the lines that it can read, and how many it cannot: one of them must not hold up all that come after."""
    try:
        return to_table(lines, spec, trained), 0
    except _UNREADABLE:
        found = []
    for line in lines:
        with contextlib.suppress(*_UNREADABLE):
            found.append(to_table([line], spec, trained))
    return pa.concat_tables([SCHEMA.empty_table(), *found]), len(lines) - len(found)


def is_delivery(line: Json) -> bool:
    """Whether a line is one that `label_lines` can read."""
    try:
        return datetime.fromisoformat(line["at"]).tzinfo is not None and all(each.keys() == {"id", "label"} for each in line["labels"])
    except _UNREADABLE:
        return False


def known_ids(requests: pa.Table, wanted: Sequence[str]) -> dict[str, str]:
    """Return the row's own id of each of some predictions, by the prediction's id."""
    frame = requests.select(["prediction_id", "row_id"]).to_pandas()
    found = frame[frame["prediction_id"].isin(wanted)].drop_duplicates("prediction_id")
    return dict(zip(found["prediction_id"], found["row_id"], strict=True))


def label_lines(lines: Sequence[Json], spec: ModelSpec, known: Mapping[str, str]) -> bytes:
    """Write labels as a feed delivers them: JSON lines of the id columns, the label, and when it came.

    Args:
        lines: As `serving.records.label_line` wrote them.
        spec: The model; its id columns and its label give the names.
        known: The row's own id of those that were named by their prediction.
    """
    out = []
    for line in lines:
        for each in line["labels"]:
            own = known.get(prediction_id(each["id"]))
            ids = dict(zip(spec.columns.id, own.split(JOIN), strict=False)) if own else {spec.columns.id[0]: str(each["id"])}
            out.append(json.dumps({**ids, spec.columns.label: each["label"], "labelled_at": line["at"]}) + "\n")
    return "".join(out).encode()


def prediction_id(value: object) -> str:
    """Return what a client may have named a prediction by, in full: the request alone is its first row."""
    text = str(value)
    return f"{text}.0" if len(text) == 32 and "." not in text else text  # noqa: PLR2004 - hexadecimal digits of 16 bytes


def as_predictions(requests: pa.Table, spec: ModelSpec, like: pa.Schema) -> pa.Table:
    """Return answered requests in the form of batch predictions, for whoever joins labels by the model's id.

    Left out: shadows, failures, and rows whose client sent no id of their own.

    Args:
        requests: As `to_table` made them.
        spec: The model.
        like: Schema of the transformed rows; the id columns get its types.
    """
    named = pc.and_(pc.equal(requests["error"], ""), pc.not_equal(requests["row_id"], requests["prediction_id"]))
    requests = requests.filter(pc.and_(pc.not_equal(requests["route"], SHADOW), named))
    frame = requests.drop_columns(["asked_at"]).to_pandas()
    parts = frame["row_id"].str.split(JOIN, expand=True) if len(frame) else pd.DataFrame(columns=range(len(spec.columns.id)), dtype=object)
    columns: dict[str, pa.Array] = {}
    for number, name in enumerate(spec.columns.id):
        texts, kind = parts[number], like.field(name).type
        numbers = pd.to_numeric(texts, errors="coerce") if not pa.types.is_string(kind) and not pa.types.is_large_string(kind) else texts
        columns[name] = pa.array(numbers, from_pandas=True).cast(kind, safe=False)
    said = frame["prediction"] if spec.classifies else pd.to_numeric(frame["prediction"])
    columns |= {"prediction": pa.array(said, from_pandas=True), "score": pa.array(frame["score"])}
    columns |= {name: pa.array(frame[name]) for name in ("model_version", "in_snapshot")}
    columns["scored_at"] = requests["asked_at"]
    return pa.table(columns)


def _rows(line: Json, spec: ModelSpec, trained: Mapping[int, frozenset[str]]) -> Iterator[Json]:
    inputs, said = _records(line["in"]), line["out"] or {}
    decided, scores = said.get("predictions"), said.get("probabilities")
    for number, row in enumerate(inputs):
        own = [row.get(name) for name in spec.columns.id]
        name = f"{line['id']}.{number}"
        row_id = JOIN.join(map(str, own)) if all(each is not None for each in own) else name
        yield {
            "prediction_id": name,
            "row_id": row_id,
            "asked_at": datetime.fromisoformat(line["at"]),
            "route": line["route"],
            "model_version": line["version"],
            "prediction": None if decided is None else str(decided[number]),
            "score": _score(decided, scores, number),
            "latency_ms": line["ms"],
            "error": line["error"],
            "inputs": json.dumps(row),
            "in_snapshot": row_id in trained.get(line["version"], frozenset()),
        }


def _records(content: Json) -> list[Json]:
    ((form, rows),) = content.items()
    return rows if form == "records" else [dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True)]


def _score(decided: Any, scores: Any, number: int) -> float | None:
    if decided is None:
        return None
    found = decided[number] if scores is None else scores[number]
    return float(max(found.values()) if isinstance(found, dict) else found)
