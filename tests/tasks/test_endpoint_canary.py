"""The canary on SageMaker, look by look: it ends with the champion alone, however it ends."""

from __future__ import annotations

import pytest

from include.ratchet.adapters import open_endpoint, open_ledger
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError, Skip, StoppedError
from include.ratchet.tasks import choose, endpoint, endpoint_canary
from tests.aws import Door
from tests.tasks.outside import asked, begun, ended, go, live, open_routes, out
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
    with pytest.raises(StoppedError, match=r"a canary needs versions 1 and 2\. .* deploy it by its number"):
        go(serving, endpoint_canary.canary, plan)
    (trial,) = open_ledger().trials(MODEL, "canary")
    assert (trial.passed, trial.seconds) == (False, 0.0)
    assert [each for each in open_ledger().routes(MODEL) if each.until is None] == []


@pytest.mark.usefixtures("cloud")
def test_another_champion_ends_the_canary(serving: Project) -> None:
    """The ledger's champion of now gets every request, not the plan's."""
    plan = out(serving)
    with pytest.raises(Skip, match="the champion is version 1 now"):
        go(serving, endpoint_canary.canary, {**plan, "previous": 7})
    go(serving, endpoint.settled, plan)
    assert (live().only(1), open_routes()) == (True, [])
