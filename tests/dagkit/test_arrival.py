"""The watcher of a source: it tells once what is new, tells again what may have been lost, and never ends."""

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from airflow.providers.common.compat.sdk import TaskDeferred
from airflow.triggers.base import BaseEventTrigger

from include.ratchet.dagkit import arrival
from include.ratchet.dagkit.arrival import ArrivalTrigger
from include.ratchet.domain import specs
from include.ratchet.tasks.ingest import MOST_AT_ONCE
from tests.s3server import S3Server
from tests.tiny import FEED, FEED_YAML, Project, visits


class Clock:
    """A time that passes only when the trigger sleeps."""

    def __init__(self) -> None:
        """Begin like a machine that was started a moment ago: monotonic time is small then."""
        self.now = 1.0

    def monotonic(self) -> float:
        """Say it."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Put the trigger on a clock of the test's."""
    made = Clock()

    async def sleep(seconds: float) -> None:
        made.now += seconds

    monkeypatch.setattr(arrival, "time", made)
    monkeypatch.setattr(arrival, "asyncio", _Asyncio(sleep))
    return made


class _Asyncio:
    """The two calls that the trigger makes."""

    def __init__(self, sleep: Any) -> None:
        """Keep another sleep."""
        self.sleep, self.to_thread = sleep, asyncio.to_thread


class Over(BaseException):
    """The source was looked at as often as the test says."""


def _watch(monkeypatch: pytest.MonkeyPatch, looks: list[list[str] | Exception], poll: float = 10) -> list[tuple[int, dict[str, Any]]]:
    """Let the trigger look as often as there are looks; return at which look it fired, and with what."""
    coming: Iterator[list[str] | Exception] = iter(looks)
    at = 0

    def waiting(_: str) -> list[str]:
        nonlocal at
        at += 1
        found = next(coming, None)
        if found is None:
            raise Over
        if isinstance(found, Exception):
            raise found
        return found

    async def collect() -> list[tuple[int, dict[str, Any]]]:
        fired = []
        try:
            async for event in ArrivalTrigger(FEED, poll).run():
                fired.append((at, event.payload))  # noqa: PERF401 - the end is an exception
        except Over:
            pass
        return fired

    monkeypatch.setattr(arrival, "_waiting", waiting)
    return asyncio.run(collect())


@pytest.mark.usefixtures("clock")
def test_it_fires_once_per_new_content(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was told is not told again; one more file is; nothing is told of an empty source."""
    looks: list[list[str] | Exception] = [[], ["a"], ["a"], ["a", "b"], ["a", "b"], [], ["c"]]
    assert [(at, event["waiting"]) for at, event in _watch(monkeypatch, looks)] == [(2, 1), (4, 2), (7, 1)]


@pytest.mark.usefixtures("clock")
def test_it_fires_again_for_what_is_still_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """After AGAIN_SECONDS the event counts as lost: at 10 s a look, that is the 13th look after the first."""
    fired = _watch(monkeypatch, [["a"]] * 30)
    assert [at for at, _ in fired] == [1, 14, 27]


@pytest.mark.usefixtures("clock")
def test_it_fires_for_what_a_full_run_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more than one run takes, the rest is told as soon as that run is done, and not two minutes later."""
    all_of_them = [str(number) for number in range(MOST_AT_ONCE + 2)]
    fired = _watch(monkeypatch, [all_of_them, all_of_them[1:], all_of_them[-2:], all_of_them[-2:], all_of_them[-1:], []])
    assert [(at, event["waiting"]) for at, event in fired] == [(1, MOST_AT_ONCE + 2), (3, 2)]


@pytest.mark.usefixtures("clock")
def test_a_failing_source_is_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the source raises, the watcher goes on, and does not forget what it told."""
    looks: list[list[str] | Exception] = [OSError("down"), ["a"], ValueError("broken"), ["a"], ["a", "b"]]
    assert [at for at, _ in _watch(monkeypatch, looks)] == [2, 5]


def test_it_serialises() -> None:
    """The triggerer makes the same trigger again from what is in Airflow's database."""
    path, arguments = ArrivalTrigger("visits", 10.0).serialize()
    assert path == "include.ratchet.dagkit.arrival.ArrivalTrigger"
    again = ArrivalTrigger(**arguments)
    assert (again.feed, again.poll) == ("visits", 10.0)
    assert again.serialize() == (path, arguments)


def test_a_feed_has_one_arrival_asset_with_one_watcher(project: Project) -> None:
    """Asset and watcher carry the feed's name; the trigger polls as the spec says."""
    assert project.include.exists()
    asset = arrival.arrival(specs.feed(FEED))
    (watcher,) = asset.watchers
    assert (asset.name, asset.uri, watcher.name) == ("visits_arrival", "x-ratchet://visits_arrival", "visits_watcher")
    assert isinstance(watcher.trigger, ArrivalTrigger)
    assert (watcher.trigger.feed, watcher.trigger.poll) == ("visits", 10.0)


def test_the_real_source_is_asked(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A settled file in the landing is told; the event says how many wait."""
    monkeypatch.setattr("include.ratchet.adapters._first", [])
    project.deliver("a.csv", visits(0, 1))

    async def first() -> Any:
        return (await anext(ArrivalTrigger(FEED, 0.01).run())).payload

    began = time.monotonic()
    assert asyncio.run(first()) == {"feed": FEED, "waiting": 1}
    assert time.monotonic() - began < 30


QUEUE = "source: {events: {queue: 'QUEUE', connection: 'lakes', region: us-east-1}, "


def test_events_of_a_queue_wake_the_feed(project: Project, aws: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the watcher names is the provider's own trigger, and one message of S3's makes it fire; the message is gone then."""
    monkeypatch.setenv("AIRFLOW_CONN_LAKES", aws.connection)
    sqs = boto3.client("sqs", endpoint_url=aws.endpoint, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s")  # noqa: S106
    queue = sqs.create_queue(QueueName="arrived")["QueueUrl"]
    project.write(feed=FEED_YAML.replace("source: {", QUEUE.replace("QUEUE", queue)))
    (watcher,) = arrival.arrival(specs.feed(FEED)).watchers
    path, arguments = watcher.trigger.serialize()
    module, _, name = path.rpartition(".")
    trigger = getattr(importlib.import_module(module), name)(**arguments)
    assert isinstance(trigger, BaseEventTrigger)
    sqs.send_message(QueueUrl=queue, MessageBody='{"Records": [{"eventName": "ObjectCreated:Put"}]}')

    async def first() -> Any:
        return (await anext(trigger.run())).payload

    assert asyncio.run(first())["status"] == "success"
    left = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"])["Attributes"]
    assert left["ApproximateNumberOfMessages"] == "0"


def test_a_queue_costs_no_parse_anything(project: Project) -> None:
    """A DAG file of such a feed names the trigger; boto3 does not load for it."""
    project.write(feed=FEED_YAML.replace("source: {", QUEUE))
    code = "import sys; from include.ratchet.dagkit.arrival import QueueTrigger; from include.ratchet.domain.feedspec import Events"
    said = "QueueTrigger(Events(queue='q')).serialize(); print([n for n in ('boto3', 'botocore', 'aiobotocore') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", f"{code}; {said}"], cwd=specs.PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_a_run_waits_deferred_for_its_object(project: Project, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sensor is the provider's, deferrable, by the store's connection; it passes once the object is there."""
    assert arrival.sensors(specs.feed(FEED)) == []
    bucket = s3.bucket()
    monkeypatch.setenv("AIRFLOW_CONN_LAKES", s3.connection)
    monkeypatch.setenv("RATCHET__STORES", json.dumps({"landing": {"uri": bucket, "connection": "lakes"}}))
    text = FEED_YAML.replace("source: {", 'source: {wait: {key: "landing://visits/2020-*.csv", within: 2h}, ')
    project.write(feed=text + '    schedule: "0 6 * * *"\n')
    (sensor,) = arrival.sensors(specs.feed(FEED))
    assert (sensor.bucket_key, sensor.aws_conn_id, sensor.deferrable, sensor.timeout) == (
        f"{bucket}/visits/2020-*.csv",
        "lakes",
        True,
        7200,
    )
    with pytest.raises(TaskDeferred) as deferred:
        sensor.execute({})
    assert deferred.value.trigger.serialize()[0] == "airflow.providers.amazon.aws.triggers.s3.S3KeyTrigger"
    s3.call("put_object", Bucket=bucket.removeprefix("s3://"), Key="visits/2020-01-01.csv", Body=b"x")
    event = asyncio.run(anext(deferred.value.trigger.run()))
    assert event.payload["status"] == "success"
    assert sensor.execute({}) is None
