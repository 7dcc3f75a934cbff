"""What a registry promises: a run registers once, what is loaded is what was fitted, what was altered is refused."""

from __future__ import annotations

import copy
import hashlib
import pickle
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from include.ratchet.domain.errors import RegistryError
from include.ratchet.domain.modelspec import Columns
from include.ratchet.domain.ports import Registry, TrainingReport
from tests.fakes import MemoryRegistry
from tests.makers import mlflow_database

COLUMNS = Columns(id=("id",), label="y", numeric=("x", "z"))
FRAME = pd.DataFrame({"x": np.arange(40.0), "z": np.arange(40.0) % 7})
LABELS = (FRAME["x"] > 20).astype(int)


@pytest.fixture(scope="session")
def mlflow_registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """Make one MLflow on SQLite for all tests: its tables take seconds to make."""
    from include.ratchet.adapters.registry import MlflowRegistry

    folder = tmp_path_factory.mktemp("mlflow")
    return MlflowRegistry(mlflow_database(folder), str(folder / "artifacts"))


@pytest.fixture(params=["mlflow", "memory"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> Registry:
    """Give each registry."""
    return MemoryRegistry(tmp_path) if request.param == "memory" else request.getfixturevalue("mlflow_registry")


@pytest.fixture
def model() -> str:
    """Name a model that no other test uses."""
    return f"m_{uuid.uuid4().hex[:8]}"


def fitted(c: float = 1.0) -> Pipeline:
    """Fit a small pipeline."""
    return Pipeline([("scale", StandardScaler()), ("model", LogisticRegression(C=c))]).fit(FRAME, LABELS)


def report(model: str, run: str = "run-1", pipeline: Any = None) -> TrainingReport:
    """Make what a training run hands over: two candidates, the second chosen."""
    trials = [
        {"params": {"C": c}, "scores": [score], "score": score, "state": "complete", "reason": ""} for c, score in ((1, 0.8), (2, 0.9))
    ]
    candidates = tuple({"name": name, "score": 0.9, "trials": trials, "best": trials[1], "seconds": 0.1} for name in ("a", "b"))
    return TrainingReport(model, run, "b", fitted() if pipeline is None else pipeline, candidates, COLUMNS, {"seed": "7"}, "snapshot-1")


def test_versions_count_from_one(registry: Registry, model: str) -> None:
    """Each run makes the next version, which remembers its run and its candidate."""
    made = [registry.register(report(model, run)) for run in ("run-1", "run-2")]
    assert [each.version for each in made] == [1, 2]
    found = registry.get(model, 2)
    assert (found.model, found.tags["ratchet.candidate"]) == (model, "b")
    assert registry.get(model, 1) != found
    assert model in registry.models()
    assert sorted(each.version for each in registry.versions(model)) == [1, 2]
    assert registry.versions("never_was") == []


def test_a_run_registers_once(registry: Registry, model: str) -> None:
    """A register task that is cleared and run again finds the version that it made, fitted file or not."""
    first = registry.register(report(model))
    again = registry.register(report(model, pipeline=fitted(c=9.0)))
    assert again.version == first.version == 1
    with pytest.raises(RegistryError):
        registry.get(model, 2)


def test_what_is_loaded_is_what_was_fitted(registry: Registry, model: str) -> None:
    """The loaded pipeline answers to the last bit as the object that was judged."""
    pipeline = fitted(c=0.3)
    registry.register(report(model, pipeline=pipeline))
    assert (registry.load(model, 1).predict_proba(FRAME) == pipeline.predict_proba(FRAME)).all()


def test_a_version_that_is_not_there(registry: Registry, model: str) -> None:
    """An unknown version or model is our error, and says what is registered."""
    registry.register(report(model))
    for name, version in ((model, 2), ("nope", 1)):
        with pytest.raises(RegistryError, match="not in the registry; registered are"):
            registry.load(name, version)


def test_an_altered_artifact_is_refused(registry: Registry, model: str) -> None:
    """One changed byte after registration, and the version is not loaded; neither is one that is gone."""
    registry.register(report(model))
    path = Path(registry.artifact(model, 1))
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(RegistryError, match="altered after it was registered"):
        registry.load(model, 1)
    path.unlink()
    with pytest.raises(RegistryError, match="altered after it was registered"):
        registry.artifact(model, 1)


def test_only_the_judged_artifact_is_loaded(registry: Registry, model: str) -> None:
    """What the verdict names is asked for: another file is refused, even one that the registry itself takes for good."""
    registry.register(report(model))
    sha = hashlib.sha256(Path(registry.artifact(model, 1)).read_bytes()).hexdigest()
    assert registry.load(model, 1, sha).predict(FRAME).shape == (40,)
    with pytest.raises(RegistryError, match="altered after it was judged"):
        registry.load(model, 1, "0" * 64)


def test_another_versions_artifact_is_refused(registry: Registry, model: str) -> None:
    """A good model under another version's name is not what was judged."""
    for run, c in (("run-1", 1.0), ("run-2", 2.0)):
        registry.register(report(model, run, fitted(c)))
    Path(registry.artifact(model, 2)).write_bytes(Path(registry.artifact(model, 1)).read_bytes())
    with pytest.raises(RegistryError, match="version 2: the artifact was altered"):
        registry.load(model, 2)


class Trap:
    """What runs code when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        """Name the file that the code makes."""
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave a trace."""
        return Path.touch, (self.trace,)


def test_a_pickle_is_never_loaded(registry: Registry, model: str, tmp_path: Path) -> None:
    """A pickle under the name of the skops file is refused, and its code does not run."""
    registry.register(report(model))
    Path(registry.artifact(model, 1)).write_bytes(pickle.dumps(Trap(tmp_path / "trace")))
    with pytest.raises(RegistryError):
        registry.load(model, 1)
    assert not (tmp_path / "trace").exists()


def test_an_unreviewed_type_does_not_get_to_serve(registry: Registry, model: str) -> None:
    """A pipeline with a function of somebody is refused, at the latest when it is loaded, by the type's name."""
    pipeline = Pipeline([("own", FunctionTransformer(copy.copy)), ("model", LogisticRegression())]).fit(FRAME, LABELS)

    def serve() -> None:
        version = registry.register(report(model, pipeline=pipeline)).version
        registry.load(model, version)

    with pytest.raises(Exception, match=r"copy\.copy"):
        serve()


def test_tags_are_added(registry: Registry, model: str) -> None:
    """Tags that come later stand beside those of the registration; a later value wins."""
    registry.register(report(model))
    registry.tag(model, 1, {"ratchet.verdict": "refuse", "ratchet.snapshot": "s"})
    registry.tag(model, 1, {"ratchet.verdict": "promote"})
    tags = registry.get(model, 1).tags
    assert (tags["ratchet.verdict"], tags["ratchet.snapshot"], tags["ratchet.candidate"]) == ("promote", "s", "b")


def test_aliases_move_and_go(registry: Registry, model: str) -> None:
    """An alias can be moved, removed, and removed again: a projection of the ledger can always be repeated."""
    for run in ("run-1", "run-2"):
        registry.register(report(model, run))
    moves: list[dict[str, int | None]] = [{"champion": 1}, {"champion": 2, "previous": 1}, {"previous": None}, {"previous": None}]
    for aliases in moves:
        registry.point(model, aliases)


def test_texts_stand_beside_the_version(registry: Registry, model: str) -> None:
    """A page is kept, is replaced when it is written again, and the registry says where; the version stays what it was."""
    registry.register(report(model))
    first = registry.attach(model, 1, {"dossier/page.html": "<p>1</p>", "dossier/page.json": "{}"})
    assert registry.attach(model, 1, {"dossier/page.html": "<p>2</p>"}) == first
    assert first.endswith("dossier/page.html")
    assert registry.load(model, 1).predict(FRAME).tolist() == fitted().predict(FRAME).tolist()


def test_the_baseline_lies_beside_its_version(registry: Registry, model: str) -> None:
    """What was fitted is what is loaded; a version without one has none."""
    trivial = Pipeline([("model", DummyClassifier(strategy="prior"))]).fit(FRAME, LABELS)
    registry.register(replace(report(model), baseline=trivial))
    registry.register(report(model, "run-2"))
    assert registry.baseline(model, 1).predict_proba(FRAME).tolist() == trivial.predict_proba(FRAME).tolist()
    assert registry.baseline(model, 2) is None


def test_people_read_where_mlflow_has_its_pages(tmp_path: Path, model: str) -> None:
    """With an address of MLflow the answer is one that a browser opens; the artifact is what was written."""
    from include.ratchet.adapters.registry import MlflowRegistry

    registry = MlflowRegistry(mlflow_database(tmp_path), str(tmp_path / "artifacts"), "http://mlflow.here/")
    run = registry.register(report(model)).run_id
    url = registry.attach(model, 1, {"dossier/page.html": "<p>1</p>"})
    assert url.startswith("http://mlflow.here/#/experiments/")
    assert url.endswith(f"/runs/{run}/artifacts/dossier/page.html")
    assert (Path(registry._client.download_artifacts(run, "dossier/page.html"))).read_text(encoding="utf-8") == "<p>1</p>"
