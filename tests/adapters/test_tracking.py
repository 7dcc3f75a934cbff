"""What a person finds in MLflow about a training run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.entities import Run
from sklearn.linear_model import LogisticRegression

from include.ratchet.adapters.registry import MlflowRegistry
from include.ratchet.adapters.tracking import RUN_TAG
from include.ratchet.domain.modelspec import Columns
from include.ratchet.domain.ports import TrainingReport
from tests.makers import mlflow_database

TRIALS: list[dict[str, Any]] = [
    {"params": {"C": 1}, "scores": [0.6, 0.8], "score": 0.7, "state": "complete", "reason": ""},
    {"params": {"C": 2}, "scores": [0.5], "score": 0.5, "state": "pruned", "reason": "in the worse half after fold 1"},
    {"params": {"C": -1}, "scores": [], "score": None, "state": "failed", "reason": "InvalidParameterError"},
]
DATA = {"content": "c" * 64, "tables": {"visits": 3}, "window": {"start": "a", "end": "b"}, "place": "snapshots/x.parquet", "rows": 20}


def report(run: str, model: str = "m") -> TrainingReport:
    """Make what a task hands over."""
    frame = pd.DataFrame({"x": np.arange(20.0)})
    fitted = {"name": "a", "score": 0.7, "trials": TRIALS, "best": TRIALS[0], "curve": [[5, 0.4], [20, 0.8]], "seconds": 0.1}
    files = {"trials.json": json.dumps({"a": TRIALS}).encode(), "plots/learning_curve.png": b"\x89PNG"}
    columns = Columns(id=("id",), label="y", numeric=("x",))
    pipeline = LogisticRegression().fit(frame, frame["x"] > 9)
    return TrainingReport(model, run, "a", pipeline, (fitted,), columns, {"seed": "7"}, "snapshot-1", None, files, DATA, "abc123")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> MlflowRegistry:
    """Register one run, and try another one out twice."""
    folder = tmp_path_factory.mktemp("mlflow")
    made = MlflowRegistry(mlflow_database(folder), str(folder / "artifacts"))
    made.register(report("run-1"))
    made.track(report("tried"))
    made.track(report("tried"))
    return made


def runs(registry: MlflowRegistry, experiment: str, run: str) -> tuple[Run, list[Run]]:
    """Return a run, which is there once, and its children."""
    found = registry._client.get_experiment_by_name(experiment)
    assert found
    (parent,) = registry._client.search_runs([found.experiment_id], f"tags.`{RUN_TAG}` = '{run}'")
    return parent, registry._client.search_runs([found.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")


@pytest.mark.parametrize(("experiment", "run"), [("m", "run-1"), ("m_experiments", "tried")])
def test_the_run_says_which_data_and_which_code(registry: MlflowRegistry, experiment: str, run: str) -> None:
    """The snapshot is the run's dataset, with its digest and place; the commit and the parameters are beside it."""
    parent, _ = runs(registry, experiment, run)
    assert parent.inputs
    (given,) = parent.inputs.dataset_inputs
    assert given.dataset.digest == "c" * 36
    assert json.loads(given.dataset.source)["tables"] == {"visits": 3}
    assert given.dataset.profile == '{"num_rows": 20}'
    assert parent.data.tags["mlflow.source.git.commit"] == "abc123"
    assert parent.data.params["seed"] == "7"
    assert parent.info.status == "FINISHED"


def test_every_trial_and_every_fold_is_there(registry: MlflowRegistry) -> None:
    """A child per candidate with the best trial's folds, the learning curve and how the trials ended; all of them as a file."""
    parent, (child,) = runs(registry, "m", "run-1")
    history = {
        name: [(each.step, each.value) for each in registry._client.get_metric_history(child.info.run_id, name)]
        for name in ("fold_score", "trial_score", "learning_curve")
    }
    assert history == {"fold_score": [(0, 0.6), (1, 0.8)], "trial_score": [(0, 0.7), (1, 0.5)], "learning_curve": [(5, 0.4), (20, 0.8)]}
    assert child.data.params == {"C": "1"}
    assert [child.data.tags[f"ratchet.trials{end}"] for end in ("", "_complete", "_pruned", "_failed")] == ["3", "1", "1", "1"]
    kept = Path(mlflow.artifacts.download_artifacts(run_id=parent.info.run_id, artifact_path="trials.json"))
    assert json.loads(kept.read_text(encoding="utf-8")) == {"a": TRIALS}
    assert [each.path for each in registry._client.list_artifacts(parent.info.run_id, "plots")] == ["plots/learning_curve.png"]


def test_what_is_tried_out_holds_no_model(registry: MlflowRegistry) -> None:
    """No version, and no artifact from which somebody could make one."""
    parent, _ = runs(registry, "m_experiments", "tried")
    assert registry._client.search_logged_models([parent.info.experiment_id]) == []
    assert [each.run_id for each in registry.versions("m")] == [runs(registry, "m", "run-1")[0].info.run_id]
    assert not list(Path(parent.info.artifact_uri).rglob("*.skops"))
