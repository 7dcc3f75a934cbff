"""The DAG that tells people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from include.ratchet.domain.specs import PROJECT
from tests import trees
from tests.dags.reading import ALL, HOUSE, REHEARSALS


def test_it_sweeps_every_ten_minutes(bag: Any) -> None:
    """One task, that is tried again, and a page for the operator."""
    dag = bag.dags["ratchet_alerts"]
    assert list(dag.task_dict) == ["alert"]
    assert dag.timetable.expression == "*/10 * * * *"
    assert dag.max_active_runs == 1
    assert dag.task_dict["alert"].retries == 2
    assert "**When a channel is down**" in dag.doc_md


def test_what_finds_something_tells_it_at_once(bag: Any) -> None:
    """The monitor's signal and the gate's verdict tell when they end well, and every task when it failed for good."""
    for dag in bag.dags.values():
        told = {task.task_id for task in dag.tasks if task.has_on_success_callback}
        assert told == {"judge"} if dag.dag_id.endswith("_train") else told <= {"signal", "ask"}
        assert [task.task_id for task in dag.tasks if not task.has_on_failure_callback] in ([], ["approve"])


DEADLINES = """
import json, sys
from pathlib import Path
from airflow.dag_processing.dagbag import BundleDagBag
root = Path(sys.argv[1])
bag = BundleDagBag(dag_folder=root, bundle_path=root, bundle_name="ratchet")
print(json.dumps({name: [each.interval.total_seconds() / 3600 for each in dag.deadline or []] for name, dag in bag.dags.items()}))
"""


def test_runs_that_are_late_are_told(tmp_path: Path) -> None:
    """In the DAG processor every DAG has one deadline, six hours where the spec does not say another."""
    made = trees.python(DEADLINES, PROJECT, folder=tmp_path, _AIRFLOW_PROCESS_CONTEXT="client")
    assert made == {name: [6.0] for name in [*ALL, *HOUSE, *REHEARSALS]}
