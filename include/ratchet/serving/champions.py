"""Follow the champions: the ledger says which version serves, the registry gives it, without a restart.

One thread looks every half second. A version is loaded and rehearsed here, away from requests, and then
replaces the old one by one assignment. What does not load changes nothing but the error that is shown.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from include.ratchet.domain import specs
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.serving.logs import log, log_changes
from include.ratchet.serving.places import Failure, Place, SpecReader, sentence
from include.ratchet.serving.served import Served, rehearse


class Champions(Protocol):
    """What the follower asks of the ledger."""

    def champion(self, model: str) -> int | None:
        """Return the version that serves, None before the first promotion."""


class Loader(Protocol):
    """What the follower asks of the registry."""

    def load(self, model: str, version: int) -> Any:
        """Return the fitted pipeline."""


def _wall() -> datetime:
    return datetime.now(UTC)


@dataclass
class Follower:
    """Keeps for every model the version that answers.

    `now` is the machine's time also where the deployment's clock is the data's: it says since when this
    process serves a version.
    """

    champions: Champions
    loader: Loader
    include: Path = specs.INCLUDE
    interval: float = 0.5
    now: Callable[[], datetime] = _wall

    def __post_init__(self) -> None:
        """Start with nothing known; `start` begins to look."""
        self._places: dict[str, Place] = {}
        self._failures: dict[str, Failure] = {}
        self._specs = SpecReader(self.include)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.polled_at: datetime | None = None

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
        for name in names:
            before = self._places.get(name) or Place(name)
            after = self._look(before)
            self._places = {**self._places, name: after}
            log_changes(before, after)
        self._places = {name: self._places[name] for name in names}
        self.polled_at = self.now()

    def _run(self) -> None:
        while True:
            try:
                self.poll()
            except Exception as error:  # noqa: BLE001 - whatever one look met, the next is due
                log("poll_failed", error=sentence(error))
            if self._stop.wait(self.interval):
                return

    def _look(self, place: Place) -> Place:
        try:
            place = replace(place, spec=self._specs.read(place.name), error="")
        except Exception as error:  # noqa: BLE001 - a broken spec harms no other model; the last good one goes on
            place = replace(place, error=sentence(error))
        try:
            champion = self.champions.champion(place.name)
        except Exception as error:  # noqa: BLE001 - the database may be back at the next look
            return replace(place, error=f"the ledger does not answer: {sentence(error)}")
        place = replace(place, champion=champion, looked=True)
        if champion is None:
            return replace(place, served=None)
        if place.spec is None or place.is_current:
            return place
        return self._load(place, place.spec, champion)

    def _load(self, place: Place, spec: ModelSpec, version: int) -> Place:
        failure = self._failures.get(place.name)
        if failure and not failure.due(spec, version):
            return replace(place, error=place.error or failure.error)
        try:
            served = Served(spec, version, self.loader.load(place.name, version), self.now())
            rehearse(served)
        except Exception as error:  # noqa: BLE001 - the old version goes on, whatever the new one did
            text = f"version {version} does not serve: {sentence(error)}"
            self._failures[place.name] = Failure.after(failure, spec, version, text, self.interval)
            return replace(place, error=text)
        self._failures.pop(place.name, None)
        return replace(place, served=served)
