"""What a backtest replays: windows, what was known, and the triggers of each policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ratchet.domain import backtest
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.records import Batch
from include.ratchet.domain.triggerspec import Triggers
from tests.makers import model_spec

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    """Return a time so many days after the beginning."""
    return BEGIN + timedelta(days=number)


def batch(version: int, landed: float, newest: float | None) -> Batch:
    """Make a merged batch."""
    return Batch("f", f"{version}", "", 1, day(landed), "merged", version=version, max_event_time=None if newest is None else day(newest))


def test_policies_by_name() -> None:
    """None named is all of them; an unknown one is refused with the nearest."""
    assert backtest.named([]) == tuple(backtest.POLICIES)
    assert backtest.named(["loss", "never", "loss"]) == ("never", "loss")
    with pytest.raises(SpecError, match="found 'drif'; allowed are never, every, drift, loss, both, configured; did you mean 'drift'"):
        backtest.named(["drif"])


@pytest.mark.parametrize(
    ("policy", "kinds"),
    [
        ("never", set()),
        ("every", {"new_data"}),
        ("drift", {"drift"}),
        ("loss", {"degradation"}),
        ("both", {"drift", "degradation"}),
        ("configured", {"schedule"}),
    ],
)
def test_the_triggers_of_a_policy(policy: str, kinds: set[str]) -> None:
    """A policy sets what starts a run; what bounds the runs stays, and the result is a valid `triggers:`."""
    spec = model_spec(triggers={"schedule": {"cron": "0 3 * * 1"}, "cooldown": "6h", "budget": {"runs_per_day": 2}})
    found = Triggers.model_validate(backtest.triggers_of(spec, policy))
    assert {kind for kind in ("schedule", "new_data", "drift", "degradation") if getattr(found, kind)} == kinds
    assert found.cooldown == timedelta(hours=6)
    assert found.budget is not None


def test_the_alarms_of_the_spec_are_replayed() -> None:
    """A policy listens to the alarms as they are set; a drop that is not set is what a challenger may cost."""
    set_so = model_spec(triggers={"degradation": {"drop": 0.07, "windows": "1 of 2"}})
    assert backtest.triggers_of(set_so, "both")["degradation"].items() >= {"drop": 0.07, "windows": "1 of 2"}.items()
    assert backtest.triggers_of(model_spec(gate__champion={"margin": 0.03}), "loss")["degradation"] == {"drop": 0.03}


def test_windows_are_equal_and_hold_everything() -> None:
    """They follow each other, and the last event is in the last one."""
    found = backtest.windows(day(0), day(9), 3)
    assert [each.start for each in found] == [BEGIN, found[0].end, found[1].end]
    assert found[-1].start <= day(9) < found[-1].end


@pytest.mark.parametrize(
    ("count", "last", "said"), [(2, 9, "found 2; allowed are 3"), (401, 9, "to 400"), (12, 0, "nothing to replay yet")]
)
def test_windows_that_cannot_be(count: int, last: float, said: str) -> None:
    """Too few, too many, or no history."""
    with pytest.raises(SpecError, match=said):
        backtest.windows(day(0), day(last), count)


def test_known_by_the_clock_of_the_data() -> None:
    """A version is known when the slowest feed had brought an event of that time; a table without times as it was at that moment."""
    feeds = {
        "a": [batch(0, 100.0, 10), batch(1, 100.2, 20), batch(3, 100.4, 30)],
        "b": [batch(0, 100.1, 10), batch(1, 100.3, 20)],
        "c": [batch(0, 100.25, None), batch(1, 100.35, None)],
    }
    assert backtest.known_at(day(5), feeds, wall=False) == {"a": 0, "b": 0, "c": 0}
    assert backtest.known_at(day(15), feeds, wall=False) == {"a": 1, "b": 1, "c": 0}
    assert backtest.known_at(day(25), feeds, wall=False) == {"a": 3, "b": 1, "c": 1}


def test_known_by_the_machines_clock() -> None:
    """What had landed by then; of a history that was delivered afterwards, the versions that first held it."""
    live = {"a": [batch(0, 1, 1), batch(1, 5, 5), batch(2, 9, 9)]}
    assert backtest.known_at(day(6), live, wall=True) == {"a": 1}
    late = {"a": [batch(0, 100, 10), batch(1, 101, 20)]}
    assert backtest.known_at(day(6), late, wall=True) == {"a": 0}


@pytest.mark.parametrize("wall", [True, False])
def test_a_batch_that_waited_brings_nothing_of_later(*, wall: bool) -> None:
    """A batch of day 2 that was stopped and accepted on day 20 is in a version with all days between: day 4 does not know that one."""
    days = [batch(number - 1, number, number) for number in range(3, 20)]
    feeds = {"a": [batch(1, 1, 1), batch(19, 2, 2), *days]}
    assert backtest.known_at(day(4), feeds, wall=wall) == {"a": 3}
    assert backtest.known_at(day(19), feeds, wall=wall) == {"a": 19}
