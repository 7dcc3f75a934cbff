"""A shadow answers what the champion answered, is compared and logged, and tells nobody."""

from __future__ import annotations

import queue
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from include.ratchet.serving.answering import Answered, Answering
from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.logs import log, where
from include.ratchet.serving.places import Place, Routed
from include.ratchet.serving.records import line
from include.ratchet.serving.routing import entity_key, share
from include.ratchet.serving.served import predict

WAITING = 256
"""Requests that may wait for a shadow; more are skipped and counted, since clients come first."""
SHADOW = "shadow"
_Job = tuple[Place, Routed, Answered] | None


@dataclass
class Shadows:
    """One thread that asks shadows."""

    answering: Answering
    _jobs: queue.Queue[_Job] = field(default_factory=lambda: queue.Queue(WAITING))
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin."""
        self._thread = threading.Thread(target=self._run, name="shadows", daemon=True)
        self._thread.start()

    def stop(self, wait: float = 1.0) -> None:
        """Ask what waits, as far as `wait` seconds reach."""
        if self._thread:
            self._jobs.put(None)
            self._thread.join(wait)

    def offer(self, place: Place, answered: Answered) -> None:
        """Let every shadow answer a request that was answered; returns at once."""
        for each in place.routes:
            if each.route.mode != SHADOW or not self._meant(place, each, answered):
                continue
            try:
                self._jobs.put_nowait((place, each, answered))
            except queue.Full:
                self.answering.metrics.shadow_skipped.labels(place.name, str(each.served.version)).inc()

    @staticmethod
    def _meant(place: Place, routed: Routed, answered: Answered) -> bool:
        if routed.route.fraction >= 1 or place.spec is None:
            return True
        key = entity_key(answered.asked.content, place.spec.columns.entity, place.spec.columns.id)
        return share(place.name, routed.served.version, key or answered.asked.id) < routed.route.fraction

    def _run(self) -> None:
        while job := self._jobs.get():
            try:
                self._ask(*job)
            except Exception as error:  # noqa: BLE001 - a shadow harms nobody
                log("shadow_failed", model=job[0].name, version=job[1].served.version, **where(error))

    def _ask(self, place: Place, routed: Routed, answered: Answered) -> None:
        served, asked, metrics = routed.served, answered.asked, self.answering.metrics
        by, names, began = (served.version, SHADOW), (place.name, str(served.version), SHADOW), time.perf_counter()
        try:
            asked, rows = self.answering.rows(place, asked, served)
            said = predict(served, rows)
        except RequestError:
            metrics.shadow_skipped.labels(*names[:2]).inc()  # it was fitted on columns that the client does not send yet
            return
        except Exception as error:
            metrics.errors.labels(*names).inc()
            self.answering.keep(place, line(asked, by, _ms(began), place.hidden, error=type(error).__name__))
            raise
        ms = _ms(began)
        self.answering.keep(place, line(asked, by, ms, place.hidden, said=self.answering.encoded({"id": asked.id, **said})))
        metrics.answers.labels(*names).inc()
        metrics.rows.labels(*names).inc(answered.rows)
        metrics.seconds.labels(*names).observe(ms / 1000)
        flips, distance = difference(answered.content, said)
        metrics.shadow_compared.labels(*names[:2]).inc(answered.rows)
        metrics.shadow_flips.labels(*names[:2]).inc(flips)
        metrics.shadow_distance.labels(*names[:2]).inc(distance)


def difference(one: Any, other: Any) -> tuple[int, float]:
    """Return how many rows two answers decide differently, and the sum of how far their scores are apart.

    A score is the probability of the positive class, or the number itself; of several classes there is none, and
    the distance is 0.
    """
    flips = sum(a != b for a, b in zip(one["predictions"], other["predictions"], strict=True))
    scores = [said.get("probabilities", said["predictions"]) for said in (one, other)]
    pairs = list(zip(*scores, strict=True))
    return flips, sum(abs(a - b) for a, b in pairs if isinstance(a, int | float) and isinstance(b, int | float))


def _ms(began: float) -> float:
    return (time.perf_counter() - began) * 1000
