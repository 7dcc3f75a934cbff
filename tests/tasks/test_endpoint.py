"""A deployment to SageMaker, body by body, through the API: the endpoint first, the ledger last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.adapters import open_endpoint, open_ledger, open_registry
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError, LedgerError, Skip
from include.ratchet.domain.records import Json
from include.ratchet.domain.target import Live
from include.ratchet.tasks import choose, deploy, endpoint, smoke
from tests.aws import REGION, Door, door
from tests.cloudwatch import Invocation
from tests.s3server import S3Server
from tests.tiny import MODEL, MODEL_YAML, Project

WANTED = f"""
    deploy:
      target: sagemaker
      canary: {{fraction: 0.2, requests: 50, within: 10m}}
      sagemaker:
        region: {REGION}
        role: arn:aws:iam::123456789012:role/ratchet
        image: 123456789012.dkr.ecr.{REGION}.amazonaws.com/ratchet:1.0.0
        place: PLACE
        alarms: [buys-errors]
"""


@pytest.fixture
def cloud(s3: S3Server, serving: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Open AWS, and a project that deploys there: its champion, version 1, served elsewhere until now; version 2 is blessed."""
    with door(s3.endpoint, tmp_path / "container") as made:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", made.connection)
        monkeypatch.setattr(endpoint, "POLL_SECONDS", 0.0)
        serving.write(model=MODEL_YAML.replace("    deploy: {target: batch}\n", WANTED.replace("PLACE", s3.bucket())))
        yield made


def _go(project: Project, body: Any, *args: Any, **params: Any) -> Any:
    return project.run(body, *args, stage="deploy", **params)


def _begun(project: Project, **params: Any) -> Json:
    plan = _go(project, deploy.preload, _go(project, choose.choose, MODEL, **params), **params)
    made: Json = _go(project, endpoint.publish, plan)
    return made


def _ended(project: Project, plan: Json) -> Json:
    for body in (endpoint.shift, endpoint.settled, deploy.promote, smoke.smoke, endpoint.tidy):
        plan = _go(project, body, plan)
    return plan


def _live() -> Live:
    return open_endpoint(specs.model(MODEL)).live()


def _asked(cloud: Door, variant: str, count: int, **how: Any) -> None:
    now = datetime.now(UTC)
    cloud.seen += [Invocation("ratchet-buys", variant, now, **how) for _ in range(count)]


@pytest.mark.usefixtures("cloud")
def test_a_version_goes_live_and_answers_as_here(serving: Project) -> None:
    """Endpoint, ledger and an invocation agree; the container answers with the archive that was published."""
    plan = _ended(serving, _begun(serving))
    assert (plan["version"], open_ledger().champion(MODEL)) == (2, 2)
    assert _live().only(2)
    said = open_endpoint(specs.model(MODEL)).ask({"records": [{"x": 3.0, "colour": "red"}, {"x": -3.0, "colour": None}]})
    assert (said["model"], said["version"], said["predictions"]) == (MODEL, 2, [1, 0])
    with pytest.raises(Skip, match="no blessed version waits"):
        _go(serving, choose.choose, MODEL)


def test_a_canary_with_enough_requests_goes_on(serving: Project, cloud: Door) -> None:
    """Two variants share the requests; at its end the champion has all, so that the alarms of the shift are heeded."""
    plan = _go(serving, endpoint.settled, _go(serving, endpoint.split, _begun(serving)))
    assert _live().shares == pytest.approx({1: 0.8, 2: 0.2})
    assert _go(serving, endpoint.canary, plan) is None
    _asked(cloud, "challenger", 60)
    plan = _go(serving, endpoint.settled, _go(serving, endpoint.canary, plan))
    assert plan["canary"] == {"requests": 60, "failed": 0, "slow": 0}
    assert (_live().only(1), open_ledger().champion(MODEL)) == (True, 1)
    _ended(serving, plan)
    assert _live().only(2)
    (guarded,) = [each for each in cloud.updates if "DeploymentConfig" in each]
    assert guarded["DeploymentConfig"]["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "buys-errors"}]}


def test_a_canary_that_fails_is_closed(serving: Project, cloud: Door) -> None:
    """The champion stays, has every request again, and the sweep does not try the version a second time."""
    plan = _go(serving, endpoint.settled, _go(serving, endpoint.split, _begun(serving)))
    assert _go(serving, endpoint.canary, plan) is None
    _asked(cloud, "challenger", 60, status=500)
    _asked(cloud, "champion", 200)
    with pytest.raises(DeployError, match=r"60 of 60 requests failed; .* version 1 stays"):
        _go(serving, endpoint.canary, plan)
    _go(serving, endpoint.settled, plan)
    assert (_live().only(1), open_ledger().champion(MODEL)) == (True, 1)
    with pytest.raises(Skip, match="version 2 was stopped as a canary"):
        _go(serving, choose.choose, MODEL)


def test_an_update_that_an_alarm_takes_back_is_not_promoted(serving: Project, cloud: Door) -> None:
    """The ledger follows what the endpoint became, not what it was asked to become."""
    first = _begun(serving)
    open_endpoint(specs.model(MODEL)).serve(1)
    _go(serving, endpoint.settled, {**first, "waits": True})
    cloud.ringing.add("buys-errors")
    plan = _go(serving, endpoint.settled, _go(serving, endpoint.shift, first))
    with pytest.raises(DeployError, match=r"is InService and serves version 1 \(100%\); its update is taken back when one of buys-errors"):
        _go(serving, deploy.promote, plan)
    assert open_ledger().champion(MODEL) == 1
    with pytest.raises(Skip, match="version 2 was stopped as a canary"):
        _go(serving, choose.choose, MODEL)


def test_a_version_that_does_not_answer_is_taken_back(serving: Project, cloud: Door) -> None:
    """Ledger and endpoint go back to the previous champion, also when the smoke test is run again."""
    plan = _begun(serving)
    for body in (endpoint.shift, endpoint.settled, deploy.promote):
        plan = _go(serving, body, plan)
    cloud.breaking = "champion"
    cloud.ringing.add("buys-errors")  # the alarm of the version that is left
    for _ in range(2):
        with pytest.raises(DeployError, match="version 1 serves again"):
            _go(serving, smoke.smoke, plan)
    assert (_live().only(1), open_ledger().champion(MODEL)) == (True, 1)
    assert [each.action for each in open_ledger().promotions(MODEL)] == ["rollback", "promote", "promote"]


@pytest.mark.usefixtures("cloud")
def test_who_was_overtaken_leaves_the_endpoint_to_the_champion(serving: Project) -> None:
    """The ledger refuses a promotion over another champion than the plan's; the endpoint goes back to the one of now."""
    plan = _go(serving, endpoint.settled, _go(serving, endpoint.shift, _begun(serving)))
    with pytest.raises(LedgerError, match="the champion is version 1 now"):
        _go(serving, deploy.promote, {**plan, "previous": 7})
    _go(serving, endpoint.settled, plan)
    assert _live().only(1)


@pytest.mark.usefixtures("cloud")
def test_rollback_takes_the_same_way(serving: Project) -> None:
    """Without a canary; the former champion was kept when the other was tidied up."""
    _ended(serving, _begun(serving))
    plan = _go(serving, endpoint.split, _begun(serving, action="rollback"))
    assert not plan["waits"]
    _ended(serving, _go(serving, endpoint.canary, plan))
    assert (_live().only(1), open_ledger().champion(MODEL)) == (True, 1)


def test_a_ringing_alarm_does_not_hold_up_a_rollback(serving: Project, cloud: Door) -> None:
    """It rings because of the version that is left; nor does that version's artifact, which may be what is broken."""
    _ended(serving, _begun(serving))
    cloud.ringing.add("buys-errors")
    artifact = Path(open_registry().artifact(MODEL, 2))
    whole = artifact.read_bytes()
    artifact.write_bytes(whole + b"0")
    try:
        _ended(serving, _begun(serving, action="rollback"))
    finally:
        artifact.write_bytes(whole)
    assert (_live().only(1), open_ledger().champion(MODEL)) == (True, 1)


@pytest.mark.usefixtures("cloud")
def test_an_endpoint_that_went_astray_is_given_back(serving: Project) -> None:
    """Where nothing else waits, the sweep plans the champion of now; the ledger gets no second word of it."""
    _ended(serving, _begun(serving))
    open_endpoint(specs.model(MODEL)).serve(1)
    _go(serving, endpoint.settled, {"model": MODEL, "waits": True})
    plan = _begun(serving)
    assert (plan["version"], plan["why"]) == (2, "ratchet-buys serves version 1 (100%); the ledger's champion is version 2")
    _ended(serving, plan)
    assert (_live().only(2), len(open_ledger().promotions(MODEL))) == (True, 2)


@pytest.mark.usefixtures("cloud")
def test_a_canary_that_was_not_out_is_not_passed(serving: Project) -> None:
    """An endpoint that has the champion alone shows nothing of the challenger."""
    plan = _go(serving, endpoint.settled, _go(serving, endpoint.split, _begun(serving)))
    assert _go(serving, endpoint.canary, plan) is None
    open_endpoint(specs.model(MODEL)).serve(1)
    _go(serving, endpoint.settled, plan)
    with pytest.raises(DeployError, match="a canary needs versions 1 and 2"):
        _go(serving, endpoint.canary, plan)
    assert not open_ledger().trials(MODEL, "canary")[0].passed
    assert [each for each in open_ledger().routes(MODEL) if each.until is None] == []


@pytest.mark.usefixtures("cloud")
def test_a_corrected_image_is_used(serving: Project) -> None:
    """And the former one again, when the correction is taken back: the plan says which release was published."""
    file, images = serving.include / "models" / MODEL / specs.MODEL_FILE, []
    first = file.read_text(encoding="utf-8")
    for text in (first, first.replace("ratchet:1.0.0", "ratchet:1.0.1"), first):
        file.write_text(text, encoding="utf-8")
        plan = _go(serving, endpoint.settled, _go(serving, endpoint.shift, _begun(serving)))
        aws = open_endpoint(specs.model(MODEL)).aws.sagemaker  # type: ignore[attr-defined]
        made = aws.describe_endpoint_config(EndpointConfigName=aws.describe_endpoint(EndpointName=plan["endpoint"])["EndpointConfigName"])
        model = aws.describe_model(ModelName=made["ProductionVariants"][0]["ModelName"])
        images.append(model["PrimaryContainer"]["Image"].rpartition(":")[2])
    assert images == ["1.0.0", "1.0.1", "1.0.0"]
