"""`deploy.sagemaker`: what SageMaker would refuse an hour later is refused when the file is read."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from include.ratchet.domain.sagemakerspec import SageMaker
from tests.makers import model_spec

WANTED = {
    "region": "eu-central-1",
    "role": "arn:aws:iam::123456789012:role/ratchet",
    "image": "123456789012.dkr.ecr.eu-central-1.amazonaws.com/ratchet:1.0.0",
    "place": "s3://models/prefix",
}


def test_four_keys_are_enough() -> None:
    """The rest has defaults: no alarms, a bake of five minutes, no registry."""
    made = SageMaker.model_validate(WANTED)
    assert (made.alarms, made.bake.total_seconds(), made.registry) == ((), 300.0, False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("region", "frankfurt"),
        ("role", "ratchet"),
        ("image", "ratchet:local"),
        ("place", "models/prefix"),
        ("instance_type", "m5.large"),
        ("endpoint", "flight_delay"),
        ("bake", "2h"),
        ("within", "5m"),
        ("within", "1d"),
    ],
)
def test_what_aws_does_not_take_is_refused(key: str, value: Any) -> None:
    """The fault names the key."""
    with pytest.raises(ValidationError, match=key):
        SageMaker.model_validate({**WANTED, key: value})


def test_a_change_may_take_longer_than_its_bake() -> None:
    """Else SageMaker would end every one of them."""
    with pytest.raises(ValidationError, match="allowed is at least 35m"):
        SageMaker.model_validate({**WANTED, "bake": "30m", "within": "30m"})
    assert SageMaker.model_validate({**WANTED, "bake": "30m", "within": "35m"}).bake.total_seconds() == 1800


@pytest.mark.parametrize("deploy", [{"target": "sagemaker"}, {"target": "local", "sagemaker": WANTED}])
def test_target_and_description_belong_together(deploy: dict[str, Any]) -> None:
    """An endpoint without a place for it, and a place for what is not an endpoint, are said to be what they are."""
    with pytest.raises(ValidationError, match="target sagemaker needs it, and no other has it"):
        model_spec(deploy=deploy)
