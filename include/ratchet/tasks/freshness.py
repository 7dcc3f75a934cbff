"""Which feeds have not brought newer rows for too long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from include.ratchet.domain import specs
from include.ratchet.domain.durations import format_duration


def stale(feeds: Sequence[str]) -> list[str]:
    """Say which of some feeds are older than their `freshness.within` allows, in one sentence each.

    By the machine's clock, now is now; by the data's it is the newest event of any of these feeds, so that one of them
    can lag behind the others.
    """
    from include.ratchet.adapters import open_ledger
    from include.ratchet.domain.config import load_config

    ledger = open_ledger()
    newest = {name: ledger.newest_event(name) for name in feeds if specs.feed(name).time is not None}
    known = [time for time in newest.values() if time is not None]
    wall = datetime.now(UTC)
    now = min(wall, max(known, default=wall)) if load_config().clock == "data" else wall
    found = []
    for name, time in newest.items():
        allowed = specs.feed(name).freshness
        if allowed and time is not None and now - time > allowed.within:
            bound = f"{format_duration(allowed.within)} before {now:%Y-%m-%d %H:%M}"
            found.append(f"{name}: the newest row is of {time:%Y-%m-%d %H:%M} UTC; allowed is {bound}")
    return found
