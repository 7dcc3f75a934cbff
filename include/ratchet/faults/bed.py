"""What faults are planted in: a model's own spec and rows, an honest challenger and an honest champion."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.adapters.models import save_skops
from include.ratchet.adapters.probe import probe
from include.ratchet.domain.gate import Decision
from include.ratchet.domain.modelspec import Columns, ModelSpec
from include.ratchet.domain.occasion import Occasion
from include.ratchet.domain.records import Window
from include.ratchet.steps.answers import Answers, answer
from include.ratchet.steps.baselines import fit_baselines
from include.ratchet.steps.evaluate import evaluate
from include.ratchet.steps.frames import Split, features, labels, split
from include.ratchet.steps.pipeline import fit_pipeline, training_rows

MOST = {"train": 20_000, "test": 20_000}
"""Rows of each part that a drill uses: some forty verdicts take minutes otherwise."""
SAMPLE = 50
"""Rows that the fresh process is asked about."""
TIMED = 1


@dataclass(frozen=True)
class Said:
    """What a fresh process is taken to have said about a challenger; the fields are those of the probe."""

    predictions: list[list[float]]
    p99_ms: float
    size_mb: float
    error: str = ""
    odd: str = ""


@dataclass(frozen=True)
class Case:
    """Everything that one verdict is given on."""

    spec: ModelSpec
    rows: pa.Table
    parts: Split
    challenger: Any
    champion: Any
    proved: Any = None
    occasion: Occasion = field(default_factory=Occasion)


@dataclass(frozen=True)
class Bed:
    """An honest project.

    Attributes:
        spec: The adopter's own.
        rows: Labelled rows, at most those of `MOST` per part.
        parts: Which of them are for what.
        folder: For artifacts, a ledger and a registry that are thrown away.
    """

    spec: ModelSpec
    rows: pa.Table
    parts: Split
    folder: Path

    @cached_property
    def honest(self) -> Any:
        """A challenger that is fitted as the spec's first candidate, on the train rows as they are."""
        return self.fit(self.spec, self.rows)

    @cached_property
    def champion(self) -> Any:
        """The same, on every other train row: as good, and not the same."""
        half = self.parts.train & (np.cumsum(self.parts.train) % 2 == 0)
        return self.fit(self.spec, self.rows, half)

    @cached_property
    def proved(self) -> Any:
        """What a real fresh process says about the honest challenger."""
        return self.probed(self.save(self.honest, "honest"))

    @cached_property
    def trivial(self) -> dict[str, Any]:
        """The baselines: fitting them is four fifths of a verdict."""
        train = self.rows.filter(pa.array(self.parts.train))
        return dict(fit_baselines(self.spec, (features(train, self.spec.columns), labels(train, self.spec))))

    @cached_property
    def said(self) -> Answers:
        """What the honest challenger answers to the test rows."""
        return answer(self.honest, self.seen, self.spec.gate.threshold)

    @cached_property
    def test(self) -> pa.Table:
        """The test rows."""
        return self.rows.filter(pa.array(self.parts.test))

    @cached_property
    def seen(self) -> pd.DataFrame:
        """Their features."""
        return features(self.test, self.spec.columns)

    @cached_property
    def truth(self) -> npt.NDArray[Any]:
        """Their labels."""
        return labels(self.test, self.spec)

    def fit(self, spec: ModelSpec, rows: pa.Table, among: npt.NDArray[np.bool_] | None = None, y: npt.NDArray[Any] | None = None) -> Any:
        """Fit the spec's first candidate, with the parameters that are not searched."""
        inside = self.parts.train if among is None else among
        known = training_rows(rows.filter(pa.array(inside)), spec)
        candidate = spec.training.candidates[0]
        return fit_pipeline(spec, candidate, dict(candidate.params), known if y is None else replace(known, y=y[inside]))

    def case(self, **changes: Any) -> Case:
        """Return the honest case, with one thing that is not."""
        return replace(Case(self.spec, self.rows, self.parts, self.honest, self.champion), **changes)

    def judge(self, case: Case) -> Decision:
        """Apply the gate, as the task does; without a fresh process's word it is taken from this one."""
        proved = case.proved or self.here(case)
        trivial = self.trivial if case.rows is self.rows and case.spec.columns == self.spec.columns else None
        return evaluate(case.spec, case.rows, case.parts, case.challenger, case.champion, proved, case.occasion, trivial)[0]

    def here(self, case: Case) -> Said:
        """Ask the challenger here what a fresh process would be asked, but for rows that the honest one's process answers."""
        sample = self.sample(case.rows, case.parts, case.spec.columns)
        ask = case.challenger.predict_proba if hasattr(case.challenger, "predict_proba") else case.challenger.predict
        said = np.asarray(ask(sample), dtype=float).reshape(len(sample), -1)
        return Said(said.tolist(), self.proved.p99_ms, self.proved.size_mb)

    def timed(self, pipeline: Any) -> float:
        """Return the worst CPU time of one row [ms]."""
        took = []
        for row in range(TIMED):
            began = time.thread_time()
            (pipeline.predict_proba if hasattr(pipeline, "predict_proba") else pipeline.predict)(self.seen.iloc[[row]])
            took.append((time.thread_time() - began) * 1000)
        return max(took)

    def save(self, pipeline: Any, name: str) -> Path:
        """Write an artifact."""
        path = self.folder / f"{name}.skops"
        save_skops(pipeline, path)
        return path

    def probed(self, artifact: Path) -> Any:
        """Ask a real fresh process about an artifact."""
        return probe(str(artifact), self.sample(self.rows, self.parts, self.spec.columns))

    def sample(self, rows: pa.Table, parts: Split, columns: Columns) -> pd.DataFrame:
        """Return the features of the first test rows."""
        return features(rows.filter(pa.array(parts.test)).slice(0, SAMPLE), columns)


def make(spec: ModelSpec, rows: pa.Table, window: Window, folder: Path) -> Bed:
    """Split rows as a training run does, and draw from each part what a drill uses.

    Raises:
        DataError: A part would be empty.
    """
    parts, draw = split(rows, spec, window), np.random.default_rng(spec.training.seed)
    kept = {}
    for name, most in MOST.items():
        mask = getattr(parts, name)
        where = np.flatnonzero(mask)
        chosen = where if len(where) <= most else draw.choice(where, most, replace=False)
        kept[name] = np.zeros(len(mask), dtype=bool)
        kept[name][chosen] = True
    any_of = kept["train"] | kept["test"]
    return Bed(spec, rows.filter(pa.array(any_of)), Split(**{name: mask[any_of] for name, mask in kept.items()}), folder)
