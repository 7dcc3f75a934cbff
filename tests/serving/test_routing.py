"""Which version answers whom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from include.ratchet.serving.routing import entity_key, share
from tests.serving.fakes import ROW, Stores, fit
from tests.serving.houses import House


def test_a_canary_gets_its_share_and_always_the_same_entities() -> None:
    """Of 4,000 keys a tenth, within a binomial limit (5 sigma); another version's canary hits others."""
    keys = [f"tail-{number}" for number in range(4000)]
    mine = {key for key in keys if share("m", 2, key) < 0.1}
    other = {key for key in keys if share("m", 3, key) < 0.1}
    assert abs(len(mine) - 400) < 5 * np.sqrt(4000 * 0.1 * 0.9)
    assert mine == {key for key in keys if share("m", 2, key) < 0.1}
    assert len(mine & other) < 100


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"records": [{"tail": "N1", "day": 3, "id": 5}, {"tail": "N2", "day": 3, "id": 6}]}, "N1\x1f3"),
        ({"columns": {"tail": ["N1", "N2"], "day": [3, 3]}}, "N1\x1f3"),
        ({"records": [{"tail": None, "day": 3, "id": 5}]}, "5"),
        ({"records": [{"x": 1}]}, ""),
        ({"records": "no rows"}, ""),
        ([], ""),
    ],
)
def test_the_first_row_names_the_entity(content: object, key: str) -> None:
    """By the entity's columns, else by the row's id, else by nothing; what is no request has none."""
    assert entity_key(content, ("tail", "day"), ("id",)) == key


def versions(house: House, count: int) -> list[tuple[int, str]]:
    """Ask for some rows with ids of their own; who answered, and by which route."""
    said = [house.predict("late", {"records": [{**ROW, "id": number}]}).json() for number in range(count)]
    return [(each["version"], each.get("route", "champion")) for each in said]


def test_a_canary_answers_its_fraction(late: House) -> None:
    """Each row by its key; the log's lines and the figures carry the route."""
    late.stores.pipelines["late", 2] = fit([0, 1], seed=5)
    late.stores.route("late", 2, "canary", 0.3)
    late.follower.poll()
    found = versions(late, 60)
    assert set(found) == {(1, "champion"), (2, "canary")}
    assert found == versions(late, 60)
    assert [(each["version"], each["route"]) for each in late.lines("predictions/late")][:60] == found
    counted = 2 * found.count((2, "canary"))
    assert f'ratchet_answers_total{{model="late",route="canary",version="2"}} {counted}.0' in late.client.get("/metrics").text
    late.stores.routes.clear()
    late.follower.poll()
    assert set(versions(late, 20)) == {(1, "champion")}


def test_a_canary_that_does_not_load_gets_nothing(late: House) -> None:
    """The champion answers everybody, and the service stays ready."""
    late.stores.route("late", 9, "canary", 1.0)
    late.follower.poll()
    assert set(versions(late, 5)) == {(1, "champion")}
    assert late.client.get("/readyz").status_code == 200


def test_a_closed_route_ends_although_the_champion_does_not_load(late: House) -> None:
    """A canary that was stopped answers nobody any more, whatever else is wrong; one that is open goes on."""
    late.stores.pipelines["late", 2] = fit([0, 1], seed=1)
    late.stores.route("late", 2, "canary", 0.5)
    late.follower.poll()
    assert late.follower.places()["late"].routes
    late.stores.promote("late", 3)  # does not load
    late.follower.poll()
    assert late.follower.places()["late"].routes
    late.stores.routes.clear()
    late.follower.poll()
    place = late.follower.places()["late"]
    assert (place.routes, place.served and place.served.version) == ((), 1)


def test_a_closed_route_ends_while_a_champion_loads(late: House) -> None:
    """Of another model even, which is looked at first and takes its time."""
    late.stores.pipelines["late", 2] = fit([0, 1], seed=1)
    late.stores.route("late", 2, "canary", 0.5)
    late.follower.poll()
    late.write("early")
    seen: list[bool] = []

    class Watched(Stores):
        def load(self, model: str, version: int) -> Any:
            seen.append(bool(late.follower.places()["late"].routes))
            return super().load(model, version)

    late.follower.loader = late.follower.champions = Watched(
        champions={"early": 1, "late": 1}, pipelines={("early", 1): fit([0, 1]), ("late", 1): fit([0, 1])}
    )
    late.follower.poll()
    assert seen
    assert not any(seen)
