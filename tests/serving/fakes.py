"""Models on toy data, a ledger and a registry in memory, and spec files."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from include.ratchet.domain.errors import RegistryError
from include.ratchet.domain.modelspec import Columns
from include.ratchet.domain.records import Route, Standing
from include.ratchet.domain.trainingspec import Candidate
from include.ratchet.serving.frames import to_frame
from include.ratchet.steps.pipeline import build_pipeline
from tests.makers import model_spec

NUMERIC = ("distance", "hour")
CATEGORICAL = ("carrier",)
COLUMNS = Columns(id=("id",), label="late", numeric=NUMERIC, categorical=CATEGORICAL)
ROW: dict[str, Any] = {"distance": 733.0, "hour": 9, "carrier": "UA"}
SPEC: dict[str, Any] = {
    "description": "Will a flight arrive late?",
    "feeds": ["flights"],
    "columns": {"id": ["id"], "label": "late", "numeric": list(NUMERIC), "categorical": list(CATEGORICAL)},
    "training": {"split": {"validation": 0.2, "test": 0.2}, "candidates": [{"name": "one", "estimator": "sklearn.dummy.DummyClassifier"}]},
}


@dataclass
class Stores:
    """A ledger and a registry in memory; a missing version does not load."""

    champions: dict[str, int] = field(default_factory=dict)
    sequences: dict[str, int] = field(default_factory=dict)
    formers: dict[str, int] = field(default_factory=dict)
    baselines: dict[str, Any] = field(default_factory=dict)
    routes: dict[str, tuple[Route, ...]] = field(default_factory=dict)
    beats: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    pipelines: dict[tuple[str, int], Any] = field(default_factory=dict)
    loads: list[tuple[str, int]] = field(default_factory=list)
    broken: bool = False

    def standings(self) -> dict[str, Standing]:
        """Return the champions, or fail as a database that is away."""
        if self.broken:
            raise OSError("no route to the database")
        return {
            model: Standing(version, self.sequences.get(model, 1), self.routes.get(model, ())) for model, version in self.champions.items()
        }

    def former(self, model: str) -> int | None:
        """Return the champion before."""
        return self.formers.get(model)

    def beat(self, worker: str, serves: dict[str, tuple[int, int]], at: datetime) -> None:  # noqa: ARG002 - a fake without time
        """Remember what a worker said, or fail as a database that is away."""
        if self.broken:
            raise OSError("no route to the database")
        self.beats[worker] = serves

    def leave(self, worker: str) -> None:
        """Forget a worker."""
        self.beats.pop(worker, None)

    def load(self, model: str, version: int) -> Any:
        """Return the pipeline, or refuse."""
        self.loads.append((model, version))
        if (model, version) not in self.pipelines:
            raise RegistryError(f"{model} version {version}: altered since it was registered")
        return self.pipelines[model, version]

    def baseline(self, model: str, version: int) -> Any:  # noqa: ARG002 - one for all versions
        """Return the trivial model, if there is one."""
        return self.baselines.get(model)

    def promote(self, model: str, version: int, pipeline: Any = None) -> None:
        """Make a version the champion."""
        if pipeline is not None:
            self.pipelines[model, version] = pipeline
        if model in self.champions:
            self.formers[model] = self.champions[model]
        self.champions[model] = version
        self.sequences[model] = self.sequences.get(model, 0) + 1

    def route(self, model: str, version: int, mode: Any, fraction: float = 1.0) -> None:
        """Let a version answer beside the champion."""
        self.routes[model] = (Route(model, version, mode, fraction, datetime(2026, 1, 1, tzinfo=UTC)),)


def write_spec(include: Path, name: str, task: str = "binary", **changes: Any) -> None:
    """Write a model.yaml on the toy columns; `changes` replace top-level keys."""
    metric = "rmse" if task == "regression" else "log_loss"
    content = {"name": name, "task": task, "gate": {"metric": metric, "business": {metric: "<= 9"}}, **SPEC, **changes}
    folder = include / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def write_feed(include: Path, personal: tuple[str, ...] = ()) -> None:
    """Write the feed of the toy columns."""
    folder = include / "feeds" / "flights"
    folder.mkdir(parents=True, exist_ok=True)
    schema = {"id": "int64", "distance": "float64?", "hour": "int64?", "carrier": "string?", "late": "int64?"}
    source = {"kind": "files", "uri": "landing://flights/*.csv"}
    content = {"name": "flights", "source": source, "key": ["id"], "schema": schema, "personal": list(personal)}
    (folder / "feed.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


def toy_records(rows: int, seed: int = 0) -> list[dict[str, Any]]:
    """Make rows, some values null."""
    draw = np.random.default_rng(seed)
    carriers = ["UA", "AA", "B6", None]
    return [
        {
            "distance": None if draw.random() < 0.1 else float(draw.normal(1000, 300)),
            "hour": int(draw.integers(0, 24)),
            "carrier": carriers[draw.integers(0, 4)],
        }
        for _ in range(rows)
    ]


def fit(labels: list[Any] | None = None, seed: int = 0) -> Pipeline:
    """Fit boosted trees on toy rows: a classifier of `labels`, or without them a regressor."""
    frame = to_frame(COLUMNS, toy_records(300, seed))
    score = frame["hour"].to_numpy() + np.random.default_rng(seed).normal(0, 4, len(frame))
    encode = ColumnTransformer(
        [("carrier", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["carrier"])], remainder="passthrough"
    )
    if labels is None:
        return make_pipeline(encode, HistGradientBoostingRegressor(max_iter=5)).fit(frame, score)
    target = np.array(labels)[pd.qcut(score, len(labels), labels=False)]
    return make_pipeline(encode, HistGradientBoostingClassifier(max_iter=5)).fit(frame, target)


def prepared(columns: Columns, estimator: Any = None, y: Any = None) -> Pipeline:
    """Fit a pipeline as training does: the preparation that suits the estimator, then it; on `y`, or on two classes."""
    kind = "sklearn.ensemble.HistGradientBoostingClassifier" if estimator is None else estimator
    spec = model_spec(columns=columns.model_dump(), training__split__validation=0.2, training__split__test=0.2)
    pipeline = build_pipeline(spec, Candidate(name="one", estimator=kind), {})
    draw, rows = np.random.default_rng(1), 400 if y is None else len(y)
    frame = pd.DataFrame({name: draw.normal(size=rows) for name in columns.numeric})
    frame[columns.numeric[0]] = frame[columns.numeric[0]].where(draw.uniform(size=rows) > 0.1)
    for name in columns.categorical:
        frame[name] = pd.Series(draw.choice(np.array(["UA", "AA", "B6", None], dtype=object), rows), dtype=object)
    return pipeline.fit(frame, (frame[columns.numeric[1]] + draw.normal(size=rows) > 0).astype(int) if y is None else y)


def constant(value: float) -> Pipeline:
    """Fit a pipeline that always answers `value`, which may be one that scikit-learn would refuse to fit."""
    pipeline = make_pipeline(DummyRegressor()).fit(to_frame(COLUMNS, toy_records(3)), [0.0] * 3)
    pipeline[-1].constant_ = np.array([[value]])
    return pipeline
