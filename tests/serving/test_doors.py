"""How many, how large, how long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

from include.ratchet.serving.doors import Doors
from tests.serving.fakes import ROW
from tests.serving.houses import House, build_house


class Sleeping:
    """Takes as many seconds as the row says."""

    def predict(self, frame: Any) -> Any:
        """Sleep, then answer."""
        time.sleep(frame["hour"].fillna(0).sum())
        return [1.0] * len(frame)


def sleeping(include: Path, doors: Doors) -> House:
    """Build a service whose predictions take `hour` seconds."""
    house = build_house(include, doors)
    house.write("late", "regression")
    house.stores.promote("late", 1, Sleeping())
    house.follower.poll()
    return house


def ask(house: House, seconds: float) -> httpx.Response:
    """Ask for a prediction that takes so long."""
    found: httpx.Response = house.predict("late", {"records": [{**ROW, "hour": seconds}]})
    return found


def test_a_flood_is_told_to_come_again(tmp_path: Path) -> None:
    """More requests than may be inside get 503 at once, with when to come again; the others are answered."""
    house = sleeping(tmp_path, Doors(concurrency=4))
    with house.client, ThreadPoolExecutor(16) as pool:
        came = list(pool.map(lambda _: ask(house, 0.5), range(16)))
        statuses = [each.status_code for each in came]
        assert set(statuses) == {200, 503}
        assert statuses.count(200) >= 4
        busy = next(each for each in came if each.status_code == 503)
        assert (busy.json()["error"]["code"], busy.headers["retry-after"]) == ("overloaded", "1")
        assert ask(house, 0).status_code == 200


def test_a_prediction_that_hangs_is_left(tmp_path: Path) -> None:
    """After the timeout the client is told, and the next one is answered."""
    house = sleeping(tmp_path, Doors(timeout=0.3))
    with house.client:
        late = ask(house, 2)
        assert (late.status_code, late.json()["error"]["code"]) == (504, "timeout")
        assert ask(house, 0).status_code == 200


def test_a_declared_gigabyte_is_refused_unread(tmp_path: Path) -> None:
    """By its own word; not a byte of it is asked for."""
    house = sleeping(tmp_path, Doors())
    sent = []

    def parts() -> Iterator[bytes]:
        sent.append(1)
        yield b" "

    headers = {"content-length": str(2**30)}
    response = house.client.post("/v1/models/late:predict", content=parts(), headers=headers)
    assert (response.status_code, response.headers["connection"]) == (413, "close")
    assert response.json()["error"]["code"] == "body_too_large"
