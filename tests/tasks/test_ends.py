"""What the ledger learns of tasks that recorded nothing themselves."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import Skip
from include.ratchet.domain.specs import PROJECT
from include.ratchet.tasks import ends
from include.ratchet.tasks.seam import run_task


def task(name: str, state: str, tries: int = 1, map_index: int = -1) -> dict[str, Any]:
    """Describe a task as the listener does."""
    at = "2026-01-01T00:00:00+00:00"
    times = {"started_at": None if state == "upstream_failed" else at, "ended_at": at}
    return {"task_id": name, "map_index": map_index, "try_number": tries, "state": state, "executor": "LocalExecutor", **times}


def run(*tasks: dict[str, Any]) -> dict[str, Any]:
    """Describe a run."""
    return {"dag_id": "m_train", "run_id": "r1", "conf": {"reason": "x"}, "tasks": list(tasks)}


def recorded() -> list[tuple[str, int, int, str]]:
    """Return what the ledger has."""
    return [(each["task_id"], each["map_index"], each["try_number"], each["state"]) for each in open_ledger().steps("r1")]


def _skip() -> None:
    raise Skip("nothing to do")


@pytest.mark.usefixtures("home")
def test_a_failed_task_that_is_cleared_and_skipped_is_no_failure_any_more() -> None:
    """The skip has the failed try's number in Airflow; it is recorded once, beside it, and the alert clears."""
    now = datetime.now(UTC)
    failed = task("promote", "failed") | {"started_at": now.isoformat(), "ended_at": now.isoformat()}
    ends.record(run(failed))
    assert [each["task_id"] for each in open_ledger().failing(["m_train"], now - timedelta(days=7))] == ["promote"]
    for _ in range(2):
        ends.record(run(failed | {"state": "skipped"}))
    assert recorded() == [("promote", -1, 1, "failed"), ("promote", -1, -1, "skipped")]
    assert open_ledger().failing(["m_train"], now - timedelta(days=7)) == []


@pytest.mark.usefixtures("home")
def test_only_what_left_no_record_is_added() -> None:
    """A killed try, what was skipped and what never started are added; what a body recorded is there once."""
    for body, name in ((_skip, "arbitrate"), (dict, "fit")):
        with contextlib.suppress(Skip):
            run_task(TaskContext("m_train", "r1", name, 0 if name == "fit" else -1, 2 if name == "fit" else 1), body)
    end = run(
        task("arbitrate", "skipped"),
        task("fit", "success", 2, 0),
        task("fit", "failed", 3, 1),
        task("register", "upstream_failed", 0),
        task("judge", "skipped", 0),
        task("waiting", "None", 0),
    )
    ends.record(end)
    assert sorted(recorded()) == [
        ("arbitrate", -1, 1, "skipped"),
        ("fit", 0, 1, "failed"),
        ("fit", 0, 2, "success"),
        ("fit", 1, 1, "failed"),
        ("fit", 1, 2, "failed"),
        ("fit", 1, 3, "failed"),
        ("judge", -1, 1, "skipped"),
        ("register", -1, 1, "upstream_failed"),
    ]
    said = {each["task_id"]: each["reason"] for each in open_ledger().steps("r1")}
    assert (said["fit"], said["register"], said["judge"]) == (ends.KILLED, "an earlier task failed", "an earlier task was skipped")
    assert ends.record(end) == []


@pytest.mark.usefixtures("home")
def test_the_process_takes_all_that_waits(tmp_path: Path) -> None:
    """Every file is recorded and removed; one that is only half written is left alone."""
    folder = tmp_path / "ends"
    folder.mkdir()
    for number in range(2):
        (folder / f"{number}.json").write_text(json.dumps(run(task(f"t{number}", "skipped"))))
    (folder / ".2.part").write_text("{")
    subprocess.run([sys.executable, "-m", "include.ratchet.tasks.ends", str(folder)], cwd=PROJECT, env=dict(os.environ), check=True)
    assert [name for name, *_ in recorded()] == ["t0", "t1"]
    assert [path.name for path in folder.iterdir()] == [".2.part"]


@pytest.mark.usefixtures("home")
def test_what_cannot_be_recorded_waits(tmp_path: Path) -> None:
    """A ledger that is not there now may be there at the next run's end: the file stays."""
    folder = tmp_path / "ends"
    folder.mkdir()
    (folder / "0.json").write_text(json.dumps(run(task("t", "skipped")) | {"dag_id": None}))
    with pytest.raises(Exception, match="dag_id"):
        ends.record_all(folder)
    assert (folder / "0.json").exists()
