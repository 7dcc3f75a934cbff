"""Freezes and agreements, on SQLite and PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.records import Agreement, Freeze, Question

AT = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_newest_word_says_whether_it_is_frozen(url: str) -> None:
    """Of one model, not of another; a thaw ends it, and both stay on record."""
    ledger = Ledger(url)
    first = Freeze("m", True, "ann", "holidays", AT)  # noqa: FBT003
    ledger.freeze(first)
    assert (ledger.frozen("m"), ledger.frozen("other")) == (first, None)
    ledger.freeze(Freeze("m", False, "bob", "back", AT))  # noqa: FBT003
    assert ledger.frozen("m") is None
    assert [each.on for each in ledger.freezes("m")] == [True, False]
    assert ledger.freezes("other") == []
    assert ledger.froze("m", AT) == first
    assert ledger.froze("m", AT + timedelta(seconds=1)) is ledger.froze("other", AT) is None


def test_an_agreement_is_about_one_verdict_and_one_dossier(url: str) -> None:
    """The newest answer counts; another dossier has none."""
    ledger = Ledger(url)
    no = Agreement("m", 1, "v" * 64, "d" * 64, False, "ann", "", AT)  # noqa: FBT003
    yes = Agreement("m", 1, "v" * 64, "d" * 64, True, "bob", "looked", AT)  # noqa: FBT003
    ledger.agree(no)
    ledger.agree(yes)
    assert ledger.agreement("v" * 64, "d" * 64) == yes
    assert ledger.agreement("v" * 64, "e" * 64) is None


def _question(run_id: str, at: datetime) -> Question:
    return Question("m", 1, "v" * 64, "d" * 64, run_id, at, at + timedelta(hours=1))


def test_one_question_is_open_at_a_time(url: str) -> None:
    """Another run learns who asks; the same run may try again; past the deadline, or asked anew, there is a new one."""
    ledger = Ledger(url)
    first = _question("first", AT)
    assert ledger.ask(first) == first
    assert ledger.ask(_question("sweep", AT + timedelta(minutes=30))) == first
    assert ledger.ask(_question("first", AT + timedelta(minutes=31))) == first
    later = _question("later", AT + timedelta(minutes=61))
    assert ledger.ask(later) == later
    named = _question("by hand", AT + timedelta(minutes=62))
    assert ledger.ask(named, anew=True) == named
    assert ledger.ask(replace(named, at=AT + timedelta(minutes=63)), anew=True) == named
    assert [fault for each in ledger.audit() for fault in each.faults] == []


def test_of_runs_that_ask_at_once_one_does(url: str) -> None:
    """However many sweeps overlap, people are asked once."""
    ledger = Ledger(url)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: ledger.ask(_question(f"run {number}", AT)), range(4)))
    assert len({each.run_id for each in found}) == 1
