"""What the follower knows of one model, and when it tries again what failed."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from include.ratchet.domain import specs
from include.ratchet.domain.errors import RatchetError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.serving.served import Served

_MAX_TEXT = 400
_LONGEST_WAIT = 30.0


@dataclass(frozen=True)
class Place:
    """One model: its last good spec, its champion as the ledger says, what serves, and the last error."""

    name: str
    spec: ModelSpec | None = None
    champion: int | None = None
    looked: bool = False
    served: Served | None = None
    error: str = ""

    @property
    def ready(self) -> bool:
        """Whether the ledger was asked, and a version answers if there is a champion."""
        return self.looked and (self.champion is None or self.served is not None)

    @property
    def is_current(self) -> bool:
        """Whether the champion serves, under the spec as it is written now."""
        return self.served is not None and self.served.version == self.champion and self.served.spec == self.spec

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
