"""The two clocks: the machine's, and the data's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.errors import Skip


class WallClock:
    """Now is the machine's."""

    def now(self, feeds: Sequence[str]) -> datetime:  # noqa: ARG002 - the same for all feeds
        """Return the machine's time, UTC."""
        return datetime.now(UTC)


class DataClock:
    """Now is the event time that all of the feeds have reached: the older of their newest."""

    def __init__(self, ledger: Ledger) -> None:
        """Read event times from the ledger's batches."""
        self._ledger = ledger

    def now(self, feeds: Sequence[str]) -> datetime:
        """Return the event time that every timed feed has reached, and never one to come; Skip while one has none.

        One row dated 2099 would otherwise stop the clock until then, and every model that goes by it.
        """
        newest = {name: self._ledger.newest_event(name) for name in feeds}
        waiting = [name for name, time in newest.items() if time is None]
        if waiting or not newest:
            message = f"no data yet of {', '.join(waiting) or 'any timed feed'}"
            raise Skip(message)
        return min(datetime.now(UTC), *(time for time in newest.values() if time is not None))
