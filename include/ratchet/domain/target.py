"""Where a champion serves. The ledger names the champion, a target follows it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from include.ratchet.domain.records import Json


class AwayError(Exception):
    """A target does not answer, or is in the middle of another change: foreign, and tried again."""


@dataclass(frozen=True)
class Live:
    """What a target answers with: the share [0-1] of the requests of each version; `settled` once no change is under way.

    `said` is the target's own word for its state, with its reason where it gives one.
    """

    shares: dict[int, float] = field(default_factory=dict)
    settled: bool = True
    said: str = ""

    def only(self, version: int) -> bool:
        """Say whether every request goes to one version, and will."""
        return self.settled and self.shares == {version: 1.0}


@dataclass(frozen=True)
class Figures:
    """What a target measured of a canary: requests, those that failed, and those slower than the bound that was asked for."""

    requests: int
    failed: int
    slow: int


class Target(ABC):
    """One model's place. Every method may be killed at any line and called again; `tests/contract/test_targets.py` is the contract.

    Changes begin here and end later: `live` says when. A version is served or split only after it was published.
    """

    @abstractmethod
    def publish(self, version: int, artifact: Path) -> str:
        """Bring a version's skops file to where it can serve, checked by its SHA-256; return its name there. No request reaches it yet."""

    @abstractmethod
    def split(self, champion: int, challenger: int, fraction: float) -> None:
        """Give a fraction ]0, 1[ of the requests to the challenger, the others to the champion."""

    @abstractmethod
    def serve(self, version: int, *, guarded: bool = True) -> None:
        """Give every request to a version: the new champion, the former one, or the one of now when a canary ends.

        A way back is not `guarded`: the alarms that ring are those of the version that is left, and would keep it.
        """

    @abstractmethod
    def live(self) -> Live:
        """Say what answers."""

    @abstractmethod
    def remove(self, keep: Collection[int]) -> list[str]:
        """Remove what was published of versions that are neither live nor kept; return the names."""


class Endpoint(Target):
    """A target of another's making, which is asked and measured over the network."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called there."""

    @abstractmethod
    def figures(self, who: str, since: datetime, until: datetime, slow_ms: float) -> Figures:
        """Return what was measured of `champion` or `challenger` in `[since, until)`, UTC; slow took longer than `slow_ms` [ms]."""

    @abstractmethod
    def ask(self, rows: Json) -> Json:
        """Send rows as a client does; return the answer."""

    @abstractmethod
    def approve(self, version: int) -> None:
        """Let the registry there, where one is kept, show which version is champion."""
