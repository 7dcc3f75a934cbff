"""What the tests of the DAG files look at."""

from __future__ import annotations

from typing import Any

from include.ratchet.domain import specs

STAGES = ("train", "deploy", "score", "monitor")
MODELS, FEEDS, VIEWS = (specs.names(kind) for kind in ("models", "feeds", "views"))
ALL = sorted(
    [f"{name}_{stage}" for name in MODELS for stage in STAGES]
    + [f"{name}_ingest" for name in FEEDS]
    + [f"{name}_materialize" for name in VIEWS]
)
REHEARSALS = [f"{name}_rehearse" for name in MODELS]
"""DAGs that a clock alone wakes: nothing is pending that an event could announce."""
HOUSE = ["ratchet_alerts"]
"""DAGs that are about no one spec."""


def edges(dag: Any) -> dict[str, set[str]]:
    """Return each task's direct upstream tasks."""
    return {task.task_id: set(task.upstream_task_ids) for task in dag.tasks}


def outlets(dag: Any) -> dict[str, list[str]]:
    """Return the names of the assets that each task emits, where it emits any."""
    return {task.task_id: [each.name for each in task.outlets] for task in dag.tasks if task.outlets}


def pools(dag: Any) -> dict[str, str]:
    """Return the pool of each task that does not run in the default one."""
    return {task.task_id: task.pool for task in dag.tasks if task.pool != "default_pool"}


def rules(dag: Any) -> dict[str, str]:
    """Return the trigger rule of each task that does not wait for all to succeed."""
    return {task.task_id: str(task.trigger_rule.value) for task in dag.tasks if task.trigger_rule.value != "all_success"}


def awaited(dag: Any) -> tuple[Any, ...]:
    """Return the assets any of which wakes a DAG; none of one that goes by the clock alone."""
    return tuple(getattr(dag.timetable.asset_condition, "objects", ()))


def crons(dag: Any) -> list[str]:
    """Return the cron expressions that start a DAG."""
    return [each.expression for each in dag.timetable.timetable.timetables]


def woken_by(dag: Any) -> set[str]:
    """Return the names of the assets that wake a DAG."""
    return {asset.name for asset in awaited(dag)}
