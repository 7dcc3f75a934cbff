"""The topology of ingest."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag
from airflow.serialization.serialized_objects import DagSerialization

from include.ratchet.domain import specs
from tests.dags.reading import FEEDS, edges, outlets, pools, rules, woken_by
from tests.tiny import FEED_YAML, Project


@pytest.mark.parametrize("feed", FEEDS)
def test_batches_are_checked_apart_and_merged_together(bag: Any, feed: str) -> None:
    """One mapped group per batch; merge and report stand beside each other, so that a failure of either is the run's."""
    dag = bag.dags[f"{feed}_ingest"]
    assert edges(dag) == {
        "land": set(),
        "batch.check": {"land"},
        "batch.validate": {"batch.check"},
        "merge": {"batch.validate"},
        "report": {"batch.validate", "land"},
    }
    assert rules(dag) == {"merge": "all_done_min_one_success", "report": "all_done_min_one_success"}
    assert dag.get_task("batch.check").get_closest_mapped_task_group() is not None


@pytest.mark.parametrize("feed", FEEDS)
def test_only_a_merge_announces_clean_rows(bag: Any, feed: str) -> None:
    """The asset is emitted by merge, and a watcher of the source wakes the DAG."""
    dag = bag.dags[f"{feed}_ingest"]
    assert outlets(dag) == {"merge": [f"{feed}_clean"]}
    assert woken_by(dag) == {f"{feed}_arrival"}
    assert pools(dag) == {}


def test_a_feed_that_waits_begins_with_its_sensor(project: Project) -> None:
    """The deferrable sensor stands before landing, and a DAG that holds it can be kept in Airflow's database."""
    wait = FEED_YAML.replace("source: {", 'source: {wait: {key: "s3://b/visits/{{ ds }}.csv", within: 2h}, ')
    project.write(feed=wait + '    schedule: "0 6 * * *"\n')
    made = BundleDagBag(dag_folder=specs.PROJECT / "dags" / "ingest.py", bundle_path=specs.PROJECT, bundle_name="ratchet")
    dag = made.dags["visits_ingest"]
    assert {task: edges(dag)[task] for task in ("arrived", "land")} == {"arrived": set(), "land": {"arrived"}}
    assert DagSerialization.to_dict(dag)["dag"]["dag_id"] == "visits_ingest"
