"""Only a blessed version serves, only a former champion is gone back to, and what does not serve is taken back."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import mlflow
import pytest

from include.ratchet.adapters import open_ledger, open_registry
from include.ratchet.domain.errors import DeployError, LedgerError, RegistryError, Skip
from include.ratchet.tasks import deploy
from tests.tiny import MODEL, MODEL_YAML, Project

LOCAL = MODEL_YAML.replace("deploy: {target: batch}", "deploy: {target: local}")


class Service:
    """A prediction service on loopback that says one version, whatever is promoted."""

    def __init__(self) -> None:
        """Answer nothing yet."""
        self.status, self.content, self.asked = 200, b"{}", 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Say the version."""
                service.asked += 1
                self.send_response(service.status)
                self.send_header("content-length", str(len(service.content)))
                self.end_headers()
                self.wfile.write(service.content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def shows(self, version: int | None) -> None:
        """Answer with a version from now on."""
        self.content = json.dumps({"version": version}).encode()

    def stop(self) -> None:
        """Listen no longer."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Run a fake service where the deployment says that it is, and wait for it a moment only."""
    made = Service()
    monkeypatch.setenv("RATCHET__SERVING__URL", made.url)
    monkeypatch.setattr(deploy, "SERVED_WITHIN_SECONDS", 0.5)
    yield made
    made.stop()


def _go(project: Project, body: Any, *args: Any, **params: Any) -> Any:
    return project.run(body, *args, stage="deploy", **params)


def _history() -> list[tuple[str, int, int | None]]:
    """Return the changes of champion, oldest first."""
    return [(each.action, each.version, each.previous) for each in reversed(open_ledger().promotions(MODEL))]


def _aliases() -> dict[str, int]:
    client = mlflow.MlflowClient()
    return {name: int(version) for name, version in client.get_registered_model(MODEL).aliases.items()}


def _refused(project: Project, version: int) -> None:
    """Put a refused verdict into the ledger."""
    verdict = open_ledger().verdicts(MODEL)[0]
    at = datetime.now(UTC) + timedelta(seconds=version)
    open_ledger().judge(replace(verdict, version=version, run_id=f"refused-{version}", outcome="refuse", at=at, digest=""))
    assert project.home.exists()


def test_nothing_blessed_is_a_skip(landed: Project) -> None:
    """The sweep looks, and goes."""
    with pytest.raises(Skip, match="no blessed version waits"):
        _go(landed, deploy.choose, MODEL)


def test_the_first_blessed_version_becomes_champion(blessed: Project) -> None:
    """Ledger and alias agree, the promotion carries the verdict's digest, and there is one champion."""
    plan = blessed.promote(reason="go live")
    assert (plan["version"], plan["previous"]) == (1, None)
    (promotion,) = open_ledger().promotions(MODEL)
    assert promotion.evidence == open_ledger().verdicts(MODEL)[0].digest
    assert (promotion.who, promotion.why) == ("tester", "go live")
    assert _aliases() == {"challenger": 1, "champion": 1}
    with pytest.raises(Skip, match="no blessed version waits"):
        _go(blessed, deploy.choose, MODEL)


def test_every_body_is_safe_to_run_again(serving: Project) -> None:
    """Choose, preload, promote and smoke called twice promote once."""
    plan = _go(serving, deploy.choose, MODEL)
    assert plan == _go(serving, deploy.choose, MODEL)
    for body in (deploy.preload, deploy.promote, deploy.smoke):
        assert _go(serving, body, plan) == _go(serving, body, plan) == plan
    assert _history() == [("promote", 1, None), ("promote", 2, 1)]
    assert _aliases() == {"challenger": 2, "champion": 2, "previous": 1}


def test_a_promotion_that_was_ended_halfway_is_completed(serving: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger is the truth: the next try only makes the aliases follow it."""
    plan = _go(serving, deploy.choose, MODEL)
    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.adapters.registry.MlflowRegistry.point", _fail)
        with pytest.raises(OSError, match="pulled"):
            _go(serving, deploy.promote, plan)
    assert (open_ledger().champion(MODEL), _aliases()["champion"]) == (2, 1)
    _go(serving, deploy.promote, plan)
    assert len(_history()) == 2
    assert _aliases()["champion"] == 2


def test_a_version_judged_against_another_champion_does_not_go_live(serving: Project) -> None:
    """Version 3 was compared with 1, and 2 serves now: the sweep skips and the form is refused, both saying why."""
    verdict = open_ledger().verdicts(MODEL)[0]
    assert (verdict.version, verdict.champion) == (2, 1)
    serving.promote()
    open_ledger().judge(replace(verdict, version=3, run_id="third", at=datetime.now(UTC), digest=""))
    words = "version 3 was judged against champion 1; the champion is 2 now; the next training run judges a challenger against it"
    with pytest.raises(Skip, match=words):
        _go(serving, deploy.choose, MODEL)
    with pytest.raises(DeployError, match=words):
        _go(serving, deploy.choose, MODEL, action="promote", version=3)
    with pytest.raises(DeployError, match=r"version 1 was judged against no champion; .*comes back with the action rollback"):
        _go(serving, deploy.choose, MODEL, action="promote", version=1)
    assert _history() == [("promote", 1, None), ("promote", 2, 1)]


def test_a_version_that_was_compared_goes_before_a_newer_one_that_was_not(serving: Project) -> None:
    """Version 3 was judged against a champion that was rolled back; version 2, judged against the one of now, is chosen."""
    verdict = open_ledger().verdicts(MODEL)[0]
    open_ledger().judge(replace(verdict, version=3, champion=7, run_id="third", at=datetime.now(UTC), digest=""))
    assert _go(serving, deploy.choose, MODEL)["version"] == 2


def test_a_rollback_needs_no_comparison(serving: Project) -> None:
    """A former champion comes back although its blessing was given against none."""
    serving.promote()
    assert _go(serving, deploy.choose, MODEL, action="rollback", version=1)["version"] == 1


@pytest.mark.parametrize("version", [3, 9])
def test_only_a_blessed_version_can_be_asked_for(serving: Project, version: int) -> None:
    """A refused version and one that is not there are turned down, with the blessed ones named."""
    _refused(serving, 3)
    with pytest.raises(DeployError, match=rf"version {version}: not blessed.*Blessed are 1, 2"):
        _go(serving, deploy.choose, MODEL, action="promote", version=version)


def test_the_ledger_turns_a_forged_plan_down(serving: Project) -> None:
    """Promote checks the evidence itself: a plan for another version than the verdict's changes nothing."""
    plan = {**_go(serving, deploy.choose, MODEL), "version": 3}
    with pytest.raises(LedgerError, match="not blessed"):
        _go(serving, deploy.promote, plan)
    assert _history() == [("promote", 1, None)]


def test_an_old_champion_is_found_behind_many_verdicts(serving: Project) -> None:
    """Sixty refused challengers later the blessing of version 1 is still known, and can be gone back to."""
    serving.promote()
    for version in range(10, 70):
        _refused(serving, version)
    plan = _go(serving, deploy.choose, MODEL, action="rollback")
    assert plan["version"] == 1


def test_rollback_goes_to_the_champion_before(serving: Project) -> None:
    """Without a version it is the one before; the version that was left is not promoted again by the sweep."""
    serving.promote()
    serving.promote(action="rollback", reason="complaints")
    assert _history()[-1] == ("rollback", 1, 2)
    assert _aliases()["champion"] == 1
    with pytest.raises(Skip, match="no blessed version waits"):
        _go(serving, deploy.choose, MODEL)


@pytest.mark.parametrize(("version", "words"), [(2, "was never champion; a rollback goes to one of 1"), (None, "no earlier champion")])
def test_rollback_goes_nowhere_else(serving: Project, version: int | None, words: str) -> None:
    """A blessed version that never served is no way back, and the first champion has none before it."""
    with pytest.raises(DeployError, match=words):
        _go(serving, deploy.choose, MODEL, action="rollback", version=version)


def test_asking_for_what_serves_is_a_skip(serving: Project) -> None:
    """Nothing is to be done, and it says so."""
    with pytest.raises(Skip, match="version 1 serves already"):
        _go(serving, deploy.choose, MODEL, action="promote", version=1)


def test_an_altered_artifact_goes_no_further(blessed: Project) -> None:
    """One changed byte after registration, and preload refuses by name; nothing is promoted."""
    plan = _go(blessed, deploy.choose, MODEL)
    path = Path(open_registry().artifact(MODEL, 1))
    before = path.read_bytes()
    path.write_bytes(before + b"\0")
    try:
        with pytest.raises(RegistryError, match="altered after it was registered"):
            _go(blessed, deploy.preload, plan)
    finally:
        path.write_bytes(before)  # the stage's artifact is shared by all tests
    assert _history() == []


def test_an_artifact_that_was_never_judged_goes_no_further(blessed: Project) -> None:
    """File and registry tag changed together: the ledger's verdict still names the file that was judged."""
    plan = _go(blessed, deploy.choose, MODEL)
    path = Path(open_registry().artifact(MODEL, 1))
    before = path.read_bytes()
    assert open_ledger().verdicts(MODEL)[0].artifact == hashlib.sha256(before).hexdigest()
    path.write_bytes(before + b"\0")
    open_registry().tag(MODEL, 1, {"ratchet.artifact_sha256": hashlib.sha256(before + b"\0").hexdigest()})
    try:
        with pytest.raises(RegistryError, match="altered after it was judged"):
            _go(blessed, deploy.preload, plan)
    finally:
        path.write_bytes(before)  # the stage's artifact is shared by all tests
    assert _history() == []


def test_two_deploys_at_once_and_one_wins(serving: Project) -> None:
    """Both chose before either promoted: one becomes champion, the other is told who is."""
    registered = open_registry().get(MODEL, 2)
    mlflow.MlflowClient().create_model_version(MODEL, registered.uri, run_id=registered.run_id)
    other = replace(open_ledger().verdicts(MODEL)[0], version=3, run_id="third", digest="", at=datetime.now(UTC))
    blessing = open_ledger().judge(other)
    plan = _go(serving, deploy.choose, MODEL, version=2)
    rival = {**plan, "version": 3, "evidence": blessing.digest}
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(_tried, [serving] * 2, [plan, rival]))
    assert sorted(map(str, map(type, results))) == sorted(map(str, (dict, LedgerError))), results
    assert len(_history()) == 2
    assert _aliases()["champion"] == open_ledger().champion(MODEL)
    lost = next(each for each in results if isinstance(each, LedgerError))
    assert "the champion is version" in str(lost)


def test_a_service_that_shows_the_version_is_well(serving: Project, service: Service) -> None:
    """Smoke waits until the service says the promoted version, and goes on."""
    serving.write(model=LOCAL)
    plan = serving.promote()
    threading.Timer(0.1, service.shows, [2]).start()
    assert _go(serving, deploy.smoke, plan) == plan
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
            _go(serving, deploy.smoke, plan)
    assert _history() == [("promote", 1, None), ("promote", 2, 1), ("rollback", 1, 2)]
    assert _aliases() == {"challenger": 2, "champion": 1}
    assert service.asked >= 2


def test_a_first_champion_that_does_not_serve_fails_with_no_way_back(blessed: Project, service: Service) -> None:
    """There is nothing to go back to; the message says so."""
    blessed.write(model=LOCAL)
    plan = blessed.promote()
    service.shows(None)
    with pytest.raises(DeployError, match="no earlier champion to go back to"):
        _go(blessed, deploy.smoke, plan)


def test_a_service_that_is_not_there_is_no_reason(serving: Project, service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """Batch scoring goes on without it: nothing is rolled back, and both the result and the log say that nobody saw it."""
    serving.write(model=LOCAL)
    service.stop()
    plan = serving.promote()
    said = f"no service answers at {service.url}/v1/models/{MODEL}"
    assert _go(serving, deploy.smoke, plan) == {**plan, "smoke": said}
    assert said in caplog.text
    assert open_ledger().champion(MODEL) == 2


def test_a_rollback_that_was_ended_halfway_is_completed(serving: Project, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the ledger and the aliases, smoke makes them agree when it is tried again."""
    serving.write(model=LOCAL)
    plan = serving.promote()
    service.shows(1)
    with monkeypatch.context() as patch:
        patch.setattr("include.ratchet.adapters.registry.MlflowRegistry.point", _fail)
        with pytest.raises(OSError, match="pulled"):
            _go(serving, deploy.smoke, plan)
    assert (open_ledger().champion(MODEL), _aliases()["champion"]) == (1, 2)
    with pytest.raises(DeployError, match="version 1 serves again"):
        _go(serving, deploy.smoke, plan)
    assert _aliases()["champion"] == 1


def test_a_try_after_the_rollback_fails_although_the_service_is_gone(serving: Project, service: Service) -> None:
    """Killed after it had put version 1 back, smoke must not announce version 2 because nothing listens any more."""
    serving.write(model=LOCAL)
    plan = serving.promote()
    service.shows(1)
    with pytest.raises(DeployError, match="version 1 serves again"):
        _go(serving, deploy.smoke, plan)
    service.stop()
    with pytest.raises(DeployError, match=r"no service answers at .*; version 1 serves again"):
        _go(serving, deploy.smoke, plan)
    assert _history() == [("promote", 1, None), ("promote", 2, 1), ("rollback", 1, 2)]


def test_a_proxy_of_the_machine_is_not_asked(serving: Project, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """With http_proxy set, the service on this machine is still asked itself."""
    serving.write(model=LOCAL)
    plan = serving.promote()
    service.shows(2)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert _go(serving, deploy.smoke, plan) == plan
    assert service.asked == 1


def _tried(project: Project, plan: dict[str, Any]) -> Any:
    try:
        return _go(project, deploy.promote, plan)
    except LedgerError as error:
        return error


def _fail(*_: Any, **__: Any) -> None:
    raise OSError("the plug was pulled")


def test_a_promotion_that_is_tried_again_does_not_undo_a_rollback(serving: Project) -> None:
    """It was recorded, its aliases were not; meanwhile a person went back: that is the newer word."""
    plan = serving.run(deploy.choose, MODEL, stage="deploy")
    serving.run(deploy.promote, plan, stage="deploy")
    back = serving.run(deploy.choose, MODEL, stage="deploy", action="rollback")
    serving.run(deploy.promote, back, stage="deploy")
    serving.run(deploy.promote, plan, stage="deploy")
    assert open_ledger().champion(MODEL) == 1
