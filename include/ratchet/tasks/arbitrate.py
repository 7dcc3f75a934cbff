"""Body of `<model>_train`'s first task: decide whether this run trains."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from include.ratchet.domain import specs
from include.ratchet.domain.arbiter import Decision, Facts, decide, faults
from include.ratchet.domain.context import TaskContext, current
from include.ratchet.domain.errors import LedgerError, OvertakenError, Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Signal, Snapshot, TrainingRun, Verdict, Window
from include.ratchet.domain.triggerspec import Cron, Triggers
from include.ratchet.tasks import asked, experiment, inspect_model, reading, recipe

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger

TRIES = 10
"""How often the arbiter decides anew when another run of its model was faster."""


def arbitrate(model: str) -> Json:
    """Decide whether this run trains, and record what became of every pending signal; an experiment only plans itself.

    Raises:
        Skip: No signal is pending, or none may start a run now; the reason says which.
    """
    from include.ratchet.adapters import open_ledger

    spec, task, ledger = specs.model(model), current(), open_ledger()
    if task.params.get("experiment"):
        return experiment.plan(model, task)
    experiment.refuse_overrides(task)
    known = ledger.run(model, task.run_id)
    if known:
        return _run_json(known)
    inspect_model.require_sound(spec)  # before a signal is spent on a run that cannot end
    chosen = asked.candidates(spec, task.params.get("candidates") or [])
    tables, at = reading.versions(spec), reading.now(spec)
    past = ledger.runs(model)
    verdicts = ledger.verdicts(model)
    judged = {verdict.run_id for verdict in verdicts}
    # A run that died before its verdict has answered nothing: its rows are still new.
    last = next((run for run in past if run.run_id in judged), None)
    before = _snapshot_of(verdicts, last)
    fresh = _new_labelled_rows(spec, tables, last, before, at)
    if before and not fresh and before.tables != tables:
        fresh = _other_rows(spec, tables, before)
    for signal in _own_signals(spec, task, fresh, at, len(past)):
        ledger.signal(signal)

    def facts(known: list[TrainingRun]) -> Facts:
        return Facts(
            at,
            tuple(run.clock_at for run in known),
            fresh,
            force=bool(task.params.get("force")),
            champion=ledger.champion(model),
            faults=faults(verdicts),
            minutes=_minutes([run for run in known if run.clock_at > at - timedelta(days=1)]),
            changed=_changed(spec, verdicts),
        )

    run = TrainingRun(task.run_id, model, "", asked.window(spec, task, at), chosen, datetime.now(UTC), at)
    decision = settle(ledger, run, spec.triggers, facts)
    if not decision.start:
        raise Skip(decision.reason)
    return _run_json(dataclasses.replace(run, reason=decision.reason))


def settle(ledger: Ledger, run: TrainingRun, triggers: Triggers, facts: Callable[[list[TrainingRun]], Facts]) -> Decision:
    """Decide about all pending signals of a run's model, and record it; decide again when another was faster.

    Args:
        ledger: The ledger.
        run: The run that starts, if one may; its reason is the decision's.
        triggers: Of the spec.
        facts: Returns what the arbiter may look at, by the runs that are recorded.

    Raises:
        OvertakenError: Others were faster every time.
    """
    for left in reversed(range(TRIES)):
        known = ledger.runs(run.model)  # before the signals: a run that is recorded in between is seen when this one is
        pending = [signal for signal, _ in ledger.signals(run.model, pending=True)]
        decision = decide(pending, facts(known), triggers, run.run_id)
        started = dataclasses.replace(run, reason=decision.reason) if decision.start else None
        try:
            ledger.arbitrated(decision.dispositions, started, len(known))
        except OvertakenError:
            if not left:
                raise
        else:
            break
    return decision


def _minutes(runs: list[TrainingRun]) -> float:
    """Return what the tasks of some runs took together."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    steps = [step for run in runs for step in ledger.steps(run.run_id) if step["dag_id"] == f"{run.model}_train"]
    return float(sum((step["ended_at"] - step["started_at"]).total_seconds() for step in steps) / 60)


def _own_signals(spec: ModelSpec, task: TaskContext, fresh: int, at: datetime, runs: int) -> list[Signal]:
    """Turn how this run began, and the new rows that it found, into signals."""
    found = []
    if task.run_type == "manual":
        evidence = {"reason": task.params.get("reason") or "by hand", "by": task.who}
        found.append(Signal(spec.name, "manual", f"manual:{task.run_id}", evidence, at))
    if spec.triggers.schedule:
        slot = _slot(spec.triggers.schedule, at)
        found.append(Signal(spec.name, "schedule", f"schedule:{slot}", {"due": slot}, at))
    wanted = spec.triggers.new_data
    if wanted and fresh >= wanted.min_rows:
        evidence = {"labelled rows": fresh, "asked": wanted.min_rows, "until": at.isoformat()}
        found.append(Signal(spec.name, "new_data", f"new_data:after {runs} runs", evidence, at))
    return found


def _changed(spec: ModelSpec, verdicts: list[Verdict]) -> str:
    """Name what is not as it was when the newest judged version was made: specs, or code."""
    from include.ratchet.adapters import open_ledger

    if not verdicts:
        return ""
    try:
        made = open_ledger().recipe(spec.name, verdicts[0].version).content
    except LedgerError:  # older than recipes are: nothing says that it was made otherwise
        return ""
    texts, code = recipe.texts(spec), recipe.code_of(spec)
    names = [name for name in sorted({*texts, *made["texts"]}) if texts.get(name) != made["texts"].get(name)]
    names += [name for name in sorted(code) if code[name] != made["made_by"].get(name)]
    return ", ".join(names)


def _slot(schedule: Cron, at: datetime) -> str:
    """Return the newest time that the schedule was due by the clock: one signal a slot, whichever run comes to see it first."""
    from croniter import croniter

    just_after = at.astimezone(ZoneInfo(schedule.zone)) + timedelta(microseconds=1)  # get_prev never returns the time that it is given
    due: datetime = croniter(schedule.cron, just_after).get_prev(datetime)
    return due.isoformat()


def _snapshot_of(verdicts: list[Verdict], run: TrainingRun | None) -> Snapshot | None:
    """Return what a judged run saw."""
    judged = next((each for each in verdicts if run and each.run_id == run.run_id), None)
    return reading.snapshot_of(judged.model, judged.version) if judged else None


def _new_labelled_rows(spec: ModelSpec, tables: dict[str, int], last: TrainingRun | None, before: Snapshot | None, at: datetime) -> int:
    """Count rows whose label matured since the last run; all of them before the first."""
    from include.ratchet.steps.frames import labelled

    if spec.columns.time is None:
        rows = labelled(reading.transformed(spec, tables, None), spec).num_rows
        return max(rows - (before.rows if before else 0), 0)
    lag = spec.labels.lag
    window = Window(last.clock_at - lag if last else reading.LONG_AGO, at - lag)
    return labelled(reading.transformed(spec, tables, window), spec).num_rows


def _other_rows(spec: ModelSpec, tables: dict[str, int], before: Snapshot) -> int:
    """Count rows that came late, were corrected or removed: the last judged run saw its window without them, or otherwise."""
    from include.ratchet.adapters import open_lake
    from include.ratchet.domain.errors import DataError
    from include.ratchet.steps.frames import labelled
    from include.ratchet.steps.retrace import count_differing

    rows = labelled(reading.transformed(spec, tables, before.window if spec.columns.time else None), spec)
    try:
        return count_differing(open_lake().kept(before.place), rows)
    except DataError:  # not kept any more: what cannot be compared is new
        return rows.num_rows


def _run_json(run: TrainingRun) -> Json:
    content = dataclasses.asdict(run) | {"window": run.window.to_json(), "candidates": list(run.candidates)}
    return content | {"started_at": run.started_at.isoformat(), "clock_at": run.clock_at.isoformat()}
