"""Which kinds of triggers started a run of the demo."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.records import Disposition, Kind, Signal
from include.ratchet.local import demo, reasons

AT = datetime(2013, 4, 30, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Return an empty ledger."""
    return Ledger(f"sqlite:///{tmp_path / 'ledger.db'}")


def _signal(ledger: Ledger, model: str, kind: Kind, outcome: str, **evidence: object) -> None:
    known = len(ledger.signals(model))
    ledger.signal(Signal(model, kind, f"{kind}:{known}", evidence, AT))
    number = ledger.signals(model)[0][0].id
    assert number
    ledger.arbitrated([Disposition(number, outcome, "why", "run" if outcome != "pending" else None)], None)  # type: ignore[arg-type]


def test_only_a_signal_that_started_a_run_is_a_reason(ledger: Ledger) -> None:
    """One that joined another's run, or still waits, did not start it; of several of a kind the first is told, with its numbers."""
    _signal(ledger, "a", "schedule", "coalesced", due="April")
    _signal(ledger, "a", "drift", "pending", found="1 of 9")
    _signal(ledger, "b", "new_data", "started", rows=100)
    _signal(ledger, "b", "new_data", "started", rows=200)
    assert reasons.started(ledger, ["a", "b"]) == {"new_data": ("b", "new data: rows 100")}
    assert reasons.missing(ledger, ["a", "b"], reasons.KINDS) == ["manual", "schedule", "degradation", "drift"]
    assert reasons.missing(ledger, ["a", "b"], ("new_data",)) == []


def test_the_demo_s_models_have_every_trigger() -> None:
    """What starts by itself is in the spec of a bundled model: by a schedule, new rows, a loss, and a drift."""
    assert reasons.by_themselves(demo.MODELS) == ["schedule", "new_data", "degradation", "drift"]
