"""`deploy.sagemaker` of `model.yaml`: an endpoint on Amazon SageMaker."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from include.ratchet.domain.durations import Duration, format_duration
from include.ratchet.domain.strict import Strict

LONGEST_BAKE = timedelta(hours=1)
"""What SageMaker allows between the shift of the traffic and the end of the old instances."""
SHORTEST_WAIT, LONGEST_WAIT = timedelta(minutes=10), timedelta(hours=8)
"""What SageMaker allows an update to take."""
START_UP = timedelta(minutes=5)
"""What an update needs besides the bake: to start instances, and to load the image on them."""


class Transform(Strict):
    """The machines of batch scoring: a transform job per look that found rows."""

    instance_type: str = Field("ml.m5.large", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")
    instances: int = Field(1, ge=1)
    within: Duration = Field(default="2h", validate_default=True)
    """How long one job may take."""


class SageMaker(Strict):
    """Where the champion's endpoint is, what it runs on, and what takes an update back."""

    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    role: str = Field(pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$")
    """ARN of the role that SageMaker takes on: it reads the artifact and the image."""
    image: str = Field(pattern=r"^\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/\S+$")
    """URI in ECR of what Dockerfile.sagemaker builds: it has the packages that the model was fitted with."""
    place: str = Field(pattern=r"^s3://[a-z0-9][a-z0-9.-]+(/\S*)?$")
    """Where model.tar.gz is put: a bucket, or a prefix in one."""
    instance_type: str = Field("ml.m5.large", pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$")
    instances: int = Field(1, ge=1)
    endpoint: str = Field("", pattern=r"^([a-zA-Z0-9](-*[a-zA-Z0-9]){0,62})?$")
    """Its name; `ratchet-<model>` where none is given."""
    alarms: tuple[str, ...] = Field(default=(), max_length=10)
    """Names of CloudWatch alarms; one that rings while an update bakes lets SageMaker take it back."""
    bake: Duration = Field(default="5m", validate_default=True)
    within: Duration = Field(default="1h", validate_default=True)
    """How long one change of the endpoint may take."""
    connection: str = ""
    """Id of an aws connection; aws_default, and where nobody knows it AWS's own chain, when none is given."""
    registry: bool = False
    """Also keep a model package per version in the group `ratchet-<model>` of SageMaker's registry."""

    transform: Transform | None = None
    """Score in batch by transform jobs; without it `<model>_score` predicts in Airflow's worker."""

    @model_validator(mode="after")
    def _as_sagemaker_allows(self) -> SageMaker:
        if self.bake > LONGEST_BAKE:
            message = f"bake: found {format_duration(self.bake)}; allowed is at most {format_duration(LONGEST_BAKE)}"
            raise ValueError(message)
        if not SHORTEST_WAIT <= self.within <= LONGEST_WAIT:
            allowed = f"{format_duration(SHORTEST_WAIT)} to {format_duration(LONGEST_WAIT)}"
            message = f"within: found {format_duration(self.within)}; allowed is {allowed}"
            raise ValueError(message)
        if self.within < self.bake + START_UP:
            least = format_duration(self.bake + START_UP)
            message = (
                f"within: found {format_duration(self.within)}; allowed is at least {least}: the bake, and what the instances need to start"
            )
            raise ValueError(message)
        return self


def transform_of(wanted: SageMaker | None) -> Transform | None:
    """Return the machines of batch scoring, None where it is the worker's."""
    return wanted.transform if wanted else None
