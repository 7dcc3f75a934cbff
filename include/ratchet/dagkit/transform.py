"""Run a transform job of SageMaker without holding a worker. Loads boto3: imported only where a model scores there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.amazon.aws.operators.sagemaker import SageMakerTransformOperator
from airflow.providers.amazon.aws.utils import validate_execute_complete_event
from airflow.sdk.exceptions import AirflowFailException
from botocore.exceptions import ClientError

from include.ratchet.dagkit.endpoint import POLL_SECONDS, connected, looks, watch
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.target import AwayError
from include.ratchet.tasks.transform_job import said_plainly

RUNNING = ("InProgress", "Stopping")
ENDED = ("failed", "stopped")
"""What the trigger says of a job that ended without all answers."""
MARGIN = timedelta(minutes=10)
"""The trigger ends its watch by itself, so that the job can be stopped; only a triggerer that is gone is given up by Airflow."""


class Transformed(SageMakerTransformOperator):
    """The provider's operator, deferred: creates the job that a plan asks for, unless it is there, and passes the plan on."""

    template_fields: Sequence[str] = (*SageMakerTransformOperator.template_fields, "plan")

    def __init__(self, *, plan: Any, within: timedelta, **options: Any) -> None:
        """Run the `request` of the plan, where it has one."""
        super().__init__(config={}, check_if_job_exists=False, deferrable=True, check_interval=POLL_SECONDS, **options)
        self.max_attempts = looks(within)
        self.max_ingestion_time = int((within + MARGIN).total_seconds())
        self.plan, self.within = plan, within

    def execute(self, context: Any) -> Any:
        """Create it; a try that was killed after that finds it by its name."""
        request = self.plan["request"]
        if request is None:
            return self.plan
        try:
            with said_plainly(request):
                self._begin(request, context)
        except DeployError as error:
            raise AirflowFailException(str(error)) from error
        return self.plan

    def _begin(self, request: Any, context: Any) -> None:
        """Defer, unless the job has ended well."""
        status = self._status(request["TransformJobName"])
        if status is None:
            self.config = request
            super().execute(context)  # defers, unless the job ended at once
        elif status in RUNNING:
            trigger = watch(self, "Transform", request["TransformJobName"])
            self.defer(trigger=trigger, method_name="execute_complete", timeout=self.within + MARGIN)
        elif status != "Completed":
            raise AirflowFailException(f"{request['TransformJobName']} is {status}; see why in AWS's console. The next run begins another.")

    def execute_complete(self, context: Any, event: dict[str, Any] | None = None) -> Any:  # noqa: ARG002 - the SDK's signature
        """Pass the plan on; the next task reads the answers. A job that has had its time is stopped."""
        said, name = validate_execute_complete_event(event), self.plan["request"]["TransformJobName"]
        if said["status"] == "timeout":
            try:
                self.hook.get_conn().stop_transform_job(TransformJobName=name)
            except ClientError as error:  # it has ended just now; or the identity may not stop it
                self.log.warning("%s could not be stopped: %s", name, error)
            raise AirflowFailException(f"{name}: told to stop, it took longer than {self.within}; see transform.within in model.yaml")
        if said["status"] in ENDED:
            raise AirflowFailException(f"{name}: {said.get('message') or said}")
        if said["status"] != "success":  # AWS could not be asked: the job goes on, and the next try finds it by its name
            raise AwayError(f"{name}: {said.get('message') or said}")
        return self.plan

    def _status(self, name: str) -> str | None:
        try:
            return str(self.hook.describe_transform_job(name)["TransformJobStatus"])
        except ClientError as error:
            if "Could not find" in error.response["Error"]["Message"]:
                return None
            raise


def transformed(spec: ModelSpec, plan: Any) -> Any:
    """Return the plan once its job has ended."""
    wanted = spec.deploy.sagemaker
    if wanted is None or wanted.transform is None:
        return plan
    return Transformed(task_id="transform", plan=plan, within=wanted.transform.within, **connected(wanted)).output
