"""The online store: the newest values of each entity of a view, for whoever predicts one row now."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from include.ratchet.domain.records import Json

Entity = tuple[str, ...]
"""The values of a view's entity columns, as texts; see `entity_of`."""


def entity_of(values: Sequence[Any]) -> Entity | None:
    """Name an entity by texts: a table has 7, a JSON body 7.0 or "7", and all are the same one. None where a value is missing."""
    if any(value is None or value != value for value in values):  # noqa: PLR0124 - not a number is not itself
        return None
    return tuple(str(int(value)) if isinstance(value, float) and value.is_integer() else str(value) for value in values)


def plain(value: Any) -> Any:
    """Return a value as JSON keeps it: a number that is none is null, a decimal is a number, a time or a date is text."""
    if isinstance(value, Decimal):
        value = float(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


@dataclass(frozen=True)
class Known:
    """What is known of one entity.

    `time` is from when on, `tables` the versions of the feeds that it was read from, `as_of` the time at which it was the
    newest, and `definition` names the SQL: the values of another one are other features.
    """

    view: str
    definition: str
    entity: Entity
    time: datetime
    values: Json
    tables: dict[str, int]
    as_of: datetime

    def lasts(self, at: datetime, ttl: timedelta) -> bool:
        """Whether it is known at a time, and not older than the time-to-live."""
        return timedelta(0) <= at - self.time <= ttl


@dataclass(frozen=True)
class Lookup:
    """An answer that was given: at which time, from which row (None: of an entity that is not there), and whether it still lasted."""

    at: datetime
    known: Known
    lasted: bool


class OnlineStore(ABC):
    """Keeps one row per view and entity, and what was answered. `tests/contract/test_online.py` is its contract."""

    @abstractmethod
    def put(self, rows: Sequence[Known]) -> int:
        """Write rows, each only forward; return how many moved.

        A row replaces one of another definition, of an earlier time, or of the same time from older tables: a writer that
        was slow takes nothing back, and the same rows twice are written once.
        """

    @abstractmethod
    def get(self, view: str, definition: str, entities: Sequence[Entity]) -> Mapping[Entity, Known]:
        """Return what is known of entities; those of which nothing is are left out."""

    @abstractmethod
    def log(self, lookups: Sequence[Lookup]) -> None:
        """Keep answers for the parity check: of each row the first one that lasted, and the first one that did not."""

    @abstractmethod
    def logged(self, view: str, definition: str, since: datetime | None = None) -> list[Lookup]:
        """Return the answers that were kept, of a time or later when one is given, oldest first."""


def parity_said(made: Json) -> str:
    """Say in one sentence what the check of online against offline found; `made` is what `tasks.online.parity` returns."""
    counts = ", ".join(f"{made[kind]} {kind}" for kind in ("equal", "behind", "different"))
    gone = f"; {made['gone']} cannot be, the table versions that they were read from are removed" if made["gone"] else ""
    return f"{made['view']}: {made['compared']} of {made['answers']} answers compared, {counts}{gone}"
