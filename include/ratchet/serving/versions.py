"""Load versions: each once, rehearsed before anyone depends on it; what fails is tried again ever less often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Standing
from include.ratchet.serving.logs import log
from include.ratchet.serving.places import Failure, Place, Routed, sentence
from include.ratchet.serving.served import Served, rehearse


class Loader(Protocol):
    """What is asked of the registry."""

    def load(self, model: str, version: int) -> Any:
        """Return the fitted pipeline."""

    def baseline(self, model: str, version: int) -> Any:
        """Return the trivial model that was registered with a version, None when there is none."""


class NotDueError(Exception):
    """A version that failed is not tried again yet."""


class Settings(Protocol):
    """What the follower is set to."""

    @property
    def loader(self) -> Loader:
        """Where versions come from."""

    @property
    def interval(self) -> float:
        """Seconds between two looks."""

    @property
    def now(self) -> Callable[[], datetime]:
        """The time."""


KEPT = 3
"""Versions of a model that stay loaded: a rollback to one of them, or a promotion of a canary, takes one look."""


@dataclass
class Versions:
    """Loads, and remembers what did not load."""

    settings: Settings
    _kept: dict[str, list[Served]] = field(default_factory=dict)
    _failures: dict[tuple[str, int], Failure] = field(default_factory=dict)

    def get(self, place: Place, spec: ModelSpec, version: int) -> Served:
        """Return a version, ready to answer: one that is held already, or from the registry.

        Raises:
            NotDueError: It failed a moment ago, and is not tried again yet.
            DeployError: It does not load or does not answer.
        """
        kept = self._kept.setdefault(place.name, [])
        held = [place.served, *(each.served for each in place.routes), *place.spares, *kept]
        same = next((each for each in held if each and each.version == version and not each.name), None)
        if same is not None and same.spec == spec:
            return same
        failure = self._failures.get((place.name, version))
        if failure and not failure.due(spec, version):
            raise NotDueError(failure.error)
        try:
            pipeline = same.pipeline if same is not None else self.settings.loader.load(place.name, version)
            served = Served(spec, version, pipeline, self.settings.now())
            rehearse(served)
        except Exception as error:
            text = f"version {version} does not serve: {sentence(error)}"
            self._failures[place.name, version] = Failure.after(failure, spec, version, text, self.settings.interval)
            raise DeployError(text) from error
        self._failures.pop((place.name, version), None)
        self._kept[place.name] = [served, *kept][:KEPT]
        return served

    def routed(self, place: Place, spec: ModelSpec, standing: Standing) -> tuple[Routed, ...]:
        """Load what answers beside the champion; what does not load is left out."""
        found = []
        for route in standing.routes:
            if route.version == standing.champion:
                continue  # promoted; its route is about to end
            try:
                found.append(Routed(route, self.get(place, spec, route.version)))
            except NotDueError:
                continue
            except Exception as error:  # noqa: BLE001 - the champion answers in its place
                log("route_failed", model=place.name, version=route.version, mode=route.mode, error=str(error))
        return tuple(found)

    def spares(self, place: Place, spec: ModelSpec, former: int | None) -> tuple[Served, ...]:
        """Load what answers where the champion fails: the champion before it, then its trivial baseline."""
        found = []
        try:
            if former is not None:
                found.append(self.get(place, spec, former))
        except Exception as error:  # noqa: BLE001 - a spare that is missing is no reason not to serve
            log("no_former", model=place.name, error=sentence(error))
        try:
            version = place.champion or 0
            pipeline = self.settings.loader.baseline(place.name, version)
            if pipeline is not None:
                baseline = Served(spec, version, pipeline, self.settings.now(), name="baseline")
                rehearse(baseline)
                found.append(baseline)
        except Exception as error:  # noqa: BLE001 - as above
            log("no_baseline", model=place.name, error=sentence(error))
        return tuple(found)
