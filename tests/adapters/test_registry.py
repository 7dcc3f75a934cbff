"""What is MLflow's in the registry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression

from include.ratchet.adapters.registry import SHA_TAG, MlflowRegistry
from include.ratchet.adapters.tracking import RUN_TAG
from include.ratchet.domain.modelspec import Columns
from include.ratchet.domain.ports import TrainingReport
from tests.makers import mlflow_database

FRAME = pd.DataFrame({"x": np.arange(20.0)})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[MlflowRegistry, Path]:
    """Register two versions of one model."""
    folder = tmp_path_factory.mktemp("mlflow")
    registry = MlflowRegistry(mlflow_database(folder), str(folder / "artifacts"))
    pipeline = LogisticRegression().fit(FRAME, FRAME["x"] > 9)
    trials = [
        {"params": {"C": c}, "scores": [score], "score": score, "state": "complete", "reason": ""} for c, score in ((1, 0.7), (2, 0.9))
    ]
    names = (("a", 0.8), ("b", 0.9))
    candidates = tuple({"name": name, "score": score, "trials": trials, "best": trials[1], "seconds": 0.1} for name, score in names)
    for run in ("run-1", "run-2"):
        columns = Columns(id=("id",), label="y", numeric=("x",))
        registry.register(TrainingReport("m", run, "b", pipeline, candidates, columns, {"seed": "7", "long": "x" * 9000}, "snapshot-1"))
    return registry, folder


def test_a_run_has_a_child_per_candidate(made: tuple[MlflowRegistry, Path]) -> None:
    """The comparison of candidates is readable in MLflow: parent, children, best parameters and scores."""
    client = made[0]._client
    experiment = client.get_experiment_by_name("m")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id], f"tags.`{RUN_TAG}` = 'run-1'")
    assert [run.data.params["seed"] for run in runs] == ["7"]
    children = client.search_runs([experiment.experiment_id], f"tags.mlflow.parentRunId = '{runs[0].info.run_id}'")
    assert {run.info.run_name: run.data.metrics["validation_score"] for run in children} == {"a": 0.8, "b": 0.9}
    assert {run.data.params["C"] for run in children} == {"2"}
    assert {run.info.status for run in [*runs, *children]} == {"FINISHED"}


def test_artifacts_are_where_the_deployment_says(made: tuple[MlflowRegistry, Path]) -> None:
    """Models are kept in skops format under the artifacts' place, and nothing pickled is beside them."""
    registry, folder = made
    files = {path.suffix for path in (folder / "artifacts").rglob("*") if path.is_file()}
    assert ".skops" in files
    assert not files & {".pkl", ".pickle", ".joblib"}
    assert registry.get("m", 1).tags[SHA_TAG] != ""


def test_aliases_are_seen_by_mlflow(made: tuple[MlflowRegistry, Path]) -> None:
    """The registry's aliases are those that were pointed, after moves and removals."""
    registry, _ = made
    registry.point("m", {"champion": 1, "previous": 2})
    registry.point("m", {"champion": 2, "previous": None})
    assert MlflowClient().get_registered_model("m").aliases == {"champion": 2}


def test_an_artifact_that_was_swapped_with_its_tag_is_still_no_pickle(made: tuple[MlflowRegistry, Path]) -> None:
    """Who can change the tag too still cannot make a pickle load: the format is refused."""
    import hashlib
    import pickle

    from include.ratchet.domain.errors import RegistryError

    registry, _ = made
    path, content = Path(registry.artifact("m", 2)), pickle.dumps(["anything"])
    path.write_bytes(content)
    registry.tag("m", 2, {SHA_TAG: hashlib.sha256(content).hexdigest()})
    with pytest.raises(RegistryError, match="no skops file"):
        registry.load("m", 2)
