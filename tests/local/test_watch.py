"""What Airflow does now, in few words; and what failed, with the end of its log."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from include.ratchet.domain.config import Config
from include.ratchet.local import watch
from include.ratchet.local.watch import Run
from tests.local.conftest import FakeAirflow

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def _run(dag: str, state: str = "running", run: str = "r1", minutes: int = 0) -> dict[str, Any]:
    ended = (NOON + timedelta(minutes=minutes)).isoformat() if state in {"success", "failed"} else None
    return {"dag_id": dag, "dag_run_id": run, "state": state, "start_date": NOON.isoformat(), "end_date": ended}


def _task(task: str, state: str, index: int = -1) -> dict[str, Any]:
    return {"dag_id": "m_train", "dag_run_id": "r1", "task_id": task, "state": state, "map_index": index, "try_number": 2}


def test_a_run_names_the_tasks_at_work(fake_airflow: FakeAirflow) -> None:
    """Mapped tasks carry their index; what is not running says how it waits."""
    fake_airflow.pages["/dags/~/dagRuns"] = {"dag_runs": [_run("m_train"), _run("m_score", "success", minutes=1)]}
    tasks = [_task("fit", "running", 1), _task("judge", "up_for_retry")]
    fake_airflow.pages["/dags/~/dagRuns/~/taskInstances"] = {"task_instances": tasks}
    train, score = watch.latest_runs(fake_airflow.client())
    assert train.tasks == ("fit[1]", "judge (up for retry)")
    assert (score.tasks, score.seconds) == ((), 60.0)


def test_of_each_dag_the_run_at_work_is_shown() -> None:
    """A DAG's newest run may wait for an older one that is at work."""
    runs = [Run("b", "2", "queued", None, None), Run("b", "1", "running", NOON, None), Run("a", "1", "success", NOON, NOON)]
    assert [(run.dag, run.id) for run in watch.newest_of_each(runs)] == [("a", "1"), ("b", "1")]


def test_a_run_that_has_not_begun_took_no_time() -> None:
    """A queued run has no start."""
    assert Run("a", "1", "queued", None, None).seconds == 0.0


def test_a_failure_shows_the_end_of_the_task_s_log(fake_airflow: FakeAirflow, config: Config) -> None:
    """Airflow logs JSON; a person reads level, text, and the error's type and message."""
    log = config.folder / "logs/tasks/dag_id=m_train/run_id=r1/task_id=fit/map_index=0/attempt=2.log"
    log.parent.mkdir(parents=True)
    line = {"level": "error", "event": "Task failed", "error_detail": [{"exc_type": "DataError", "exc_value": "no rows"}]}
    log.write_text(f"plain\n{json.dumps(line)}\n")
    tasks = {"task_instances": [_task("fit", "failed", 0), _task("judge", "upstream_failed")]}
    fake_airflow.pages["/dags/m_train/dagRuns/r1/taskInstances"] = tasks
    runs = [Run("m_train", "r1", "failed", NOON, NOON)]
    [failed] = watch.failures(fake_airflow.client(), config, runs, NOON - timedelta(minutes=1))
    assert str(failed) == f"m_train.fit failed in run r1\n  log: {log}\n    plain\n    error Task failed; DataError: no rows"


def test_failures_from_before_are_not_this_demo_s(fake_airflow: FakeAirflow, config: Config) -> None:
    """A demo that resumes does not stumble over what failed yesterday and was mended."""
    runs = [Run("m_train", "r1", "failed", NOON, NOON)]
    assert watch.failures(fake_airflow.client(), config, runs, NOON + timedelta(seconds=1)) == []
