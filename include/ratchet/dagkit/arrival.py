"""Arrival: an asset watcher that looks at a feed's source and wakes its ingest DAG. Runs in the triggerer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.feedspec import Events, FeedSpec
from include.ratchet.tasks.ingest import MOST_AT_ONCE

AGAIN_SECONDS = 120.0
"""What is still there after this long is announced again: the event may have been lost."""


class ArrivalTrigger(BaseEventTrigger):
    """Fires when the feed's source holds something that has not landed."""

    def __init__(self, feed: str, poll: float) -> None:
        """Look at `feed` every `poll` seconds."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.feed, self.poll = feed, poll

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the class and its arguments, as the triggerer wants them."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"feed": self.feed, "poll": self.poll}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, tell once what is new, and go on looking; a source that does not answer is looked at again."""
        told: frozenset[str] = frozenset()
        told_at = 0.0
        while True:
            try:
                waiting = frozenset(await asyncio.to_thread(_waiting, self.feed))
            except Exception as error:  # noqa: BLE001 - whatever it is, the watcher of a feed must not end
                self.log.warning("feed %s: its source does not answer: %s", self.feed, error)
                waiting = frozenset()
            finished = len(told) - len(waiting) >= MOST_AT_ONCE  # a run took its fill, and left something
            if waiting - told or (waiting and finished) or (waiting and time.monotonic() - told_at > AGAIN_SECONDS):
                told, told_at = waiting, time.monotonic()
                yield TriggerEvent({"feed": self.feed, "waiting": len(waiting)})  # type: ignore[no-untyped-call]
            await asyncio.sleep(self.poll)


class QueueTrigger(BaseEventTrigger):
    """Stands in a DAG file for the provider's `SqsSensorTrigger`, by name: boto3 would load in every parse."""

    def __init__(self, events: Events) -> None:
        """Take the messages of a queue; whatever they say, the ingest looks itself what has arrived."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.events = events

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Name the provider's class and its arguments: that is what the triggerer makes."""
        arguments = {"sqs_queue": self.events.queue, "aws_conn_id": self.events.connection, "region_name": self.events.region}
        return "airflow.providers.amazon.aws.triggers.sqs.SqsSensorTrigger", {**arguments, "max_messages": 10, "waiter_delay": 5}

    def run(self) -> AsyncIterator[TriggerEvent]:
        """Never run: the triggerer makes the class that `serialize` names."""
        raise NotImplementedError


def sensors(spec: FeedSpec) -> list[Any]:
    """Return what a run of this feed waits for before it looks: its object on S3, deferred, so that no worker is held."""
    wait = spec.source.wait
    if wait is None:
        return []
    from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor  # loads boto3: only for a feed that waits

    from include.ratchet.domain.config import load_config

    config, key = load_config(), wait.key
    with contextlib.suppress(SpecError):  # an unknown store fails in the sensor, and not in the DAG files of all feeds
        key = config.store(wait.key)
    sensor = S3KeySensor(
        task_id="arrived",
        bucket_key=key,
        wildcard_match=True,
        deferrable=True,
        aws_conn_id=config.connection_of(key) or "aws_default",
        poke_interval=spec.poll.total_seconds(),
        timeout=wait.within.total_seconds(),
    )
    return [sensor]


def arrival(spec: FeedSpec) -> Asset:
    """Return the asset that stands for "something has arrived at this feed's source"."""
    events = spec.source.events
    trigger = QueueTrigger(events) if events else ArrivalTrigger(feed=spec.name, poll=spec.poll.total_seconds())
    watcher = AssetWatcher(name=f"{spec.name}_watcher", trigger=trigger)
    return Asset(name=f"{spec.name}_arrival", uri=f"x-ratchet://{spec.name}_arrival", group="ratchet", watchers=[watcher])


def _waiting(feed: str) -> list[str]:
    from include.ratchet.dagkit.connections import AirflowConnections
    from include.ratchet.tasks.ingest import waiting
    from include.ratchet.tasks.seam import ask_first

    ask_first(AirflowConnections())

    return waiting(feed)
