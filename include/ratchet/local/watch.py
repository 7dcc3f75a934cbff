"""What Airflow is doing now, read from its REST API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from include.ratchet.domain.config import Config
from include.ratchet.local.api import Airflow
from include.ratchet.local.processes import tail

_FAILED = ("failed", "upstream_failed")


@dataclass(frozen=True)
class Run:
    """One DAG run: its state, what of it is at work, and when it began and ended (UTC)."""

    dag: str
    id: str
    state: str
    started: datetime | None
    ended: datetime | None
    tasks: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """How long it has run, or ran [s]."""
        return ((self.ended or datetime.now(UTC)) - self.started).total_seconds() if self.started else 0.0


@dataclass(frozen=True)
class FailedTask:
    """A task that gave up: which, and the end of its log."""

    dag: str
    run: str
    task: str
    log: str
    end: str

    def __str__(self) -> str:
        """Say what failed, where its log is, and how the log ends."""
        return f"{self.dag}.{self.task} failed in run {self.run}\n  log: {self.log}\n{self.end}"


def latest_runs(airflow: Airflow) -> list[Run]:
    """Return the newest runs, newest first, with what is at work in each."""
    at_work: dict[tuple[str, str], list[str]] = {}
    for task in airflow.tasks("~", "~", "running", "queued", "up_for_retry", "deferred"):
        at_work.setdefault((task["dag_id"], task["dag_run_id"]), []).append(_named(task))
    return [_run(each, at_work.get((each["dag_id"], each["dag_run_id"]), [])) for each in airflow.runs()]


def newest_of_each(runs: Sequence[Run]) -> list[Run]:
    """Keep one run per DAG: one at work if there is one, else the newest; in the order of the DAGs' names."""
    found: dict[str, Run] = {}
    for run in runs:
        if run.dag not in found or (run.state == "running" and found[run.dag].state != "running"):
            found[run.dag] = run
    return [found[dag] for dag in sorted(found)]


def failures(airflow: Airflow, config: Config, runs: Sequence[Run], since: datetime) -> list[FailedTask]:
    """Return the tasks that failed in runs that ended after `since`."""
    failed = []
    for run in runs:
        if run.state == "failed" and run.ended and run.ended >= since:
            tasks = airflow.tasks(run.dag, run.id, *_FAILED)
            # What did not run because another failed explains nothing.
            failed += [_failed(config, each) for each in tasks if each["state"] == "failed"]
    return failed


def _run(content: dict[str, Any], tasks: list[str]) -> Run:
    return Run(
        content["dag_id"], content["dag_run_id"], content["state"], _time(content["start_date"]), _time(content["end_date"]), tuple(tasks)
    )


def _named(task: dict[str, Any]) -> str:
    name = task["task_id"] if task["map_index"] < 0 else f"{task['task_id']}[{task['map_index']}]"
    return name if task["state"] == "running" else f"{name} ({task['state'].replace('_', ' ')})"


def _failed(config: Config, task: dict[str, Any]) -> FailedTask:
    mapped = f"map_index={task['map_index']}/" if task["map_index"] >= 0 else ""
    relative = f"dag_id={task['dag_id']}/run_id={task['dag_run_id']}/task_id={task['task_id']}/{mapped}attempt={task['try_number']}.log"
    path = config.folder / "logs" / "tasks" / relative
    lines = [_readable(line) for line in tail(Path(path), 12).splitlines()]
    return FailedTask(task["dag_id"], task["dag_run_id"], task["task_id"], str(path), "\n".join(f"    {line}" for line in lines if line))


def _readable(line: str) -> str:
    """Turn a line of Airflow's JSON log into text; an error keeps its type and message."""
    try:
        content = json.loads(line)
    except json.JSONDecodeError:
        return line
    errors = [f"{each['exc_type']}: {each['exc_value']}" for each in content.get("error_detail") or ()]
    return "; ".join([f"{content.get('level', '')} {content.get('event', '')}".strip(), *errors])[:2000]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
