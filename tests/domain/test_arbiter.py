"""The arbiter: every signal gets exactly one disposition, and at most one run starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ratchet.domain.arbiter import Decision, Facts, decide, describe, faults
from include.ratchet.domain.records import Kind, Outcome, RuleResult, Signal, Verdict
from include.ratchet.domain.triggerspec import Breaker, Cron, Degradation, Drift, NewData, RunBudget, Triggers

NOW = datetime(2013, 3, 1, tzinfo=UTC)
KINDS: tuple[Kind, ...] = ("manual", "schedule", "new_data", "degradation", "drift")
ALL = Triggers(schedule=Cron(cron="0 3 * * 1"), new_data=NewData(min_rows=1), degradation=Degradation(drop=0.1), drift=Drift())
LIMITS = ALL.model_copy(update={"cooldown": timedelta(hours=6), "budget": RunBudget(runs_per_day=2), "breaker": Breaker(refused=2)})


def signal(number: int, kind: Kind, at: datetime = NOW) -> Signal:
    """Make a signal as the ledger gives it."""
    return Signal("m", kind, f"{kind}:{number}", {}, at, number)


def decided(*kinds: Kind, runs: tuple[datetime, ...] = (), rows: int = 5, force: bool = False) -> Decision:
    """Let the arbiter decide about one signal of each kind."""
    pending = [signal(n, kind) for n, kind in enumerate(kinds, 1)]
    return decide(pending, Facts(NOW, runs, rows, force), LIMITS, "run-1")


@given(
    kinds=st.lists(st.sampled_from(KINDS), max_size=8),
    hours=st.lists(st.integers(0, 60), max_size=6),
    rows=st.integers(0, 3),
    force=st.booleans(),
)
def test_one_disposition_each_and_never_two_runs(kinds: list[Kind], hours: list[int], rows: int, force: bool) -> None:  # noqa: FBT001 - drawn
    """Whatever is pending: all signals are answered once, at most one starts, and only a start names a run."""
    made = decided(*kinds, runs=tuple(NOW - timedelta(hours=h) for h in hours), rows=rows, force=force)
    assert sorted(d.signal for d in made.dispositions) == list(range(1, len(kinds) + 1))
    outcomes = [d.outcome for d in made.dispositions]
    assert outcomes.count("started") == int(made.start)
    if made.start:
        assert set(outcomes) <= {"started", "coalesced"}
        assert {d.run for d in made.dispositions} == {"run-1"}
    else:
        assert len(set(outcomes)) <= 1
        assert {d.run for d in made.dispositions} <= {None}


@given(st.permutations([signal(n, kind) for n, kind in enumerate(KINDS, 1)]))
def test_the_order_of_arrival_decides_nothing(pending: list[Signal]) -> None:
    """A person's signal starts the run and the others join it, in whatever order they are read."""
    made = decide(pending, Facts(NOW, (), 5), LIMITS, "run-1")
    assert {d.signal: d.outcome for d in made.dispositions} == {
        1: "started",
        2: "coalesced",
        3: "coalesced",
        4: "coalesced",
        5: "coalesced",
    }


def test_nothing_pending_starts_nothing() -> None:
    """A run without a reason does not train, and says so."""
    made = decided()
    assert (made.start, made.dispositions) == (False, ())
    assert made.reason == "no signal is pending"


def test_cooling_down_by_the_given_clock() -> None:
    """Within the cooldown of the last run the signal stays pending, and the reason says until when."""
    made = decided("new_data", runs=(NOW - timedelta(hours=5, minutes=59),))
    assert [d.outcome for d in made.dispositions] == ["pending"]
    assert made.reason == "cooling down until 2013-03-01T00:01:00+00:00"


def test_cooled_down() -> None:
    """The cooldown is over exactly when it has passed."""
    assert decided("new_data", runs=(NOW - timedelta(hours=6),)).start


def test_over_budget_counts_the_last_day_only() -> None:
    """Two runs in 24 hours use up a budget of two; one that is a day old does not count."""
    recent, yesterday = NOW - timedelta(hours=23), NOW - timedelta(hours=24)
    over = decided("schedule", runs=(NOW - timedelta(hours=7), recent))
    assert (over.start, over.dispositions[0].outcome) == (False, "pending")
    assert over.reason == "over budget: 2 runs in 24 h, allowed 2"
    assert decided("schedule", runs=(NOW - timedelta(hours=7), yesterday)).start


@pytest.mark.parametrize("held", [(NOW,), (NOW - timedelta(hours=7), NOW - timedelta(hours=8))])
def test_a_person_waits_for_nothing(held: tuple[datetime, ...]) -> None:
    """A manual signal passes cooldown, budget and the want of new rows; so does force."""
    assert decided("drift", "manual", runs=held, rows=0).start
    assert decided("drift", runs=held, rows=0, force=True).start
    assert not decided("drift", runs=held).start


def test_nothing_new() -> None:
    """Without a labelled row since the last run, the others are answered finally: they do not wait."""
    made = decided("degradation", "schedule", rows=0)
    assert not made.start
    assert [d.outcome for d in made.dispositions] == ["nothing new", "nothing new"]


def test_another_spec_is_something_new() -> None:
    """Without a new row a run still starts when it would be made otherwise than the last one was."""
    assert decide([signal(1, "schedule")], Facts(NOW, (), 0, changed="models/m/model.yaml"), ALL, "r").start
    assert not decide([signal(1, "schedule")], Facts(NOW, (), 0), ALL, "r").start


def test_the_reason_has_the_numbers() -> None:
    """A run says why it started, with what was measured; what is empty is left out."""
    found = Signal("m", "new_data", "k", {"labelled rows": 120, "asked": 100, "by": ""}, NOW, 1)
    assert describe(found) == "new data: labelled rows 120, asked 100"
    assert decide([found], Facts(NOW, (), 120), ALL, "r").reason == describe(found)


def test_a_signal_that_was_never_recorded_is_refused() -> None:
    """A disposition must be able to name its signal in the ledger."""
    with pytest.raises(ValueError, match="ledger id"):
        decide([Signal("m", "drift", "k", {}, NOW)], Facts(NOW, (), 1), ALL, "r")


def answered(signal: Signal, facts: Facts, triggers: Triggers = LIMITS) -> tuple[bool, str, str]:
    """Let the arbiter decide about one signal: whether it starts a run, its outcome and its reason."""
    made = decide([signal], facts, triggers, "run-1")
    (disposition,) = made.dispositions
    return made.start, disposition.outcome, disposition.reason


def test_what_was_said_of_another_champion_expires() -> None:
    """A drift that a promotion has answered starts nothing; of the version that serves it does."""
    about = Signal("m", "drift", "drift:1", {"version": 1}, NOW, 1)
    assert answered(about, Facts(NOW, (), 5, champion=2)) == (False, "expired", "it was about version 1; version 2 serves now")
    assert answered(about, Facts(NOW, (), 5, champion=1))[:2] == (True, "started")


def test_a_signal_does_not_wait_for_ever() -> None:
    """Held up longer than the spec says it is no reason any more; a person's request stays one."""
    old = NOW - timedelta(days=91)
    assert answered(signal(1, "schedule", old), Facts(NOW, (), 5)) == (False, "expired", "it waited longer than 90d")
    assert answered(signal(1, "manual", old), Facts(NOW, (), 5))[0]


def test_a_trigger_that_was_taken_out_is_refused() -> None:
    """What the spec no longer asks for starts nothing, and says so."""
    said = answered(signal(1, "drift"), Facts(NOW, (), 5), Triggers())
    assert said == (False, "refused", "triggers.drift is no longer in model.yaml")


def test_what_is_settled_does_not_keep_the_others() -> None:
    """One expired signal beside a good one: each has its own answer."""
    gone = Signal("m", "drift", "drift:1", {"version": 1}, NOW, 1)
    made = decide([gone, signal(2, "new_data")], Facts(NOW, (), 5, champion=2), LIMITS, "run-1")
    assert {d.signal: d.outcome for d in made.dispositions} == {1: "expired", 2: "started"}


def test_minutes_are_a_budget_too() -> None:
    """The compute of the last day counts as its runs do."""
    triggers = ALL.model_copy(update={"budget": RunBudget(minutes_per_day=30)})
    assert answered(signal(1, "schedule"), Facts(NOW, (), 5, minutes=30.0), triggers)[1:] == (
        "pending",
        "over budget: 30.0 minutes in 24 h, allowed 30",
    )
    assert answered(signal(1, "schedule"), Facts(NOW, (), 5, minutes=29.9), triggers)[0]


def test_what_force_passed_over_is_recorded() -> None:
    """Who starts a run by hand in a cooldown leaves a trace of it."""
    started, outcome, reason = answered(signal(1, "manual"), Facts(NOW, (NOW,), 5))
    assert (started, outcome) == (True, "started")
    assert reason.endswith("forced, although cooling down until 2013-03-01T06:00:00+00:00")


def test_the_circuit_opens_after_faults_in_a_row_and_a_person_may_try() -> None:
    """Two faults with a breaker of two: signals wait with the reason, and a run by hand goes."""
    facts = Facts(NOW, (), 5, faults=("latency", "leak"))
    assert answered(signal(1, "new_data"), facts)[1] == "pending"
    assert "circuit open: 2 challengers in a row were refused for a fault, the last: latency" in answered(signal(1, "new_data"), facts)[2]
    assert answered(signal(1, "manual"), facts)[0]
    assert answered(signal(1, "new_data"), Facts(NOW, (), 5, faults=("latency",)))[0]


def verdict(outcome: Outcome, *failed: str) -> Verdict:
    """Make a verdict in which some rules failed."""
    return Verdict("m", 1, "r", outcome, "", tuple(RuleResult(name, "check", "fail", f"{name} failed") for name in failed))


def test_not_better_is_no_fault() -> None:
    """Only what is wrong with a challenger counts, and only in a row from the newest on."""
    bad, equal, good = verdict("refuse", "latency"), verdict("refuse", "gain over the champion"), verdict("promote")
    assert faults([bad, bad, good, bad]) == ("latency failed", "latency failed")
    assert faults([equal, bad]) == faults([verdict("refuse", "differs from the champion"), bad]) == ()
    assert faults([verdict("refuse", "gain over the champion", "latency")]) == ("latency failed",)
    assert faults([verdict("inconclusive"), bad]) == ()
