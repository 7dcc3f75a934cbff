"""What the scheduler keeps of a run's end: it writes a file and waits for nothing."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from include.ratchet.dagkit.listener import RunEnds, run_end

AT = datetime(2026, 1, 1, tzinfo=UTC)
QUIET = (sys.executable, "-c", "")


class Run:
    """A DAG run, as far as the listener asks."""

    dag_id, run_id, conf = "m_train", "r1", None
    tasks: tuple[Any, ...] = ()

    def __init__(self, *states: str | None, tag: str = "ratchet", tries: int = 1) -> None:
        """Make a run with a task per state."""
        self._tag = tag
        common = {"map_index": -1, "try_number": tries, "start_date": AT, "end_date": None, "executor": None}
        Run.tasks = tuple(SimpleNamespace(task_id=f"t{n}", state=state, **common) for n, state in enumerate(states))

    def get_dag(self) -> Any:
        """Return the DAG's tags."""
        return SimpleNamespace(tags=[self._tag, "train"])

    @staticmethod
    def fetch_task_instances(dag_id: str, run_id: str) -> tuple[Any, ...]:
        """Return the tasks."""
        assert (dag_id, run_id) == ("m_train", "r1")
        return Run.tasks


def kept(folder: Path) -> list[Any]:
    """Read what lies in the folder."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


def test_a_run_end_is_a_file(tmp_path: Path) -> None:
    """Every task with state, try and times, whatever Airflow left out; nothing half written lies there."""
    RunEnds(tmp_path, QUIET).on_dag_run_failed(Run("failed", "upstream_failed"), "task_failure")
    (found,) = kept(tmp_path)
    assert (found["dag_id"], found["run_id"], found["conf"]) == ("m_train", "r1", {})
    assert [(each["task_id"], each["state"], each["ended_at"], each["executor"]) for each in found["tasks"]] == [
        ("t0", "failed", None, "LocalExecutor"),
        ("t1", "upstream_failed", None, "LocalExecutor"),
    ]
    assert found["tasks"][0]["started_at"] == AT.isoformat()
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(("state", "tag"), [("success", "ratchet"), ("failed", "other")])
def test_what_needs_no_record_is_left(tmp_path: Path, state: str, tag: str) -> None:
    """A run whose tasks have all recorded themselves, and other teams' runs."""
    RunEnds(tmp_path, QUIET).on_dag_run_failed(Run(state, tag=tag), "")
    assert kept(tmp_path) == []


def test_a_second_try_is_looked_at(tmp_path: Path) -> None:
    """The first one may have been killed, although the run ended well; so are skipped tasks."""
    listener = RunEnds(tmp_path, QUIET)
    listener.on_dag_run_success(Run("success", tries=2), "success")
    listener.on_dag_run_success(Run("success", "skipped"), "success")
    assert len(kept(tmp_path)) == 2


def test_the_scheduler_goes_on_whatever_happens(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A folder that cannot be written, a run without a DAG, a recorder that is not there: a line in the log, no error."""
    (tmp_path / "file").write_text("")
    RunEnds(tmp_path / "file" / "below", QUIET).on_dag_run_failed(Run("failed"), "")
    RunEnds(tmp_path, ("/nowhere",)).on_dag_run_failed(Run("failed"), "")
    RunEnds(tmp_path, QUIET).on_dag_run_failed(SimpleNamespace(run_id="broken"), "")
    assert caplog.text.count("was not kept for the ledger") == 3
    assert run_end(Run("failed"))["tasks"][0]["state"] == "failed"
