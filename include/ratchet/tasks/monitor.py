"""Bodies of `<model>_monitor`: join matured labels to predictions, measure, and signal a degradation."""

from __future__ import annotations

from datetime import UTC, datetime

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import LedgerError, Skip
from include.ratchet.domain.records import Json, Signal, Window
from include.ratchet.tasks import reading


def measure(model: str) -> Json:
    """Measure the champion on out-of-sample predictions whose labels have matured, window by window.

    Raises:
        Skip: There is no champion, no prediction, or no matured label outside of its snapshot.
    """
    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.monitor import realised

    spec, lake, ledger = specs.model(model), open_lake(), open_ledger()
    champion = ledger.champion(model)
    if champion is None or lake.version(f"predictions/{model}") is None:
        message = "no predictions yet"
        raise Skip(message)
    at = reading.now(spec)
    window = Window(reading.LONG_AGO, at - spec.labels.lag) if spec.columns.time else None
    rows = reading.transformed(spec, reading.versions(spec), window)
    predictions = lake.dataset(f"predictions/{model}").to_table(use_threads=False)
    verdict = ledger.blessing(model, champion)
    if verdict is None:
        message = f"{model} version {champion}: serves without a promote verdict in the ledger"
        raise LedgerError(message)
    period = Window(ledger.get_snapshot(verdict.figures["snapshot"]).window.end, at - spec.labels.lag)
    report = realised(spec, rows, predictions, champion, float(verdict.figures["challenger"]), period)
    if report["rows"] == 0:
        message = "no label of an out-of-sample prediction has matured yet"
        raise Skip(message)
    report |= {"model": model, "version": champion, "now": at.isoformat(), "test_metric": verdict.figures["challenger"]}
    ledger.report(model, current().run_id, champion, report, datetime.now(UTC))
    return report


def signal(report: Json) -> Json:
    """Hand a shown degradation to the arbiter.

    Raises:
        Skip: None is shown.
    """
    from include.ratchet.adapters import open_ledger

    spec = specs.model(report["model"])
    shown = report["degraded"]
    if not shown:
        message = report["sentence"]
        raise Skip(message)
    evidence = {"metric": report["metric"], "windows": shown, "was": report["test_metric"], "version": report["version"]}
    key = f"degradation:{report['version']}:{shown[-1]}"
    open_ledger().signal(Signal(spec.name, "degradation", key, evidence, datetime.fromisoformat(report["now"])))
    return evidence
