"""`POST /v1/models/{name}:predict`: read, check, predict, log one line."""

from __future__ import annotations

import logging
import os
import time
from functools import partial
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from include.ratchet.domain.records import Json
from include.ratchet.serving import online
from include.ratchet.serving.champions import Follower
from include.ratchet.serving.checks import MAX_ROWS, read_rows
from include.ratchet.serving.errors import Answer, RequestError, error_answer, not_serving, unknown_model
from include.ratchet.serving.logs import log, where
from include.ratchet.serving.served import Served
from include.ratchet.serving.served import predict as predict_rows

MAX_BODY = 16 * 2**20

_VALUE = {"type": ["number", "string", "null"]}
_BODY: Json = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {
                            "type": "object",
                            "required": ["records"],
                            "properties": {
                                "records": {
                                    "type": "array",
                                    "minItems": 1,
                                    "maxItems": MAX_ROWS,
                                    "items": {"type": "object", "additionalProperties": _VALUE},
                                },
                            },
                        },
                        {
                            "type": "object",
                            "required": ["columns"],
                            "properties": {"columns": {"type": "object", "additionalProperties": {"type": "array", "items": _VALUE}}},
                        },
                    ],
                },
            },
        },
    },
}


def router(follower: Follower, max_body: int) -> APIRouter:
    """Build the route; see `create_app` for the arguments."""
    routes = APIRouter()
    # Few threads: predictions hold cores or the interpreter's lock, more of them would only delay /healthz.
    limiter = CapacityLimiter(max(2, os.cpu_count() or 2))

    @routes.post("/v1/models/{name}:predict", openapi_extra=_BODY)
    async def predict(name: str, request: Request) -> Response:
        """Predict 1 to 10,000 rows, given as records or as columns, with one version."""
        start = time.perf_counter()
        places = follower.places()
        fields: Json = {"model": name if name in places else "(unknown)", "version": None, "rows": None}
        try:
            if name not in places:
                raise unknown_model(name, list(places))
            served = places[name].served
            if served is None:
                raise not_serving(name, places[name].reason)
            fields["version"] = served.version
            body = await _read(request, max_body)
            # Abandoned on cancel: a stop must not wait for a prediction that hangs.
            content = await to_thread.run_sync(partial(_answer, served, body), abandon_on_cancel=True, limiter=limiter)
            fields["rows"] = content.rows
            answer: Response = content
        except RequestError as error:
            fields |= {"code": error.code, **(where(error.__cause__) if error.__cause__ else {})}
            answer = error_answer(error)
        ms = round((time.perf_counter() - start) * 1000, 2)
        level = logging.ERROR if answer.status_code >= 500 else logging.INFO  # noqa: PLR2004 - ours from 500 on
        log("predict", level, **fields, status=answer.status_code, ms=ms)
        return answer

    return routes


class _Predicted(Answer):
    """An answer that knows its rows, for the log."""

    def __init__(self, content: Any) -> None:
        super().__init__(content)
        self.rows = len(content["predictions"])


async def _read(request: Request, limit: int) -> bytes:
    """Read the body, and no more than the limit of it."""
    too_large = RequestError(413, "body_too_large", f"the body is larger than {limit} bytes; send fewer rows at a time")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise too_large
        parts.append(part)
    return b"".join(parts)


def _answer(served: Served, body: bytes) -> _Predicted:
    """Do all that takes processor time, in a thread: 16 MB of JSON alone would stop the loop for 0.2 s."""
    rows = read_rows(body, served.columns, partial(online.fill, spec=served.spec, columns=served.columns))
    try:
        return _Predicted(predict_rows(served, rows))
    except Exception as error:
        message = f"version {served.version} could not predict these rows; the service's log says where"
        raise RequestError(500, "prediction_failed", message) from error
