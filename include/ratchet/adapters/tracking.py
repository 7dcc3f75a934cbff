"""What MLflow holds of a training run: parameters, every trial, plots, which data and which code."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from include.ratchet.domain.ports import TrainingReport

RUN_TAG = "ratchet.run_id"
SNAPSHOT_TAG = "ratchet.snapshot"
LONGEST_PARAM = 6000
LONGEST_DIGEST = 36
"""MLflow's own limits."""


def open_experiment(client: MlflowClient, name: str, artifacts: str) -> str:
    """Return the id of an experiment; make it, with its artifacts under `artifacts`, when it is not there."""
    found = client.get_experiment_by_name(name)
    if found:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name, artifact_location=f"{artifacts}/{name}" if artifacts else None))
    except MlflowException:
        made_meanwhile = client.get_experiment_by_name(name)
        if made_meanwhile is None:
            raise
        return str(made_meanwhile.experiment_id)


def log_training(client: MlflowClient, experiment: str, report: TrainingReport) -> str:
    """Log a run with a child per candidate; return its id. It is left running: who logs the model ends it."""
    tags = {RUN_TAG: report.run_id, SNAPSHOT_TAG: report.snapshot, "ratchet.chosen": report.chosen, "mlflow.source.git.commit": report.code}
    run = str(client.create_run(experiment, run_name=report.run_id, tags=tags).info.run_id)
    client.log_batch(run, params=[Param(key, str(value)[:LONGEST_PARAM]) for key, value in report.parameters.items()])
    for each in report.candidates:
        _log_candidate(client, experiment, run, each)
    best = next(each for each in report.candidates if each["name"] == report.chosen)
    client.log_metric(run, "validation_score", best["score"])
    if report.data:
        _log_data(client, run, report)
    _log_files(client, run, report.files)
    return run


def _log_candidate(client: MlflowClient, experiment: str, parent: str, candidate: Mapping[str, Any]) -> None:
    tags = {"mlflow.parentRunId": parent, "ratchet.candidate": str(candidate["name"])}
    child = client.create_run(experiment, run_name=str(candidate["name"]), tags=tags).info.run_id
    trials, best = candidate["trials"], candidate["best"]
    metrics = [Metric("trial_score", trial["score"], 0, step) for step, trial in enumerate(trials) if trial["score"] is not None]
    metrics += [Metric("fold_score", score, 0, fold) for fold, score in enumerate(best["scores"])]
    metrics += [Metric("learning_curve", score, 0, int(rows)) for rows, score in candidate.get("curve", [])]
    metrics += [Metric("validation_score", candidate["score"], 0, 0), Metric("seconds", candidate["seconds"], 0, 0)]
    params = [Param(key, str(value)[:LONGEST_PARAM]) for key, value in best["params"].items()]
    states = [
        RunTag(f"ratchet.trials_{state}", str(sum(each["state"] == state for each in trials))) for state in ("complete", "pruned", "failed")
    ]
    client.log_batch(child, metrics=metrics, params=params, tags=[RunTag("ratchet.trials", str(len(trials))), *states])
    client.set_terminated(child)


def _log_data(client: MlflowClient, run: str, report: TrainingReport) -> None:
    """Name the snapshot as the run's input, with its digest: MLflow shows it as the dataset."""
    data = report.data
    dataset = Dataset(
        name=f"{report.model} snapshot",
        digest=str(data["content"])[:LONGEST_DIGEST],
        source_type="ratchet",
        source=json.dumps({"snapshot": report.snapshot, "tables": data["tables"], "window": data["window"], "place": data["place"]}),
        profile=json.dumps({"num_rows": data["rows"]}),
    )
    client.log_inputs(run, datasets=[DatasetInput(dataset, tags=[InputTag("mlflow.data.context", "training")])])


def _log_files(client: MlflowClient, run: str, files: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if files:
            client.log_artifacts(run, folder)
