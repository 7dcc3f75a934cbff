"""What the follower knows of one model, and when it tries again what failed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from include.ratchet.domain import specs
from include.ratchet.domain.errors import RatchetError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Route, Standing
from include.ratchet.serving.checks import naming
from include.ratchet.serving.served import Served

_MAX_TEXT = 400
_LONGEST_WAIT = 30.0


@dataclass(frozen=True)
class Routed:
    """A version that answers beside the champion, and which requests."""

    route: Route
    served: Served


@dataclass(frozen=True)
class Place:
    """One model: its last good spec, its champion as the ledger says, what serves, and the last error.

    `routes` answer beside the champion; `spares` in its place, when it fails on a request. `personal` are the columns
    that a feed of the model calls so.
    """

    name: str
    spec: ModelSpec | None = None
    champion: int | None = None
    looked: bool = False
    served: Served | None = None
    error: str = ""
    sequence: int = 0
    routes: tuple[Routed, ...] = ()
    spares: tuple[Served, ...] = ()
    personal: frozenset[str] = frozenset()

    @cached_property
    def accepted(self) -> frozenset[str]:
        """Fields that any version here asks for: a client may send them all while versions change."""
        return frozenset(name for each in self._loaded for name in each.columns.features)

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Personal fields that an answered request may hold; where there is none, nobody has to look for them in its rows."""
        return self.personal & (self.accepted | {name for each in self._loaded for name in naming(each.columns)})

    @property
    def _loaded(self) -> list[Served]:
        return [each for each in (self.served, *(routed.served for routed in self.routes), *self.spares) if each]

    def without_closed(self, standing: Standing | None) -> Place:
        """Return the place without the routes that the ledger has closed: they end at once, whatever loads or does not meanwhile."""
        there = {(each.version, each.mode) for each in standing.routes} if standing else set()
        still = tuple(each for each in self.routes if (each.route.version, each.route.mode) in there)
        return self if still == self.routes else replace(self, routes=still)

    @property
    def ready(self) -> bool:
        """Whether the ledger was asked, and a version answers if there is a champion."""
        return self.looked and (self.champion is None or self.served is not None)

    @property
    def is_current(self) -> bool:
        """Whether the champion serves, under the spec as it is written now."""
        return self.served is not None and self.served.version == self.champion and self.served.spec == self.spec

    @cached_property
    def is_quick(self) -> bool:
        """Whether whatever answers a single row does so in a fraction of a millisecond."""
        loaded = (self.served, *(routed.served for routed in self.routes))
        return not (self.spec and self.spec.views) and all(each is not None and each.fast is not None for each in loaded)

    @property
    def reason(self) -> str:
        """Why no version serves; for clients, so without the error's own text."""
        if not self.looked:
            return "its champion is not known yet; see /readyz"
        if self.champion is None:
            return "no version has been promoted yet"
        return f"champion {self.champion} could not be loaded; see /readyz"


@dataclass(frozen=True)
class Failure:
    """A load that failed, and when it is tried again: at once for something new, else ever less often."""

    spec: ModelSpec
    version: int
    error: str
    wait: float
    until: float

    @classmethod
    def after(cls, last: Failure | None, spec: ModelSpec, version: int, error: str, interval: float) -> Failure:
        """Wait twice as long as the last time, at most half a minute."""
        wait = min(last.wait * 2, _LONGEST_WAIT) if last and last.version == version else interval
        return cls(spec, version, error, wait, time.monotonic() + wait)

    def due(self, spec: ModelSpec, version: int) -> bool:
        """Whether to try again."""
        return version != self.version or spec != self.spec or time.monotonic() >= self.until


@dataclass
class SpecReader:
    """Reads specs, again only when the file changed: 100 models every half second would take 0.4 of a core."""

    include: Path
    _known: dict[str, tuple[tuple[int, int], ModelSpec]] = field(default_factory=dict)
    _personal: dict[str, tuple[ModelSpec, frozenset[str]]] = field(default_factory=dict)

    def personal(self, spec: ModelSpec) -> frozenset[str]:
        """Return the columns that any feed of a model calls personal.

        Raises:
            SpecError: A feed has faults.
        """
        known = self._personal.get(spec.name)
        if known and known[0] is spec:
            return known[1]
        found = frozenset(name for each in spec.feeds for name in specs.feed(each, self.include).personal)
        self._personal[spec.name] = (spec, found)
        return found

    def read(self, name: str) -> ModelSpec:
        """Return a model's spec.

        Raises:
            SpecError: The file is missing or has faults.
        """
        path = self.include / "models" / name / specs.MODEL_FILE
        stamp = (path.stat().st_mtime_ns, path.stat().st_size) if path.is_file() else (0, 0)
        known = self._known.get(name)
        if known and known[0] == stamp:
            return known[1]
        spec = specs.model(name, self.include)
        self._known[name] = (stamp, spec)
        return spec


def sentence(error: Exception) -> str:
    """Write an error on one bounded line; a foreign one with its type, which is often all that it says."""
    text = " ".join(str(error).split())
    named = text if isinstance(error, RatchetError) else f"{type(error).__name__}: {text}"
    return named if len(named) <= _MAX_TEXT else named[: _MAX_TEXT - 3] + "..."
