"""`POST /v1/models/{name}:label`: what really happened, as one more delivery of labels."""

from __future__ import annotations

import sys
from typing import Any, cast

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from include.ratchet.adapters.segments import Segments
from include.ratchet.serving.champions import Follower
from include.ratchet.serving.checks import parse
from include.ratchet.serving.doors import Doors, read_body
from include.ratchet.serving.errors import MAX_FAULTS, Answer, Fault, RequestError, error_answer, invalid_input, shown, unknown_model
from include.ratchet.serving.metrics import Metrics
from include.ratchet.serving.openapi import LABEL
from include.ratchet.serving.reader import MAX_ROWS
from include.ratchet.serving.records import LABELS, label_line

_MOST_TEXT = 200
_LARGEST = sys.float_info.max


def router(follower: Follower, segments: Segments, metrics: Metrics, doors: Doors) -> APIRouter:
    """Build the route."""
    routes = APIRouter()

    async def receive(name: str, request: Request) -> int:
        places = follower.places()
        if name not in places:
            raise unknown_model(name, list(places))
        doors.require(name, request)
        with doors.inside():
            found = labels(parse(await read_body(request, doors.max_body, doors.timeout)))
            try:
                await to_thread.run_sync(segments.append, f"{LABELS}/{name}", label_line(found))
            except OSError as error:
                raise RequestError(503, "not_logged", "the labels cannot be written; send them again in a moment") from error
        metrics.labels.labels(name).inc(len(found))
        return len(found)

    @routes.post("/v1/models/{name}:label", **LABEL)
    async def label(name: str, request: Request) -> Response:
        """Take in labels: `id` is what a prediction was given (`<id>.<row>`), or the row's own id."""
        try:
            return Answer({"received": await receive(name, request)})
        except RequestError as error:
            return error_answer(error)

    return routes


def labels(content: Any) -> list[dict[str, Any]]:
    """Return the labels of a request.

    Raises:
        RequestError: 422, with what is wrong where.
    """
    rows = content.get("labels") if isinstance(content, dict) and len(content) == 1 else None
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_ROWS:
        raise invalid_input([Fault(None, "labels", shown(rows if rows is not None else content), f"an array of 1 to {MAX_ROWS} objects")])
    faults = []
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or row.keys() != {"id", "label"}:
            faults.append(Fault(number, "", shown(row), "an object with id and label"))
            continue
        if not _is_id(row["id"]):
            faults.append(Fault(number, "id", shown(row["id"]), f"a whole number, or a string of 1 to {_MOST_TEXT} characters"))
        if not _is_label(row["label"]):
            faults.append(Fault(number, "label", shown(row["label"]), "a finite number, true, false, or a string"))
        if len(faults) >= MAX_FAULTS:
            break
    if faults:
        raise invalid_input(faults)
    return rows


def _is_id(value: object) -> bool:
    return (type(value) is str and 0 < len(value) <= _MOST_TEXT and _is_text(value)) or (type(value) is int and abs(value) < 2**63)


def _is_label(value: object) -> bool:
    if type(value) is str:
        return len(value) <= _MOST_TEXT and _is_text(value)
    return type(value) is bool or (type(value) in (int, float) and -_LARGEST <= cast("float", value) <= _LARGEST)


def _is_text(value: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in value)
