"""Alerts and their messages, on SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.adapters.ledger.alerts import LEASE
from include.ratchet.domain.alerts import Alert, Telling

AT = datetime(2026, 1, 1, tzinfo=UTC)
HOW = Telling(timedelta(days=1), ("mail", "chat"))
DRIFT = Alert("m", "drift", "w", "s", "d", "y")


def test_a_condition_is_told_once_until_it_clears_or_is_due_again(url: str) -> None:
    """One message per channel and telling, however often somebody looks; after it has cleared it is news again."""
    ledger = Ledger(url)
    assert ledger.hold("m", [DRIFT], AT, HOW) == [DRIFT]
    assert ledger.hold("m", [DRIFT], AT + timedelta(hours=23), HOW) == []
    assert ledger.hold("m", [DRIFT], AT + timedelta(days=1), HOW) == [DRIFT]
    (standing,) = ledger.alerts("m")
    assert (standing.since, standing.told_at, standing.times) == (AT, AT + timedelta(days=1), 2)
    assert ledger.hold("m", [], AT + timedelta(days=2), HOW) == []
    assert ledger.alerts() == []
    assert ledger.hold("m", [DRIFT], AT + timedelta(days=2), HOW) == [DRIFT]
    assert [each.channel for each in ledger.messages()] == ["mail", "chat"] * 3


def test_subjects_and_conditions_do_not_touch_each_other(url: str) -> None:
    """What one subject does not show is not cleared of another, nor what was not looked at."""
    ledger, other = Ledger(url), replace(DRIFT, subject="n", condition="n_train is late")
    ledger.hold("m", [DRIFT], AT, HOW)
    ledger.hold("n", [other], AT, HOW)
    ledger.hold("n", [], AT, replace(HOW, keep=["n_train is late"]))
    assert [(each.subject, each.condition) for each in ledger.alerts()] == [("m", "drift"), ("n", "n_train is late")]


def test_a_look_does_not_clear_what_another_told_since(url: str) -> None:
    """A callback may tell between a sweep's reading and its writing; the next sweep, which read later, may clear it."""
    ledger = Ledger(url)
    ledger.hold("m", [DRIFT], AT + timedelta(seconds=5), HOW)
    ledger.hold("m", [], AT, HOW)
    assert len(ledger.alerts("m")) == 1
    ledger.hold("m", [], AT + timedelta(minutes=10), HOW)
    assert ledger.alerts("m") == []


def test_an_unripe_condition_is_not_begun_and_goes_on(url: str) -> None:
    """A try that failed may be followed by another: it opens nothing, and keeps what was told."""
    ledger, unripe = Ledger(url), replace(DRIFT, ripe=False)
    assert ledger.hold("m", [unripe], AT, HOW) == []
    ledger.hold("m", [DRIFT], AT, HOW)
    ledger.hold("m", [unripe], AT, HOW)
    assert len(ledger.alerts()) == 1


def test_many_that_look_at_once_tell_once(url: str) -> None:
    """Eight looks beside each other make one alert and one message per channel."""
    ledger = Ledger(url)
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda _: ledger.hold("m", [DRIFT], AT, HOW), range(8)))
    assert sum(map(len, told)) == 1
    assert len(ledger.messages()) == 2


def test_a_message_is_sent_by_one_and_waits_until_it_is(url: str) -> None:
    """Who takes it has it for a while; one that could not be sent, or whose sender died, is another's to try."""
    ledger = Ledger(url)
    ledger.hold("m", [DRIFT], AT, HOW)
    mail, chat = ledger.messages()
    assert [each.channel for each in ledger.messages(["chat"])] == ["chat"]
    assert (ledger.take(mail.id, AT), ledger.take(mail.id, AT)) == (True, False)
    assert ledger.take(mail.id, AT + LEASE)
    ledger.unsent(mail.id, "refused")
    assert [(each.tries, each.error) for each in ledger.messages(["mail"])] == [(2, "refused")]
    assert [each.id for each in ledger.messages(fresh=True)] == [chat.id]
    ledger.take(mail.id, AT)
    ledger.sent(mail.id, AT)
    assert not ledger.take(mail.id, AT + timedelta(days=9))
    assert ledger.messages() == [chat]
