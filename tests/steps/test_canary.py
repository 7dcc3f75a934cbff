"""A challenger on real requests: faults are shown, not feared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from include.ratchet.domain.modelspec import Canary
from include.ratchet.domain.target import Figures
from include.ratchet.steps.canary import compare, evidence, judge
from include.ratchet.steps.requests import SCHEMA
from tests.makers import model_spec

SPEC, ASKED = model_spec(), Canary(requests=300)
AT = datetime(2026, 1, 1, tzinfo=UTC)


def log(count: int, version: int, route: str, seed: int, *, failed: int = 0, slow: int = 0, by: float = 0.0) -> list[dict[str, Any]]:
    """Make the log of single-row requests to one version."""
    scores = np.random.default_rng(seed).normal(size=count) + by
    return [
        {
            "prediction_id": f"{route}-{seed}-{i}.0",
            "row_id": str(i),
            "asked_at": AT,
            "route": route,
            "model_version": version,
            "prediction": None if i < failed else "1",
            "score": None if i < failed else float(scores[i]),
            "latency_ms": 500.0 if i < slow else 3.0,
            "error": "ValueError" if i < failed else "",
            "inputs": "{}",
            "in_snapshot": False,
        }
        for i in range(count)
    ]


def judged(*logs: list[dict[str, Any]]) -> dict[str, Any]:
    """Judge version 2 beside the champion 1."""
    return judge(pa.Table.from_pylist([row for each in logs for row in each], schema=SCHEMA), SPEC, ASKED, 2, 1)


def test_a_healthy_challenger_shows_no_fault() -> None:
    """Its requests are counted by route, and those of others are not."""
    found = judged(log(300, 1, "champion", 0), log(100, 2, "shadow", 1), log(200, 2, "canary", 2), log(50, 3, "canary", 3))
    assert (found["requests"], found["shadow"], found["canary"], found["errors"], found["faults"]) == (300, 100, 200, 0, [])


def test_errors_beyond_the_allowed_share_are_a_fault() -> None:
    """One of three hundred is allowed at 1 %; twelve are not."""
    assert judged(log(300, 2, "canary", 1, failed=1))["faults"] == []
    assert "12 of 300 requests failed" in judged(log(300, 2, "canary", 1, failed=12))["faults"][0]


def test_slow_answers_are_a_fault() -> None:
    """More than one in a hundred above the p99 that the gate allows."""
    assert "took longer than 50 ms" in judged(log(300, 2, "canary", 1, slow=12))["faults"][0]


def test_a_request_of_many_rows_is_not_held_to_the_bound_of_one() -> None:
    """Two rows in one request share its time; whole batches take longer in every version."""
    rows = log(300, 2, "canary", 1, slow=300)
    for i, row in enumerate(rows):
        row["prediction_id"] = f"request-{i // 2}.{i % 2}"
    assert judged(rows)["faults"] == []


def test_predictions_of_another_world_are_a_fault() -> None:
    """What no retraining explains, such as a wrong unit; a model that has learnt something is none."""
    champion = log(300, 1, "champion", 0)
    assert judged(champion, log(300, 2, "canary", 1, by=0.4))["faults"] == []
    assert "stand apart" in judged(champion, log(300, 2, "canary", 1, by=2.0))["faults"][0]


def test_nothing_asked_is_no_fault() -> None:
    """A night without requests does not stop a blessed version."""
    assert judged([])["faults"] == []


@pytest.mark.parametrize("odd", ["nothing", "an error of the champion", "a late line", "a lost line"])
def test_a_shadow_is_not_held_against_the_same_row(odd: str) -> None:
    """A model that says a hundredth more for every row is higher each time beside the same request, and no other world.

    Not after a request without a score, a line out of order, or one that was lost either.
    """
    champion, shadow = log(300, 1, "champion", 0), log(300, 2, "shadow", 0, by=0.01)
    for one, other in zip(champion, shadow, strict=True):
        other["prediction_id"] = one["prediction_id"]
        one["asked_at"] = other["asked_at"] = AT + timedelta(seconds=int(one["row_id"]))
    if odd == "an error of the champion":
        champion[3] |= {"score": None, "prediction": None, "error": "ValueError"}
    if odd == "a late line":
        shadow[0]["asked_at"] += timedelta(seconds=1.2)
    if odd == "a lost line":
        del champion[3]
    found = judged(champion, shadow)
    assert abs(found["apart"]) < 0.2
    assert found["faults"] == []


def test_half_a_hit_is_half_of_the_evidence_or_less() -> None:
    """Ties are in nobody's favour: the mean over what they might have been is never exceeded."""
    for allowed in (0.01, 0.5, 0.75):
        apart = np.logaddexp(evidence(8, 10, allowed), evidence(9, 10, allowed)) - np.log(2)
        assert evidence(8.5, 10, allowed) <= apart


def _compared(mine: float, theirs: float, fraction: float, draws: int) -> int:
    """Count the challengers that are stopped at one of 30 looks, each 40 requests after the one before."""
    draw, stopped, spec = np.random.default_rng(1), 0, model_spec()
    for _ in range(draws):
        ours = draw.binomial(40, fraction, 30)
        others = 40 - ours
        bad, worse = np.cumsum(draw.binomial(others, theirs)), np.cumsum(draw.binomial(ours, mine))
        looks = zip(np.cumsum(ours), worse, np.cumsum(others), bad, strict=True)
        stopped += any(
            compare(Figures(int(a), int(b), 0), Figures(int(c), int(d), 0), spec, Canary(fraction=fraction)) for a, b, c, d in looks
        )
    return stopped


def test_a_challenger_as_bad_as_the_champion_is_stopped_at_most_so_often() -> None:
    """Also where the champion's rate is known by as few requests as its own: a bound of 99.9 % for the dial's share."""
    draws, level = 300, model_spec().gate.alpha_guard / 3
    assert _compared(0.05, 0.05, 0.5, draws) <= stats.binom.ppf(0.999, draws, level)


def test_a_challenger_that_is_worse_than_the_champion_is_stopped() -> None:
    """By counts alone."""
    assert _compared(0.3, 0.05, 0.5, 20) == 20
