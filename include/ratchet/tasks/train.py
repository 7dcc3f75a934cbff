"""Bodies of `<model>_train`: arbitrate, snapshot, fit, register, judge, bless."""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from include.ratchet.domain import specs
from include.ratchet.domain.arbiter import Facts, decide
from include.ratchet.domain.context import TaskContext, current
from include.ratchet.domain.durations import format_duration, parse_duration
from include.ratchet.domain.errors import Skip, SpecError
from include.ratchet.domain.modelspec import Cron, ModelSpec
from include.ratchet.domain.records import Json, Signal, Snapshot, TrainingRun, Verdict, Window, digest
from include.ratchet.tasks import inspect_model, reading

if TYPE_CHECKING:
    import pyarrow as pa


def arbitrate(model: str) -> Json:
    """Decide whether this run trains, and record what became of every pending signal.

    Raises:
        Skip: No signal is pending, or none may start a run now; the reason says which.
    """
    from include.ratchet.adapters import open_ledger

    spec, task, ledger = specs.model(model), current(), open_ledger()
    known = ledger.run(model, task.run_id)
    if known:
        return _run_json(known)
    inspect_model.require_sound(spec)  # before a signal is spent on a run that cannot end
    chosen = _chosen_candidates(spec, task.params.get("candidates") or [])
    tables, at = reading.versions(spec), reading.now(spec)
    past = ledger.runs(model)
    judged = {verdict.run_id for verdict in ledger.verdicts(model)}
    # A run that died before its verdict has answered nothing: its rows are still new.
    fresh = _new_labelled_rows(spec, tables, next((run for run in past if run.run_id in judged), None), at)
    for signal in _own_signals(spec, task, fresh, at, len(past)):
        ledger.signal(signal)
    pending = [signal for signal, _ in ledger.signals(model, pending=True)]
    facts = Facts(at, tuple(run.clock_at for run in past), fresh, force=bool(task.params.get("force")))
    decision = decide(pending, facts, spec.triggers, task.run_id)
    run = TrainingRun(task.run_id, model, decision.reason, _window(spec, task, at), chosen, datetime.now(UTC), at)
    ledger.arbitrated(decision.dispositions, run if decision.start else None)
    if not decision.start:
        raise Skip(decision.reason)
    return _run_json(run)


def snapshot(run: Json) -> list[Json]:
    """Pin the versions of all tables, transform them, and keep the labelled rows as one immutable file.

    Returns one job per candidate: the snapshot's reference, and the candidate to fit on it.

    Raises:
        Skip: The data does not reach back far enough yet, and nobody asked for this run by hand.
    """
    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.frames import check_trainable, labelled, split
    from include.ratchet.steps.transform import content_digest

    spec, window = specs.model(run["model"]), Window.from_json(run["window"])
    tables = reading.versions(spec)
    rows = labelled(reading.transformed(spec, tables, window if spec.columns.time else None, _of_champion(spec)), spec)
    check_trainable(rows, spec)
    if current().run_type != "manual":  # who asks by hand is told what is wrong, as an error
        _require_history(rows, spec, window)
    parts = split(rows, spec, window)
    sql = digest(specs.transform_sql(spec))
    content = content_digest(rows)
    name = digest({"tables": tables, "window": window.to_json(), "transform": sql, "rows": rows.num_rows, "content": content})
    place = f"snapshots/{spec.name}/{name}.parquet"
    open_lake().keep(place, rows)
    open_ledger().snapshot(Snapshot(name, spec.name, tables, window, sql, rows.num_rows, content, place))
    sizes = {part: int(getattr(parts, part).sum()) for part in ("train", "validation", "test")}
    reference = {"run": run, "digest": name, "rows": rows.num_rows, **sizes}
    return [{"snapshot": reference, "candidate": candidate} for candidate in run["candidates"]]


def fit(job: Json) -> Json:
    """Fit one candidate's trials on the train rows; keep the one that validates best."""
    from include.ratchet.adapters.models import save_skops
    from include.ratchet.steps.frames import features, labels
    from include.ratchet.steps.train import fit_candidate

    snapshot, candidate = job["snapshot"], job["candidate"]
    spec = specs.model(snapshot["run"]["model"])
    chosen = next(each for each in spec.training.candidates if each.name == candidate)
    rows, parts = _split_rows(spec, snapshot)
    x, y = features(rows, spec.columns), labels(rows, spec)
    weight = rows[spec.columns.weight].to_numpy()[parts.train] if spec.columns.weight else None
    fitted = fit_candidate(spec, chosen, (x[parts.train], y[parts.train]), (x[parts.validation], y[parts.validation]), weight)
    path = _work(snapshot["run"]) / f"{candidate}.skops"
    save_skops(fitted.pipeline, path)
    trials = [{"params": {k: str(v) for k, v in t["params"].items()}, "score": t["score"]} for t in fitted.trials]
    seconds = round(fitted.seconds, 3)
    return {"snapshot": snapshot, "name": candidate, "score": fitted.score, "trials": trials, "seconds": seconds, "path": str(path)}


def register(candidates: list[Json]) -> Json:
    """Register the candidate with the best validation score: the fitted object itself, no refit."""
    from include.ratchet.adapters import open_registry
    from include.ratchet.adapters.models import load_skops
    from include.ratchet.domain.ports import TrainingReport

    best = max(candidates, key=lambda each: (each["score"], each["name"]))
    snapshot, registry = best["snapshot"], open_registry()
    run = snapshot["run"]
    spec = specs.model(run["model"])
    parameters = {
        "reason": run["reason"],
        "window": f"{run['window']['start']} to {run['window']['end']}",
        "snapshot": snapshot["digest"],
        "rows": str(snapshot["rows"]),
        "seed": str(spec.training.seed),
        "metric": spec.gate.metric,
    }
    fitted = Path(best["path"])
    # Gone when this task was ended after it had registered: the registry knows the run then, and needs no pipeline.
    pipeline = load_skops(fitted) if fitted.exists() else None
    report = TrainingReport(
        spec.name, run["run_id"], best["name"], pipeline, tuple(candidates), spec.columns, parameters, snapshot["digest"]
    )
    made = registry.register(report)
    registry.point(spec.name, {"challenger": made.version})
    shutil.rmtree(_work(run), ignore_errors=True)
    return {"run": run, "snapshot": snapshot, "version": made.version, "chosen": best["name"], "validation_score": best["score"]}


def judge(challenger: Json) -> Json:
    """Apply the gate to the registered challenger; the verdict goes into the ledger, whatever it is."""
    from include.ratchet.adapters import open_ledger, open_registry
    from include.ratchet.adapters.probe import probe
    from include.ratchet.steps.evaluate import evaluate
    from include.ratchet.steps.frames import features

    run, version = challenger["run"], int(challenger["version"])
    spec, ledger, registry = specs.model(run["model"]), open_ledger(), open_registry()
    champion = ledger.champion(spec.name)
    rows, parts = _split_rows(spec, challenger["snapshot"])
    pipeline = registry.load(spec.name, version)
    sample = features(rows.filter(parts.test), spec.columns).head(50)
    proved = probe(registry.artifact(spec.name, version), sample)
    incumbent = registry.load(spec.name, champion) if champion is not None else None
    decision, figures = evaluate(spec, rows, parts, pipeline, incumbent, proved)
    verdict = ledger.judge(
        Verdict(
            spec.name,
            version,
            run["run_id"],
            decision.outcome,
            decision.sentence,
            decision.rules,
            {**figures, "candidate": challenger["chosen"], "snapshot": challenger["snapshot"]["digest"]},
            champion,
            datetime.now(UTC),
        )
    )
    registry.tag(spec.name, version, {"ratchet.verdict": verdict.outcome, "ratchet.verdict_digest": verdict.digest})
    return {
        "model": spec.name,
        "version": version,
        "outcome": verdict.outcome,
        "digest": verdict.digest,
        "sentence": verdict.sentence,
        **figures,
    }


def bless(verdict: Json) -> Json:
    """Announce a promote verdict; anything else ends here, as a green run.

    Raises:
        Skip: The verdict is refuse or inconclusive.
    """
    if verdict["outcome"] != "promote":
        raise Skip(verdict["sentence"])
    return {key: verdict[key] for key in ("model", "version", "digest")}


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


def _window(spec: ModelSpec, task: TaskContext, at: datetime) -> Window:
    """Return the training window: what the form says, else the spec, else all history; the row at now itself waits for the next one."""
    asked = task.params.get("window") or (format_duration(spec.training.window) if spec.training.window else "")
    try:
        start = at - parse_duration(asked) if asked else reading.LONG_AGO
    except ValueError as error:
        raise SpecError("the form's window", [str(error)]) from None
    return Window(start, at)


def _chosen_candidates(spec: ModelSpec, asked: list[str]) -> tuple[str, ...]:
    known = [each.name for each in spec.training.candidates]
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise SpecError("the form's candidates", [f"found {name!r}; allowed are {', '.join(known)}" for name in unknown])
    return tuple(asked or known)


def _require_history(rows: pa.Table, spec: ModelSpec, window: Window) -> None:
    """End a run whose data is still too young as skipped: the rows stay new, and more of them start the next one."""
    import pyarrow.compute as pc

    held = spec.training.split
    if spec.columns.time is None or not isinstance(held.test, timedelta) or not isinstance(held.validation, timedelta):
        return
    first, needed = pc.min(rows[spec.columns.time]).as_py(), held.test + held.validation + 3 * spec.labels.lag
    if first >= window.end - needed:
        message = f"not enough history yet: the data begins {first:%Y-%m-%d}; to hold out {needed.days} days it must begin before that"
        raise Skip(message)


def _of_champion(spec: ModelSpec) -> tuple[str, ...]:
    """Return the features that the champion was fitted on, which may be others than the spec's of today."""
    from include.ratchet.adapters import open_ledger, open_registry
    from include.ratchet.steps.frames import columns_of

    champion = open_ledger().champion(spec.name)
    return columns_of(open_registry().load(spec.name, champion), spec.columns).features if champion is not None else ()


def _split_rows(spec: ModelSpec, snapshot: Json) -> tuple[pa.Table, Any]:
    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.frames import split

    kept = open_ledger().get_snapshot(snapshot["digest"])
    rows = open_lake().kept(kept.place)
    return rows, split(rows, spec, kept.window)


def _work(run: Json) -> Path:
    from include.ratchet.domain.config import load_config

    return load_config().folder / "work" / run["model"] / digest(run["run_id"])[:16]


def _run_json(run: TrainingRun) -> Json:
    content = dataclasses.asdict(run) | {"window": run.window.to_json(), "candidates": list(run.candidates)}
    return content | {"started_at": run.started_at.isoformat(), "clock_at": run.clock_at.isoformat()}
