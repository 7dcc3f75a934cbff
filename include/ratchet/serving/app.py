"""The application: routes, and one form for every error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from include.ratchet.adapters.segments import Segments
from include.ratchet.domain.records import Json
from include.ratchet.serving import feedback, online, predict
from include.ratchet.serving.answering import Answering
from include.ratchet.serving.champions import Follower
from include.ratchet.serving.doors import Doors
from include.ratchet.serving.errors import Answer, RequestError, error_answer, unknown_model
from include.ratchet.serving.logs import log
from include.ratchet.serving.metrics import Metrics
from include.ratchet.serving.openapi import MISSING
from include.ratchet.serving.places import Place
from include.ratchet.serving.served import classes
from include.ratchet.serving.shadow import Shadows


def create_app(follower: Follower, segments: Segments, doors: Doors | None = None, wait: float = 0) -> FastAPI:
    """Build the service around a follower and a prediction log, which start and stop with it.

    Args:
        follower: Knows which versions of each model answer.
        segments: Keeps what was asked and answered.
        doors: Whom to let in.
        wait: Seconds that the first look may take before requests are let in: one of several workers takes none that another
            would answer.
    """
    doors, metrics = doors or Doors(), Metrics()
    doors.gauge = metrics.in_flight
    answering = Answering(segments, metrics)
    shadows = Shadows(answering)
    segments.told = lambda error: log("log_not_synced", error=error)

    @asynccontextmanager
    async def follow(_: FastAPI) -> AsyncIterator[None]:
        segments.start()
        shadows.start()
        follower.start()
        end = time.monotonic() + wait
        while not follower.settled and time.monotonic() < end:  # noqa: ASYNC110 - a thread sets it, twice a second at most
            await asyncio.sleep(0.05)
        yield
        follower.stop()
        shadows.stop()
        segments.stop()

    app = FastAPI(title="Ratchet predictions", description=__doc__, lifespan=follow)
    app.include_router(predict.router(predict.Predicting(follower, answering, shadows, doors)))
    app.include_router(feedback.router(follower, segments, metrics, doors))
    _add_pages(app, follower, metrics)
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(HTTPException, _no_such_page)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _failed)
    return app


# Async although nothing waits: sync ones would queue behind predictions for a thread.
def _add_pages(app: FastAPI, follower: Follower, metrics: Metrics) -> None:
    @app.get("/healthz")
    async def healthz() -> Response:
        """Tell that the process lives."""
        return Answer({"status": "alive"})

    @app.get("/readyz", responses={503: {"description": "A model that has a champion does not answer."}})
    async def readyz() -> Response:
        """Tell whether every model that has a champion answers; 200 or 503, with version and last error of each."""
        models = [_state(place) for place in follower.places().values()]
        polled = follower.polled_at.isoformat() if follower.polled_at else None
        return Answer({"ready": follower.ready, "looked_at": polled, "models": models}, status_code=200 if follower.ready else 503)

    @app.get("/metrics", response_class=PlainTextResponse)
    async def figures() -> Response:
        """Give the figures that Prometheus reads."""
        for place in follower.places().values():
            metrics.serving.labels(place.name).set(place.served.version if place.served else 0)
        return Response(metrics.page(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/v1/models")
    async def models() -> Response:
        """List the models."""
        return Answer({"models": [_summary(place) for place in follower.places().values()]})

    @app.get("/v1/models/{name}", responses=MISSING)
    async def model(name: str) -> Response:
        """Describe one model: what it wants, what it answers, what serves."""
        places = follower.places()
        if name not in places:
            raise unknown_model(name, list(places))
        return Answer(_detail(places[name]))


def _state(place: Place) -> Json:
    return {
        "model": place.name,
        "version": place.served.version if place.served else None,
        "champion": place.champion,
        "since": place.served.since.isoformat() if place.served else None,
        "routes": [{"version": each.served.version, "mode": each.route.mode, "fraction": each.route.fraction} for each in place.routes],
        "spares": [each.name or each.version for each in place.spares],
        "error": place.error or None,
    }


def _summary(place: Place) -> Json:
    # What serves is described as it serves, also while a changed spec does not load.
    spec = place.served.spec if place.served else place.spec
    columns = place.served.columns if place.served else spec.columns if spec else None
    kinds = ("numeric", "categorical", "text")
    return {
        "name": place.name,
        "version": place.served.version if place.served else None,
        "description": spec.description if spec else "",
        "features": [{"name": name, "kind": kind} for kind in kinds for name in getattr(columns, kind)] if columns else [],
    }


def _detail(place: Place) -> Json:
    spec = place.served.spec if place.served else place.spec
    detail = {**_summary(place), **_state(place), "task": spec.task if spec else None}
    if spec and spec.task == "binary":
        detail["threshold"] = spec.gate.threshold
    if place.served and place.served.spec.classifies:
        detail["classes"] = classes(place.served)
    if place.served:
        detail["looked_up"] = online.card(place.served.spec, place.served.columns)
    return detail


async def _refused(_: Request, error: Exception) -> Response:
    return error_answer(error) if isinstance(error, RequestError) else await _failed(_, error)


async def _no_such_page(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        return await _failed(_, error)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    answer = error_answer(RequestError(error.status_code, code, f"{error.detail}; /docs lists what there is"))
    answer.headers.update(error.headers or {})
    return answer


async def _left(_: Request, __: Exception) -> Response:
    return error_answer(RequestError(400, "client_left", "the client left before its body was complete"))


async def _failed(_: Request, __: Exception) -> Response:
    return error_answer(RequestError(500, "internal", "the service failed; its log says where"))
