"""A shadow answers what the champion answered, and tells nobody but the log and the figures."""

from __future__ import annotations

import time
from typing import Any

import pytest

from include.ratchet.serving.shadow import difference
from tests.serving.fakes import ROW, fit, toy_records
from tests.serving.houses import House


class Crashing:
    """Answers the rehearsal's nulls, then fails."""

    classes_ = (0, 1)

    def predict_proba(self, frame: Any) -> Any:
        """Fail on any row that is not null."""
        if frame["carrier"].notna().any():
            raise ValueError("no")
        return [[0.5, 0.5]]


def until_logged(house: House, count: int) -> list[Any]:
    """Wait until the log has so many lines."""
    found: list[Any] = []
    end = time.monotonic() + 5
    while time.monotonic() < end and len(found) < count:
        found = house.lines("predictions/late")
        time.sleep(0.02)
    return found


def test_a_shadow_is_logged_and_compared_and_never_returned(late: House) -> None:
    """Both versions' lines have the request's id; the figures say how many rows they decide differently."""
    late.stores.pipelines["late", 2] = fit([0, 1], seed=5)
    late.stores.route("late", 2, "shadow")
    late.follower.poll()
    rows = toy_records(200, seed=4)
    with late.client:
        said = late.predict("late", {"records": rows}).json()
        assert (said["version"], said.get("route")) == (1, None)
        first, second = until_logged(late, 2)
    assert [(each["version"], each["route"]) for each in (first, second)] == [(1, "champion"), (2, "shadow")]
    assert first["id"] == second["id"] == said["id"]
    flips, distance = difference(first["out"], second["out"])
    assert flips > 0
    figures = late.client.get("/metrics").text
    assert f'ratchet_shadow_flips_total{{model="late",version="2"}} {flips}.0' in figures
    assert f'ratchet_shadow_distance_total{{model="late",version="2"}} {distance}' in figures


def test_a_shadow_that_fails_harms_nobody(late: House) -> None:
    """Its error is logged and counted; the client has the champion's answer."""
    late.stores.pipelines["late", 2] = Crashing()
    late.stores.route("late", 2, "shadow")
    late.follower.poll()
    with late.client:
        assert late.predict("late", {"records": [ROW]}).json()["version"] == 1
        lines = until_logged(late, 2)
    assert [(each["route"], each["error"]) for each in lines] == [("champion", ""), ("shadow", "ValueError")]
    assert 'ratchet_errors_total{model="late",route="shadow",version="2"} 1.0' in late.client.get("/metrics").text


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"predictions": [0, 1], "probabilities": [0.4, 0.9]}, {"predictions": [1, 1], "probabilities": [0.6, 0.9]}, (1, 0.2)),
        ({"predictions": [1.0, 2.0]}, {"predictions": [1.5, 2.0]}, (1, 0.5)),
        ({"predictions": ["a"], "probabilities": [{"a": 1.0}]}, {"predictions": ["b"], "probabilities": [{"b": 1.0}]}, (1, 0.0)),
    ],
)
def test_answers_are_compared_by_decision_and_score(one: Any, other: Any, expected: tuple[int, float]) -> None:
    """Binary by probability, regression by number, several classes by decision alone."""
    assert difference(one, other) == pytest.approx(expected)
