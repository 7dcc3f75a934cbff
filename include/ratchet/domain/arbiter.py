"""Decide which signals start a training run. Pure: the ledger is read before and written after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.ratchet.domain.modelspec import Triggers
from include.ratchet.domain.records import Disposition, Signal


@dataclass(frozen=True)
class Facts:
    """What the arbiter may look at, all by the same clock."""

    now: datetime
    recent_runs: tuple[datetime, ...]
    new_rows: int
    force: bool = False


@dataclass(frozen=True)
class Decision:
    """Whether to train, why in words, and what becomes of each pending signal."""

    start: bool
    reason: str
    dispositions: tuple[Disposition, ...]


_URGENCY = ("manual", "degradation", "drift", "new_data", "schedule")


def decide(pending: Sequence[Signal], facts: Facts, triggers: Triggers, run_id: str) -> Decision:
    """Give every pending signal its disposition.

    The most urgent signal starts the run and the others are coalesced into it. A person's signal
    waits for nothing; the others wait for cooldown and budget, and are answered with "nothing new"
    when no labelled row came since the last run.
    """
    signals = sorted(pending, key=lambda s: (_URGENCY.index(s.kind), s.at, s.id or 0))
    if not signals:
        return Decision(start=False, reason="no signal is pending", dispositions=())
    first, *others = signals
    by_hand = first.kind == "manual" or facts.force
    hold = None if by_hand else _hold(facts, triggers)
    if hold:
        return Decision(start=False, reason=hold, dispositions=tuple(_disposed(s, "pending", hold) for s in signals))
    if not by_hand and facts.new_rows == 0:
        reason = "no labelled row came since the last run"
        return Decision(start=False, reason=reason, dispositions=tuple(_disposed(s, "nothing new", reason) for s in signals))
    reason = describe(first)
    coalesced = (_disposed(s, "coalesced", f"joined the run that {first.kind} started", run_id) for s in others)
    return Decision(start=True, reason=reason, dispositions=(_disposed(first, "started", reason, run_id), *coalesced))


def describe(signal: Signal) -> str:
    """Say why, with the numbers."""
    numbers = ", ".join(f"{key} {value}" for key, value in signal.evidence.items() if value not in (None, ""))
    return f"{signal.kind.replace('_', ' ')}: {numbers}" if numbers else signal.kind.replace("_", " ")


def _hold(facts: Facts, triggers: Triggers) -> str | None:
    last = max(facts.recent_runs, default=None)
    if last is not None and facts.now < last + triggers.cooldown:
        return f"cooling down until {(last + triggers.cooldown).isoformat()}"
    if triggers.budget:
        today = [at for at in facts.recent_runs if at > facts.now - timedelta(days=1)]
        if len(today) >= triggers.budget.runs_per_day:
            return f"over budget: {len(today)} runs in 24 h, allowed {triggers.budget.runs_per_day}"
    return None


def _disposed(signal: Signal, outcome: str, reason: str, run: str | None = None) -> Disposition:
    if signal.id is None:
        message = "a signal needs its ledger id before it can be disposed of"
        raise ValueError(message)
    return Disposition(signal.id, outcome, reason, run)  # type: ignore[arg-type]
