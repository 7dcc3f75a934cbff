"""A deployment to SageMaker, body by body, through the API: the endpoint first, the ledger last."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.ratchet.adapters import open_endpoint, open_ledger, open_registry
from include.ratchet.domain import specs
from include.ratchet.domain.errors import DeployError, LedgerError, Skip, StoppedError
from include.ratchet.tasks import choose, deploy, endpoint, endpoint_canary, smoke
from tests.aws import Door
from tests.tasks.outside import begun, ended, go, live
from tests.tiny import MODEL, Project


@pytest.mark.usefixtures("cloud")
def test_a_version_goes_live_and_answers_as_here(serving: Project) -> None:
    """Endpoint, ledger and an invocation agree; the container answers with the archive that was published."""
    plan = ended(serving, begun(serving))
    assert (plan["version"], open_ledger().champion(MODEL)) == (2, 2)
    assert live().only(2)
    said = open_endpoint(specs.model(MODEL)).ask({"records": [{"x": 3.0, "colour": "red"}, {"x": -3.0, "colour": None}]})
    assert (said["model"], said["version"], said["predictions"]) == (MODEL, 2, [1, 0])
    with pytest.raises(Skip, match="no blessed version waits"):
        go(serving, choose.choose, MODEL)


def test_an_update_that_an_alarm_takes_back_is_not_promoted(serving: Project, cloud: Door) -> None:
    """The ledger follows what the endpoint became, not what it was asked to become; what to do is what the sweep will not do."""
    first = begun(serving)
    open_endpoint(specs.model(MODEL)).serve(1)
    go(serving, endpoint.settled, {**first, "waits": True})
    cloud.ringing.add("buys-errors")
    plan = go(serving, endpoint.settled, go(serving, endpoint.shift, first))
    said = r"ratchet-buys is InService and serves version 1 \(100%\); its update is taken back when one of buys-errors rings"
    with pytest.raises(StoppedError, match=rf"version 2: {said}\. See why in AWS's console, then deploy it by its number\."):
        go(serving, deploy.promote, plan)
    assert open_ledger().champion(MODEL) == 1
    with pytest.raises(Skip, match=rf"version 2 was stopped as a canary: {said}; a person may deploy it by its number"):
        go(serving, choose.choose, MODEL)
    assert go(serving, choose.choose, MODEL, action="promote", version=2)["version"] == 2


def test_a_version_that_does_not_answer_is_taken_back(serving: Project, cloud: Door) -> None:
    """Ledger and endpoint go back to the previous champion, also when the smoke test is run again."""
    plan = begun(serving)
    for body in (endpoint.shift, endpoint.settled, deploy.promote):
        plan = go(serving, body, plan)
    cloud.breaking = "champion"
    cloud.ringing.add("buys-errors")  # the alarm of the version that is left
    for _ in range(2):
        with pytest.raises(DeployError, match="version 1 serves again"):
            go(serving, smoke.smoke, plan)
    assert (live().only(1), open_ledger().champion(MODEL)) == (True, 1)
    assert [each.action for each in open_ledger().promotions(MODEL)] == ["rollback", "promote", "promote"]


@pytest.mark.usefixtures("cloud")
def test_who_was_overtaken_leaves_the_endpoint_to_the_champion(serving: Project) -> None:
    """The ledger refuses a promotion over another champion than the plan's; the endpoint goes back to the one of now."""
    plan = go(serving, endpoint.settled, go(serving, endpoint.shift, begun(serving)))
    with pytest.raises(LedgerError, match="the champion is version 1 now"):
        go(serving, deploy.promote, {**plan, "previous": 7})
    go(serving, endpoint.settled, plan)
    assert live().only(1)


@pytest.mark.usefixtures("cloud")
def test_rollback_takes_the_same_way(serving: Project) -> None:
    """Without a canary; the former champion was kept when the other was tidied up."""
    ended(serving, begun(serving))
    plan = go(serving, endpoint_canary.split, begun(serving, action="rollback"))
    assert not plan["waits"]
    ended(serving, go(serving, endpoint_canary.canary, plan))
    assert (live().only(1), open_ledger().champion(MODEL)) == (True, 1)


def test_a_ringing_alarm_does_not_hold_up_a_rollback(serving: Project, cloud: Door) -> None:
    """It rings because of the version that is left; nor does that version's artifact, which may be what is broken."""
    ended(serving, begun(serving))
    cloud.ringing.add("buys-errors")
    artifact = Path(open_registry().artifact(MODEL, 2))
    whole = artifact.read_bytes()
    artifact.write_bytes(whole + b"0")
    try:
        ended(serving, begun(serving, action="rollback"))
    finally:
        artifact.write_bytes(whole)
    assert (live().only(1), open_ledger().champion(MODEL)) == (True, 1)


@pytest.mark.usefixtures("cloud")
def test_an_endpoint_that_went_astray_is_given_back(serving: Project) -> None:
    """Where nothing else waits, the sweep plans the champion of now; the ledger gets no second word of it."""
    ended(serving, begun(serving))
    open_endpoint(specs.model(MODEL)).serve(1)
    go(serving, endpoint.settled, {"model": MODEL, "waits": True})
    plan = begun(serving)
    assert (plan["version"], plan["why"]) == (2, "ratchet-buys serves version 1 (100%); the ledger's champion is version 2")
    ended(serving, plan)
    assert (live().only(2), len(open_ledger().promotions(MODEL))) == (True, 2)


@pytest.mark.usefixtures("cloud")
def test_a_corrected_image_is_used(serving: Project) -> None:
    """And the former one again, when the correction is taken back: the plan says which release was published."""
    file, images = serving.include / "models" / MODEL / specs.MODEL_FILE, []
    first = file.read_text(encoding="utf-8")
    for text in (first, first.replace("ratchet:1.0.0", "ratchet:1.0.1"), first):
        file.write_text(text, encoding="utf-8")
        plan = go(serving, endpoint.settled, go(serving, endpoint.shift, begun(serving)))
        aws = open_endpoint(specs.model(MODEL)).aws.sagemaker
        made = aws.describe_endpoint_config(EndpointConfigName=aws.describe_endpoint(EndpointName=plan["endpoint"])["EndpointConfigName"])
        model = aws.describe_model(ModelName=made["ProductionVariants"][0]["ModelName"])
        images.append(model["PrimaryContainer"]["Image"].rpartition(":")[2])
    assert images == ["1.0.0", "1.0.1", "1.0.0"]
