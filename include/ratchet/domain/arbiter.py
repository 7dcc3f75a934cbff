"""Decide which signals start a training run. Pure: the ledger is read before and written after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.ratchet.domain.durations import format_duration
from include.ratchet.domain.occasion import NO_FAULT
from include.ratchet.domain.records import Disposition, Signal, Verdict
from include.ratchet.domain.triggerspec import Triggers

_DAY = timedelta(days=1)
_URGENCY = ("manual", "degradation", "drift", "new_data", "schedule")


@dataclass(frozen=True)
class Facts:
    """What the arbiter may look at, all by the same clock.

    Attributes:
        now: By the clock.
        recent_runs: When earlier runs started.
        new_rows: Labelled rows since the last run that was judged.
        force: Whether whoever started the run asks to pass every hold.
        champion: The version that serves.
        faults: Why the newest challengers were refused for a fault, newest first, as many as came in a row.
        minutes: What the training tasks of the last day took.
    """

    now: datetime
    recent_runs: tuple[datetime, ...]
    new_rows: int
    """Labelled rows since the last judged run."""
    force: bool = False
    champion: int | None = None
    faults: tuple[str, ...] = ()
    minutes: float = 0.0
    changed: str = ""
    """What of spec and code is not as it was in that run; empty when nothing is."""


@dataclass(frozen=True)
class Decision:
    """Whether to train, why in words, and what becomes of each pending signal."""

    start: bool
    reason: str
    dispositions: tuple[Disposition, ...]


def decide(pending: Sequence[Signal], facts: Facts, triggers: Triggers, run_id: str) -> Decision:
    """Give every pending signal its disposition.

    A signal that is no reason any more is expired, or refused when the spec has dropped its trigger. Of the others the
    most urgent starts the run, and the rest are coalesced into it. A person's signal waits for nothing, and what it
    passed over is recorded; the others wait for cooldown, budget and breaker, and are answered with "nothing new" when
    no labelled row came since the last judged run and specs and code are the same: it would end as that one did.
    """
    settled = [made for made in (_settled(each, facts, triggers) for each in pending) if made]
    done = {each.signal for each in settled}
    signals = sorted((s for s in pending if s.id not in done), key=lambda s: (_URGENCY.index(s.kind), s.at, s.id or 0))
    if not signals:
        reason = settled[0].reason if settled else "no signal is pending"
        return Decision(start=False, reason=reason, dispositions=tuple(settled))
    first, *others = signals
    by_hand, hold = first.kind == "manual" or facts.force, _hold(facts, triggers)
    if hold and not by_hand:
        waiting = (_disposed(s, "pending", hold) for s in signals)
        return Decision(start=False, reason=hold, dispositions=(*settled, *waiting))
    if not by_hand and facts.new_rows == 0 and not facts.changed:
        reason = "no labelled row came since the last run, and spec and code are the same"
        return Decision(start=False, reason=reason, dispositions=(*settled, *(_disposed(s, "nothing new", reason) for s in signals)))
    reason = describe(first)
    told = f"{reason}; forced, although {hold}" if hold else reason
    coalesced = (_disposed(s, "coalesced", f"joined the run that {first.kind} started", run_id) for s in others)
    return Decision(start=True, reason=reason, dispositions=(*settled, _disposed(first, "started", told, run_id), *coalesced))


def describe(signal: Signal) -> str:
    """Say why, with the numbers."""
    numbers = ", ".join(f"{key} {value}" for key, value in signal.evidence.items() if value not in (None, ""))
    return f"{signal.kind.replace('_', ' ')}: {numbers}" if numbers else signal.kind.replace("_", " ")


def faults(verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    """Return why the newest challengers were refused for a fault, as many as came in a row; "not better" and "the same" are none.

    Args:
        verdicts: Newest first.
    """
    found: list[str] = []
    for each in verdicts:
        failed = [rule.sentence for rule in each.rules if rule.result == "fail" and rule.rule not in NO_FAULT]
        if each.outcome != "refuse" or not failed:
            break
        found.append(failed[0])
    return tuple(found)


def _settled(signal: Signal, facts: Facts, triggers: Triggers) -> Disposition | None:
    """Answer a signal that is no reason any more."""
    if signal.kind == "manual":
        return None
    if getattr(triggers, signal.kind) is None:
        return _disposed(signal, "refused", f"triggers.{signal.kind} is no longer in model.yaml")
    about = signal.evidence.get("version")
    if about is not None and about != facts.champion:
        return _disposed(signal, "expired", f"it was about version {about}; version {facts.champion} serves now")
    if signal.at < facts.now - triggers.expire:
        return _disposed(signal, "expired", f"it waited longer than {format_duration(triggers.expire)}")
    return None


def _hold(facts: Facts, triggers: Triggers) -> str | None:
    """Say why no run may start by itself now."""
    if triggers.breaker and len(facts.faults) >= triggers.breaker.refused:
        count, last = len(facts.faults), facts.faults[0]
        return f"circuit open: {count} challengers in a row were refused for a fault, the last: {last}; a run by hand tries again"
    last_run = max(facts.recent_runs, default=None)
    if last_run is not None and facts.now < last_run + triggers.cooldown:
        return f"cooling down until {(last_run + triggers.cooldown).isoformat()}"
    budget = triggers.budget
    today = [at for at in facts.recent_runs if at > facts.now - _DAY]
    if budget and budget.runs_per_day is not None and len(today) >= budget.runs_per_day:
        return f"over budget: {len(today)} runs in 24 h, allowed {budget.runs_per_day}"
    if budget and budget.minutes_per_day is not None and facts.minutes >= budget.minutes_per_day:
        return f"over budget: {facts.minutes:.1f} minutes in 24 h, allowed {budget.minutes_per_day:g}"
    return None


def _disposed(signal: Signal, outcome: str, reason: str, run: str | None = None) -> Disposition:
    if signal.id is None:
        message = "a signal needs its ledger id before it can be disposed of"
        raise ValueError(message)
    return Disposition(signal.id, outcome, reason, run)  # type: ignore[arg-type]
