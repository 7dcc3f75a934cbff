"""A transform job: by the provider's operator, created once, waited for without a worker."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.sdk.exceptions import AirflowFailException

from include.ratchet.dagkit.transform import MARGIN, Transformed
from include.ratchet.domain.target import AwayError
from tests.aws import REGION, Door, door
from tests.s3server import S3Server


class Instance:
    """What the operator tells its task instance: the link to the console."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep it."""
        self.pushed[key] = value


@pytest.fixture
def cloud(s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Open AWS with one model."""
    with door(s3.endpoint, tmp_path) as made:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", made.connection)
        made.breaking = "transform"  # there is no archive: the job is what is looked at
        container = {"Image": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/r:1", "ModelDataUrl": "s3://b/k"}
        made.aws().sagemaker.create_model(ModelName="m-1", PrimaryContainer=container, ExecutionRoleArn="arn:aws:iam::123456789012:role/r")
        yield made


def _operator(place: str, name: str) -> Transformed:
    bucket = place.removeprefix("s3://").partition("/")[0]
    request = {
        "TransformJobName": name,
        "ModelName": "m-1",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/in/"}},
            "ContentType": "application/jsonlines",
        },
        "TransformOutput": {"S3OutputPath": f"s3://{bucket}/out/"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    plan = {"model": "m", "request": request}
    return Transformed(task_id="transform", plan=plan, within=timedelta(hours=1), aws_conn_id="aws_default", region_name=REGION)


def _with_lines(s3: S3Server, cloud: Door) -> str:
    """Return a bucket with something to read: the provider looks for it before it creates a job."""
    place = s3.bucket()
    cloud.aws().s3.put_object(Bucket=place.removeprefix("s3://").partition("/")[0], Key="in/part", Body=b"{}\n")
    return place


def test_it_is_created_once_and_waited_for(s3: S3Server, cloud: Door) -> None:
    """A try that was killed once the job was there finds it by its name; the triggerer waits, and the plan goes on."""
    operator = _operator(_with_lines(s3, cloud), f"job-{id(cloud)}")
    for _ in range(2):
        with pytest.raises(TaskDeferred) as deferred:
            operator.execute({"ti": Instance()})
        name, arguments = deferred.value.trigger.serialize()
        assert name == "airflow.providers.amazon.aws.triggers.sagemaker.SageMakerTrigger"
        assert (arguments["job_name"], arguments["job_type"]) == (operator.plan["request"]["TransformJobName"], "Transform")
        assert deferred.value.timeout == timedelta(hours=1) + MARGIN
    assert cloud.calls.count("CreateTransformJob") == 1
    assert operator.execute_complete({}, {"status": "success", "job_name": "j"}) == operator.plan
    with pytest.raises(AirflowFailException, match="no capacity"):
        operator.execute_complete({}, {"status": "failed", "message": "no capacity"})
    with pytest.raises(AwayError, match="expired"):  # tried again: the job runs on, and is found by its name
        operator.execute_complete({}, {"status": "error", "message": "expired"})
    for _ in range(3):
        cloud.aws().sagemaker.describe_transform_job(TransformJobName=operator.plan["request"]["TransformJobName"])
    with pytest.raises(AirflowFailException, match=r"is Failed; .* The next run begins another"):
        operator.execute({"ti": Instance()})


def test_a_job_that_has_had_its_time_is_stopped(s3: S3Server, cloud: Door) -> None:
    """It is not paid for any longer than the spec says, and the task fails; one that had just ended is no other failure."""
    operator = _operator(_with_lines(s3, cloud), f"late-{id(cloud)}")
    with pytest.raises(TaskDeferred):
        operator.execute({"ti": Instance()})
    for _ in range(2):
        with pytest.raises(AirflowFailException, match="told to stop, it took longer than 1:00:00"):
            operator.execute_complete({}, {"status": "timeout", "job_name": "j"})
        cloud._running.clear()
    said = cloud.aws().sagemaker.describe_transform_job(TransformJobName=operator.plan["request"]["TransformJobName"])
    assert said["TransformJobStatus"] == "Stopped"
    with pytest.raises(AirflowFailException, match="is Stopped; "):
        operator.execute({"ti": Instance()})


@pytest.mark.parametrize("operation", ["DescribeTransformJob", "CreateTransformJob"])
def test_a_refusal_is_said_plainly_and_not_tried_again(s3: S3Server, cloud: Door, operation: str) -> None:
    """With what to do; what may pass is an error that is tried again."""
    operator = _operator(_with_lines(s3, cloud), f"no-{operation}-{id(cloud)}")
    cloud.refusals[operation] = "AccessDeniedException"
    with pytest.raises(
        AirflowFailException, match=r"transform job no-.*AccessDeniedException: .*; give the identity .* start the scoring again"
    ):
        operator.execute({"ti": Instance()})
    cloud.refusals[operation] = "ThrottledOnceException"
    with pytest.raises(AwayError, match=f"no {operation}"):
        operator.execute({"ti": Instance()})


def test_a_plan_without_a_request_asks_nobody() -> None:
    """Every row was of another version's time, and is predicted."""
    operator = _operator("s3://b", "job")
    operator.plan = {"model": "m", "request": None}
    assert operator.execute({}) == {"model": "m", "request": None}
