"""Bodies of `<model>_monitor`: join matured labels to predictions, measure, look for drift, and signal a reason to retrain."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import LedgerError, Skip
from include.ratchet.domain.online import parity_said
from include.ratchet.domain.records import Json, Signal, Verdict, Window
from include.ratchet.tasks import age, drift, estimate, freshness, labels, monitor_page, reading, requests
from include.ratchet.tasks.answered import answered, cost
from include.ratchet.tasks.online import parity

if TYPE_CHECKING:
    import pyarrow as pa

    from include.ratchet.domain.modelspec import ModelSpec
    from include.ratchet.domain.ports import Lake

AT_MOST = 10
"""So many versions of the tables a look replays online answers at, the newest: each runs the view's SQL once."""
NOT_ESTIMATED: Json = {"windows": [], "degraded": []}
_log = logging.getLogger(__name__)


def measure(model: str, *, read: bool = True) -> Json:
    """Measure the champion on out-of-sample predictions whose labels have matured, the newest windows for drift, and its views online.

    Args:
        model: The model.
        read: Whether people read the report. Else only what `signal` asks for is measured, in half of the time.

    Raises:
        Skip: There is no champion, no prediction, or neither a matured label outside of its snapshot nor a window to judge.
    """
    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.frames import columns_of

    spec, lake, ledger = specs.model(model), open_lake(), open_ledger()
    champion = ledger.champion(model)
    if champion is None or not any(lake.version(name) is not None for name in (f"predictions/{model}", requests.table(model))):
        message = "no predictions yet"
        raise Skip(message)
    at, tables = reading.now(spec), reading.versions(spec)
    pipeline = reading.champion(model, champion)
    rows = reading.transformed(spec, tables, None, [*columns_of(pipeline, spec.columns).features, *filter(None, [spec.labels.arrived])])
    predictions, verdict = _predictions(spec, lake, rows.schema), _blessing(model, champion)
    snapshot = reading.snapshot_of(model, champion)
    period = Window(snapshot.window.end, at - spec.labels.lag)
    tested, report = _realised(spec, verdict, rows, predictions, period)
    drifted = drift.look(spec, champion, snapshot, tables, at)
    online, before = _online(spec) if read else [], NOT_ESTIMATED
    if read or (spec.triggers.degradation and spec.triggers.degradation.estimated):
        before = estimate.before_labels(tested, (verdict, snapshot), pipeline, rows, predictions, period.end)
    if not (report["rows"] or drifted or before["windows"] or any(each["answers"] for each in online)):
        message = "no label of an out-of-sample prediction has matured yet"
        raise Skip(message)
    report |= {
        "model": model,
        "run_id": current().run_id,
        "version": champion,
        "now": at.isoformat(),
        "test_metric": verdict.figures["challenger"],
        "drift": drifted,
        "estimated": before,
        "parity": online,
        "judged": drift.reported(spec, champion, drifted),
    }
    if read:
        report |= {
            "labels": labels.follow(spec, rows, predictions, at),
            "age": age.of_champion(model, snapshot.window.end, at),
            "stale": freshness.stale(specs.all_feeds(spec)),
            "answered": answered(spec, champion, pipeline, rows),
            "train_seconds": cost(verdict.run_id),
        }
    ledger.report(model, current().run_id, champion, report, datetime.now(UTC))
    if read:
        _tell(report)
    return report


def _blessing(model: str, champion: int) -> Verdict:
    from include.ratchet.adapters import open_ledger

    verdict = open_ledger().blessing(model, champion)
    if verdict is None:
        message = f"{model} version {champion}: serves without a promote verdict in the ledger"
        raise LedgerError(message)
    return verdict


def _realised(spec: ModelSpec, verdict: Verdict, rows: pa.Table, predictions: pa.Table, period: Window) -> tuple[ModelSpec, Json]:
    """Measure matured windows; return what they were tested by, and the report."""
    from include.ratchet.steps.frames import matured
    from include.ratchet.steps.monitor import realised

    judged_in = verdict.figures.get("metric", spec.gate.metric)
    tested = spec.monitored_in(judged_in)
    known = matured(spec, rows, period.end)
    report = realised(tested, known, predictions, verdict.version, float(verdict.figures["challenger"]), period)
    if tested is not spec:
        report["sentence"] += f"; the champion was judged in {judged_in}, which does not compare with {spec.gate.metric}"
    return tested, report


def _tell(report: Json) -> None:
    """Write what a report says into the log, and its page."""
    _log.info("%s; %s; %s", report["sentence"], report["estimated"]["sentence"], report["labels"]["sentence"])
    for each in report["stale"]:
        _log.warning("%s", each)
    if report["answered"] and report["answered"]["skew"]["different"]:
        _log.warning("%s", report["answered"]["sentence"])
    try:
        _log.info("the report's page: %s", monitor_page.show(report))
    except Exception as error:  # noqa: BLE001 - the report is in the ledger, and the signal must follow; the next report makes the page anew
        _log.warning("the report's page is not written, the next report writes it: %s: %s", type(error).__name__, error)


def _online(spec: ModelSpec) -> list[Json]:
    """Count for each view what it answered online within a window, and how much of that training would have seen too.

    Without the examples: they name entities, and a report is kept for ever.
    """
    found = []
    for name in spec.views:
        made = parity(name, spec.monitor.window, AT_MOST)
        found.append({key: value for key, value in made.items() if key != "examples"})
        _log.log(logging.WARNING if made["different"] else logging.INFO, "online against offline: %s", parity_said(made))
    return found


def _predictions(spec: ModelSpec, lake: Lake, like: pa.Schema) -> pa.Table:
    """Return what was predicted in batch and what the service answered, in one form."""
    import pyarrow as pa

    from include.ratchet.steps.requests import as_predictions

    parts = []
    if lake.version(f"predictions/{spec.name}") is not None:
        parts.append(lake.dataset(f"predictions/{spec.name}").to_table(use_threads=False))
    if lake.version(requests.table(spec.name)) is not None:
        parts.append(as_predictions(lake.dataset(requests.table(spec.name)).to_table(use_threads=False), spec, like))
    return pa.concat_tables(parts, promote_options="permissive")


def signal(report: Json) -> Json:
    """Hand a shown degradation, and a drift, to the arbiter.

    Raises:
        Skip: Neither is shown.
    """
    from include.ratchet.adapters import open_ledger

    spec, version, at = specs.model(report["model"]), report["version"], datetime.fromisoformat(report["now"])
    found, drifted = [], report.get("drift")
    if shown := report["degraded"]:
        now = " and ".join(f"{each['metric']:.4g}" for each in report["windows"] if each["start"] in shown and each["version"] == version)
        evidence = {"metric": report["metric"], "windows": shown, "is": now, "was": report["test_metric"], "version": version}
        found.append(Signal(spec.name, "degradation", f"degradation:{version}:{shown[-1]}", evidence, at))
    trigger, estimated = spec.triggers.degradation, report.get("estimated") or {}
    if trigger and trigger.estimated and (expected := estimated.get("degraded")):
        evidence = {"metric": report["metric"], "windows": expected, "was": report["test_metric"], "version": version, "estimated": True}
        found.append(Signal(spec.name, "degradation", f"degradation:{version}:estimated:{expected[-1]}", evidence, at))
    if drifted and drifted["alarm"]:
        evidence = {"found": drifted["sentence"].removeprefix("drift "), "window": drifted["windows"][-1], "version": version}
        found.append(Signal(spec.name, "drift", f"drift:{version}:{drifted['windows'][-1]}", evidence, at))
    if not found:
        message = "; ".join([report["sentence"], *([drifted["sentence"]] if drifted else [])])
        raise Skip(message)
    for each in found:
        open_ledger().signal(each)
    return {each.kind: each.evidence for each in found}
