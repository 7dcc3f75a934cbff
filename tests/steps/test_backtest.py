"""What a backtest shows: differences by window with intervals, ages, and a recommendation that admits what it cannot know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from include.ratchet.domain.backtest import triggers_of
from include.ratchet.domain.records import Json, Window
from include.ratchet.steps.backtest import Replayed, paired, staleness, summary
from tests.makers import model_spec

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
TRIGGERS: dict[str, Json] = {
    "never": {},
    "every": {"new_data": {"min_rows": 1}},
    "drift": {"drift": {}},
    "loss": {"degradation": {"drop": 0.02}},
}


def figure(value: float) -> Json:
    """Make a figure of twenty days."""
    return {"value": value, "days": [0.001, -0.001] * 10, "rows": 100}


def replayed(policies: dict[str, list[int | None]], quality: Any, trainings: dict[str, int] | None = None) -> Replayed:
    """Make what was replayed.

    Args:
        policies: Per policy the version that served in each window; one that changes was trained in the window before.
        quality: The metric of a version in a window.
        trainings: Per policy how many refused trainings came besides.
    """
    count = len(next(iter(policies.values())))
    windows = [Window(BEGIN + timedelta(days=20 * n), BEGIN + timedelta(days=20 * (n + 1))) for n in range(count)]
    models = {
        number: {"seconds": 2.0, "later": {str(later): figure(quality(number, later)) for later in range(number + 1, count + 1)}}
        for number in range(1, count + 1)
    }
    steps = {}
    for name, served in policies.items():
        after = [*served[1:], served[-1]]
        steps[name] = [
            {"number": n, "served": s, "started": s != a, "outcome": "promote" if s != a else None, "seconds": 1.0, "champion": a}
            for n, (s, a) in enumerate(zip(served, after, strict=True), 1)
        ]
        for step in [each for each in steps[name] if not each["started"]][: (trainings or {}).get(name, 0)]:
            step |= {"started": True, "outcome": "refuse"}
    return Replayed(model_spec(gate__smallest_gain=0.01), windows, models, steps, {name: TRIGGERS[name] for name in policies})


def every(count: int) -> list[int | None]:
    """Say which versions serve when each window's model is promoted."""
    return [None, *range(1, count)]


def never(count: int) -> list[int | None]:
    """Say which versions serve when the first one stays."""
    return [None, *([1] * (count - 1))]


def uneven(version: int, number: int) -> float:
    """Let the first model be better in every second window, and worse in the others."""
    return 0.7 + (0.03 * (-1) ** number if version == 1 and number > 2 else 0.0)


def by_name(content: Json) -> dict[str, Json]:
    """Find policies by their names."""
    return {each["name"]: each for each in content["policies"]}


def test_models_that_do_not_age_need_no_training() -> None:
    """Where old models are as good, the cheapest policy is recommended, and what it saves is said."""
    content = summary(replayed({"never": never(10), "every": every(10)}, lambda _version, number: 0.7 + 0.01 * (number % 3)))
    found = by_name(content)
    assert found["never"]["against"] | {"needed": 0} == {
        "estimate": 0.0, "low": 0.0, "high": 0.0, "error": 0.0, "freedom": 8, "windows": 9, "result": "as good", "needed": 0,
    }  # fmt: skip
    assert (found["never"]["trainings"], found["every"]["trainings"]) == (1, 9)
    assert (found["never"]["seconds"], found["every"]["seconds"]) == (2.0, 18.0)
    assert content["recommendation"] == {
        "policy": "never",
        "sentence": "never: it loses less than 0.01 accuracy, with 8 trainings fewer than every in 9 windows.",
        "triggers": {},
    }


def test_models_that_age_are_trained() -> None:
    """A policy that is shown to be worse is named so, and training in every window is recommended with rows to wait for."""
    content = summary(replayed({"never": never(10), "every": every(10)}, lambda version, number: 0.8 - 0.02 * (number > version + 1)))
    assert by_name(content)["never"]["against"]["result"] == "worse"
    assert content["recommendation"]["policy"] == "every"
    assert "never is shown to be worse than every" in content["recommendation"]["sentence"]
    assert content["recommendation"]["triggers"] == {"new_data": {"min_rows": 100}}


def test_what_cannot_be_told_is_said() -> None:
    """Differences that are large and of both signs decide nothing: the sentence says so, and how many windows would."""
    content = summary(replayed({"never": never(8), "every": every(8)}, uneven))
    against = by_name(content)["never"]["against"]
    assert against["result"] == "open"
    assert against["low"] < -0.01 < against["high"]
    assert against["needed"] > 20
    assert content["recommendation"]["policy"] == "every"
    assert f"never cannot be told apart from every by 7 windows; about {against['needed']} windows" in content["recommendation"]["sentence"]


def test_what_no_history_tells_is_said() -> None:
    """A difference that swings too far for any number of windows that a backtest takes is not promised to be shown by some thousands."""

    def wild(version: int, number: int) -> float:
        return 0.7 + (0.25 * (-1) ** number if version == 1 and number > 2 else 0.0)

    content = summary(replayed({"never": never(8), "every": every(8)}, wild))
    assert by_name(content)["never"]["against"]["needed"] > 400
    assert "even 400 windows would not show a difference of 0.01" in content["recommendation"]["sentence"]


def test_the_same_versions_are_the_same() -> None:
    """Policies that promoted alike need no statistics; of two that cost the same the one that listens is recommended."""
    content = summary(replayed({"never": never(6), "loss": never(6), "every": never(6)}, lambda *_: 0.7, {"every": 3}))
    assert by_name(content)["loss"]["against"]["result"] == "same"
    assert by_name(content)["every"]["refused"] == 3
    assert content["recommendation"]["policy"] == "loss"
    assert "the same versions served, with 3 trainings fewer than every" in content["recommendation"]["sentence"]


def test_two_windows_say_nothing() -> None:
    """Without three windows there is no interval and no advice: the configuration stays, whatever cost least."""
    known = replayed({"never": never(3), "loss": never(3), "every": every(3)}, lambda *_: 0.7)
    content = summary(known)
    assert content["counted"] == [2, 3]
    assert by_name(content)["never"]["against"]["low"] is None
    assert by_name(content)["loss"]["against"]["result"] == "open"
    assert "too few to tell policies apart; model.yaml stays as it is configured" in content["recommendation"]["sentence"]
    assert content["recommendation"]["policy"] == "configured"
    assert content["recommendation"]["triggers"] == triggers_of(known.spec, "configured")


def test_one_policy_alone() -> None:
    """It is its own reference, and no reason to change anything."""
    content = summary(replayed({"drift": never(6)}, lambda *_: 0.7))
    assert content["reference"] == "drift"
    assert content["recommendation"]["sentence"] == "drift: the only policy that was replayed; model.yaml stays as it is configured."
    assert content["recommendation"]["policy"] == "configured"


def test_the_loss_by_age() -> None:
    """Each age is compared with the freshest model in the same window; the newest window stands for today."""
    known = replayed({"every": every(6)}, lambda version, number: 0.8 - 0.01 * (number - version) + 0.05 * (number % 2))
    found = staleness(known)
    assert [(each["age"], each["windows"]) for each in found["ages"]] == [(1, 5), (2, 4), (3, 3), (4, 2), (5, 1)]
    assert [round(each["estimate"], 6) for each in found["ages"]] == [0.0, 0.01, 0.02, 0.03, 0.04]
    assert [(each["age"], each["version"]) for each in found["newest"]] == [(1, 5), (2, 4), (3, 3), (4, 2), (5, 1)]
    assert found["quality"] == pytest.approx(0.79)


def test_a_window_without_a_model_is_left_out() -> None:
    """A training that was skipped serves nobody; a window in which a policy had no champion does not count."""
    known = replayed({"every": [None, None, 2, 3, 4, 5]}, lambda *_: 0.7)
    known.models[1]["later"] = {}
    assert summary(known)["counted"] == [3, 4, 5, 6]


@pytest.mark.parametrize("likeness", [0.0, 0.6, 0.8])
def test_equal_policies_are_rarely_called_different(likeness: float) -> None:
    """Of 1,000 pairs that differ by noise alone, few are told apart: also where a window's difference resembles that of the one before.

    The limit allows 2.5 % for 1 %, what the error of few and very like windows costs; windows taken for independent give 12 % and 23 %.
    """
    draw, runs, count = np.random.default_rng(0), 1000, 11
    noise = draw.normal(0, 0.01, (runs, count + 50))
    for number in range(1, count + 50):
        noise[:, number] += likeness * noise[:, number - 1]
    found = [paired(each[50:].tolist(), 0.01) for each in noise]
    limit = binom.ppf(0.9995, runs, 0.025)
    assert sum(each["low"] > 0 for each in found) <= limit
    assert sum(each["high"] < 0 for each in found) <= limit
