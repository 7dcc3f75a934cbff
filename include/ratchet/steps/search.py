"""Search a candidate's parameters within a budget: Optuna proposes, folds prune, and what was tried is recorded.

What was tried is a list of trials; a replay refits that list and looks at no clock.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.model_selection import ParameterGrid

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.records import Json
from include.ratchet.domain.trainingspec import Axis, Candidate, Range, Training

if TYPE_CHECKING:
    from optuna import Study
    from optuna.distributions import BaseDistribution

ASKS_PER_TRIAL = 20
"""The sampler may propose a point again; after so many proposals per trial the space counts as searched."""


@dataclass(frozen=True)
class Trial:
    """One point that was tried: its score on each fold that it came to, higher is better, and how it ended."""

    params: dict[str, Any]
    scores: tuple[float, ...]
    state: Literal["complete", "pruned", "failed"]
    reason: str = ""

    @property
    def score(self) -> float:
        """The mean over its folds; NaN without any."""
        return float(np.mean(self.scores)) if self.scores else float("nan")

    def to_json(self) -> Json:
        """Write it for XCom and MLflow."""
        return asdict(self) | {"scores": list(self.scores), "score": self.score if self.scores else None}

    @classmethod
    def from_json(cls, content: Json) -> Trial:
        """Read what `to_json` wrote."""
        return cls(content["params"], tuple(content["scores"]), content["state"], content.get("reason", ""))


Measure = Callable[[dict[str, Any], int], float]
"""Scores parameters on a fold, by its number from 0."""


def search(candidate: Candidate, training: Training, folds: int, measure: Measure) -> list[Trial]:
    """Try parameters until the trials, the minutes or the space is used up; at least one trial is tried to its end.

    A small grid is tried whole; any other space is searched by a seeded tree-structured Parzen estimator. After each
    fold a trial goes on only when its mean is in the better half of those that came so far (asynchronous
    successive halving): the folds are the same rows for all, and the first ones are the cheap ones.

    References:
        Bergstra et al. (2011), "Algorithms for hyper-parameter optimization"; Li et al. (2020), "A system for massively
        parallel hyperparameter tuning".
    """
    if not candidate.search:
        return [_tried(dict(candidate.params), folds, measure, lambda *_: False)]
    began, trials, known = time.monotonic(), list[Trial](), dict[str, Trial]()
    for params, prune, tell in _proposals(candidate, training):
        key = json.dumps(params, sort_keys=True, default=str)
        if key not in known:
            known[key] = _tried(params, folds, measure, prune)
            trials.append(known[key])
        tell(known[key])
        spent = time.monotonic() - began > training.budget.minutes * 60
        if len(trials) >= training.budget.trials or (spent and any(each.state == "complete" for each in trials)):
            break
    return trials


def replay(recorded: Sequence[Trial], measure: Measure) -> list[Trial]:
    """Measure a recorded list again: the same points on the same folds, whatever the clock says."""
    return [
        Trial(each.params, tuple(measure(each.params, fold) for fold in range(len(each.scores))), each.state, each.reason)
        for each in recorded
    ]


def _tried(params: dict[str, Any], folds: int, measure: Measure, prune: Callable[[float, int], bool]) -> Trial:
    scores: list[float] = []
    for fold in range(folds):
        try:
            score = measure(params, fold)
        except (ValueError, FloatingPointError) as error:  # what estimators raise at parameters that do not go together
            if isinstance(error, SpecError):
                raise
            return Trial(params, tuple(scores), "failed", f"{type(error).__name__}: {error}"[:500])
        if not np.isfinite(score):
            return Trial(params, tuple(scores), "failed", f"the score on fold {fold + 1} is {score}")
        scores.append(score)
        if fold + 1 < folds and prune(float(np.mean(scores)), fold):
            return Trial(params, tuple(scores), "pruned", f"in the worse half after fold {fold + 1}")
    return Trial(params, tuple(scores), "complete")


def _proposals(
    candidate: Candidate, training: Training
) -> Iterator[tuple[dict[str, Any], Callable[[float, int], bool], Callable[[Trial], None]]]:
    """Yield parameters, what decides whether to go on after a fold, and what takes the result."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    most = training.budget.trials
    sampler = optuna.samplers.TPESampler(seed=training.seed, n_startup_trials=max(4, most // 3))
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=optuna.pruners.SuccessiveHalvingPruner(1, 2))
    points = _enqueue(study, candidate, most)
    space = {name: _distribution(axis) for name, axis in candidate.search.items()}
    for _ in range(points or ASKS_PER_TRIAL * most):
        trial = study.ask(space)

        def prune(mean: float, fold: int, trial: optuna.Trial = trial) -> bool:
            trial.report(mean, fold + 1)
            return trial.should_prune()

        def tell(tried: Trial, trial: optuna.Trial = trial) -> None:
            states = {"pruned": optuna.trial.TrialState.PRUNED, "failed": optuna.trial.TrialState.FAIL}
            if tried.state == "complete":
                study.tell(trial, tried.score)
            else:
                study.tell(trial, state=states[tried.state])

        drawn = {name: _value(candidate.search[name], found) for name, found in trial.params.items()}
        yield candidate.params | drawn, prune, tell


def _enqueue(study: Study, candidate: Candidate, most: int) -> int:
    """Put a grid that is no larger than the budget into the queue; return how many points it has, 0 for a larger one."""
    if any(isinstance(axis, Range) for axis in candidate.search.values()):
        return 0
    grid = ParameterGrid({name: list(range(len(axis))) for name, axis in candidate.search.items() if not isinstance(axis, Range)})
    if len(grid) > most:
        return 0
    for point in grid:
        study.enqueue_trial(point)
    return len(grid)


def _distribution(axis: Axis) -> BaseDistribution:
    """Choices are drawn by their number, because a choice may be a list or null."""
    from optuna import distributions

    if not isinstance(axis, Range):
        return distributions.CategoricalDistribution(range(len(axis)))
    if axis.whole:
        return distributions.IntDistribution(int(axis.low), int(axis.high), log=axis.log, step=int(axis.step or 1))
    return distributions.FloatDistribution(axis.low, axis.high, log=axis.log, step=axis.step)


def _value(axis: Axis, drawn: Any) -> Any:
    return drawn if isinstance(axis, Range) else axis[int(drawn)]
