"""The search: a budget, a seed, early ends for what is worse, and a list that can be replayed."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.trainingspec import Candidate, Training
from include.ratchet.steps.search import Trial, replay, search

RANGES: dict[str, Any] = {"C": {"low": 0.001, "high": 1000, "log": True}, "depth": {"low": 2, "high": 9}}


def training(**budget: Any) -> Training:
    """Make a training part with a budget."""
    return Training.model_validate(
        {"split": {"validation": 0.1, "test": 0.2}, "candidates": [{"name": "a", "estimator": "sklearn.svm.SVC"}], "budget": budget}
    )


def candidate(space: dict[str, Any], **params: Any) -> Candidate:
    """Make a candidate that searches a space."""
    return Candidate(name="a", estimator="sklearn.svm.SVC", params=params, search=space)


def bowl(params: dict[str, Any], fold: int) -> float:
    """Score best at C = 10 and depth = 4; later folds are a little harder for all."""
    c, depth = float(params.get("C", 10)), int(params.get("depth", 4))
    return -abs(math.log10(c) - 1) - abs(depth - 4) / 4 - fold / 10


def counted(calls: list[dict[str, Any]]) -> Callable[[dict[str, Any], int], float]:
    """Write down every call."""

    def measure(params: dict[str, Any], fold: int) -> float:
        calls.append(params)
        return bowl(params, fold)

    return measure


def test_a_small_grid_is_tried_whole() -> None:
    """Every point once, with the fixed parameters in it."""
    found = search(candidate({"C": [1, 10], "depth": [3, 4]}, tol=0.1), training(), 1, bowl)
    assert sorted((each.params["C"], each.params["depth"], each.params["tol"]) for each in found) == [
        (1, 3, 0.1),
        (1, 4, 0.1),
        (10, 3, 0.1),
        (10, 4, 0.1),
    ]


def test_without_a_search_there_is_one_trial() -> None:
    """The fixed parameters, on every fold."""
    assert search(candidate({}, C=10), training(), 3, bowl) == [Trial({"C": 10}, (0.0, -0.1, -0.2), "complete")]


def test_choices_may_be_anything_that_yaml_holds() -> None:
    """A list, null and words are choices like numbers."""
    found = search(candidate({"layers": [[50], [50, 20], None, "auto"]}), training(), 1, lambda _params, _fold: 0.5)
    assert [each.params["layers"] for each in found] == [[50], [50, 20], None, "auto"]


def test_a_range_is_searched_within_its_bounds_and_the_budget() -> None:
    """Whole numbers where the range is whole, real ones where it is not; as many trials as allowed, none twice."""
    found = search(candidate(RANGES), training(trials=15), 3, bowl)
    assert len(found) == 15
    assert len({str(each.params) for each in found}) == 15
    assert all(0.001 <= each.params["C"] <= 1000 and each.params["depth"] in range(2, 10) for each in found)


def test_a_step_is_kept() -> None:
    """Only low, low + step, ... are drawn; when all of them were tried the search ends before its budget."""
    found = search(candidate({"depth": {"low": 2, "high": 8, "step": 3}}), training(trials=12), 1, bowl)
    assert {each.params["depth"] for each in found} == {2, 5, 8}
    assert len(found) == 3


def test_the_search_learns() -> None:
    """Over 20 seeds, the best of 30 proposals is nearer to the optimum than the best of 30 drawn blindly."""
    from random import Random

    def best_of(seed: int) -> float:
        seeded = training(trials=30).model_copy(update={"seed": seed})
        return max(each.score for each in search(candidate(RANGES), seeded, 1, bowl) if each.state == "complete")

    def blind(seed: int) -> float:
        draw = Random(seed)  # noqa: S311 - a yardstick, no secret
        return max(bowl({"C": 10 ** draw.uniform(-3, 3), "depth": draw.randint(2, 9)}, 0) for _ in range(30))

    better = sum(best_of(seed) > blind(seed) for seed in range(20))
    assert better >= 15  # by luck alone: 2 %


def test_the_same_seed_tries_the_same() -> None:
    """A search is a function of its seed and its scores."""
    first, again = (search(candidate(RANGES), training(), 3, bowl) for _ in range(2))
    assert first == again
    other = training().model_copy(update={"seed": 8})
    assert search(candidate(RANGES), other, 3, bowl) != first


def test_what_is_worse_ends_early() -> None:
    """Pruned trials keep the folds that they came to; the best is among those that came to the end; fits are saved."""
    calls: list[dict[str, Any]] = []
    found = search(candidate(RANGES), training(), 3, counted(calls))
    pruned = [each for each in found if each.state == "pruned"]
    assert pruned
    assert all(len(each.scores) < 3 and "worse half" in each.reason for each in pruned)
    assert len(calls) < 36
    best = max((each for each in found if each.state == "complete"), key=lambda each: each.score)
    assert best.scores[0] == max(each.scores[0] for each in found)


def test_a_spent_budget_of_time_leaves_one_trial() -> None:
    """At least one trial comes to its end, whatever the clock says."""
    found = search(candidate(RANGES), training(minutes=1e-9), 3, bowl)
    assert [each.state for each in found] == ["complete"]


def test_a_point_that_cannot_be_fitted_fails_alone() -> None:
    """What an estimator says about parameters that do not go together is kept with the trial; the others go on."""

    def picky(params: dict[str, Any], fold: int) -> float:
        if params["C"] == 1:
            message = "C = 1 does not go with this solver"
            raise ValueError(message)
        return float("nan") if params["C"] == 2 else bowl(params, fold)

    found = search(candidate({"C": [1, 2, 10]}), training(), 2, picky)
    assert [(each.state, each.reason) for each in found][:2] == [
        ("failed", "ValueError: C = 1 does not go with this solver"),
        ("failed", "the score on fold 1 is nan"),
    ]
    assert found[2].state == "complete"


def test_a_fault_of_the_spec_is_no_failed_trial() -> None:
    """A parameter that does not exist is wrong at every point: it is raised, not tried twelve times."""

    def unknown(_params: dict[str, Any], _fold: int) -> float:
        raise SpecError("candidate a", ["depht: SVC takes no such parameter"])

    with pytest.raises(SpecError, match="depht"):
        search(candidate({"depht": [1, 2]}), training(), 2, unknown)


def test_a_replay_measures_the_recorded_list() -> None:
    """The same points, the same folds each, the same scores: no clock, no sampler, no pruner."""
    found = search(candidate(RANGES), training(), 3, bowl)
    calls: list[dict[str, Any]] = []
    assert replay([Trial.from_json(each.to_json()) for each in found], counted(calls)) == found
    assert len(calls) == sum(len(each.scores) for each in found)
