"""A store goes away in the middle of a deployment or a scoring: nothing is half done, and the next try completes it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from include.ratchet.adapters import (
    Ports,
    instead,
    open_clock,
    open_endpoint,
    open_lake,
    open_ledger,
    open_memory,
    open_online,
    open_registry,
    open_work,
)
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError, Skip
from include.ratchet.domain.records import Freeze, Promotion
from include.ratchet.domain.target import AwayError
from include.ratchet.tasks import choose, deploy, endpoint, score, smoke
from tests.aws import Door
from tests.tasks import outside
from tests.tasks.deploying import aliases, go
from tests.tiny import DAYS, MODEL, Project, visits


class Away:
    """A store that answers some calls, and then does not."""

    def __init__(self, store: Any, calls: int) -> None:
        """Let so many calls through."""
        self.store, self.left = store, calls

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return a method that counts."""
        method = getattr(self.store, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                message = f"{name}: connection refused"
                raise ConnectionRefusedError(message)
            return method(*args, **kwargs)

        return call


def _struck(store: str, calls: int, work: Callable[[], object]) -> bool:
    """Do the work while a store goes away after some calls; return whether that was felt."""
    whole = Ports(open_ledger(), open_lake(), open_registry(), open_clock(), open_work(), open_memory(), open_online())
    cut: Any = {store: Away(getattr(whole, store), calls)}
    with instead(replace(whole, **cut)):
        try:
            work()
        except ConnectionRefusedError:
            return True
    return False


@pytest.mark.parametrize("store", ["ledger", "registry"])
def test_a_deployment_in_an_outage_leaves_one_champion(serving: Project, store: str) -> None:
    """After every call of a store another outage: the champion is the old or the new one, and the same tasks complete it."""
    calls, felt = 0, True
    while felt:
        plan = go(serving, choose.choose, MODEL, version=2)

        def work(plan: Any = plan) -> None:
            for body in (deploy.preload, deploy.promote, smoke.smoke):
                go(serving, body, plan)

        felt = _struck(store, calls, work)
        assert open_ledger().champion(MODEL) in {1, 2}
        assert aliases()["champion"] in {1, open_ledger().champion(MODEL)}
        work()
        assert (open_ledger().champion(MODEL), aliases()["champion"]) == (2, 2)
        evidence = deploy.blessing(MODEL, 1, open_ledger()).digest
        open_ledger().promote(Promotion(MODEL, 1, 2, "rollback", "tester", "once more", evidence, datetime.now(UTC)))
        deploy.reconcile(MODEL)
        calls += 1
    assert calls


@pytest.mark.parametrize("store", ["ledger", "registry", "lake"])
def test_scoring_in_an_outage_scores_each_row_once(serving: Project, store: str) -> None:
    """After every call of a store another outage, and the next run goes on: no row is lost, none is there twice."""
    calls, first = 0, DAYS
    while True:
        serving.deliver(f"more-{first}.csv", visits(first, 1))
        serving.ingest()
        felt = _struck(store, calls, lambda: go(serving, score.score, MODEL))
        if not felt:
            break
        with contextlib.suppress(Skip):  # only the record of a task that was done was lost
            go(serving, score.score, MODEL)
        assert serving.rows(f"predictions/{MODEL}")["visit"].is_unique
        assert len(serving.rows(f"predictions/{MODEL}")) == len(serving.rows("clean/visits")) - 1  # the newest row is now, and waits
        calls, first = calls + 1, first + 1
    assert calls


def test_a_deployment_outside_goes_on_from_the_step_that_aws_did_not_answer(
    serving: Project, cloud: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each step says why and is tried again, whoever is champion stays so meanwhile; the same step then completes it."""
    plan = outside.begun(serving)
    for body in (endpoint.shift, deploy.promote, smoke.smoke):
        champion = open_ledger().champion(MODEL)
        with outside.dark(cloud, monkeypatch), pytest.raises(AwayError, match=r"ratchet-buys.*: AWS does not answer: Could not connect"):
            outside.go(serving, body, plan)
        assert (open_ledger().champion(MODEL), aliases()["champion"]) == (champion, champion)
        plan = outside.go(serving, endpoint.settled, outside.go(serving, body, plan))
    assert (open_ledger().champion(MODEL), outside.live().only(2)) == (2, True)


def test_a_sweep_without_aws_says_so(serving: Project, cloud: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits: it ends as it would otherwise, with the reason why the endpoint was not looked at; the next one gives it back."""
    outside.ended(serving, outside.begun(serving))
    open_endpoint(specs.model(MODEL)).serve(1)
    said = r"no blessed version waits; the endpoint could not be asked \(describe ratchet-buys: AWS does not answer: .*\), the sweep will"
    with outside.dark(cloud, monkeypatch), pytest.raises(Skip, match=said):
        outside.go(serving, choose.choose, MODEL)
    outside.go(serving, endpoint.settled, {"model": MODEL, "waits": True})
    assert outside.go(serving, choose.choose, MODEL)["version"] == open_ledger().champion(MODEL) == 2


def test_a_sweep_whose_keys_have_expired_fails(serving: Project, cloud: Door) -> None:
    """That does not pass by itself: a skip every half an hour would tell nobody."""
    outside.ended(serving, outside.begun(serving))
    cloud.refusals["DescribeEndpoint"] = "ExpiredTokenException"
    with pytest.raises(DeployError, match=r"refused with ExpiredTokenException: .*; correct the connection, .* start the deploy again"):
        outside.go(serving, choose.choose, MODEL)


def test_a_frozen_sweep_without_aws_says_so(serving: Project, cloud: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The freeze holds; why the endpoint could not be given to the champion stands beside what the sweep found."""
    open_ledger().freeze(Freeze(MODEL, True, "ann", "", datetime.now(UTC)))  # noqa: FBT003
    said = r"version 2 waits: .*; the endpoint could not be asked \(describe ratchet-buys: AWS does not answer: .*\), the sweep will"
    with outside.dark(cloud, monkeypatch), pytest.raises(Skip, match=said):
        outside.go(serving, choose.choose, MODEL)
