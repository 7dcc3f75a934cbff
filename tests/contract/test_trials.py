"""Trials of versions, on SQLite and PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.records import Trial


def test_trials_are_kept_by_kind_and_verdict(url: str) -> None:
    """The newest first, with what was said and how long it took; sealed like all that is written once."""
    ledger, at = Ledger(url), datetime(2026, 1, 1, tzinfo=UTC)
    stopped = Trial("m", 2, "canary", "v" * 64, passed=False, why="12 of 300 requests failed", seconds=61.5, at=at)
    passed = replace(stopped, passed=True, why="no fault")
    other = replace(stopped, verdict="w" * 64)
    back = Trial("m", 1, "rehearsal", "u" * 64, passed=True, why="answers as recorded", seconds=1.5, at=at)
    for each in (stopped, passed, other, back):
        ledger.tried(each)
    assert ledger.trials("m", "canary", "v" * 64) == [passed, stopped]
    assert ledger.trials("m", "canary") == [other, passed, stopped]
    assert ledger.trials("m", "rehearsal") == [back]
    assert ledger.trials("other", "canary") == []
    assert [fault for each in ledger.audit() for fault in each.faults] == []
