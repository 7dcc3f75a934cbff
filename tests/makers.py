"""Specs for tests of steps, adapters and contracts: the smallest that is valid, with changes."""

from __future__ import annotations

import atexit
import copy
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.modelspec import ModelSpec

MODEL: dict[str, Any] = {
    "name": "m",
    "task": "binary",
    "feeds": ["f"],
    "columns": {"id": ["id"], "time": "at", "label": "y", "numeric": ["x"], "categorical": ["c"]},
    "training": {
        "split": {"validation": "10d", "test": "28d"},
        "candidates": [{"name": "a", "estimator": "sklearn.linear_model.LogisticRegression"}],
    },
    "gate": {"metric": "accuracy", "business": {"accuracy": ">= 0.5"}},
}


def feed_spec(schema: dict[str, str] | None = None, source: dict[str, Any] | None = None, **changes: Any) -> FeedSpec:
    """Make a feed of CSV files with a whole number and a nullable one, keyed by the first column."""
    schema = schema or {"id": "int64", "v": "float64?"}
    files = {"kind": "files", "uri": "landing://f/*.csv"}
    content = {
        "name": "f",
        "source": source if source and "kind" in source else files | (source or {}),
        "key": [next(iter(schema))],
        "schema": schema,
    }
    return FeedSpec.model_validate(content | changes)


def model_spec(**changes: Any) -> ModelSpec:
    """Make a timed binary model; `columns__id=[...]` changes `columns.id`."""
    content = copy.deepcopy(MODEL)
    for dotted, value in changes.items():
        *path, last = dotted.split("__")
        part = content
        for key in path:
            part = part.setdefault(key, {})
        part[last] = value
    return ModelSpec.model_validate(content)


def untimed(**changes: Any) -> ModelSpec:
    """Make a binary model without event times: random splits, random blocks."""
    split = {"training__split__validation": 0.2, "training__split__test": 0.2}
    return model_spec(columns__time=None, **(split | changes))


@functools.cache
def _empty_mlflow() -> Path:
    """Make MLflow's tables once a session: its migrations take ten seconds."""
    from include.ratchet.adapters.registry import MlflowRegistry

    folder = Path(tempfile.mkdtemp(prefix="ratchet-mlflow-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    MlflowRegistry(f"sqlite:///{folder / 'mlflow.db'}", "")._client.search_registered_models()
    return folder / "mlflow.db"


def mlflow_database(folder: Path) -> str:
    """Give an empty MLflow database in a folder; return its tracking URI."""
    shutil.copy(_empty_mlflow(), folder / "mlflow.db")
    return f"sqlite:///{folder / 'mlflow.db'}"
