"""A challenger on real requests: faults are shown, not feared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from include.ratchet.domain.modelspec import Canary
from include.ratchet.steps.canary import judge
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
            "error": "ValueError" if i < failed else None,
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


def test_healthy_challengers_are_stopped_no_more_often_than_dialled() -> None:
    """At just the allowed share of errors and of slow answers, at most `alpha_guard` are stopped (limit of 0.1 %)."""
    draw, stopped, repeats = np.random.default_rng(5), 0, 200
    champion = log(300, 1, "champion", 0)
    for seed in range(repeats):
        failed, slow = draw.binomial(300, [ASKED.max_error_rate, 0.01])
        stopped += bool(judged(champion, log(300, 2, "canary", seed, failed=int(failed), slow=int(slow)))["faults"])
    assert stopped <= stats.binom.isf(0.001, repeats, SPEC.gate.alpha_guard)
