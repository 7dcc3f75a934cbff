"""What the service polls and says back, on SQLite and on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.records import Promotion, Route, RuleResult, Standing, Verdict

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
CANARY = Route("m", 2, "canary", 0.1, AT)


@pytest.fixture
def ledger(url: str) -> Ledger:
    """Give an empty ledger."""
    return Ledger(url)


def promote(ledger: Ledger, version: int, previous: int | None, model: str = "m") -> None:
    """Make a version the champion."""
    rules = (RuleResult("r", "check", "pass", "fine"),)
    verdict = ledger.judge(Verdict(model, version, f"run-{version}", "promote", "said", rules, {}, None, AT))
    ledger.promote(Promotion(model, version, previous, "promote", "me", "why", verdict.digest, AT))


def test_one_look_gives_the_champion_of_every_model(ledger: Ledger) -> None:
    """The newest promotion of each counts, with its number; a model without one is left out."""
    assert ledger.standings() == {}
    promote(ledger, 1, None)
    promote(ledger, 3, 1)
    promote(ledger, 7, None, model="other")
    assert ledger.standings() == {"m": Standing(3, 2), "other": Standing(7, 1)}


def test_an_open_route_is_part_of_the_standing(ledger: Ledger) -> None:
    """Until it ends; it is kept afterwards."""
    promote(ledger, 1, None)
    made = ledger.route(CANARY)
    assert ledger.standings()["m"].routes == (made,)
    assert made.id is not None
    assert ledger.end_routes("m", AT + HOUR) == 1
    assert ledger.standings()["m"].routes == ()
    assert [each.until for each in ledger.routes("m")] == [AT + HOUR]
    assert ledger.end_routes("m", AT + HOUR) == 0


def test_a_canary_is_opened_once_and_widened(ledger: Ledger) -> None:
    """A task that runs again opens no second one; another fraction changes the open one."""
    first = ledger.route(CANARY)
    again = ledger.route(Route("m", 2, "canary", 0.5, AT + HOUR))
    assert (again.id, again.since, again.fraction) == (first.id, AT, 0.5)
    assert len(ledger.routes("m")) == 1


def test_routes_of_one_version_end_alone(ledger: Ledger) -> None:
    """Another version's shadow goes on."""
    ledger.route(CANARY)
    ledger.route(Route("m", 3, "shadow", 1.0, AT))
    assert ledger.end_routes("m", AT + HOUR, version=2) == 1
    assert [(each.version, each.until) for each in ledger.routes("m")] == [(3, None), (2, AT + HOUR)]


def test_a_change_of_champion_ends_the_routes_of_its_model(ledger: Ledger) -> None:
    """All of them in the same moment, and no other model's; a promotion that is refused ends none."""
    promote(ledger, 1, None)
    ledger.route(CANARY)
    ledger.route(Route("m", 3, "shadow", 1.0, AT))
    ledger.route(Route("other", 4, "shadow", 1.0, AT))
    with pytest.raises(LedgerError, match="the champion is version 1 now"):
        promote(ledger, 5, None)
    assert len(ledger.standings()["m"].routes) == 2
    promote(ledger, 3, 1)
    assert ledger.standings()["m"] == Standing(3, 2)
    assert [each.until for each in ledger.routes("m")] == [AT, AT]
    assert [each.until for each in ledger.routes("other")] == [None]


def test_workers_say_what_they_serve(ledger: Ledger) -> None:
    """Since when is the first time that a worker said so; one that fell silent does not count, one that left is gone."""
    ledger.beat("a", {"m": (1, 1), "other": (4, 2)}, AT)
    ledger.beat("b", {"m": (1, 1)}, AT - HOUR)
    ledger.beat("a", {"m": (1, 1)}, AT + timedelta(seconds=1))
    assert ledger.workers("m", AT - timedelta(minutes=1)) == {"a": (1, 1, AT)}
    assert ledger.workers("other", AT - timedelta(minutes=1)) == {}
    ledger.beat("a", {"m": (2, 2)}, AT + HOUR)
    assert ledger.workers("m", AT) == {"a": (2, 2, AT + HOUR)}
    ledger.leave("a")
    assert ledger.workers("m", AT) == {}


def test_what_workers_say_is_when_a_promotion_held(ledger: Ledger) -> None:
    """The first beat by a promotion confirms it; the promotion is valid from when the last worker has."""
    for number in (1, 2):
        promote(ledger, number, number - 1 or None)
    at = ledger.promotions("m", limit=1)[0].at
    for worker, seconds in (("a", 1), ("b", 3)):
        ledger.beat(worker, {"m": (1, 1)}, at - HOUR)
        ledger.beat(worker, {"m": (2, 2)}, at + timedelta(seconds=seconds))
        ledger.beat(worker, {"m": (2, 2)}, at + HOUR)
    assert [each.valid_from for each in ledger.reigns("m")] == [at, at + timedelta(seconds=3)]
