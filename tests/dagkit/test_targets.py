"""The DAG of a deployment, by the target of the model."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import DAG

from include.ratchet.dagkit import targets
from include.ratchet.dagkit.defaults import SEVERAL
from include.ratchet.dagkit.seam import step
from include.ratchet.domain.specs import PROJECT
from tests.contract.test_targets import sagemaker_spec
from tests.dags.reading import edges
from tests.makers import model_spec

CANARY = {"fraction": 0.1, "requests": 50}


def _dag(spec: Any) -> dict[str, set[str]]:
    def begin() -> dict[str, Any]:
        return {}

    with DAG("d", schedule=None) as dag:
        plan = targets.shifted(spec, targets.tried(spec, targets.published(spec, step(begin)())))
        targets.tidied(spec, plan)
    return edges(dag)


@pytest.mark.parametrize(("target", "tasks"), [("local", {"begin", "canary"}), ("batch", {"begin"})])
def test_our_own_targets_have_a_canary_at_most(target: str, tasks: set[str]) -> None:
    """And none where nobody asks for predictions."""
    assert set(_dag(model_spec(deploy={"target": target, "canary": CANARY}))) == tasks


def test_an_endpoint_is_waited_for_after_each_change() -> None:
    """Publish, split, canary and shift, each wait between a change and what depends on it."""
    spec = sagemaker_spec("m", "s3://bucket")
    assert _dag(spec) == {
        "begin": set(),
        "publish": {"begin"},
        "shift": {"publish"},
        "shift_settled": {"shift"},
        "tidy": {"shift_settled"},
    }
    deploy = spec.deploy.model_dump() | {"canary": CANARY}
    found = _dag(model_spec(deploy=deploy))
    assert found["split_settled"] == {"split"}
    assert found["canary"] == {"split_settled"}
    assert found["canary_settled"] == {"canary"}
    assert found["shift"] == {"canary_settled"}


def test_batches_are_scored_before_and_after_a_transform_job() -> None:
    """Where the spec asks for one; its job outlasts the sweep, so that runs take turns, and is not late while it has its time."""
    deploy = sagemaker_spec("m", "s3://bucket", transform={}).deploy.model_dump()
    for spec, tasks, runs, job in (
        (model_spec(), {"score": set()}, SEVERAL, timedelta()),
        (model_spec(deploy=deploy), {"submit": set(), "transform": {"submit"}, "collect": {"transform"}}, 1, timedelta(hours=2)),
    ):
        with DAG("d", schedule=None) as dag:
            targets.scored(spec, {"pool": "p"})
        assert (edges(dag), targets.runs(spec), targets.late(spec) - spec.late) == (tasks, runs, job)


def test_nobody_else_loads_boto3() -> None:
    """A parse without such a model is as light as it was."""
    heavy = ["boto3", "aiobotocore", "airflow.providers.amazon.aws.sensors.sagemaker", "airflow.providers.amazon.aws.operators.sagemaker"]
    code = f"import sys; from include.ratchet.dagkit import targets; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
