"""A project that deploys to SageMaker, for tests of the bodies that do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from include.ratchet.adapters import open_endpoint, open_ledger
from include.ratchet.domain import specs
from include.ratchet.domain.records import Json
from include.ratchet.domain.target import Live
from include.ratchet.tasks import choose, deploy, endpoint, endpoint_canary, smoke
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


@contextlib.contextmanager
def opened(s3: S3Server, serving: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """Open AWS, and a project that deploys there: its champion, version 1, served elsewhere until now; version 2 is blessed."""
    with door(s3.endpoint, tmp_path / "container") as made:
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", made.connection)
        monkeypatch.setattr(endpoint, "POLL_SECONDS", 0.0)
        serving.write(model=MODEL_YAML.replace("    deploy: {target: batch}\n", WANTED.replace("PLACE", s3.bucket())))
        yield made


def go(project: Project, body: Any, *args: Any, **params: Any) -> Any:
    """Run a body of the deployment, with what the form says."""
    return project.run(body, *args, stage="deploy", **params)


def begun(project: Project, **params: Any) -> Json:
    """Choose, load and publish."""
    plan = go(project, deploy.preload, go(project, choose.choose, MODEL, **params), **params)
    made: Json = go(project, endpoint.publish, plan)
    return made


def ended(project: Project, plan: Json) -> Json:
    """Shift, promote, look and tidy."""
    for body in (endpoint.shift, endpoint.settled, deploy.promote, smoke.smoke, endpoint.tidy):
        plan = go(project, body, plan)
    return plan


def live() -> Live:
    """Say what answers."""
    return open_endpoint(specs.model(MODEL)).live()


def asked(cloud: Door, variant: str, count: int, **how: Any) -> None:
    """Let clients have asked a variant."""
    now = datetime.now(UTC)
    cloud.seen += [Invocation("ratchet-buys", variant, now, **how) for _ in range(count)]


def out(project: Project) -> Json:
    """Bring the canary out, and look once."""
    plan: Json = go(project, endpoint.settled, go(project, endpoint_canary.split, begun(project)))
    assert go(project, endpoint_canary.canary, plan) is None
    assert live().shares == pytest.approx({1: 0.8, 2: 0.2})
    return plan


def open_routes() -> list[int]:
    """Return the versions that answer beside the champion, as the ledger says."""
    return [each.version for each in open_ledger().routes(MODEL) if each.until is None]


@contextlib.contextmanager
def dark(cloud: Door, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let nobody answer where AWS is, for a while."""
    with monkeypatch.context() as patch:
        nowhere = cloud.connection.replace(quote(cloud.url, safe=""), quote("http://127.0.0.1:9", safe=""))
        patch.setenv("AIRFLOW_CONN_AWS_DEFAULT", nowhere)
        yield
