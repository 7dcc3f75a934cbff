"""What models say about rows: asked once, in chunks, and then only read."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.modelspec import Columns
from include.ratchet.steps.frames import features

CHUNK = 125_000
"""Rows that are predicted at a time. With all 5 million at once the pipelines' own copies need more than 4 GB; with twice as
many the system maps each copy anew, and with half, what Python does per chunk adds up: each a tenth of the time."""
THREADS = 2
"""Chunks that are predicted side by side; which of them is first changes no number."""


@dataclass(frozen=True)
class Answers:
    """What one model says about the test rows.

    Attributes:
        predicted: Labels or numbers, shape `(n_rows,)`.
        probabilities: Per class, shape `(n_rows, n_classes)`; None for regression.
        classes: The classes in the order of the columns of `probabilities`.
    """

    predicted: npt.NDArray[Any]
    probabilities: npt.NDArray[np.float64] | None = None
    classes: npt.NDArray[Any] | None = None

    def take(self, rows: npt.NDArray[Any]) -> Answers:
        """Return the answers of some rows, by mask or position."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Answers(self.predicted[rows], probabilities, self.classes)

    @property
    def raw(self) -> npt.NDArray[Any]:
        """What the model itself returns, before any decision, shape `(n_rows,)` or `(n_rows, n_classes)`."""
        return self.predicted if self.probabilities is None else self.probabilities

    @property
    def score(self) -> npt.NDArray[np.float64]:
        """The number that a binary or regression model answers: the chance of the positive class, or the prediction."""
        return np.asarray(self.predicted if self.probabilities is None else self.probabilities[:, 1], dtype=float)


def answer(pipeline: Any, seen: pd.DataFrame, threshold: float = 0.5) -> Answers:
    """Ask a fitted pipeline about all rows; a binary decision is made at `threshold`."""
    if not hasattr(pipeline, "predict_proba"):
        return Answers(np.asarray(pipeline.predict(seen)))
    return _decided(np.asarray(pipeline.predict_proba(seen)), np.asarray(pipeline.classes_), threshold)


def answer_all(pipelines: Mapping[str, Any], rows: pa.Table, columns: Columns, threshold: float = 0.5) -> dict[str, Answers]:
    """Ask fitted pipelines of the same features about all rows of a table, chunk by chunk."""

    def one(start: int) -> list[Answers]:
        seen = features(rows.slice(start, CHUNK), columns)
        return [answer(pipeline, seen, threshold) for pipeline in pipelines.values()]

    with ThreadPoolExecutor(THREADS) as pool:
        chunks = list(pool.map(one, range(0, max(rows.num_rows, 1), CHUNK)))
    return {who: _joined([chunk[i] for chunk in chunks]) for i, who in enumerate(pipelines)}


def _joined(parts: list[Answers]) -> Answers:
    if len(parts) == 1:
        return parts[0]
    predicted = np.concatenate([each.predicted for each in parts])
    if parts[0].probabilities is None:
        return Answers(predicted)
    return Answers(predicted, np.concatenate([np.asarray(each.probabilities) for each in parts]), parts[0].classes)


def _decided(probabilities: npt.NDArray[np.float64], classes: npt.NDArray[Any], threshold: float) -> Answers:
    if len(classes) == 2:  # noqa: PLR2004
        return Answers(classes[(probabilities[:, 1] >= threshold).astype(int)], probabilities, classes)
    return Answers(classes[probabilities.argmax(axis=1)], probabilities, classes)
