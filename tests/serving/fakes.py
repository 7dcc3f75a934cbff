"""Models on toy data, a ledger and a registry in memory, and spec files."""

from __future__ import annotations

from dataclasses import dataclass, field
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
from include.ratchet.serving.frames import to_frame

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
    pipelines: dict[tuple[str, int], Any] = field(default_factory=dict)
    loads: list[tuple[str, int]] = field(default_factory=list)
    broken: bool = False

    def champion(self, model: str) -> int | None:
        """Return the champion, or fail as a database that is away."""
        if self.broken:
            raise OSError("no route to the database")
        return self.champions.get(model)

    def load(self, model: str, version: int) -> Any:
        """Return the pipeline, or refuse."""
        self.loads.append((model, version))
        if (model, version) not in self.pipelines:
            raise RegistryError(f"{model} version {version}: altered since it was registered")
        return self.pipelines[model, version]

    def promote(self, model: str, version: int, pipeline: Any = None) -> None:
        """Make a version the champion."""
        if pipeline is not None:
            self.pipelines[model, version] = pipeline
        self.champions[model] = version


def write_spec(include: Path, name: str, task: str = "binary", **changes: Any) -> None:
    """Write a model.yaml on the toy columns; `changes` replace top-level keys."""
    metric = "rmse" if task == "regression" else "log_loss"
    content = {"name": name, "task": task, "gate": {"metric": metric, "business": {metric: "<= 9"}}, **SPEC, **changes}
    folder = include / "models" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")


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


def constant(value: float) -> Pipeline:
    """Fit a pipeline that always answers `value`, which may be one that scikit-learn would refuse to fit."""
    pipeline = make_pipeline(DummyRegressor()).fit(to_frame(COLUMNS, toy_records(3)), [0.0] * 3)
    pipeline[-1].constant_ = np.array([[value]])
    return pipeline
