"""Waiting for an endpoint: by the provider's sensor and trigger, through the API, without a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.sdk.exceptions import AirflowFailException

from include.ratchet.dagkit import endpoint
from include.ratchet.dagkit.endpoint import Settled
from include.ratchet.domain.target import AwayError
from tests.aws import REGION, Door, door
from tests.s3server import S3Server


@pytest.fixture
def cloud(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Open AWS with one endpoint that is being made."""
    with door(s3.endpoint, tmp_path) as made:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", made.connection)
        client = made.aws().sagemaker
        container = {"Image": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/r:1", "ModelDataUrl": "s3://b/k"}
        client.create_model(ModelName="e-1", PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::123456789012:role/r")
        variant = {"VariantName": "champion", "ModelName": "e-1", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
        client.create_endpoint_config(EndpointConfigName="e-1", ProductionVariants=[variant])
        client.create_endpoint(EndpointName="e", EndpointConfigName="e-1")
        yield made


def _sensor(**plan: Any) -> Settled:
    made = {"endpoint": "e", "waits": True, **plan}
    return Settled(task_id="settled", plan=made, within=timedelta(hours=1), aws_conn_id="aws_default", region_name=REGION)


@pytest.mark.usefixtures("cloud")
def test_it_waits_deferred_and_passes_the_plan_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The triggerer asks AWS; its event ends the wait, and the next task gets what this one got."""
    monkeypatch.setattr(endpoint, "POLL_SECONDS", 1)
    sensor = _sensor()
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    name, arguments = deferred.value.trigger.serialize()
    assert name == "airflow.providers.amazon.aws.triggers.sagemaker.SageMakerTrigger"
    assert (arguments["job_name"], arguments["region_name"]) == ("e", REGION)
    event = asyncio.run(anext(deferred.value.trigger.run()))
    assert sensor.execute_complete({}, event.payload) == sensor.plan
    assert sensor.execute({}) == sensor.plan  # a second try finds it settled


def test_what_does_not_wait_asks_nobody() -> None:
    """A plan that changed nothing passes through."""
    assert _sensor(waits=False).execute({}) == {"endpoint": "e", "waits": False}


def test_an_endpoint_that_failed_fails_the_task() -> None:
    """With AWS's own reason."""
    with pytest.raises(AirflowFailException, match="no capacity"):
        _sensor().execute_complete({}, {"status": "failed", "job_name": "e", "message": "no capacity"})


def test_a_wait_that_aws_broke_off_is_tried_again() -> None:
    """An error of the trigger says nothing of the endpoint, whose change goes on: Airflow tries again."""
    with pytest.raises(AwayError, match="ExpiredToken"):
        _sensor().execute_complete({}, {"status": "error", "job_name": "e", "message": "ExpiredToken"})
