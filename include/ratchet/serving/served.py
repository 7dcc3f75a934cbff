"""One loaded version of one model, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.modelspec import Columns, ModelSpec
from include.ratchet.domain.records import Json
from include.ratchet.serving.checks import naming
from include.ratchet.serving.fast import Fast, compiled
from include.ratchet.serving.frames import Rows, row_count, to_frame
from include.ratchet.serving.reader import Reader, is_table
from include.ratchet.steps.frames import columns_of


@dataclass(frozen=True)
class Served:
    """A version that answers. Never changed, only replaced: who holds one answers by one version."""

    spec: ModelSpec
    version: int
    pipeline: Any
    since: datetime
    name: str = ""
    """What it is, where it is not the version itself: `baseline`."""

    @property
    def title(self) -> str:
        """What it is called where people read it."""
        return f"the {self.name} of version {self.version}" if self.name else f"version {self.version}"

    @cached_property
    def fast(self) -> Fast | None:
        """The way of a single row past pandas, None where there is none."""
        return compiled(self.pipeline, self.columns)

    @cached_property
    def reader(self) -> Reader:
        """What reads its large requests."""
        return Reader(self.columns, naming(self.columns))

    @cached_property
    def columns(self) -> Columns:
        """The columns as they were when this version was fitted; the spec may name others by now."""
        return columns_of(self.pipeline, self.spec.columns)


def predict(served: Served, rows: Rows) -> Json:
    """Predict rows with one version.

    Returns:
        `predictions`, and for classifiers `probabilities` [0-1]: of the positive class, `classes_[1]`, where
        there are two; of every class by name where there are more.

    Raises:
        DeployError: The version gave a number that is not finite, or not one answer per row.
    """
    asked, data = _way(served, rows)
    parts = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}[served.spec.task](served, asked, data)
    if len(parts["predictions"]) != row_count(rows):
        raise DeployError(f"{len(parts['predictions'])} answers for {row_count(rows)} row(s)")
    return {"model": served.spec.name, "version": served.version, **parts}


def rehearse(served: Served) -> None:
    """Prove that a version answers before anyone depends on it: one row of nulls, which clients may send.

    What reads and answers its requests is built here too: for 200 columns that takes 90 ms, which no request should wait.

    Raises:
        DeployError: It does not; the text says why.
    """
    try:
        served.reader.read(b"")
        predict(served, [dict.fromkeys(served.columns.features)])
    except DeployError:
        raise
    except Exception as error:
        raise DeployError(f"does not answer a row of nulls: {type(error).__name__}: {error}") from error


def classes(served: Served) -> list[Any]:
    """Return the labels in the order of `classes_`, as plain Python values."""
    return [each.item() if isinstance(each, np.generic) else each for each in served.pipeline.classes_]


def _way(served: Served, rows: Rows) -> tuple[Any, Any]:
    """Return what answers rows, and the rows as it takes them: past pandas where it can be."""
    if served.fast is not None and row_count(rows) == 1:
        return served.fast, _only(rows)
    if served.fast is not None and is_table(rows):
        return served.fast.model, served.fast.matrix(rows)
    return served.pipeline, to_frame(served.columns, rows)


def _only(rows: Rows) -> Mapping[str, Any]:
    return {name: values[0] for name, values in rows.items()} if isinstance(rows, Mapping) else rows[0]


def _binary(served: Served, asked: Any, data: Any) -> Json:
    labels = classes(served)
    if len(labels) != 2:  # noqa: PLR2004 - binary means two
        raise DeployError(f"found {len(labels)} class(es); task binary allows 2")
    positive = _finite(asked.predict_proba(data))[:, 1]
    # At the threshold counts as positive, as in scikit-learn's FixedThresholdClassifier.
    chosen = positive >= served.spec.gate.threshold
    return {"predictions": [labels[each] for each in chosen.tolist()], "probabilities": positive.tolist()}


def _multiclass(served: Served, asked: Any, data: Any) -> Json:
    names = [str(label) for label in classes(served)]
    # Both are asked: predict is not everywhere the class of the highest probability (SVC).
    predictions = np.asarray(asked.predict(data)).tolist()
    shares = _finite(asked.predict_proba(data)).tolist()
    return {"predictions": predictions, "probabilities": [dict(zip(names, row, strict=True)) for row in shares]}


def _regression(_: Served, asked: Any, data: Any) -> Json:
    return {"predictions": _finite(asked.predict(data)).ravel().tolist()}


def _finite(numbers: Any) -> Any:
    found = np.asarray(numbers)
    if not np.isfinite(found).all():
        raise DeployError("an answer that is not a finite number")
    return found
