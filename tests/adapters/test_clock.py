"""The two clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.ratchet.adapters.clock import DataClock, WallClock
from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.errors import Skip
from include.ratchet.domain.records import Batch, Delivery

AT = datetime(2013, 1, 1, tzinfo=UTC)


def test_the_wall_clock_is_the_machines() -> None:
    """Now is now, in UTC, whatever the feeds hold."""
    before = datetime.now(UTC)
    assert before <= WallClock().now(["f"]) <= datetime.now(UTC)


def test_the_data_clock_is_what_all_feeds_have_reached(tmp_path: Path) -> None:
    """Now is the older of the feeds' newest event times; while one has none, there is no now."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'l.db'}")
    clock = DataClock(ledger)
    for feed, hours in (("f", 5), ("g", 3)):
        with pytest.raises(Skip, match=r"no data yet of (f, )?g"):
            clock.now(["f", "g"])
        ledger.land(Batch(feed, "a" * 64, "u", 1, AT), Delivery("u", "p"))
        ledger.mark(feed, "a" * 64, status="merged", max_event_time=AT + timedelta(hours=hours))
    assert clock.now(["f", "g"]) == AT + timedelta(hours=3)
    assert clock.now(["f"]) == AT + timedelta(hours=5)


def test_the_data_clock_is_never_ahead_of_the_machines(tmp_path: Path) -> None:
    """One row dated 2099 does not stop the clock until 2099."""
    ledger = Ledger(f"sqlite:///{tmp_path / 'l.db'}")
    ledger.land(Batch("f", "a" * 64, "u", 1, AT), Delivery("u", "p"))
    ledger.mark("f", "a" * 64, status="merged", max_event_time=datetime(2099, 1, 1, tzinfo=UTC))
    before = datetime.now(UTC)
    assert before <= DataClock(ledger).now(["f"]) <= datetime.now(UTC)


def test_no_feed_has_no_time(tmp_path: Path) -> None:
    """A model without timed feeds cannot go by the data's clock."""
    with pytest.raises(Skip, match="any timed feed"):
        DataClock(Ledger(f"sqlite:///{tmp_path / 'l.db'}")).now([])
