"""Answer a request with one version, log it, then answer: what a client was told is in the log."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from include.ratchet.adapters.segments import Segments
from include.ratchet.serving.checks import checked
from include.ratchet.serving.errors import RequestError, not_serving
from include.ratchet.serving.frames import FEW, Rows, row_count
from include.ratchet.serving.logs import log, where
from include.ratchet.serving.metrics import Metrics
from include.ratchet.serving.online import fill
from include.ratchet.serving.places import Place
from include.ratchet.serving.records import PREDICTIONS, Asked, line
from include.ratchet.serving.routing import choose
from include.ratchet.serving.served import Served, predict

CHAMPION, FALLBACK = "champion", "fallback"


@dataclass(frozen=True)
class Answered:
    """The answer's bytes, and what is told of it."""

    body: bytes
    rows: int
    version: int
    route: str
    asked: Asked
    content: Any


@dataclass(frozen=True)
class Answering:
    """What every answer goes through."""

    segments: Segments
    metrics: Metrics

    def respond(self, place: Place, body: bytes, began: float) -> Answered:
        """Predict, log, and return the answer; where a version fails, the next one that may stand in for it answers.

        Args:
            place: The model as it was when the request came.
            body: The request.
            began: When it came, by `time.perf_counter` [s].

        Raises:
            RequestError: 400 and 422 for the input; 500 when no version could; 503 when none serves, or the log is full.
        """
        if place.served is None:
            raise not_serving(place.name, place.reason)
        asked = Asked(secrets.token_hex(16), body)
        first: tuple[Served, Exception] | None = None
        for served, route in self._tries(place, asked):
            try:
                seen, rows = self.rows(place, asked, served)
            except RequestError:
                if first is None:
                    raise
                continue  # a stand-in that was fitted on other columns
            try:
                said = predict(served, rows)
            except Exception as error:  # noqa: BLE001 - whatever a model raises, the next one is asked
                first = first or (served, error)
                self._failed(place, seen, (served, route), error, began)
                continue
            extra = {} if route == CHAMPION else {"route": route}
            if route == FALLBACK and first:
                extra["degraded"] = f"{first[0].title} could not predict these rows; {served.title} did"
            return self._said(place, seen, (served, route), {"id": asked.id, **said, **extra}, rows, began)
        message = "no version could predict these rows; the service's log says where"
        if first is None:
            raise not_serving(place.name, place.reason)
        raise RequestError(500, "prediction_failed", message) from first[1]

    @staticmethod
    def rows(place: Place, asked: Asked, served: Served) -> tuple[Asked, Rows]:
        """Return the request as a version sees it, with what the online store adds, and its rows.

        Raises:
            RequestError: 422; or 503 when the online store does not answer.
        """
        table = served.reader.read(asked.body)
        if table is not None:
            return asked, table
        content = fill(asked.content, served.spec, served.columns)
        if content is not asked.content:
            asked = Asked(asked.id, json.dumps(content).encode())  # what is logged is what the version saw
            table = served.reader.read(asked.body)
        return asked, checked(content, served.columns, place.accepted) if table is None else table

    def keep(self, place: Place, written: list[bytes]) -> None:
        """Write one line of the prediction log, given in parts.

        Raises:
            RequestError: 503; it could not be written, so the answer is not given.
        """
        try:
            self.segments.append(f"{PREDICTIONS}/{place.name}", *written)
        except OSError as error:
            raise RequestError(503, "not_logged", "the prediction log cannot be written; nothing is answered without it") from error

    @staticmethod
    def encoded(content: Any) -> bytes:
        """Write an answer; NaN is a fault of ours and raises, in a large one `served` has looked for it."""
        if len(content["predictions"]) > FEW:
            return to_json(content)
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")

    def _tries(self, place: Place, asked: Asked) -> Iterator[tuple[Served, str]]:
        canary = choose(place, asked)
        if canary is not None:
            yield canary, "canary"
        if place.served is not None:
            yield place.served, CHAMPION
        yield from ((spare, FALLBACK) for spare in place.spares if spare is not place.served)

    def _said(self, place: Place, asked: Asked, by: tuple[Served, str], content: Any, rows: Rows, began: float) -> Answered:
        served, route = by
        body = self.encoded(content)
        seconds = time.perf_counter() - began
        self.keep(place, line(asked, (served.version, route), seconds * 1000, place.hidden, said=body))
        names = (place.name, str(served.version), route)
        count = row_count(rows)
        self.metrics.answers.labels(*names).inc()
        self.metrics.rows.labels(*names).inc(count)
        self.metrics.seconds.labels(*names).observe(seconds)
        return Answered(body, count, served.version, route, asked, content)

    def _failed(self, place: Place, asked: Asked, by: tuple[Served, str], error: Exception, began: float) -> None:
        served, route = by
        ms = (time.perf_counter() - began) * 1000
        self.keep(place, line(asked, (served.version, route), ms, place.hidden, error=type(error).__name__))
        self.metrics.errors.labels(place.name, str(served.version), route).inc()
        log("version_failed", model=place.name, version=served.version, route=route, **where(error))
