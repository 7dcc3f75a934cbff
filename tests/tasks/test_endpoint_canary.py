"""The canary on SageMaker, look by look: it ends with the champion alone, however it ends."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from include.ratchet.adapters import open_endpoint, open_ledger
from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError, Skip
from include.ratchet.domain.records import Json
from include.ratchet.tasks import choose, endpoint, endpoint_canary
from tests.aws import Door
from tests.contract.test_targets import KilledError
from tests.tasks.outside import asked, begun, ended, go, live
from tests.tiny import MODEL, Project


def test_a_canary_with_enough_requests_goes_on(serving: Project, cloud: Door) -> None:
    """Two variants share the requests; at its end the champion has all, so that the alarms of the shift are heeded."""
    plan = go(serving, endpoint.settled, go(serving, endpoint_canary.split, begun(serving)))
    assert live().shares == pytest.approx({1: 0.8, 2: 0.2})
    assert go(serving, endpoint_canary.canary, plan) is None
    asked(cloud, "challenger", 60)
    plan = go(serving, endpoint.settled, go(serving, endpoint_canary.canary, plan))
    assert plan["canary"] == {"requests": 60, "failed": 0, "slow": 0}
    assert (live().only(1), open_ledger().champion(MODEL)) == (True, 1)
    ended(serving, plan)
    assert live().only(2)
    (guarded,) = [each for each in cloud.updates if "DeploymentConfig" in each]
    assert guarded["DeploymentConfig"]["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "buys-errors"}]}


def test_a_canary_that_fails_is_closed(serving: Project, cloud: Door) -> None:
    """The champion stays, has every request again, and the sweep does not try the version a second time."""
    plan = go(serving, endpoint.settled, go(serving, endpoint_canary.split, begun(serving)))
    assert go(serving, endpoint_canary.canary, plan) is None
    asked(cloud, "challenger", 60, status=500)
    asked(cloud, "champion", 200)
    with pytest.raises(DeployError, match=r"60 of 60 requests failed; .* version 1 stays"):
        go(serving, endpoint_canary.canary, plan)
    go(serving, endpoint.settled, plan)
    assert (live().only(1), open_ledger().champion(MODEL)) == (True, 1)
    with pytest.raises(Skip, match="version 2 was stopped as a canary"):
        go(serving, choose.choose, MODEL)


@pytest.mark.usefixtures("cloud")
def test_a_canary_that_was_not_out_is_not_passed(serving: Project) -> None:
    """An endpoint that has the champion alone shows nothing of the challenger."""
    plan = go(serving, endpoint.settled, go(serving, endpoint_canary.split, begun(serving)))
    assert go(serving, endpoint_canary.canary, plan) is None
    open_endpoint(specs.model(MODEL)).serve(1)
    go(serving, endpoint.settled, plan)
    with pytest.raises(DeployError, match="a canary needs versions 1 and 2"):
        go(serving, endpoint_canary.canary, plan)
    assert not open_ledger().trials(MODEL, "canary")[0].passed
    assert [each for each in open_ledger().routes(MODEL) if each.until is None] == []


def _out(project: Project) -> Json:
    """Bring the canary out, and look once."""
    plan: Json = go(project, endpoint.settled, go(project, endpoint_canary.split, begun(project)))
    assert go(project, endpoint_canary.canary, plan) is None
    assert live().shares == pytest.approx({1: 0.8, 2: 0.2})
    return plan


def _hold(project: Project, action: str) -> None:
    with pytest.raises(Skip, match="promotions of buys are"):
        go(project, choose.choose, MODEL, action=action, reason="holidays")


def _open_routes() -> list[int]:
    return [each.version for each in open_ledger().routes(MODEL) if each.until is None]


@pytest.mark.usefixtures("cloud")
def test_a_freeze_takes_the_challenger_off_the_endpoint(serving: Project) -> None:
    """Whoever opened the canary may be dead; thawed, its next look goes no further, and blames nobody: the sweep tries it anew."""
    plan = _out(serving)
    _hold(serving, "freeze")
    go(serving, endpoint.settled, plan)
    assert (live().only(1), _open_routes()) == (True, [])
    _hold(serving, "thaw")
    with pytest.raises(Skip, match=r"version 2 is not tried any further: promotions are frozen since .* holidays"):
        go(serving, endpoint_canary.canary, plan)
    assert open_ledger().trials(MODEL, "canary") == []
    assert go(serving, choose.choose, MODEL)["version"] == 2


@pytest.mark.usefixtures("cloud")
def test_a_freeze_in_the_middle_of_a_change_is_kept_by_the_next_look(serving: Project) -> None:
    """SageMaker takes one change at a time: the freeze is recorded, and the canary's next look, or the sweep, ends the split."""
    plan = go(serving, endpoint_canary.split, begun(serving))
    _hold(serving, "freeze")
    assert open_ledger().frozen(MODEL)
    go(serving, endpoint.settled, plan)
    assert live().shares == pytest.approx({1: 0.8, 2: 0.2})
    with pytest.raises(Skip, match="promotions are frozen"):
        go(serving, endpoint_canary.canary, plan)
    go(serving, endpoint.settled, plan)
    assert (live().only(1), _open_routes()) == (True, [])


@pytest.mark.usefixtures("cloud")
def test_the_sweep_ends_a_split_that_nobody_watches(serving: Project) -> None:
    """Frozen while the endpoint was in a change, its run dead: the next deploy finds it, and says why nothing is promoted."""
    plan = go(serving, endpoint_canary.split, begun(serving))
    _hold(serving, "freeze")
    go(serving, endpoint.settled, plan)
    with pytest.raises(Skip, match="version 2 waits: promotions are frozen"):
        go(serving, choose.choose, MODEL)
    go(serving, endpoint.settled, plan)
    assert live().only(1)


@pytest.mark.usefixtures("cloud")
def test_a_freeze_that_was_killed_leaves_no_route_open(serving: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint was asked, and its end was not noted: the next sweep finds the champion alone, and notes it."""
    plan = _out(serving)

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "end_routes", killed)
        with pytest.raises(KilledError):
            go(serving, choose.choose, MODEL, action="freeze")
    go(serving, endpoint.settled, plan)
    assert (live().only(1), _open_routes()) == (True, [2])
    with pytest.raises(Skip, match="version 2 waits: promotions are frozen"):
        go(serving, choose.choose, MODEL)
    assert _open_routes() == []


def test_a_freeze_holds_while_aws_does_not_answer(serving: Project, cloud: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written once, however often its task is tried, and sweeps are skipped as before; one that reaches AWS ends the split."""
    plan = _out(serving)
    with monkeypatch.context() as dark:
        dark.setenv("AIRFLOW_CONN_AWS_DEFAULT", cloud.connection.replace(quote(cloud.url, safe=""), quote("http://127.0.0.1:9", safe="")))
        written = []
        for _ in range(2):
            with pytest.raises(Skip, match=r"promotions of buys are frozen; the endpoint could not be asked \(.*\), the sweep will"):
                go(serving, choose.choose, MODEL, action="freeze", reason="fire")
            written.append(open_ledger().frozen(MODEL))
        assert written[0] == written[1]
        with pytest.raises(Skip, match="version 2 waits: promotions are frozen"):
            go(serving, choose.choose, MODEL)
    assert live().shares == pytest.approx({1: 0.8, 2: 0.2})
    with pytest.raises(Skip, match="version 2 waits: promotions are frozen"):
        go(serving, choose.choose, MODEL)
    go(serving, endpoint.settled, plan)
    assert (live().only(1), _open_routes()) == (True, [])


@pytest.mark.usefixtures("cloud")
def test_nothing_new_begins_while_frozen(serving: Project) -> None:
    """Neither a split nor a shift of a plan that was made before; a rollback goes on."""
    _hold(serving, "thaw")
    plan = begun(serving)
    ended(serving, plan)
    back = begun(serving, action="rollback")
    _hold(serving, "freeze")
    for body in (endpoint_canary.split, endpoint.shift):
        with pytest.raises(Skip, match="is not tried any further: promotions are frozen"):
            go(serving, body, {**plan, "version": 3})
    assert live().only(2)
    ended(serving, go(serving, endpoint_canary.split, back))
    assert live().only(1)


@pytest.mark.usefixtures("cloud")
def test_another_champion_ends_the_canary(serving: Project) -> None:
    """The ledger's champion of now gets every request, not the plan's."""
    plan = _out(serving)
    with pytest.raises(Skip, match="the champion is version 1 now"):
        go(serving, endpoint_canary.canary, {**plan, "previous": 7})
    go(serving, endpoint.settled, plan)
    assert (live().only(1), _open_routes()) == (True, [])
