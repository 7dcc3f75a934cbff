"""What every DAG of the bundle must be, whatever it does."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import AssetAny

from include.ratchet.dagkit.defaults import SEVERAL
from include.ratchet.domain import specs
from tests.dags import reading
from tests.dags.reading import ALL, FEEDS, MODELS, VIEWS, crons


@pytest.fixture(params=ALL)
def dag(request: pytest.FixtureRequest, bag: Any) -> Any:
    """Return one DAG after the other."""
    return bag.dags[request.param]


def test_it_says_what_it_is(dag: Any) -> None:
    """Tags for the stage and the subject, a page for the operator, and a line for the list."""
    subject, stage = dag.dag_id.rsplit("_", 1)
    assert {"ratchet", stage, subject} == set(dag.tags)
    assert "**After a failure**" in dag.doc_md
    assert "**Starts on**" in dag.doc_md
    assert dag.description


def test_it_has_an_owner(dag: Any) -> None:
    """The owner of the model or the view answers for its DAGs; feeds are the platform's."""
    subject = dag.dag_id.rsplit("_", 1)[0]
    owner = specs.model(subject).owner if subject in MODELS else specs.view(subject).owner if subject in VIEWS else "ratchet"
    assert {task.owner for task in dag.tasks} == {owner}


def test_foreign_errors_are_retried(dag: Any) -> None:
    """Every task has a retry: one that was killed, the smoke test among them, must be looked at again."""
    assert [task.task_id for task in dag.tasks if task.retries < 1] == []


def test_one_run_at_a_time_and_no_past(dag: Any) -> None:
    """Two runs would race for the same pending work; the ledger knows what is pending, so the past is not replayed.

    Of scoring and monitoring there may be more: one writes under the model's pool, the other nothing that two could spoil.
    """
    stage = dag.dag_id.rsplit("_", 1)[1]
    assert dag.max_active_runs == (SEVERAL if stage in {"score", "monitor"} else 1)
    assert dag.catchup is False


def test_it_is_woken_by_assets_and_swept_every_half_hour(dag: Any) -> None:
    """Events are lost now and then: a sweep finds what none announced."""
    assert isinstance(dag.timetable.asset_condition, AssetAny)
    assert crons(dag)[-1] == "*/30 * * * *"


def test_assets_have_one_uri_each(bag: Any) -> None:
    """A name with two URIs, or a URI with two names, makes Airflow switch an asset off."""
    known = set()
    for dag in bag.dags.values():
        known |= {(asset.name, asset.uri) for asset in reading.awaited(dag)}
        known |= {(asset.name, asset.uri) for task in dag.tasks for asset in task.outlets}
    assert len(known) == len(dict(known)) == len({uri for _, uri in known})
    assert len(known) == 2 * len(FEEDS) + 4 * len(MODELS)


def test_every_asset_that_wakes_is_emitted_somewhere(bag: Any) -> None:
    """No DAG waits for an event that nobody sends; arrivals come from their watchers."""
    sent = {asset.name for dag in bag.dags.values() for task in dag.tasks for asset in task.outlets}
    awaited = {name for dag in bag.dags.values() for name in reading.woken_by(dag)}
    assert awaited - sent == {f"{feed}_arrival" for feed in FEEDS}
    assert sent <= awaited


def test_no_dag_has_a_loop_or_a_stray_task(bag: Any) -> None:
    """Every task is reached from the one that begins."""
    for dag in bag.dags.values():
        assert len(dag.roots) == 1, dag.dag_id
        assert {dag.roots[0].task_id} | set(dag.roots[0].get_flat_relative_ids(upstream=False)) == set(dag.task_ids)
