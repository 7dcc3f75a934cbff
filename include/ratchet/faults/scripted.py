"""Challengers that say what a fault wants them to say."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.ratchet.faults.bed import Bed

Raw = npt.NDArray[np.float64]


def raw(bed: Bed) -> Raw:
    """Return what the honest challenger says: chances of the positive class, chances of each class, or numbers; a copy."""
    said = bed.said
    if said.probabilities is None:
        return np.array(said.predicted, dtype=float)
    return np.array(said.probabilities[:, 1] if bed.spec.task == "binary" else said.probabilities, dtype=float)


def told(bed: Bed) -> Raw:
    """Return, in the same form, what a model would say that knows the labels."""
    if bed.said.probabilities is None:
        return np.asarray(bed.truth, dtype=float)
    each = (bed.truth[:, None] == np.asarray(bed.said.classes)[None, :]).astype(float)
    return np.asarray(each[:, 1] if bed.spec.task == "binary" else each)


def reversed_of(bed: Bed, said: Raw) -> Raw:
    """Return the worst use of what was learnt: the other class, or the other side of the mean."""
    if bed.spec.task == "binary":
        return np.asarray(1 - said)
    if bed.spec.task == "multiclass":
        return np.roll(said, 1, axis=1)
    return np.asarray(2 * said.mean() - said)


def shuffled(bed: Bed) -> Raw:
    """Return answers that have nothing to do with the rows: the honest ones, in another order."""
    said = raw(bed)
    return np.asarray(said[np.random.default_rng(bed.spec.training.seed).permutation(len(said))])


def scripted(bed: Bed, said: Raw) -> Any:
    """Make a challenger that answers the test rows by the script, and whatever else as the honest one does."""
    return _Classifier(bed, said) if bed.spec.classifies else _Regressor(bed, said)


class _Scripted:
    def __init__(self, bed: Bed, said: Raw) -> None:
        self._bed, self._said = bed, said

    def _answers(self, frame: pd.DataFrame) -> Raw:
        """Answer by position: the gate asks for the test rows in their order, all of them or the first few."""
        if len(frame) <= len(self._said) and _same(frame, self._bed.seen.head(len(frame))):
            return self._said[: len(frame)]
        return _raw_of(self._bed, frame)


class _Regressor(_Scripted):
    def predict(self, frame: pd.DataFrame) -> Raw:
        return self._answers(frame)


class _Classifier(_Scripted):
    @property
    def classes_(self) -> Any:
        return np.asarray(self._bed.said.classes)

    def predict_proba(self, frame: pd.DataFrame) -> Raw:
        said = self._answers(frame)
        return said if said.ndim > 1 else np.column_stack([1 - said, said])

    def predict(self, frame: pd.DataFrame) -> Any:
        return self.classes_[self.predict_proba(frame).argmax(axis=1)]


def _raw_of(bed: Bed, frame: pd.DataFrame) -> Raw:
    if not bed.spec.classifies:
        return np.asarray(bed.honest.predict(frame), dtype=float)
    said = np.asarray(bed.honest.predict_proba(frame), dtype=float)
    return said[:, 1] if bed.spec.task == "binary" else said


def _same(frame: pd.DataFrame, other: pd.DataFrame) -> bool:
    return frame.reset_index(drop=True).equals(other.reset_index(drop=True))


class Wrapped:
    """The honest challenger, with something done around each call."""

    def __init__(self, bed: Bed) -> None:
        """Wrap the bed's honest challenger."""
        self._inner, self._bed = bed.honest, bed
        if bed.spec.classifies:
            self.classes_ = bed.honest.classes_
            self.predict_proba = self._proba

    def around(self, said: Raw, frame: pd.DataFrame) -> Raw:  # noqa: ARG002 - what subclasses look at
        """Change what was said."""
        return said

    def predict(self, frame: pd.DataFrame) -> Any:
        """Answer numbers, or the likeliest classes."""
        if self._bed.spec.classifies:
            return np.asarray(self.classes_)[self._proba(frame).argmax(axis=1)]
        return self.around(np.asarray(self._inner.predict(frame), dtype=float), frame)

    def _proba(self, frame: pd.DataFrame) -> Raw:
        return self.around(np.asarray(self._inner.predict_proba(frame), dtype=float), frame)


class Restless(Wrapped):
    """Never says the same twice."""

    def around(self, said: Raw, frame: pd.DataFrame) -> Raw:  # noqa: ARG002
        """Add a noise that no metric sees."""
        return np.asarray(said + np.random.default_rng().normal(0, 1e-6, said.shape))


class Slow(Wrapped):
    """Takes ten times what serving allows for a row."""

    def around(self, said: Raw, frame: pd.DataFrame) -> Raw:
        """Compute in vain, for single rows only: the verdict itself needs not wait."""
        until = time.thread_time() + 10 * self._bed.spec.gate.readiness.p99_ms / 1000
        while len(frame) == 1 and time.thread_time() < until:
            pass
        return said


class Contrary(Wrapped):
    """Moves against what every behaviour test expects, as soon as rows are not the test rows."""

    def around(self, said: Raw, frame: pd.DataFrame) -> Raw:
        """Shift the score by a fifth of its range, down where it must go up."""
        if len(frame) != len(self._bed.seen) or _same(frame, self._bed.seen):
            return said
        down = any(each.expect == "up" for each in self._bed.spec.gate.behaviour)
        if not self._bed.spec.classifies:
            return np.asarray(said + (-1 if down else 1) * float(np.std(np.asarray(self._bed.truth, dtype=float))))
        moved = np.roll(said, 1, axis=1) if said.shape[1] > 2 else np.clip(said + np.array([0.2, -0.2] if down else [-0.2, 0.2]), 0, 1)  # noqa: PLR2004
        return np.asarray(moved)
