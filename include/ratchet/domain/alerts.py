"""What a person is told: which conditions hold, by the ledger's records, and what is said of each. Pure.

Every alert answers four questions: what happened, how sure that is, what Ratchet did about it, what a person may do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from include.ratchet.domain.arbiter import faults
from include.ratchet.domain.durations import format_duration
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.online import parity_said
from include.ratchet.domain.records import Agreement, Batch, Disposition, Json, Promotion, Signal, Trial, Verdict

CERTAIN = "Certain: it is on record."
STOPPED = ("QualityError", "SkewError", "StoppedError")
"""Errors of a batch or a canary that was stopped: that is an alert of its own."""
TYPED = "cli__"
"""How the runs of the command line are named."""
LATE = " is late"
RETRIES = timedelta(minutes=10)
"""A try that failed is not yet a run that failed: Airflow tries twice more, ten seconds apart."""


@dataclass(frozen=True)
class Alert:
    """One condition that holds: about whom, and what is said of it. The same subject and condition is the same alert."""

    subject: str
    condition: str
    what: str
    sure: str
    did: str
    do: str
    ripe: bool = True
    """Whether it may be told for the first time; one that was told already goes on either way."""

    @property
    def headline(self) -> str:
        """Return the line that stands first, of at most 100 characters: Amazon SNS takes no longer subject."""
        text = f"Ratchet: {self.subject}: {self.condition}"
        return text if len(text) <= 100 else text[:97] + "..."  # noqa: PLR2004 - the limit itself

    @property
    def body(self) -> str:
        """Return the four answers, one a line."""
        said = (("What happened", self.what), ("How sure", self.sure), ("What Ratchet did", self.did), ("What you may do", self.do))
        return "\n".join(f"{question}: {answer}" for question, answer in said)


@dataclass(frozen=True)
class Standing:
    """An alert that stands: since when, when it was last told, and how often."""

    subject: str
    condition: str
    said: str
    since: datetime
    told_at: datetime
    times: int


@dataclass(frozen=True)
class Message:
    """What waits to be sent through one channel; `error` is why the last try failed."""

    id: int
    channel: str
    headline: str
    body: str
    made_at: datetime
    tries: int = 0
    error: str = ""


@dataclass(frozen=True)
class Telling:
    """How alerts are told: again after `repeat`, through `channels`; `keep` names conditions that were not looked at."""

    repeat: timedelta
    channels: Sequence[str] = ()
    keep: Sequence[str] = ()


def of_report(spec: ModelSpec, report: Json, signals: Sequence[tuple[Signal, Disposition]]) -> list[Alert]:
    """Say what the newest monitor report shows of the version that serves; signals are newest first."""
    found, drifted = [], report.get("drift") or {}
    rates = {"drift": spec.triggers.drift, "degradation": spec.triggers.degradation}
    worse, estimated = report["degraded"] and report["sentence"], report.get("estimated") or {}
    if spec.triggers.degradation and spec.triggers.degradation.estimated:
        worse = worse or (estimated.get("degraded") and estimated["sentence"])
    for kind, said in (("drift", drifted.get("alarm") and drifted["sentence"]), ("degradation", worse)):
        alarm = rates[kind]
        if said and alarm:
            sure = (
                f"Shown in {alarm.windows} windows; a model that is well is in this alarm {alarm.false_alarms_per_year:g} windows a year."
            )
            do = f"./ratchet status {spec.name}; look at its newest dossier and report; retrain by the form of {spec.name}_train."
            what = f"Version {report['version']}: {said}."
            found.append(Alert(spec.name, kind, what, sure, _answered(kind, signals), do))
    return found + [_of_parity(spec.name, each) for each in report.get("parity", ()) if each["different"]]


def _of_parity(model: str, made: Json) -> Alert:
    """Say that a view answered online what training would not have seen."""
    what = f"Of view {parity_said(made)}."
    shown = f"./ratchet parity {made['view']} shows both sides"
    do = f"{shown}; look for now() or a random number in its SQL, and for who else writes into the store."
    did = "Nothing: the service goes on filling rows from the store."
    return Alert(model, f"online features of {made['view']} differ", what, "Certain: both sides were computed and compared.", did, do)


def _answered(kind: str, signals: Sequence[tuple[Signal, Disposition]]) -> str:
    """Say what the arbiter made of the newest signal of a kind."""
    made = next((made for signal, made in signals if signal.kind == kind), None)
    if made is None:
        return "It will be handed to the arbiter."
    run = f" ({made.run})" if made.run else ""
    return f"Handed it to the arbiter: {made.outcome}{run}; {made.reason or 'not looked at yet'}."


def of_verdicts(spec: ModelSpec, verdicts: Sequence[Verdict], inconclusive: int) -> list[Alert]:
    """Say what the newest verdicts show, newest first: a fault, an open circuit, or that nothing was decided for long."""
    found, faulty = [], faults(verdicts)
    served = f"Version {verdicts[0].champion} goes on serving." if verdicts and verdicts[0].champion is not None else "Nothing serves yet."
    if faulty:
        newest = verdicts[0]
        kinds = {"check": "Certain: the rule is deterministic.", "guard": f"At alpha_guard {spec.gate.alpha_guard:g}, over all guards."}
        failed = next(rule for rule in newest.rules if rule.sentence == faulty[0])
        sure = kinds.get(failed.kind, f"At alpha {spec.gate.alpha:g}.")
        what = f"Version {newest.version} was refused for a fault: {faulty[0]}"
        do = f"Read the dossier of {newest.run_id}; mend the data, the transform or the candidate, and train again."
        found.append(Alert(spec.name, f"version {newest.version} refused for a fault", what, sure, f"Refused it. {served}", do))
    breaker = spec.triggers.breaker
    if breaker and len(faulty) >= breaker.refused:
        what = f"{len(faulty)} challengers in a row were refused for a fault, the last: {faulty[0]}"
        did = f"Starts no run by itself any more; signals wait in the ledger. {served}"
        do = f"Mend the cause, then start {spec.name}_train by its form: a run by hand tries again; a good challenger closes the circuit."
        found.append(Alert(spec.name, "circuit open", what, CERTAIN, did, do))
    undecided = next((i for i, each in enumerate(verdicts) if each.outcome != "inconclusive"), len(verdicts))
    if undecided >= inconclusive:
        what = f"{undecided} verdicts in a row decided nothing, the last: {verdicts[0].sentence}"
        do = "Wait for the rows that it names, or change the split or the margin of the gate in model.yaml."
        found.append(Alert(spec.name, "inconclusive", what, CERTAIN, f"Promoted nothing. {served}", do))
    return found


def of_promotions(model: str, promotions: Sequence[Promotion]) -> list[Alert]:
    """Say that the newest change of champion was an automatic rollback; newest first."""
    newest = next(iter(promotions), None)
    if newest is None or newest.action != "rollback" or newest.who != "ratchet":
        return []
    what = f"Version {newest.previous} was promoted and taken back: {newest.why}"
    do = f"See the service's log; then start {model}_deploy again, or train anew."
    return [
        Alert(
            model,
            f"version {newest.previous} rolled back at {newest.at:%Y-%m-%d %H:%M}",
            what,
            CERTAIN,
            f"Version {newest.version} serves again.",
            do,
        )
    ]


def of_canary(spec: ModelSpec, trials: Sequence[Trial], promotions: Sequence[Promotion]) -> list[Alert]:
    """Say that the newest canary was stopped, until another version is promoted; both newest first."""
    newest = next(iter(trials), None)
    if newest is None or newest.passed or (promotions and promotions[0].at > newest.at):
        return []
    what = f"Version {newest.version} was stopped as a canary: {newest.why}."
    sure = f"A challenger that is well is stopped with a probability of at most {spec.gate.alpha_guard:g}, over all looks together."
    did = "Took it from the clients, and does not try it again by itself."
    did += f" Version {promotions[0].version} answers all of them." if promotions else ""
    if not newest.seconds:  # nothing was measured: its endpoint was not split, or took the promotion back
        what = f"Version {newest.version} was not promoted: {newest.why}."
        sure, did = "Certain: the endpoint was asked.", "Does not try it again by itself; the ledger's champion stays."
    do = f"Mend the cause, and train again; or deploy it by its number, {newest.version}, in the form of {spec.name}_deploy."
    return [Alert(spec.name, f"version {newest.version} stopped as a canary at {newest.at:%Y-%m-%d %H:%M}", what, sure, did, do)]


def of_approval(spec: ModelSpec, waiting: Verdict, answer: Agreement | None, now: datetime) -> list[Alert]:
    """Say that a blessed version waits for a person; again under another name once half of the time has passed."""
    if spec.deploy.approval == "none" or answer is not None or waiting.at is None:
        return []
    within, waited = spec.deploy.approval_within, now - waiting.at
    if waited > within:
        return []
    late = waited > within / 2
    by = waiting.at + within
    what = f"Version {waiting.version} is blessed, and may not serve before a person agrees; the answer is due by {by:%Y-%m-%d %H:%M} UTC."
    did = "Asked in Airflow's required actions; no answer by then is a no."
    do = f"Read the dossier; answer in Airflow, or ./ratchet approve {spec.name} --version {waiting.version} (--reject)."
    sure = f"{waiting.sentence}"
    return [Alert(spec.name, "approval escalated: half of its time is over" if late else "approval waits", what, sure, did, do)]


def of_batch(batch: Batch) -> Alert:
    """Say that a batch is stopped, and why."""
    name = batch.write_id[:12]
    feed = batch.feed
    do = f"Mend and deliver it again, or decide: ./ratchet batches {feed} --accept {name} (or --reject), or the form of {feed}_ingest."
    did = "Kept its bytes, took in none of its rows; the other batches go on."
    return Alert(feed, f"batch {name} stopped", " ".join(batch.reason.split()), "Certain: the rules are in feed.yaml.", did, do)


def of_stale(feed: str, sentence: str) -> Alert:
    """Say that a feed has brought nothing for too long."""
    did = "Goes on with what is there; by the data's clock a feed that stands still also holds its models' time."
    do = f"Look at what delivers {feed}, and at the last run of {feed}_ingest."
    return Alert(feed, "data is late", f"{sentence}.", CERTAIN, did, do)


def of_steps(subject: str, failing: Sequence[Json], now: datetime, settled: str = "") -> list[Alert]:
    """Say which runs of a subject failed: per run the first of the tasks whose newest try failed; `settled` is one without more tries.

    Who types at the command line for what cannot be was answered there: it is nobody else's matter, and would stand for days.
    """
    first: dict[tuple[str, str], Json] = {}
    for step in failing:
        typed = step["run_id"].startswith(TYPED) and step["reason"].startswith("DeployError")
        if not typed and not step["reason"].startswith(STOPPED):
            first.setdefault((step["dag_id"], step["run_id"]), step)
    return [_failed(subject, step, ripe=step["run_id"] == settled or step["ended_at"] < now - RETRIES) for step in first.values()]


def _failed(subject: str, step: Json, *, ripe: bool) -> Alert:
    dag, run = step["dag_id"], step["run_id"]
    reason = " ".join(step["reason"].split())[:500]
    what = f"{dag}.{step['task_id']} failed in {run}, try {step['try_number']}: {reason}"
    do = f"Read the task's log, mend the cause, and clear the task in Airflow: every step is safe to run again. {dag} also runs by itself."
    if reason.startswith("DeployError"):
        do = f"Do as the error says; to clear the task before that fails the same way. {dag} also runs by itself."
    did = "Nothing was half written; what the run was to do waits in the ledger."
    return Alert(subject, f"{dag} failed in {run}"[:300], what, CERTAIN, did, do, ripe)


def of_late_run(subject: str, dag: str, run: str, within: timedelta) -> Alert:
    """Say that a run has not ended in time."""
    what = f"Run {run} of {dag} has not ended {format_duration(within)} after it was queued."
    do = "Look in Airflow at what it waits for: a pool, an earlier run, a task that hangs; end a task that hangs, it is safe to run again."
    return Alert(subject, dag + LATE, what, CERTAIN, "Goes on waiting for it.", do)


def late_dag(condition: str) -> str | None:
    """Return which DAG was late, None where a condition is another one."""
    return condition.removesuffix(LATE) if condition.endswith(LATE) else None
