"""When each stage starts: by its spec's cron, by the sweep, and by what wakes it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pendulum
import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG, CronDataIntervalTimetable
from airflow.serialization.serialized_objects import DagSerialization

from include.ratchet.dagkit import schedules
from include.ratchet.domain import specs
from tests.tiny import FEED, FEED_YAML, MODEL, MODEL_YAML, Project


def _crons(schedule: Any) -> list[tuple[str, str]]:
    return [(each.expression, str(each.timezone)) for each in schedule.timetable.timetables]


def _names(schedule: Any) -> list[str]:
    return [asset.name for asset in schedule.asset_condition.objects]


@pytest.mark.parametrize(
    ("stage", "woken_by"),
    [
        ("train", ["visits_clean", "buys_retrain"]),
        ("deploy", ["buys_blessed"]),
        ("score", ["visits_clean", "buys_champion"]),
        ("monitor", ["buys_predictions"]),
    ],
)
def test_a_stage_is_swept_and_woken(project: Project, stage: str, woken_by: list[str]) -> None:
    """Without a cron of its own the sweep is all that the clock starts."""
    assert project.include.exists()
    made = getattr(schedules, stage)(specs.model(MODEL))
    assert _crons(made) == [("*/30 * * * *", "UTC")]
    assert _names(made) == woken_by


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        ("train", ("    triggers:\n", "    triggers:\n      schedule: {cron: '0 3 * * 1', zone: Europe/Paris}\n")),
        ("score", ("    deploy:", "    score: {schedule: {cron: '0 3 * * 1', zone: Europe/Paris}}\n    deploy:")),
        ("monitor", ("monitor: {window: 7d}", "monitor: {window: 7d, schedule: {cron: '0 3 * * 1', zone: Europe/Paris}}")),
    ],
)
def test_the_specs_cron_is_in_its_zone_beside_the_sweep(project: Project, stage: str, text: tuple[str, str]) -> None:
    """A weekly schedule does not make lost events wait a week."""
    project.write(model=MODEL_YAML.replace(*text))
    assert _crons(getattr(schedules, stage)(specs.model(MODEL))) == [("0 3 * * 1", "Europe/Paris"), ("*/30 * * * *", "Europe/Paris")]


def test_ingest_is_woken_by_its_watcher(project: Project) -> None:
    """By arrival, and by the sweep."""
    assert project.include.exists()
    made = schedules.ingest(specs.feed(FEED))
    assert _names(made) == ["visits_arrival"]
    assert _crons(made) == [("*/30 * * * *", "UTC")]


def test_a_feed_with_a_schedule_can_be_backfilled(project: Project) -> None:
    """Its runs have intervals that follow on each other, which a range of days is cut into; arrival wakes it still."""
    project.write(feed=FEED_YAML + '    schedule: "0 6 * * *"\n')
    made = schedules.ingest(specs.feed(FEED))
    with DAG("visits_ingest", schedule=made, start_date=datetime(2020, 1, 1, tzinfo=UTC)) as dag:
        EmptyOperator(task_id="land")
    days = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    first, last = (pendulum.datetime(2020, 3, day, 6) for day in (1, 3))
    found = [each.data_interval for each in days.iter_dagrun_infos_between(first, last) if each.data_interval]
    assert [(each.start.day, each.end.day, (each.end - each.start).total_hours()) for each in found] == [(1, 2, 24), (2, 3, 24), (3, 4, 24)]
    assert days.timetable.periodic
    assert _names(made) == ["visits_arrival"]


def test_a_feed_that_waits_runs_by_its_schedule_alone(project: Project) -> None:
    """A run that nothing scheduled would wait for an object of no day."""
    wait = FEED_YAML.replace('uri: "landing', 'wait: {key: "s3://b/{{ ds }}.csv"}, uri: "landing')
    project.write(feed=wait + '    schedule: "0 6 * * *"\n')
    assert isinstance(schedules.ingest(specs.feed(FEED)), CronDataIntervalTimetable)
