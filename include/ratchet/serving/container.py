"""One version in a container of SageMaker's: `/ping` and `/invocations` on port 8080, from the archive in `/opt/ml/model`.

`python -m include.ratchet.serving.container` is what Dockerfile.sagemaker starts. It reads requests and predicts with the
same code as the prediction service; champions, routes and the log are SageMaker's part here.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from include.ratchet.adapters.models import load_skops
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json
from include.ratchet.serving.checks import checked, parse
from include.ratchet.serving.doors import MAX_BODY, read_body
from include.ratchet.serving.errors import RequestError, error_answer
from include.ratchet.serving.frames import Rows, row_count
from include.ratchet.serving.reader import MAX_ROWS
from include.ratchet.serving.served import Served, predict, rehearse

PLACE, PORT = "/opt/ml/model", 8080
LINES = "application/jsonlines"
"""What a batch transform sends: one record per line; it gets one answer per line, in the same order."""
WITHIN_SECONDS = 55.0
"""SageMaker gives an invocation 60 s."""
_log = logging.getLogger(__name__)


def load(folder: Path) -> Served:
    """Read the archive's files, and see that the version answers.

    Raises:
        DeployError: It does not.
        RegistryError: The file is no skops file, or holds a type that nobody reviewed.
    """
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    spec = ModelSpec.model_validate(about["spec"])
    served = Served(spec, int(about["version"]), load_skops(folder / "model.skops"), datetime.now(UTC))
    rehearse(served)
    return served


def answer(served: Served, body: bytes, kind: str) -> bytes:
    """Answer a request: records or columns as JSON, or records as lines.

    Raises:
        RequestError: 400 and 422 for the input; 500 when the version could not predict it.
    """
    if kind.partition(";")[0].strip() == LINES:
        records = [line for line in body.splitlines() if line.strip()]
        # A batch transform fills a request by its bytes: short records may be more than a request may hold.
        starts = range(0, max(len(records), 1), MAX_ROWS)
        return b"".join(_lines(served, _rows(served, records[start : start + MAX_ROWS], start)) for start in starts)
    table = served.reader.read(body)
    return _encoded(_predicted(served, checked(parse(body), served.columns) if table is None else table))


def _predicted(served: Served, rows: Rows) -> Json:
    try:
        return predict(served, rows)
    except Exception as error:
        _log.exception("%s %s could not predict %d rows", served.spec.name, served.title, row_count(rows))
        raise RequestError(500, "prediction_failed", "the version could not predict these rows; the container's log says where") from error


def _rows(served: Served, lines: list[bytes], start: int) -> Rows:
    """Read and check some lines of a request, of which the first is row `start`: what is wrong names the request's row."""
    records = [parse(line, row) for row, line in enumerate(lines, start)]
    try:
        return checked({"records": records}, served.columns)
    except RequestError as error:
        faults = tuple(fault if fault.row is None else replace(fault, row=start + fault.row) for fault in error.faults)
        raise RequestError(error.status, error.code, error.message, faults) from None


def _lines(served: Served, rows: Rows) -> bytes:
    said = _predicted(served, rows)
    shares = said.get("probabilities") or [None] * len(said["predictions"])
    each = zip(said["predictions"], shares, strict=True)
    return b"".join(_encoded({"prediction": one, "probability": share, "version": served.version}) + b"\n" for one, share in each)


def create_app(served: Served) -> FastAPI:
    """Build the two routes that SageMaker asks for."""
    app = FastAPI(title=f"{served.spec.name} {served.title}", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/ping")
    async def ping() -> JSONResponse:
        """Say that the version is loaded: the container listens only once it is."""
        return JSONResponse({"model": served.spec.name, "version": served.version})

    @app.post("/invocations")
    async def invocations(request: Request) -> Response:
        """Predict."""
        kind = request.headers.get("content-type", "application/json")
        try:
            body = await read_body(request, MAX_BODY, WITHIN_SECONDS)
            said = await to_thread.run_sync(partial(answer, served, body, kind))
        except RequestError as error:
            return error_answer(error)
        return Response(said, media_type=kind)

    return app


def _encoded(content: Any) -> bytes:
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def main() -> None:
    """Load and listen; SageMaker starts a container with the word `serve`, and gives it its place by a fixed path."""
    import uvicorn

    served = load(Path(os.environ.get("SM_MODEL_DIR", PLACE)))
    uvicorn.run(create_app(served), host="0.0.0.0", port=PORT, access_log=False)  # noqa: S104 - a container's own network


if __name__ == "__main__":
    main()
