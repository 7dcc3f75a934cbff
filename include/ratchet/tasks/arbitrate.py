"""Body of `<model>_train`'s first task: decide whether this run trains."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from include.ratchet.domain import specs
from include.ratchet.domain.arbiter import Facts, decide, faults
from include.ratchet.domain.context import TaskContext, current
from include.ratchet.domain.errors import LedgerError, Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Signal, TrainingRun, Verdict, Window
from include.ratchet.domain.triggerspec import Cron
from include.ratchet.tasks import asked, experiment, inspect_model, reading, recipe


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
    fresh = _new_labelled_rows(spec, tables, next((run for run in past if run.run_id in judged), None), at)
    for signal in _own_signals(spec, task, fresh, at, len(past)):
        ledger.signal(signal)
    pending = [signal for signal, _ in ledger.signals(model, pending=True)]
    facts = Facts(
        at,
        tuple(run.clock_at for run in past),
        fresh,
        force=bool(task.params.get("force")),
        champion=ledger.champion(model),
        faults=faults(verdicts),
        minutes=_minutes([run for run in past if run.clock_at > at - timedelta(days=1)]),
        changed=_changed(spec, verdicts),
    )
    decision = decide(pending, facts, spec.triggers, task.run_id)
    run = TrainingRun(task.run_id, model, decision.reason, asked.window(spec, task, at), chosen, datetime.now(UTC), at)
    ledger.arbitrated(decision.dispositions, run if decision.start else None)
    if not decision.start:
        raise Skip(decision.reason)
    return _run_json(run)


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
    if task.run_type == "scheduled" and spec.triggers.schedule:
        slot = _slot(spec.triggers.schedule)
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


def _slot(schedule: Cron) -> str:
    """Return the newest time that the schedule was due: one signal a slot, whichever run comes to see it first."""
    from croniter import croniter

    local = datetime.now(ZoneInfo(schedule.zone))
    due: datetime = croniter(schedule.cron, local).get_prev(datetime)
    return due.isoformat()


def _new_labelled_rows(spec: ModelSpec, tables: dict[str, int], last: TrainingRun | None, at: datetime) -> int:
    """Count rows whose label matured since the last run; all of them before the first."""
    from include.ratchet.steps.frames import labelled

    if spec.columns.time is None:
        rows = labelled(reading.transformed(spec, tables, None), spec).num_rows
        return rows - (_rows_trained_on(spec, last) if last else 0)
    lag = spec.labels.lag
    window = Window(last.clock_at - lag if last else reading.LONG_AGO, at - lag)
    return labelled(reading.transformed(spec, tables, window), spec).num_rows


def _rows_trained_on(spec: ModelSpec, last: TrainingRun) -> int:
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    for verdict in ledger.verdicts(spec.name):
        if verdict.run_id == last.run_id:
            return ledger.get_snapshot(verdict.figures["snapshot"]).rows
    return 0


def _run_json(run: TrainingRun) -> Json:
    content = dataclasses.asdict(run) | {"window": run.window.to_json(), "candidates": list(run.candidates)}
    return content | {"started_at": run.started_at.isoformat(), "clock_at": run.clock_at.isoformat()}
