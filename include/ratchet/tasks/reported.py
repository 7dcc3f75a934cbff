"""What a training run leaves in MLflow, put together from what its fits returned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from include.ratchet.domain import specs
from include.ratchet.domain.ports import TrainingReport
from include.ratchet.domain.records import Json
from include.ratchet.tasks.seam import code_version

TRIALS, CURVES, IMPORTANCES = "trials.json", "plots/learning_curve.png", "plots/importance.png"


def reported(candidates: Sequence[Json], best: Json, pipeline: Any = None, baseline: Any = None) -> TrainingReport:
    """Return parameters, plots, all trials, the data and the code of a run.

    Args:
        candidates: What each `fit` returned.
        best: The one that was chosen.
        pipeline: Its fitted pipeline, where there is something to register.
        baseline: The fitted trivial model that is kept beside it.
    """
    from include.ratchet.adapters import open_ledger

    snapshot = best["snapshot"]
    run = snapshot["run"]
    spec, kept = specs.model(run["model"], training=run.get("training")), open_ledger().get_snapshot(snapshot["digest"])
    parameters = {
        "reason": run["reason"],
        "window": f"{run['window']['start']} to {run['window']['end']}",
        "snapshot": snapshot["digest"],
        "rows": str(snapshot["rows"]),
        "train_rows": str(snapshot["train"]),
        "test_rows": str(snapshot["test"]),
        "folds": str(snapshot["folds"]),
        "seed": str(spec.training.seed),
        "metric": spec.gate.metric,
        "code": code_version(),
    }
    data = {"content": kept.content, "tables": kept.tables, "window": kept.window.to_json(), "place": kept.place, "rows": kept.rows}
    return TrainingReport(
        spec.name,
        run["run_id"],
        best["name"],
        pipeline,
        tuple(candidates),
        spec.columns,
        parameters,
        snapshot["digest"],
        baseline,
        _files(candidates, best, spec.gate.metric),
        data,
        code_version(),
    )


def _files(candidates: Sequence[Json], best: Json, metric: str) -> dict[str, bytes]:
    from include.ratchet.steps import plots

    trials = {each["name"]: each["trials"] for each in candidates}
    files = {TRIALS: json.dumps(trials, indent=1, default=str).encode()}
    if curves := {each["name"]: each["curve"] for each in candidates if each["curve"]}:
        files[CURVES] = plots.learning_curves(curves, metric)
    if best["importances"]:
        files[IMPORTANCES] = plots.importances(best["importances"], metric, best["name"])
    return files
