"""The service follows the ledger's champion without a restart."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.domain.records import Standing
from include.ratchet.serving.champions import Follower
from tests.serving.fakes import ROW, Stores, constant, fit, write_spec
from tests.serving.houses import House, build_house

ASKED = {"records": [ROW] * 50}


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Wait for a condition; fail when it does not come."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def state(house: House, name: str = "late") -> dict[str, Any]:
    """Return what /readyz says of a model."""
    models = house.client.get("/readyz").json()["models"]
    return next(each for each in models if each["model"] == name)


def test_a_promotion_is_served_at_the_next_look(late: House) -> None:
    """The new champion answers, and since when is shown."""
    first = state(late)
    late.stores.promote("late", 2, fit([0, 1], seed=1))
    late.follower.poll()
    assert late.predict("late", ASKED).json()["version"] == 2
    assert state(late)["since"] > first["since"]


def test_a_rollback_is_followed_too(late: House) -> None:
    """The ledger decides, not the higher number."""
    late.stores.promote("late", 2, fit([0, 1], seed=1))
    late.follower.poll()
    late.stores.promote("late", 1)
    late.follower.poll()
    assert late.predict("late", ASKED).json()["version"] == 1


def test_nothing_new_loads_nothing(late: House) -> None:
    """A champion that serves is not loaded again."""
    late.follower.poll()
    assert late.stores.loads == [("late", 1)]


def test_a_failed_load_keeps_the_old_version(late: House, caplog: pytest.LogCaptureFixture) -> None:
    """The old version answers; readyz stays 200 with the error; the log has it once, not at every look."""
    late.stores.promote("late", 2)
    late.follower.poll()
    late.follower.poll()
    assert late.predict("late", ASKED).json()["version"] == 1
    assert late.client.get("/readyz").status_code == 200
    assert (state(late)["version"], state(late)["champion"]) == (1, 2)
    assert "version 2 does not serve: late version 2: altered" in state(late)["error"]
    assert [record.getMessage() for record in caplog.records].count("not_followed") == 1


def test_a_version_that_does_not_answer_never_serves(late: House) -> None:
    """A version is rehearsed before it replaces one that works."""
    late.stores.promote("late", 2, constant(1.0))
    late.follower.poll()
    assert late.predict("late", ASKED).json()["version"] == 1
    assert "does not answer a row of nulls" in state(late)["error"]


def test_a_failed_load_is_tried_again_ever_less_often(tmp_path: Path) -> None:
    """The wait doubles, so that a broken version costs little; what is mended serves and the error goes."""
    house = build_house(tmp_path)
    house.follower.interval = 0.02
    house.write("late")
    house.stores.promote("late", 2)
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        house.follower.poll()
    assert 3 <= len(house.stores.loads) <= 6
    house.stores.promote("late", 2, fit([0, 1]))

    def serves_after_a_look() -> bool:
        house.follower.poll()
        return bool(house.predict("late", ASKED).status_code == 200)

    until(serves_after_a_look)
    assert state(house)["error"] is None


def test_a_newer_version_is_tried_at_once(late: House) -> None:
    """The wait after a failed load is that version's alone."""
    late.stores.promote("late", 2)
    late.follower.poll()
    late.stores.promote("late", 3, fit([0, 1]))
    late.follower.poll()
    assert (state(late)["version"], state(late)["error"]) == (3, None)


def test_a_ledger_that_is_away_changes_nothing(late: House) -> None:
    """What serves goes on serving, and the error is shown until the ledger is back."""
    late.stores.broken = True
    late.follower.poll()
    assert late.predict("late", ASKED).status_code == 200
    assert "the ledger does not answer: OSError" in state(late)["error"]
    late.stores.broken = False
    late.follower.poll()
    assert state(late)["error"] is None


def test_not_ready_before_the_ledger_was_asked(house: House) -> None:
    """With an unreachable ledger at the start nobody knows what should serve: 503, and predictions say so."""
    house.write("late")
    assert house.client.get("/readyz").status_code == 503
    house.stores.broken = True
    house.follower.poll()
    assert house.client.get("/readyz").status_code == 503
    assert "not known yet" in house.predict("late", ASKED).json()["error"]["message"]


def test_before_the_first_look_a_model_is_not_unknown(house: House) -> None:
    """A service that has just started asks for patience (503), where 404 would say that there is no such model."""
    house.write("late")
    asked = threading.Event()

    def wait() -> dict[str, Standing]:
        asked.wait(5)
        return {}

    house.stores.standings = wait  # type: ignore[method-assign]
    house.follower.start()
    try:
        until(lambda: bool(house.follower.places()))
        said = [house.predict(name, ASKED).status_code for name in ("late", "other")]
        assert said == [503, 404]
        assert house.client.get("/readyz").status_code == 503
    finally:
        asked.set()
        house.follower.stop()


def test_a_new_model_appears_without_a_restart(late: House) -> None:
    """A folder that was added is served, one that was removed is unknown."""
    late.write("delay", "regression")
    late.stores.promote("delay", 1, fit())
    late.follower.poll()
    assert late.predict("delay", ASKED).json()["version"] == 1
    (late.include / "models" / "delay" / "model.yaml").unlink()
    (late.include / "models" / "delay").rmdir()
    late.follower.poll()
    assert late.predict("delay", ASKED).status_code == 404


def test_a_broken_spec_harms_no_other_model(late: House) -> None:
    """A spec with faults is shown as such; the others serve."""
    late.write("delay", "no such task")
    late.stores.promote("delay", 1, fit())
    late.stores.promote("late", 2, fit([0, 1]))
    late.follower.poll()
    assert late.predict("late", ASKED).json()["version"] == 2
    assert "task" in state(late, "delay")["error"]
    assert late.client.get("/readyz").status_code == 503


def test_a_spec_that_breaks_goes_on_as_it_was(late: House) -> None:
    """The last good spec serves, and new champions are followed under it."""
    late.write("late", "no such task")
    late.stores.promote("late", 2, fit([0, 1]))
    late.follower.poll()
    assert late.predict("late", ASKED).json()["version"] == 2
    assert "task" in state(late)["error"]


def test_a_changed_spec_is_taken_over(late: House) -> None:
    """A threshold is changed without a new version."""
    late.write("late", gate={"metric": "log_loss", "business": {"log_loss": "<= 9"}, "threshold": 0.99})
    late.follower.poll()
    assert late.client.get("/v1/models/late").json()["threshold"] == 0.99
    assert set(late.predict("late", ASKED).json()["predictions"]) == {0}


def test_a_spec_that_no_longer_fits_waits_for_its_version(late: House) -> None:
    """Features that the champion was not trained on leave the old spec in force until a champion knows them."""
    late.write("late", columns={"id": ["id"], "label": "late", "numeric": ["distance", "wind"], "categorical": ["carrier"]})
    late.follower.poll()
    assert late.predict("late", ASKED).status_code == 200
    assert "does not answer a row of nulls" in state(late)["error"]
    assert [each["name"] for each in late.client.get("/v1/models/late").json()["features"]] == ["distance", "hour", "carrier"]


def test_specs_are_read_again_only_when_they_changed(late: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-second looks do not parse YAML."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("parsed again")

    monkeypatch.setattr("include.ratchet.domain.specs.model", refuse)
    late.follower.poll()
    assert state(late)["error"] is None


def test_the_thread_survives_what_a_look_meets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a look raises, the next one is made."""
    stores = Stores()
    follower = Follower(stores, stores, include=tmp_path, interval=0.01)
    calls: list[int] = []

    def names(*_: Any) -> list[str]:
        calls.append(1)
        if len(calls) < 3:
            raise PermissionError("models")
        return []

    monkeypatch.setattr("include.ratchet.domain.specs.names", names)
    follower.start()
    until(lambda: follower.ready)
    follower.stop()
    assert len(calls) >= 3


def test_a_slow_load_holds_up_nothing(late: House) -> None:
    """While a version loads, the old one answers; the stop does not wait for it."""
    loading, go = threading.Event(), threading.Event()

    class Slow(Stores):
        def load(self, model: str, version: int) -> Any:
            loading.set()
            go.wait(10)
            return super().load(model, version)

    slow = Slow(champions={"late": 2}, pipelines={("late", 2): fit([0, 1])})
    late.follower.loader = late.follower.champions = slow
    late.follower.start()
    assert loading.wait(5)
    assert late.predict("late", ASKED).json()["version"] == 1
    began = time.monotonic()
    late.follower.stop(wait=0.1)
    assert time.monotonic() - began < 1
    go.set()
    until(lambda: late.predict("late", ASKED).json()["version"] == 2)


def test_swaps_under_load_fail_no_request_and_mix_no_versions(tmp_path: Path) -> None:
    """Four threads ask while the champion changes: every answer is 200, and all its rows are of the version it names."""
    house = build_house(tmp_path)
    write_spec(tmp_path, "delay", "regression")
    house.follower.interval = 0.01
    for version in range(1, 21):
        house.stores.pipelines["delay", version] = constant(float(version))
    house.stores.promote("delay", 1)
    stop, wrong, seen = threading.Event(), [], set()

    def ask() -> None:
        while not stop.is_set():
            response = house.predict("delay", ASKED)
            answer = response.json()
            if response.status_code != 200 or set(answer["predictions"]) != {float(answer["version"])}:
                wrong.append(answer)
            else:
                seen.add(answer["version"])

    with house.client:
        until(lambda: house.follower.ready)
        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for version in range(2, 21):
            house.stores.promote("delay", version)
            time.sleep(0.08)
        until(lambda: 20 in seen)
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert len(seen) > 10
