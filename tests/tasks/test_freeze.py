"""A freeze ends what answers beside the champion, on an endpoint outside too."""

from __future__ import annotations

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.adapters.ledger import Ledger
from include.ratchet.domain.errors import Skip
from include.ratchet.tasks import choose, endpoint, endpoint_canary
from tests.aws import Door
from tests.contract.test_targets import KilledError
from tests.tasks.outside import begun, dark, ended, go, live, open_routes, out
from tests.tiny import MODEL, Project


def _hold(project: Project, action: str) -> None:
    with pytest.raises(Skip, match="buys: promotions are"):
        go(project, choose.choose, MODEL, action=action, reason="holidays")


@pytest.mark.usefixtures("cloud")
def test_a_freeze_takes_the_challenger_off_the_endpoint(serving: Project) -> None:
    """Whoever opened the canary may be dead; thawed, its next look goes no further, and blames nobody: the sweep tries it anew."""
    plan = out(serving)
    _hold(serving, "freeze")
    go(serving, endpoint.settled, plan)
    assert (live().only(1), open_routes()) == (True, [])
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
    assert (live().only(1), open_routes()) == (True, [])


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
    plan = out(serving)

    def killed(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "end_routes", killed)
        with pytest.raises(KilledError):
            go(serving, choose.choose, MODEL, action="freeze")
    go(serving, endpoint.settled, plan)
    assert (live().only(1), open_routes()) == (True, [2])
    with pytest.raises(Skip, match="version 2 waits: promotions are frozen"):
        go(serving, choose.choose, MODEL)
    assert open_routes() == []


def test_a_freeze_holds_while_aws_does_not_answer(serving: Project, cloud: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is written once, however often its task is tried, and sweeps are skipped as before; one that reaches AWS ends the split."""
    plan = out(serving)
    with dark(cloud, monkeypatch):
        written = []
        for _ in range(2):
            with pytest.raises(Skip, match=r"buys: promotions are frozen since .*; the endpoint could not be asked \(.*\), the sweep will"):
                go(serving, choose.choose, MODEL, action="freeze", reason="fire")
            written.append(open_ledger().frozen(MODEL))
        assert written[0] == written[1]
        with pytest.raises(Skip, match="version 2 waits: promotions are frozen"):
            go(serving, choose.choose, MODEL)
    assert live().shares == pytest.approx({1: 0.8, 2: 0.2})
    with pytest.raises(Skip, match="version 2 waits: promotions are frozen"):
        go(serving, choose.choose, MODEL)
    go(serving, endpoint.settled, plan)
    assert (live().only(1), open_routes()) == (True, [])


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
