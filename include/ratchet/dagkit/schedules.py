"""When each stage starts. Events only wake a DAG; what is pending is read from the ledger."""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetAny, AssetOrTimeSchedule, CronDataIntervalTimetable, CronTriggerTimetable, MultipleCronTriggerTimetable

from include.ratchet.dagkit import assets
from include.ratchet.dagkit.arrival import arrival
from include.ratchet.domain import specs
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.triggerspec import Cron
from include.ratchet.domain.viewspec import ViewSpec

SWEEP = "*/30 * * * *"
"""Finds what no event announced: Airflow loses asset events that arrive while one is queued, and queues none for a
paused DAG (apache/airflow#56050)."""

ALERTS = "*/10 * * * *"
"""What tasks tell at once is told before; this is for what no task sees, and for messages that could not be sent."""


def ingest(spec: FeedSpec) -> Any:
    """On arrival and by the sweep; a feed with a schedule runs by that, and its runs have the data interval that a backfill needs.

    A feed that waits for an object runs by its schedule alone: its sensor would make every other run wait, too.
    """
    if spec.schedule is None:
        return _on(None, arrival(spec))
    intervals = CronDataIntervalTimetable(spec.schedule, timezone="UTC")
    return intervals if spec.source.wait else AssetOrTimeSchedule(timetable=intervals, assets=AssetAny(arrival(spec)))


def materialize(spec: ViewSpec) -> AssetOrTimeSchedule:
    """On new clean data of the view's feeds, and by the sweep."""
    return _on(None, *(assets.clean(feed) for feed in spec.feeds))


def train(spec: ModelSpec) -> AssetOrTimeSchedule:
    """On the spec's cron and the sweep, on new clean data, on a retrain signal."""
    return _on(spec.triggers.schedule, *(assets.clean(feed) for feed in specs.all_feeds(spec)), assets.retrain(spec))


def deploy(spec: ModelSpec) -> AssetOrTimeSchedule:
    """On a blessing, and by the sweep."""
    return _on(None, assets.blessed(spec))


def rehearse(spec: ModelSpec) -> CronTriggerTimetable | None:
    """By the spec's cron alone: nothing is pending that an event could announce."""
    when = spec.deploy.rehearsal
    return CronTriggerTimetable(when.cron, timezone=when.zone) if when else None


def score(spec: ModelSpec) -> AssetOrTimeSchedule:
    """On new clean data, on a new champion, by the spec's cron and the sweep."""
    return _on(spec.score.schedule, *(assets.clean(feed) for feed in specs.all_feeds(spec)), assets.champion(spec))


def monitor(spec: ModelSpec) -> AssetOrTimeSchedule:
    """On new predictions, by the spec's cron and the sweep."""
    return _on(spec.monitor.schedule, assets.predictions(spec))


def _on(cron: Cron | None, *woken_by: Any) -> AssetOrTimeSchedule:
    crons = (cron.cron, SWEEP) if cron else (SWEEP,)
    when = MultipleCronTriggerTimetable(*crons, timezone=cron.zone if cron else "UTC")
    return AssetOrTimeSchedule(timetable=when, assets=AssetAny(*woken_by))
