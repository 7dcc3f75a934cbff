"""What the ledger keeps of decisions and statistics, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.records import Batch, Delivery
from include.ratchet.domain.skew import Change, Decision

AT = datetime(2026, 3, 1, tzinfo=UTC)
NEW = Change("new", "w", "w", "w: new")


@pytest.fixture
def ledger(url: str) -> Ledger:
    """Open a ledger with three batches: a and b merged, c stopped."""
    made = Ledger(url)
    for name, status in (("a", "merged"), ("b", "merged"), ("c", "stopped")):
        made.land(Batch("f", name * 64, f"{name}.csv", 3, AT), Delivery(f"{name}.csv", name))
        made.mark("f", name * 64, status=status, reason="why it stopped" if status == "stopped" else "")
    return made


def decision(batch: str, action: str, *changes: Change) -> Decision:
    """Decide about a batch."""
    return Decision("f", batch * 64, action, "me", "because", AT, changes)  # type: ignore[arg-type]


def test_decisions_are_kept_in_order_and_once(ledger: Ledger) -> None:
    """What was decided comes back as it was; the same decision again is none; another about the same batch is."""
    made = [decision("c", "accept", NEW), decision("c", "accept", NEW, Change("missing", "v", "", "v: missing"))]
    for each in (made[0], made[1], made[0]):
        ledger.decide(each)
    assert ledger.decisions("f") == made
    assert ledger.decisions("f")[0].changes[0].said == "w: new"
    assert ledger.decisions("g") == []


def test_a_rejection_ends_a_stopped_batch(ledger: Ledger) -> None:
    """Decision and status are one transaction: a batch that is merged is neither rejected nor decided about."""
    ledger.decide(decision("c", "reject"))
    (batch,) = ledger.batches("f", "rejected")
    assert batch.reason == "rejected by me: because\nwhy it stopped"
    with pytest.raises(LedgerError, match="merged; only a stopped batch can be rejected"):
        ledger.decide(decision("a", "reject"))
    assert len(ledger.decisions("f")) == 1


def test_history_is_of_what_passed_before(ledger: Ledger) -> None:
    """Only batches that passed, only those that landed earlier, the oldest first; the newest statistics of each."""
    for name in "abc":
        ledger.describe("f", name * 64, {"v": {"n": 0}})
        ledger.describe("f", name * 64, {"v": {"n": ord(name)}})
    assert ledger.figures_before("f", "c" * 64) == [("a" * 64, {"v": {"n": 97}}), ("b" * 64, {"v": {"n": 98}})]
    assert [name[0] for name, _ in ledger.figures_before("f", "b" * 64)] == ["a"]
    assert ledger.figures_before("f", "a" * 64) == ledger.figures_before("g", "a" * 64) == []
