"""Which conditions hold, and what is said of each."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from include.ratchet.domain import alerts
from include.ratchet.domain.alerts import Alert
from include.ratchet.domain.records import Agreement, Batch, Disposition, Json, Promotion, RuleResult, Signal, Trial, Verdict
from tests import makers

AT = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = makers.model_spec(
    triggers__drift={"false_alarms_per_year": 2}, triggers__degradation={"drop": 0.1}, triggers__breaker={"refused": 2}
)
REPORT: Json = {"version": 3, "degraded": [], "sentence": "all is well", "drift": None}


def verdict(outcome: Any = "refuse", *rules: RuleResult, version: int = 4) -> Verdict:
    """Make a verdict against champion 3."""
    return Verdict("m", version, f"run {version}", outcome, "the sentence", rules, champion=3, at=AT)


def failed(kind: Any = "check", rule: str = "size") -> RuleResult:
    """Make a rule that failed."""
    return RuleResult(rule, kind, "fail", f"{rule} is too much")


def conditions(found: list[Alert]) -> list[str]:
    """Return what holds."""
    return [each.condition for each in found]


def test_an_alert_answers_four_questions() -> None:
    """What happened, how sure, what was done, what to do: one line each, under a line that SNS takes as a subject."""
    made = Alert("m", "c" * 200, "it broke", "certain", "waited", "mend it")
    assert len(made.headline) == 100
    assert made.body.splitlines() == [
        "What happened: it broke",
        "How sure: certain",
        "What Ratchet did: waited",
        "What you may do: mend it",
    ]


def test_a_report_tells_drift_and_degradation() -> None:
    """Each with the rate at which a model that is well rings, and with what the arbiter made of the signal."""
    report = REPORT | {"degraded": ["w"], "sentence": "worse than 0.9", "drift": {"alarm": True, "sentence": "drift in x"}}
    signals = [(Signal("m", "drift", "k", {}, AT, 1), Disposition(1, "pending", "cooling down until noon"))]
    drift, worse = alerts.of_report(SPEC, report, signals)
    assert (drift.condition, worse.condition) == ("drift", "degradation")
    assert "2 windows a year" in drift.sure
    assert drift.did == "Handed it to the arbiter: pending; cooling down until noon."
    assert worse.did == "It will be handed to the arbiter."
    assert alerts.of_report(SPEC, REPORT, signals) == []
    assert alerts.of_report(SPEC, REPORT | {"drift": {"alarm": False, "sentence": "no drift"}}, signals) == []


def test_an_estimated_degradation_is_told_where_it_is_a_signal() -> None:
    """Only with `estimated: true`: else it stands in the report."""
    report = REPORT | {"estimated": {"degraded": ["w"], "sentence": "worse than allowed in w"}}
    assert alerts.of_report(SPEC, report, []) == []
    asked = makers.model_spec(triggers__degradation={"drop": 0.1, "estimated": True})
    (worse,) = alerts.of_report(asked, report, [])
    assert (worse.condition, worse.what) == ("degradation", "Version 3: worse than allowed in w.")


def test_a_report_tells_of_views_that_answered_what_training_would_not_have_seen() -> None:
    """With the counts; a view whose answers are equal, or only lag, is no alert."""
    counts = {"view": "v", "answers": 3, "compared": 3, "equal": 1, "behind": 2, "different": 0, "gone": 0}
    assert alerts.of_report(SPEC, REPORT | {"parity": [counts]}, []) == []
    (made,) = alerts.of_report(SPEC, REPORT | {"parity": [counts, counts | {"view": "w", "equal": 0, "different": 1}]}, [])
    assert made.condition == "online features of w differ"
    assert "w: 3 of 3 answers compared, 0 equal, 2 behind, 1 different" in made.what


def test_a_fault_is_told_and_a_champion_that_is_as_good_is_not() -> None:
    """That it is not better is healthy; a check is certain, and a guard has its level."""
    assert conditions(alerts.of_verdicts(SPEC, [verdict("refuse", failed("proof", "gain over the champion"))], 3)) == []
    (check,) = alerts.of_verdicts(SPEC, [verdict("refuse", failed())], 3)
    assert check.condition == "version 4 refused for a fault"
    assert check.sure == "Certain: the rule is deterministic."
    assert check.did == "Refused it. Version 3 goes on serving."
    (guard,) = alerts.of_verdicts(SPEC, [verdict("refuse", failed("guard", "flips"))], 3)
    assert "alpha_guard 0.05" in guard.sure


def test_faults_in_a_row_open_the_circuit() -> None:
    """As many as the spec says, and it stays told until a challenger is sound."""
    faulty = [verdict("refuse", failed(), version=each) for each in (6, 5)]
    assert conditions(alerts.of_verdicts(SPEC, faulty, 3)) == ["version 6 refused for a fault", "circuit open"]
    assert conditions(alerts.of_verdicts(SPEC, [verdict("promote", version=7), *faulty], 3)) == []


def test_verdicts_that_decide_nothing_are_told_when_they_are_many() -> None:
    """In a row, as many as the deployment asks for."""
    open_ones = [verdict("inconclusive", version=each) for each in (6, 5)]
    assert conditions(alerts.of_verdicts(SPEC, open_ones, 2)) == ["inconclusive"]
    assert conditions(alerts.of_verdicts(SPEC, open_ones, 3)) == []


def test_only_an_automatic_rollback_is_news() -> None:
    """A person who goes back knows; and the next promotion ends it."""
    back = Promotion("m", 3, 4, "rollback", "ratchet", "smoke test failed", "e", AT)
    (told,) = alerts.of_promotions("m", [back])
    assert told.what == "Version 4 was promoted and taken back: smoke test failed"
    assert told.condition == "version 4 rolled back at 2026-01-01 00:00"
    assert alerts.of_promotions("m", [replace(back, who="ann")]) == []
    assert alerts.of_promotions("m", [Promotion("m", 5, 3, "promote", "airflow", "w", "e", AT), back]) == []
    assert alerts.of_promotions("m", []) == []


def test_a_stopped_canary_is_told_until_another_version_serves() -> None:
    """With what may be done: its run would fail again however often its task is cleared, so that it is not told beside it."""
    stopped = Trial("m", 4, "canary", "v", False, "20 of 401 requests failed", 33.5, AT)  # noqa: FBT003
    served = [Promotion("m", 3, None, "promote", "airflow", "w", "e", AT - timedelta(days=1))]
    (told,) = alerts.of_canary(SPEC, [stopped], served)
    assert told.condition == "version 4 stopped as a canary at 2026-01-01 00:00"
    assert told.what == "Version 4 was stopped as a canary: 20 of 401 requests failed."
    assert told.did.endswith("Version 3 answers all of them.")
    assert "by its number, 4, in the form of m_deploy" in told.do
    assert alerts.of_canary(SPEC, [stopped], [replace(served[0], version=4, at=AT + timedelta(days=1)), *served]) == []
    assert alerts.of_canary(SPEC, [replace(stopped, passed=True), stopped], served) == []
    assert told.sure.startswith("A challenger that is well is stopped with a probability of at most 0.05")
    step = {"dag_id": "m_deploy", "task_id": "canary", "run_id": "r", "try_number": 1, "ended_at": AT}
    assert alerts.of_steps("m", [step | {"reason": "StoppedError: m version 4: 20 of 401 requests failed"}], AT) == []


def test_a_promotion_that_its_endpoint_took_back_has_no_probability() -> None:
    """Nothing was measured: the alert says what the endpoint showed, and not how often a good version meets that."""
    (told,) = alerts.of_canary(SPEC, [Trial("m", 4, "canary", "v", False, "ratchet-m serves version 3", 0.0, AT)], [])  # noqa: FBT003
    assert told.what == "Version 4 was not promoted: ratchet-m serves version 3."
    assert told.sure == "Certain: the endpoint was asked."
    assert "by its number, 4" in told.do


def test_who_asked_for_what_cannot_be_is_not_told_to_try_again() -> None:
    """A cleared task would say the same until what the error names is done; then it may be what the error asks for."""
    step = {"dag_id": "m_deploy", "task_id": "choose", "run_id": "r", "try_number": 1, "ended_at": AT}
    (told,) = alerts.of_steps("m", [step | {"reason": "DeployError: m version 7: was never champion; a rollback goes to one of 1, 2"}], AT)
    assert told.do.startswith("Do as the error says; to clear the task before that fails the same way.")


def test_a_mistake_at_the_command_line_is_told_there_alone() -> None:
    """Not to everybody, each day for a week; what else fails in a run that somebody typed is told."""
    step = {"dag_id": "m_deploy", "task_id": "answer", "run_id": "cli__2026", "try_number": 1, "ended_at": AT}
    assert alerts.of_steps("m", [step | {"reason": "DeployError: m version 99: not blessed"}], AT) == []
    assert len(alerts.of_steps("m", [step | {"reason": "OSError: disk"}], AT)) == 1


def test_an_approval_is_told_twice() -> None:
    """When it is asked, and when half of the time is over; not when it is answered, too late, or not asked."""
    asks = makers.model_spec(deploy__approval="required", deploy__approval_within="2d")
    waiting = verdict("promote")

    def after(hours: int, answer: Agreement | None = None) -> list[str]:
        return conditions(alerts.of_approval(asks, waiting, answer, AT + timedelta(hours=hours)))

    assert after(1) == ["approval waits"]
    assert after(25) == ["approval escalated: half of its time is over"]
    assert after(49) == []
    assert after(1, Agreement("m", 4, "v", "d", False, "ann", "", AT)) == []  # noqa: FBT003
    assert alerts.of_approval(SPEC, waiting, None, AT) == []


def test_a_stopped_batch_is_told_with_its_reason() -> None:
    """On one line, with the command that decides about it."""
    told = alerts.of_batch(Batch("f", "abc" * 20, "u", 1, AT, "stopped", "column x\n  - is text"))
    assert told.condition == "batch abcabcabcabc stopped"
    assert told.what == "column x - is text"
    assert "./ratchet batches f --accept abcabcabcabc" in told.do


def test_a_failed_task_is_told_once_it_has_no_more_tries() -> None:
    """At once where the run has failed for good, after ten minutes otherwise; a stopped batch is another alert."""
    step = {"dag_id": "m_train", "task_id": "fit", "run_id": "r", "try_number": 1, "reason": "OSError: disk", "ended_at": AT}
    (fresh,) = alerts.of_steps("m", [step, step | {"task_id": "judge"}], AT)
    assert (fresh.condition, fresh.ripe) == ("m_train failed in r", False)
    assert fresh.what == "m_train.fit failed in r, try 1: OSError: disk"
    assert conditions(alerts.of_steps("m", [step, step | {"run_id": "s"}], AT)) == ["m_train failed in r", "m_train failed in s"]
    assert len(alerts.of_steps("m", [step | {"run_id": "r" * 300}], AT)[0].condition) == 300  # what the ledger's column takes
    assert alerts.of_steps("m", [step], AT, settled="r")[0].ripe
    assert alerts.of_steps("m", [step], AT + timedelta(minutes=11))[0].ripe
    assert alerts.of_steps("m", [step | {"reason": "SkewError: column x"}], AT) == []


def test_late_data_and_late_runs_are_told() -> None:
    """Each names what is late, and a late run's condition names its DAG."""
    assert alerts.of_stale("f", "f: the newest row is old").condition == "data is late"
    late = alerts.of_late_run("m", "m_train", "r", timedelta(hours=6))
    assert late.what == "Run r of m_train has not ended 6h after it was queued."
    assert alerts.late_dag(late.condition) == "m_train"
    assert alerts.late_dag("drift") is None
