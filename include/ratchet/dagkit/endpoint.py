"""Wait for a SageMaker endpoint without holding a worker. Loads boto3: imported only where a model has such a target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.providers.amazon.aws.sensors.sagemaker import SageMakerEndpointSensor
from airflow.providers.amazon.aws.triggers.sagemaker import SageMakerTrigger
from airflow.providers.amazon.aws.utils import validate_execute_complete_event
from airflow.sdk.exceptions import AirflowFailException

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.sagemakerspec import SageMaker
from include.ratchet.domain.target import AwayError

POLL_SECONDS = 30


class Settled(SageMakerEndpointSensor):
    """The provider's sensor, deferred: passes a plan on once the change that it waits for has ended, one way or the other."""

    template_fields: Sequence[str] = (*SageMakerEndpointSensor.template_fields, "plan")

    def __init__(self, *, plan: Any, within: timedelta, **options: Any) -> None:
        """Wait for the endpoint that the plan names, when the plan says that it `waits`."""
        super().__init__(endpoint_name="", **options)  # type: ignore[no-untyped-call]
        self.plan, self.within = plan, within

    def execute(self, context: Any) -> Any:
        """Look once, and leave the rest to the triggerer."""
        self.endpoint_name = self.plan["endpoint"]
        if self.plan["waits"] and not self.poke(context):
            self.defer(trigger=watch(self, "endpoint", self.endpoint_name), method_name="execute_complete", timeout=self.within)
        return self.plan

    def execute_complete(self, context: Any, event: dict[str, Any] | None = None) -> Any:  # noqa: ARG002 - the SDK's signature
        """Pass the plan on; the next task looks what the endpoint has become."""
        said = validate_execute_complete_event(event)
        if said["status"] == "error":  # AWS could not be asked: the change goes on, and the next try waits for it
            raise AwayError(f"{self.plan['endpoint']}: {said.get('message') or said}")
        if said["status"] != "success":
            raise AirflowFailException(f"{self.plan['endpoint']}: {said.get('message') or said}")
        return self.plan


def watch(operator: Any, kind: str, name: str) -> SageMakerTrigger:
    """Let the triggerer look until an endpoint or a job has ended, or the operator's `within` is over."""
    return SageMakerTrigger(
        job_name=name,
        job_type=kind,
        waiter_delay=POLL_SECONDS,
        waiter_max_attempts=looks(operator.within),
        aws_conn_id=operator.aws_conn_id,
        region_name=operator.region_name,
    )


def looks(within: timedelta) -> int:
    """Return how often to look within a time."""
    return int(within.total_seconds() / POLL_SECONDS) + 1


def connected(wanted: SageMaker) -> dict[str, str]:
    """Return by what connection, and where, an operator asks AWS."""
    return {"aws_conn_id": wanted.connection or "aws_default", "region_name": wanted.region}


def settled(spec: ModelSpec, plan: Any, task_id: str) -> Any:
    """Return the plan once the endpoint is settled."""
    wanted = spec.deploy.sagemaker
    if wanted is None:
        return plan
    return Settled(task_id=task_id, plan=plan, within=wanted.within, **connected(wanted)).output
