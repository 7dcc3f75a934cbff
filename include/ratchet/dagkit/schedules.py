"""When each stage starts. Events only wake a DAG; what is pending is read from the ledger."""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetAny, AssetOrTimeSchedule, CronTriggerTimetable

from include.ratchet.dagkit import assets
from include.ratchet.dagkit.arrival import arrival
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.modelspec import Cron, ModelSpec

SWEEP = Cron(cron="*/30 * * * *")
"""Airflow loses asset events that arrive while one is queued, and queues none for a paused DAG (issue 56050)."""


def ingest(spec: FeedSpec) -> AssetOrTimeSchedule:
    """On arrival, and by the spec's cron or the sweep."""
    return _on(Cron(cron=spec.schedule) if spec.schedule else None, arrival(spec))


def train(spec: ModelSpec) -> AssetOrTimeSchedule:
    """On the spec's cron (else the sweep's), on new clean data, on a retrain signal."""
    return _on(spec.triggers.schedule, *(assets.clean(feed) for feed in spec.feeds), assets.retrain(spec))


def deploy(spec: ModelSpec) -> AssetOrTimeSchedule:
    """On a blessing, and by the sweep."""
    return _on(None, assets.blessed(spec))


def score(spec: ModelSpec) -> AssetOrTimeSchedule:
    """On new clean data, on a new champion, and by the spec's cron or the sweep."""
    return _on(spec.score.schedule, *(assets.clean(feed) for feed in spec.feeds), assets.champion(spec))


def monitor(spec: ModelSpec) -> AssetOrTimeSchedule:
    """On new predictions, and by the spec's cron or the sweep."""
    return _on(spec.monitor.schedule, assets.predictions(spec))


def _on(cron: Cron | None, *woken_by: Any) -> AssetOrTimeSchedule:
    when = cron or SWEEP
    return AssetOrTimeSchedule(timetable=CronTriggerTimetable(when.cron, timezone=when.zone), assets=AssetAny(*woken_by))
