"""Fit a candidate: its trials on the folds, and the best of them once on all train rows."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from include.ratchet.domain.errors import DataError, SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json
from include.ratchet.domain.trainingspec import Candidate
from include.ratchet.steps.explain import importance
from include.ratchet.steps.folds import Fold
from include.ratchet.steps.learning import Curve, learning_curve
from include.ratchet.steps.pipeline import Labelled, fit_pipeline
from include.ratchet.steps.scoring import scorer_of
from include.ratchet.steps.search import Trial, replay, search


@dataclass(frozen=True)
class Fitted:
    """The best trial of one candidate, fitted once on all train rows: what the gate judges, and what serves.

    `score` is the mean of the spec's metric over the folds, higher is better; `trials` lists every trial, so that a
    replay refits the same list; `curve` and `importances` are of the last fold, empty where nobody looks.
    """

    name: str
    pipeline: Pipeline
    score: float
    trials: tuple[Trial, ...]
    best: Trial
    curve: Curve
    importances: list[Json]
    seconds: float


def fit_candidate(
    spec: ModelSpec,
    candidate: Candidate,
    rows: Labelled,
    folds: Sequence[Fold],
    recorded: Sequence[Trial] | None = None,
    *,
    explained: bool = True,
) -> Fitted:
    """Search a candidate's parameters over the folds, and fit the best on all train rows.

    Threads are pinned to one: forests and linear models give other numbers with more.

    Args:
        spec: The model.
        candidate: What to fit.
        rows: The train rows.
        folds: Positions among them, the fold that is most like the test rows last.
        recorded: The trials of an earlier fit: just these are measured again, and no clock is asked.
        explained: Whether to look into it: learning curve and importances, a fifth of the time. What is fitted is the same.

    Raises:
        SpecError: The estimator cannot be imported, or does not take the parameters.
        DataError: No trial has a finite score.
    """
    began = time.monotonic()
    bench = _Bench(spec, candidate, rows, folds)
    with threadpool_limits(1):
        trials = replay(recorded, bench.measure) if recorded else search(candidate, spec.training, len(folds), bench.measure)
        best = _best(spec, candidate, trials)
        pipeline = fit_pipeline(spec, candidate, best.params, rows)
        curve, found = _looked_into(bench, best) if explained else ((), [])
    return Fitted(candidate.name, pipeline, best.score, tuple(trials), best, curve, found, time.monotonic() - began)


def _looked_into(bench: _Bench, best: Trial) -> tuple[Curve, list[Json]]:
    """Return the learning curve and the importances of the best trial, on the last fold."""
    spec, held = bench.spec, bench.rows.take(bench.folds[-1].held)
    curve = learning_curve(bench.of_rows(best.params), bench.rows, bench.folds[-1], best.scores[-1], spec.training.seed)
    found = importance(bench.newest[_key(best.params)], held.x, held.y, spec.gate.metric, spec.gate.threshold, spec.training.seed)
    return curve, found


def _best(spec: ModelSpec, candidate: Candidate, trials: Sequence[Trial]) -> Trial:
    """Return the first of the best complete trials."""
    complete = [each for each in trials if each.state == "complete"]
    if complete:
        return max(complete, key=lambda each: each.score)
    said = "; ".join(dict.fromkeys(each.reason for each in trials))
    where = f"models/{spec.name}: candidate {candidate.name}"
    if any(candidate.params or candidate.search) and all("InvalidParameterError" in each.reason for each in trials):
        raise SpecError(where, [said], "Mend params and search.")
    message = f"{where} has no finite {spec.gate.metric} on the folds: {said}"
    raise DataError(message)


@dataclass
class _Bench:
    """Fits and scores on folds; keeps the last fold's pipeline of the best trial so far, to look into it."""

    spec: ModelSpec
    candidate: Candidate
    rows: Labelled
    folds: Sequence[Fold]
    newest: dict[str, Pipeline] = field(default_factory=dict)
    _scores: dict[str, list[float]] = field(default_factory=dict)
    _best: float = -np.inf

    def measure(self, params: dict[str, Any], fold: int) -> float:
        """Score parameters on one fold; folds come in order."""
        pipeline = fit_pipeline(self.spec, self.candidate, params, self.rows.take(self.folds[fold].fit))
        held = self.rows.take(self.folds[fold].held)
        score = float(scorer_of(self.spec.gate.metric)(pipeline, held.x, held.y))
        so_far = [*self._scores.get(_key(params), [])[:fold], score]
        self._scores[_key(params)] = so_far
        if fold + 1 == len(self.folds) and np.mean(so_far) > self._best:
            self._best, self.newest = float(np.mean(so_far)), {_key(params): pipeline}
        return score

    def of_rows(self, params: dict[str, Any]) -> Any:
        """Return what fits these parameters on any rows and scores them on the last fold."""

        def score(rows: Labelled) -> float:
            held = self.rows.take(self.folds[-1].held)
            pipeline = fit_pipeline(self.spec, self.candidate, params, rows)
            return float(scorer_of(self.spec.gate.metric)(pipeline, held.x, held.y))

        return score


def _key(params: dict[str, Any]) -> str:
    return json.dumps(params, sort_keys=True, default=str)
