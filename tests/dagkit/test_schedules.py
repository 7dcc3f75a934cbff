"""When each stage starts: by its spec's cron, by the sweep, and by what wakes it."""

from __future__ import annotations

from typing import Any

import pytest

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
    """By arrival, by the feed's own cron, and by the sweep."""
    assert project.include.exists()
    assert _names(schedules.ingest(specs.feed(FEED))) == ["visits_arrival"]
    project.write(feed=FEED_YAML + '    schedule: "15 * * * *"\n')
    assert [cron for cron, _ in _crons(schedules.ingest(specs.feed(FEED)))] == ["15 * * * *", "*/30 * * * *"]
