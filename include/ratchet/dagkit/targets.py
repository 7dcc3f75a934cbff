"""What a deployment does besides the ledger's part, and where batches are scored, by the target of the model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from include.ratchet.dagkit import defaults
from include.ratchet.dagkit.seam import look, step
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.sagemakerspec import transform_of
from include.ratchet.tasks import canary, endpoint, endpoint_canary, score, transform_job

LOOK = timedelta(seconds=15)
"""Between two looks at a canary; the service closes what it logs every 10 s."""
LOOK_OUTSIDE = timedelta(minutes=1)
"""SageMaker sends its figures once a minute."""
TRIES = 10


def published(spec: ModelSpec, plan: Any) -> Any:
    """Bring the version to where it is to serve."""
    return step(endpoint.publish)(plan) if spec.deploy.sagemaker else plan


def tried(spec: ModelSpec, plan: Any) -> Any:
    """Show the version real requests, where the spec asks for that."""
    wanted = spec.deploy.canary
    if wanted is None or spec.deploy.target == "batch":
        return plan
    if not spec.deploy.sagemaker:
        return look(canary.canary, every=LOOK, within=2 * wanted.within)(plan)
    began = _settled(spec, step(endpoint_canary.split, **_again(spec))(plan), "split_settled")
    return _settled(spec, look(endpoint_canary.canary, every=LOOK_OUTSIDE, within=2 * wanted.within)(began), "canary_settled")


def shifted(spec: ModelSpec, plan: Any) -> Any:
    """Give the version every request, where the target must do so before the ledger says it."""
    return _settled(spec, step(endpoint.shift, **_again(spec))(plan), "shift_settled") if spec.deploy.sagemaker else plan


def tidied(spec: ModelSpec, plan: Any) -> None:
    """Remove what is old."""
    if spec.deploy.sagemaker:
        step(endpoint.tidy)(plan)


def scored(spec: ModelSpec, writes: dict[str, Any]) -> None:
    """Predict in batch: in one task, or before and after a transform job; `writes` are the options of what appends."""
    if transform_of(spec.deploy.sagemaker) is None:
        step(score.score, **writes)(spec.name)
        return
    from include.ratchet.dagkit.transform import transformed  # loads boto3: only for a model that scores there

    plan = step(transform_job.submit, pool=writes["pool"])(spec.name)
    step(transform_job.collect, **writes)(transformed(spec, plan))


def runs(spec: ModelSpec) -> int:
    """Return how many runs of a model's scoring may be active: of two with jobs the second would predict the same rows again."""
    return defaults.SEVERAL if transform_of(spec.deploy.sagemaker) is None else 1


def late(spec: ModelSpec) -> timedelta:
    """Return after how long a run of a model's scoring is late: its transform job may take its time besides."""
    job = transform_of(spec.deploy.sagemaker)
    return spec.late + (job.within if job else timedelta())


def _again(spec: ModelSpec) -> dict[str, Any]:
    """Try as long as another change of the endpoint, which must end first, may take."""
    wanted = spec.deploy.sagemaker
    return {"retries": TRIES, "retry_delay": wanted.within / TRIES} if wanted else {}


def _settled(spec: ModelSpec, plan: Any, task_id: str) -> Any:
    from include.ratchet.dagkit.endpoint import settled  # loads boto3: only for a model with an endpoint

    return settled(spec, plan, task_id)
