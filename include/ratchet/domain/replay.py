"""A version's recipe, and what a replay of it found, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from include.ratchet.domain.records import Json

STAGES = ("data", "split", "trials", "model", "predictions")
"""In the order in which one is made of the other."""


@dataclass(frozen=True)
class Recipe:
    """All that a version was made of: texts of the specs, recorded trials, code, environment, and a digest per stage."""

    model: str
    version: int
    content: Json
    at: datetime


@dataclass(frozen=True)
class Replay:
    """What a replay found: a digest per stage, what is different about code and machine, and what else there is to say."""

    model: str
    version: int
    recorded: Mapping[str, str]
    found: Mapping[str, str]
    different: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def first(self) -> str | None:
        """The first stage that differs; None when every stage was repeated."""
        return next((stage for stage in STAGES if self.recorded.get(stage) != self.found.get(stage)), None)

    def says(self, stage: str) -> str:
        """Say of one stage whether it was repeated."""
        if stage not in self.found:
            return "not made"
        return "same" if self.recorded.get(stage) == self.found[stage] else "differs"


def differences(then: Mapping[str, str], now: Mapping[str, str]) -> tuple[str, ...]:
    """Name what of an environment is not as it was."""
    names = dict.fromkeys([*then, *now])
    return tuple(f"{name}: was {then.get(name, 'none')}, is {now.get(name, 'none')}" for name in names if then.get(name) != now.get(name))
