"""`POST /v1/models/{name}:predict`: let in, read, answer, log one line."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from dataclasses import dataclass, field
from functools import partial

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from include.ratchet.domain.records import Json
from include.ratchet.serving.answering import Answered, Answering
from include.ratchet.serving.champions import Follower
from include.ratchet.serving.doors import Doors, read_body
from include.ratchet.serving.errors import RequestError, error_answer, unknown_model
from include.ratchet.serving.logs import log, where
from include.ratchet.serving.openapi import PREDICT
from include.ratchet.serving.places import Place
from include.ratchet.serving.shadow import Shadows

SMALL = 16 * 2**10
"""Bytes of a request that is answered without another thread, where every version has its fast path."""


@dataclass
class Predicting:
    """What the route works with."""

    follower: Follower
    answering: Answering
    shadows: Shadows
    doors: Doors
    # Few threads: predictions hold cores or the interpreter's lock, more of them would only delay /healthz.
    limiter: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(max(2, os.cpu_count() or 2)))

    async def answer(self, name: str, request: Request, began: float) -> tuple[Place, Answered]:
        """Let the request in, read it, and answer it in time.

        Raises:
            RequestError: Why not.
        """
        places = self.follower.places()
        if name not in places:
            raise unknown_model(name, list(places))
        self.doors.require(name, request)
        with self.doors.inside():
            body = await read_body(request, self.doors.max_body, self.doors.timeout)
            place = self.follower.places().get(name, places[name])  # the newest: the body may have taken long to come
            if place.is_quick and len(body) <= SMALL:
                return place, self.answering.respond(place, body, began)
            left = self.doors.timeout - (time.perf_counter() - began)
            try:
                # Abandoned on cancel: neither a stop nor a client must wait for a prediction that hangs.
                async with asyncio.timeout(max(left, 0.001)):
                    work = partial(self.answering.respond, place, body, began)
                    return place, await to_thread.run_sync(work, abandon_on_cancel=True, limiter=self.limiter)
            except TimeoutError:
                raise RequestError(504, "timeout", f"no answer within {self.doors.timeout:g} s; send fewer rows at a time") from None


def router(work: Predicting) -> APIRouter:
    """Build the route."""
    routes = APIRouter()

    @routes.post("/v1/models/{name}:predict", **PREDICT)
    async def predict(name: str, request: Request) -> Response:
        """Predict 1 to 10,000 rows, given as records or as columns, with one version."""
        began = time.perf_counter()
        fields: Json = {"model": name if name in work.follower.places() else "(unknown)", "version": None, "rows": None}
        try:
            place, answered = await work.answer(name, request, began)
        except RequestError as error:
            fields |= {"code": error.code, **(where(error.__cause__) if error.__cause__ else {})}
            answer: Response = error_answer(error)
        else:
            fields |= {"version": answered.version, "rows": answered.rows, "route": answered.route}
            answer = Response(answered.body, media_type="application/json")
            if place.routes:
                work.shadows.offer(place, answered)
        work.answering.metrics.requests.labels(fields["model"], str(answer.status_code)).inc()
        level = logging.ERROR if answer.status_code >= 500 else logging.INFO  # noqa: PLR2004 - ours from 500 on
        log("predict", level, **fields, status=answer.status_code, ms=round((time.perf_counter() - began) * 1000, 2))
        return answer

    return routes
