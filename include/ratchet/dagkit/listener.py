"""Tell the ledger what no task body could: killed tries, and tasks that the scheduler skipped or never started.

When a run ends, its tasks' states are laid into a folder, and a process of its own brings them into the ledger. The
scheduler imports nothing of ours and waits for nothing: LocalExecutor's workers are its forks, and would find our
modules loaded from here instead of from their bundle. `plugins/ratchet.py` loads this file by its path for that reason.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from airflow.listeners import hookimpl
from airflow.sdk.configuration import conf

PROJECT = Path(__file__).resolve().parents[3]
RECORDER = (sys.executable, "-m", "include.ratchet.tasks.ends")
OURS = "ratchet"
"""The tag of our DAGs: other teams' are not recorded."""
_log = logging.getLogger(__name__)


class RunEnds:
    """What Airflow calls in the scheduler, and in the API server where somebody ends a run by hand."""

    def __init__(self, folder: Path | None = None, recorder: tuple[str, ...] = RECORDER) -> None:
        """Lay run ends into `folder`, AIRFLOW_HOME's by default: what could not be recorded waits there for the next."""
        self._folder = folder or Path(os.environ.get("AIRFLOW_HOME", "~/airflow")).expanduser() / "ratchet_run_ends"
        self._recorder = recorder
        self._running: subprocess.Popen[bytes] | None = None

    @hookimpl
    def on_dag_run_success(self, dag_run: Any, msg: str) -> None:  # noqa: ARG002 - Airflow's names
        """A run ended well: some of its tasks may have been skipped, or killed and tried again."""
        self._keep(dag_run)

    @hookimpl
    def on_dag_run_failed(self, dag_run: Any, msg: str) -> None:  # noqa: ARG002 - Airflow's names
        """A run failed."""
        self._keep(dag_run)

    def _keep(self, dag_run: Any) -> None:
        try:
            if OURS in dag_run.get_dag().tags:
                content = run_end(dag_run)
                if any(each["state"] != "success" or each["try_number"] > 1 for each in content["tasks"]):
                    self._hand_over(content)
        except Exception:  # noqa: BLE001 - whatever it is, the scheduler goes on
            _log.exception("the end of run %s was not kept for the ledger", getattr(dag_run, "run_id", "?"))

    def _hand_over(self, content: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f".{time.time_ns()}-{os.getpid()}.part"
        part.write_text(json.dumps(content), encoding="utf-8")
        part.rename(self._folder / part.name.strip(".").replace(".part", ".json"))
        if self._running is None or self._running.poll() is not None:  # one that runs takes this one along
            self._running = subprocess.Popen([*self._recorder, str(self._folder)], cwd=PROJECT, stdin=subprocess.DEVNULL)  # noqa: S603 - our own module


def run_end(dag_run: Any) -> dict[str, Any]:
    """Return what the ledger needs to know of a run's tasks."""
    # The scheduler's session has states that are not committed; under `dag.test()` there is none, and Airflow opens one.
    session = getattr(getattr(dag_run, "_sa_instance_state", None), "session", None)
    found = type(dag_run).fetch_task_instances(dag_run.dag_id, dag_run.run_id, **({"session": session} if session else {}))
    executor = conf.get("core", "executor")
    tasks = [
        {
            "task_id": each.task_id,
            "map_index": each.map_index,
            "try_number": each.try_number,
            "state": str(getattr(each.state, "value", each.state)),
            "started_at": each.start_date.isoformat() if each.start_date else None,
            "ended_at": each.end_date.isoformat() if each.end_date else None,
            "executor": each.executor or executor,
        }
        for each in found
    ]
    return {"dag_id": dag_run.dag_id, "run_id": dag_run.run_id, "conf": dag_run.conf or {}, "tasks": tasks}
