"""The canary, look by look: a shadow, a part of the entities, promoted or stopped; any look may be killed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.domain.errors import DeployError, Skip, StoppedError
from include.ratchet.domain.records import Freeze, Json
from include.ratchet.steps.requests import SCHEMA
from include.ratchet.tasks import alerts, canary, choose, deploy, requests
from tests.steps.test_canary import log
from tests.tasks.deploying import fail
from tests.tiny import MODEL, MODEL_YAML, Project

CANARY = MODEL_YAML.replace("deploy: {target: batch}", "deploy: {target: local, canary: {fraction: 0.2, requests: 50, within: 10m}}")


@pytest.fixture
def plan(serving: Project) -> Json:
    """Return what is due: version 2 instead of version 1."""
    serving.write(model=CANARY)
    made: Json = serving.run(choose.choose, MODEL, stage="deploy")
    return made


def _look(project: Project, plan: Json) -> Json | None:
    made: Json | None = project.run(canary.canary, plan, stage="deploy")
    return made


def _open() -> list[tuple[str, float]]:
    return [(each.mode, each.fraction) for each in open_ledger().routes(MODEL) if each.until is None]


def _asked(name: str, *logs: list[dict[str, Any]]) -> None:
    rows = [row | {"asked_at": datetime.now(UTC)} for each in logs for row in each]
    open_lake().write(requests.table(MODEL), pa.Table.from_pylist(rows, schema=SCHEMA), write_id=name, mode="append")


def test_shadow_then_canary_then_go_on(serving: Project, plan: Json) -> None:
    """Enough shadowed requests open the canary, enough of those end it, and the plan carries what was seen."""
    assert _look(serving, plan) is None
    assert _open() == [("shadow", 1.0)]
    assert _look(serving, plan) is None  # nothing was asked yet
    _asked("a", log(60, 1, "champion", 0), log(60, 2, "shadow", 1))
    assert _look(serving, plan) is None
    assert _open() == [("canary", 0.2)]
    _asked("b", log(50, 2, "canary", 2))
    found = _look(serving, plan)
    assert found is not None
    assert (found["canary"]["canary"], found["canary"]["shadow"], _open()) == (50, 60, [])
    (trial,) = open_ledger().trials(MODEL, "canary", plan["evidence"])
    assert (trial.passed, trial.why) == (True, "110 requests, no fault shown")
    assert _look(serving, plan) == plan  # tried again: it is not shown requests once more


def test_a_fault_closes_the_routes_and_the_champion_stays(serving: Project, plan: Json) -> None:
    """The error says what was seen, what is allowed, and where the answers are."""
    _look(serving, plan)
    _asked("a", log(60, 2, "shadow", 1, failed=30))
    with pytest.raises(StoppedError, match=r"30 of 60 requests failed; .* version 1 stays"):
        _look(serving, plan)
    assert _open() == []
    assert open_ledger().champion(MODEL) == 1
    assert [each.condition for each in alerts.look([MODEL], settled=serving.run_id)] == [
        f"version 2 stopped as a canary at {open_ledger().trials(MODEL, 'canary')[0].at:%Y-%m-%d %H:%M}"
    ]
    with pytest.raises(Skip, match="version 2 was stopped as a canary: 30 of 60 requests failed"):
        serving.run(choose.choose, MODEL, stage="deploy")
    assert serving.run(choose.choose, MODEL, stage="deploy", version=2)["version"] == 2


def test_too_few_requests_in_time_go_on_without_a_fault(serving: Project, plan: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """A quiet night does not keep a blessed version: each half of the time ends by itself, and the plan says how few came."""

    class Later(datetime):
        ahead = timedelta()

        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz) + cls.ahead

    monkeypatch.setattr(canary, "datetime", Later)
    assert _look(serving, plan) is None
    Later.ahead = timedelta(minutes=6)
    assert _look(serving, plan) is None
    assert _open() == [("canary", 0.2)]
    Later.ahead = timedelta(minutes=12)
    found = _look(serving, plan)
    assert found is not None
    assert found["canary"]["requests"] == 0


@pytest.mark.parametrize("change", [{"action": "rollback"}, {"previous": None}])
def test_what_has_no_champion_or_goes_back_needs_no_canary(serving: Project, plan: Json, change: Json) -> None:
    """The plan passes through, and no route is opened."""
    assert _look(serving, plan | change) == plan | change
    assert _open() == []


def _killed(project: Project, plan: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a look find a fault, and die when it has recorded it."""
    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.adapters.ledger.Ledger.end_routes", fail)
        with pytest.raises(OSError, match="pulled"):
            _look(project, plan)


def test_a_failing_look_that_was_killed_is_completed(serving: Project, plan: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried again it closes the routes and fails once more, at any line; the fault is recorded once."""
    _look(serving, plan)
    _asked("a", log(60, 2, "shadow", 1, failed=30))
    _killed(serving, plan, monkeypatch)
    for _ in range(2):
        with pytest.raises(DeployError, match=r"30 of 60 requests failed; .* version 1 stays"):
            _look(serving, plan)
        assert _open() == []
    assert len(open_ledger().trials(MODEL, "canary")) == 1


def test_a_person_may_try_a_stopped_version_again(serving: Project, plan: Json) -> None:
    """Asked for by its number it is shown requests once more, and the earlier fault is not its own."""
    _look(serving, plan)
    _asked("a", log(60, 2, "shadow", 1, failed=30))
    with pytest.raises(DeployError):
        _look(serving, plan)
    for _ in range(2):
        assert serving.run(canary.canary, plan, stage="deploy", version=2) is None
    assert _open() == [("shadow", 1.0)]


def test_the_sweep_closes_what_a_dead_look_left_open(serving: Project, plan: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run of a stopped canary is gone; the next one skips the version and takes it from the clients."""
    _look(serving, plan)
    _asked("a", log(60, 2, "shadow", 1, failed=30))
    _killed(serving, plan, monkeypatch)
    assert _open() == [("shadow", 1.0)]
    with pytest.raises(Skip, match="was stopped as a canary"):
        serving.run(choose.choose, MODEL, stage="deploy")
    assert _open() == []


def test_a_freeze_ends_the_canary(serving: Project, plan: Json) -> None:
    """At once, and the next look opens no other; after the thaw it begins anew."""
    _look(serving, plan)
    with pytest.raises(Skip, match="are frozen"):
        serving.run(choose.choose, MODEL, stage="deploy", action="freeze", reason="holidays")
    assert _open() == []
    with pytest.raises(Skip, match=r"version 2 is not tried any further: promotions are frozen .* holidays"):
        _look(serving, plan)
    assert _open() == []
    with pytest.raises(Skip, match="promotions are free"):
        serving.run(choose.choose, MODEL, stage="deploy", action="thaw")
    assert _look(serving, plan) is None
    assert _open() == [("shadow", 1.0)]


def test_the_sweep_closes_what_a_failed_run_left_open_under_a_freeze(serving: Project, plan: Json) -> None:
    """The freeze was written by itself, and the run marked failed by hand: the sweep skips, and nobody answers beside the champion."""
    _look(serving, plan)
    open_ledger().freeze(Freeze(MODEL, True, "ann", "", datetime.now(UTC)))  # noqa: FBT003
    with pytest.raises(Skip, match="promotions are frozen"):
        serving.run(choose.choose, MODEL, stage="deploy")
    assert _open() == []


def test_another_champion_ends_the_canary(serving: Project, plan: Json) -> None:
    """What was to replace version 1 is not held against another one; its next look opens nothing."""
    _look(serving, plan)
    serving.run(deploy.promote, plan, stage="deploy")
    assert _open() == []
    with pytest.raises(Skip, match="not tried any further: the champion is version 2 now"):
        _look(serving, plan)
    assert _open() == []
