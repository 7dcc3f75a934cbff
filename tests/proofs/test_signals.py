"""Three hundred of the proof's signals, and what breaks its claim."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from proofs import signals


def test_three_hundred_signals_are_answered_once(database: Callable[[str], str], tmp_path: Path) -> None:
    """Two killed processes on PostgreSQL: none lost, none doubled, no run too many; the kinds of answers all occur."""
    found = signals.send(database("postgresql"), 1, 300, tmp_path)
    holds, said = signals.judge([found])
    assert holds, (said, found["faults"])
    assert set(found["totals"]) == {"started", "coalesced", "expired", "nothing new"}


def test_one_signal_too_few_or_too_many_breaks_the_claim() -> None:
    """A fault, a signal that is not held or not answered, or kills that never struck."""
    part = {"sent": 10, "held": 10, "runs": 2, "by_hand": 1, "totals": {"started": 2, "coalesced": 8}, "faults": [], "kills": 3}
    assert signals.judge([part, part])[0]
    assert "20 signals sent, 20 held: 16 coalesced, 4 started; 4 runs, 2 of them by hand; 6 kills" in signals.judge([part, part])[1]
    breaking: tuple[dict[str, object], ...] = ({"held": 9}, {"totals": {"started": 2}}, {"faults": ["lost: a"]}, {"kills": 0})
    for bad in breaking:
        assert not signals.judge([part | bad])[0]
