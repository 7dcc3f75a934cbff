"""What does not serve is taken back; what nobody can see is said."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.errors import DeployError
from include.ratchet.tasks import smoke
from tests.tasks.deploying import LOCAL, Service, aliases, fail, go, history
from tests.tiny import MODEL, Project


def test_a_service_that_shows_the_version_is_well(serving: Project, service: Service) -> None:
    """Smoke waits until the service says the promoted version, and goes on."""
    serving.write(model=LOCAL)
    plan = serving.promote()
    threading.Timer(0.1, service.shows, [2]).start()
    assert go(serving, smoke.smoke, plan) == plan
    assert open_ledger().champion(MODEL) == 2


@pytest.mark.parametrize("answer", ["another version", "an error", "no json"])
def test_a_service_that_never_shows_it_is_a_rollback(serving: Project, service: Service, answer: str) -> None:
    """The previous champion is put back in ledger and alias, and the task fails saying what was seen; again is the same."""
    serving.write(model=LOCAL)
    plan = serving.promote()
    service.shows(1)
    if answer == "an error":
        service.status = 503
    if answer == "no json":
        service.content = b"<html>a proxy's page</html>"
    for _ in range(2):
        with pytest.raises(DeployError, match="expected version 2; version 1 serves again"):
            go(serving, smoke.smoke, plan)
    assert history() == [("promote", 1, None), ("promote", 2, 1), ("rollback", 1, 2)]
    assert aliases() == {"challenger": 2, "champion": 1}
    assert service.asked >= 2


def test_a_first_champion_that_does_not_serve_fails_with_no_way_back(blessed: Project, service: Service) -> None:
    """There is nothing to go back to; the message says so."""
    blessed.write(model=LOCAL)
    plan = blessed.promote()
    service.shows(None)
    with pytest.raises(DeployError, match="no earlier champion to go back to"):
        go(blessed, smoke.smoke, plan)


def test_a_service_that_is_not_there_is_no_reason(serving: Project, service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Batch scoring goes on without it: nothing is rolled back, and both the result and the log say that nobody saw it."""
    serving.write(model=LOCAL)
    service.stop()
    plan = serving.promote()
    said = f"no service answers at {service.url}/v1/models/{MODEL}"
    assert go(serving, smoke.smoke, plan) == {**plan, "smoke": said}
    assert said in caplog.text
    assert open_ledger().champion(MODEL) == 2


def test_a_service_that_dies_of_the_new_version_is_a_rollback(serving: Project, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It showed version 1, and then nobody listened: that is no machine without a service."""
    monkeypatch.setattr(smoke, "SERVED_WITHIN_SECONDS", 2.0)  # it takes up to 0.5 s to stop
    serving.write(model=LOCAL)
    plan = serving.promote()
    service.shows(1)
    threading.Timer(0.1, service.stop).start()
    with pytest.raises(DeployError, match=r"showed ConnectError for .*; version 1 serves again"):
        go(serving, smoke.smoke, plan)
    assert history() == [("promote", 1, None), ("promote", 2, 1), ("rollback", 1, 2)]


@pytest.mark.parametrize(("ago", "then", "became"), [(1, "dies", 1), (3600, "dies", 2), (1, "leaves", 2)])
def test_a_service_that_died_before_it_was_asked_is_a_rollback(
    serving: Project, service: Service, monkeypatch: pytest.MonkeyPatch, ago: int, then: str, became: int
) -> None:
    """A worker that was heard of at the promotion and answers no more may have died of it; one of long ago, or that took its leave, not."""
    monkeypatch.setattr(smoke, "SERVED_WITHIN_SECONDS", 1.0)
    serving.write(model=LOCAL)
    service.stop()
    open_ledger().beat("worker", {MODEL: (1, 1)}, datetime.now(UTC) - timedelta(seconds=ago))
    plan = serving.promote()
    if then == "leaves":
        open_ledger().leave("worker")
    if became == 1:
        with pytest.raises(DeployError, match=r"showed ConnectError for .*; version 1 serves again"):
            go(serving, smoke.smoke, plan)
    else:
        assert "no service answers" in go(serving, smoke.smoke, plan)["smoke"]
    assert open_ledger().champion(MODEL) == became


def test_a_rollback_that_was_ended_halfway_is_completed(serving: Project, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the ledger and the aliases, smoke makes them agree when it is tried again."""
    serving.write(model=LOCAL)
    plan = serving.promote()
    service.shows(1)
    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.adapters.registry.MlflowRegistry.point", fail)
        with pytest.raises(OSError, match="pulled"):
            go(serving, smoke.smoke, plan)
    assert (open_ledger().champion(MODEL), aliases()["champion"]) == (1, 2)
    with pytest.raises(DeployError, match="version 1 serves again"):
        go(serving, smoke.smoke, plan)
    assert aliases()["champion"] == 1


def test_a_try_after_the_rollback_fails_although_the_service_is_gone(serving: Project, service: Service) -> None:
    """Killed after it had put version 1 back, smoke must not announce version 2 because nothing listens any more."""
    serving.write(model=LOCAL)
    plan = serving.promote()
    service.shows(1)
    with pytest.raises(DeployError, match="version 1 serves again"):
        go(serving, smoke.smoke, plan)
    service.stop()
    with pytest.raises(DeployError, match=r"no service answers at .*; version 1 serves again"):
        go(serving, smoke.smoke, plan)
    assert history() == [("promote", 1, None), ("promote", 2, 1), ("rollback", 1, 2)]


def test_a_proxy_of_the_machine_is_not_asked(serving: Project, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """With http_proxy set, the service on this machine is still asked itself."""
    serving.write(model=LOCAL)
    plan = serving.promote()
    service.shows(2)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert go(serving, smoke.smoke, plan) == plan
    assert service.asked == 1
