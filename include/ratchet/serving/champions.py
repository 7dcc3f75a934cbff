"""Follow the ledger: it says which version serves and which answer beside it, the registry gives them; no restart.

One thread looks four times a second, for all models at once. A version is loaded and rehearsed here, away from
requests, and then replaces the old one by one assignment. What does not load changes nothing but the error shown.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from include.ratchet.domain import specs
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Standing
from include.ratchet.serving.logs import log, log_changes
from include.ratchet.serving.places import Place, SpecReader, sentence
from include.ratchet.serving.versions import Loader, NotDueError, Versions

BEAT_SECONDS = 2.0
"""How often a worker says that it lives; a change of what it serves is said at once."""


class Champions(Protocol):
    """What the follower asks of the ledger, and tells it."""

    def standings(self) -> dict[str, Standing]:
        """Return what to do for every model that has a champion."""

    def former(self, model: str) -> int | None:
        """Return the champion before, None when there is none to go back to."""

    def beat(self, worker: str, serves: dict[str, tuple[int, int]], at: datetime) -> None:
        """Keep which version this worker serves of each model, by which promotion."""

    def leave(self, worker: str) -> None:
        """Forget this worker."""


def _wall() -> datetime:
    return datetime.now(UTC)


def _worker() -> str:
    return f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"


@dataclass
class Follower:
    """Keeps for every model the versions that answer.

    `now` is the machine's time also where the deployment's clock is the data's: it says since when this
    process serves a version.
    """

    champions: Champions
    loader: Loader
    include: Path = specs.INCLUDE
    interval: float = 0.25
    now: Callable[[], datetime] = _wall
    worker: str = field(default_factory=_worker)

    def __post_init__(self) -> None:
        """Start with nothing known; `start` begins to look."""
        self._places: dict[str, Place] = {}
        self._versions = Versions(self)
        self._spared: dict[str, tuple[ModelSpec, int]] = {}
        self._specs = SpecReader(self.include)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._beaten: tuple[dict[str, tuple[int, int]], float] = ({}, 0.0)
        self.polled_at: datetime | None = None
        self.settled = False
        """Whether the last look found nothing new: what is served is what the ledger said a moment ago."""

    def places(self) -> dict[str, Place]:
        """Return what is known of every model, by name; never changed after it was returned."""
        return self._places

    @property
    def ready(self) -> bool:
        """Whether every model was looked at, and each that has a champion answers (perhaps by an older version)."""
        return self.polled_at is not None and all(place.ready for place in self._places.values())

    def start(self) -> None:
        """Look now and then every `interval` seconds, in a thread that ends with the process."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="champions", daemon=True)
        self._thread.start()

    def stop(self, wait: float = 1.0) -> None:
        """Stop looking; a load that hangs is left behind after `wait` seconds."""
        self._stop.set()
        if self._thread:
            self._thread.join(wait)

    def poll(self) -> None:
        """Look at every model once, one after the other; what changed is served at once."""
        names = specs.names("models", self.include)
        # Before the ledger is asked, which takes 3 s the first time: a model that is there is never said to be unknown.
        self._places = {name: self._places.get(name) or Place(name) for name in names}
        (known, fault), settled = self._standings(), True
        if not fault:
            self._places = {name: place.without_closed(known.get(name)) for name, place in self._places.items()}
        for name in names:
            before = self._places[name]
            for after in self._look(before, known, fault):
                self._places = {**self._places, name: after}
                log_changes(before, after)
                settled = settled and after.served is before.served
                before = after
        self.polled_at = self.now()
        self._beat()
        self.settled = settled  # last: who waits for it finds this worker's word in the ledger

    def _run(self) -> None:
        while True:
            try:
                self.poll()
            except Exception as error:  # noqa: BLE001 - whatever one look met, the next is due
                log("poll_failed", error=sentence(error))
            if self._stop.wait(self.interval):
                break
        try:
            self.champions.leave(self.worker)
        except Exception as error:  # noqa: BLE001 - it falls silent anyway
            log("leave_failed", error=sentence(error))

    def _standings(self) -> tuple[dict[str, Standing], str]:
        try:
            return self.champions.standings(), ""
        except Exception as error:  # noqa: BLE001 - the database may be back at the next look
            return {}, f"the ledger does not answer: {sentence(error)}"

    def _beat(self) -> None:
        serves = {name: (place.served.version, place.sequence) for name, place in self._places.items() if place.served}
        last, at = self._beaten
        if serves == last and (not serves or time.monotonic() - at < BEAT_SECONDS):
            return
        self._beaten = (serves, time.monotonic())
        try:
            self.champions.beat(self.worker, serves, self.now())
        except Exception as error:  # noqa: BLE001 - it is said again in a moment
            self._beaten = (last, time.monotonic())
            log("beat_failed", error=sentence(error))

    def _former(self, name: str) -> int | None:
        try:
            return self.champions.former(name)
        except Exception as error:  # noqa: BLE001 - a spare that is missing is no reason not to serve
            log("no_former", model=name, error=sentence(error))
            return None

    def _look(self, place: Place, known: dict[str, Standing], fault: str) -> Iterator[Place]:
        """Give what is known of a model, again after every version that was loaded: the champion waits for no other."""
        try:
            read = self._specs.read(place.name)
            place = replace(place, spec=read, personal=self._specs.personal(read), error="")
        except Exception as error:  # noqa: BLE001 - a broken spec harms no other model; the last good one goes on
            place = replace(place, error=sentence(error))
        if fault:
            yield replace(place, error=fault)
            return
        standing = known.get(place.name)
        if standing is None:
            yield replace(place, champion=None, looked=True, served=None, routes=(), spares=(), sequence=0)
            return
        place, spec = replace(place, champion=standing.champion, looked=True), place.spec
        if spec is not None:
            place = self._champion(place, spec, standing)
        yield place
        if spec is None or place.served is None or place.served.version != standing.champion:
            return
        routed = self._versions.routed(place, spec, standing)
        if routed != place.routes:
            place = replace(place, routes=routed)
            yield place
        if self._spared.get(place.name) != (spec, standing.sequence):
            place = replace(place, spares=self._versions.spares(place, spec, self._former(place.name)))
            self._spared[place.name] = (spec, standing.sequence)
            yield place

    def _champion(self, place: Place, spec: ModelSpec, standing: Standing) -> Place:
        if place.is_current:
            return replace(place, sequence=standing.sequence)
        try:
            return replace(place, served=self._versions.get(place, spec, standing.champion), sequence=standing.sequence)
        except NotDueError as error:
            return replace(place, error=place.error or str(error))
        except Exception as error:  # noqa: BLE001 - the old version goes on, whatever the new one did
            return replace(place, error=str(error))
