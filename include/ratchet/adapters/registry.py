"""The model registry: MLflow, with models in skops format and a reviewed list of trusted types."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any
from urllib.parse import quote

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import mlflow.sklearn
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

from include.ratchet.adapters.models import load_skops, save_skops, sha256_of, trusted_of
from include.ratchet.adapters.tracking import RUN_TAG, SNAPSHOT_TAG, log_training, open_experiment
from include.ratchet.domain.errors import RegistryError
from include.ratchet.domain.modelspec import Columns
from include.ratchet.domain.ports import ModelVersion, Registry, TrainingReport

EXPERIMENTS = "_experiments"
"""What is only tried out is under the model's name with this."""
SHA_TAG = "ratchet.artifact_sha256"
BASELINE_TAG = "ratchet.baseline_sha256"
# Passing them avoids the inference of requirements, which loads the model in another process: 3 s a model.
_PACKAGES = ("scikit-learn", "skops", "pandas", "numpy", "scipy")
_MODEL_FILE = "model.skops"
_BASELINE = "baseline/baseline.skops"


class MlflowRegistry(Registry):
    """Runs, versions and aliases at an MLflow tracking URI."""

    def __init__(self, tracking: str, artifacts: str, pages: str = "") -> None:
        """Use the tracking server or database at `tracking`; new experiments keep artifacts under `artifacts`; people read at `pages`."""
        if tracking.startswith("sqlite:///"):
            Path(tracking.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        self._artifacts, self._pages = artifacts, pages.rstrip("/")
        mlflow.set_tracking_uri(tracking)  # for the process: MLflow resolves models:/ URIs by it, whatever the client says
        logging.getLogger("mlflow.store").setLevel(logging.WARNING)
        self._client = MlflowClient()

    def register(self, report: TrainingReport) -> ModelVersion:
        """Log the run with a child per candidate, then register the chosen pipeline."""
        same = {RUN_TAG: report.run_id, SNAPSHOT_TAG: report.snapshot}
        known = [each for each in self.versions(report.model) if same.items() <= each.tags.items()]
        if known:
            return known[0]
        if report.pipeline is None:
            message = f"model {report.model} run {report.run_id}: not registered yet, and the fitted {report.chosen} is gone; clear its fit"
            raise RegistryError(message)
        run = log_training(self._client, open_experiment(self._client, report.model, self._artifacts), report)
        uri, sha = self._log_model(run, report)
        baseline = self._log_baseline(run, report.baseline) if report.baseline is not None else {}
        self._client.set_terminated(run)
        try:
            self._client.create_registered_model(report.model)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        tags = {**same, SHA_TAG: sha, "ratchet.candidate": report.chosen, **baseline}
        made = self._client.create_model_version(report.model, uri, run_id=run, tags=tags)
        return self.get(report.model, int(made.version))

    def track(self, report: TrainingReport) -> str:
        """Log the run under an experiment of its own, without its model: what was not logged cannot be registered."""
        name = f"{report.model}{EXPERIMENTS}"
        experiment = open_experiment(self._client, name, self._artifacts)
        wanted = f"tags.`{RUN_TAG}` = '{report.run_id}' AND tags.`{SNAPSHOT_TAG}` = '{report.snapshot}' AND attributes.status = 'FINISHED'"
        known = self._client.search_runs([experiment], wanted, max_results=1)
        run = str(known[0].info.run_id) if known else log_training(self._client, experiment, report)
        self._client.set_terminated(run)
        return f"{self._pages}/#/experiments/{experiment}/runs/{run}" if self._pages else f"experiment {name}, run {run}"

    def get(self, model: str, version: int) -> ModelVersion:
        """Return a version."""
        try:
            found = self._client.get_model_version(model, str(version))
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            known = ", ".join(str(each.version) for each in self.versions(model)) or "none"
            message = f"model {model} version {version}: not in the registry; registered are {known}"
            raise RegistryError(message) from None
        return ModelVersion(model, int(found.version), str(found.run_id), str(found.source), dict(found.tags))

    def artifact(self, model: str, version: int, sha: str = "") -> str:
        """Return the local path of the version's skops file, its bytes checked against the registered SHA-256 and the judged one."""
        found = self.get(model, version)
        folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=found.uri))
        path = folder / _MODEL_FILE
        _unaltered(found, path, ((found.tags.get(SHA_TAG, "nothing"), "registered"), (sha, "judged")))
        return str(path)

    def load(self, model: str, version: int, sha: str = "") -> Any:
        """Load the fitted pipeline from its skops file."""
        return load_skops(self.artifact(model, version, sha))

    def baseline(self, model: str, version: int) -> Any:
        """Load the trivial model that was registered with a version, None when there is none."""
        found = self.get(model, version)
        if BASELINE_TAG not in found.tags:
            return None
        path = Path(self._client.download_artifacts(found.run_id, _BASELINE))
        _unaltered(found, path, ((found.tags[BASELINE_TAG], "registered"),))
        return load_skops(path)

    def tag(self, model: str, version: int, tags: Mapping[str, str]) -> None:
        """Set tags on a version."""
        for key, value in tags.items():
            self._client.set_model_version_tag(model, str(version), key, value)

    def attach(self, model: str, version: int, files: Mapping[str, str]) -> str:
        """Log texts as artifacts of the version's run; return the page of MLflow that shows the first one."""
        run = self.get(model, version).run_id
        for name, text in files.items():
            self._client.log_text(run, text, name)
        first = quote(next(iter(files)))
        experiment = self._client.get_run(run).info.experiment_id
        return f"{self._pages}/#/experiments/{experiment}/runs/{run}/artifacts/{first}" if self._pages else f"runs:/{run}/{first}"

    def point(self, model: str, aliases: Mapping[str, int | None]) -> None:
        """Make the aliases point where the ledger says; None removes one."""
        for alias, version in aliases.items():
            if version is None:
                self._client.delete_registered_model_alias(model, alias)
            else:
                self._client.set_registered_model_alias(model, alias, str(version))

    def models(self) -> list[str]:
        """Name the models that have a registered version."""
        found, token = [], None
        while True:
            page = self._client.search_registered_models(page_token=token)
            found += [str(each.name) for each in page]
            token = page.token
            if not token:
                return found

    def versions(self, model: str) -> list[ModelVersion]:
        """Return the versions that are registered."""
        found = self._client.search_model_versions(f"name = '{model}'")
        return [ModelVersion(model, int(v.version), str(v.run_id), str(v.source), dict(v.tags)) for v in found]

    def _log_model(self, run: str, report: TrainingReport) -> tuple[str, str]:
        with mlflow.start_run(run_id=run, nested=True):
            info = mlflow.sklearn.log_model(
                report.pipeline,
                name=report.model,
                serialization_format="skops",
                skops_trusted_types=trusted_of(report.pipeline),
                signature=_signature(report.columns, classifies=hasattr(report.pipeline, "predict_proba")),
                pip_requirements=[f"{name}=={installed(name)}" for name in (*_PACKAGES, *_extras(report.pipeline))],
            )
        kept = Path(mlflow.artifacts.download_artifacts(artifact_uri=info.model_uri)) / _MODEL_FILE
        return str(info.model_uri), sha256_of(kept)

    def _log_baseline(self, run: str, pipeline: Any) -> dict[str, str]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / Path(_BASELINE).name
            save_skops(pipeline, path)
            self._client.log_artifact(run, str(path), str(Path(_BASELINE).parent))
            return {BASELINE_TAG: sha256_of(path)}


def _unaltered(found: ModelVersion, path: Path, expected: Sequence[tuple[str, str]]) -> None:
    """Compare a file's bytes with the digests that are known of it, each with when it was taken; an empty one is not."""
    there = sha256_of(path)
    for sha, when in expected:
        if sha and there != sha:
            what = f"the artifact was altered after it was {when} (found {there[:12]}, {when} {sha[:12]})"
            message = f"model {found.model} version {found.version}: {what}; it is not loaded. Restore it, or train again."
            raise RegistryError(message)


def _extras(pipeline: Any) -> list[str]:
    """Return the packages beyond scikit-learn that a pipeline's model is of."""
    model = getattr(pipeline, "named_steps", {}).get("model")
    homes = {type(each).__module__.partition(".")[0] for each in (model, getattr(model, "estimator", None))}
    return sorted(homes & {"lightgbm", "xgboost"})


def _signature(columns: Columns, *, classifies: bool) -> ModelSignature:
    numbers = [ColSpec("double", name, required=False) for name in columns.numeric]
    words = [ColSpec("string", name, required=False) for name in (*columns.categorical, *columns.text)]
    return ModelSignature(Schema([*numbers, *words]), Schema([ColSpec("string" if classifies else "double")]))
