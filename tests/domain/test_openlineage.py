"""Steps as OpenLineage run events."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from include.ratchet.domain.openlineage import TABLES, Lineage, run_event, run_id
from include.ratchet.domain.specs import PROJECT

BEGAN, ENDED = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 0, 1, tzinfo=UTC)


def step(**changed: Any) -> dict[str, Any]:
    """Make a step as the ledger keeps it."""
    made = {"dag_id": "delays_score", "run_id": "r1", "task_id": "score", "map_index": -1, "try_number": 1, "state": "success"}
    known = {"executor": "LocalExecutor", "bundle": "b", "code_version": "abc", "reason": ""}
    return made | known | {"started_at": BEGAN, "ended_at": ENDED, "input": "1" * 64, "output": "2" * 64} | changed


def names(datasets: list[dict[str, Any]]) -> list[str]:
    """Return what the datasets are called."""
    return [each["name"] for each in datasets]


def test_an_event_has_what_the_specification_requires() -> None:
    """Version 2-0-2: run, job, time with zone, producer, schema; every facet says who made it and by which schema."""
    event = run_event(step(), "prod", ["flights"])
    assert (event["eventType"], event["eventTime"]) == ("COMPLETE", "2026-01-01T00:01:00+00:00")
    assert event["job"] == {"namespace": "prod", "name": "delays_score.score"}
    assert event["schemaURL"] == "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
    assert event["producer"] == "urn:ratchet:abc"
    assert str(uuid.UUID(event["run"]["runId"])) == event["run"]["runId"]
    datasets = [*event["inputs"], *event["outputs"]]
    facets = [*event["run"]["facets"].values(), *(facet for each in datasets for facet in each["facets"].values())]
    assert {each["namespace"] for each in datasets} == {"prod"}
    assert {each["_producer"] for each in facets} == {"urn:ratchet:abc"}
    assert all(each["_schemaURL"].startswith("https://openlineage.io/spec/") for each in facets)
    assert len(facets) == 4, "parent, ratchet, and the versions of what was given and of the result"


def test_what_was_given_and_the_result_have_their_digests_as_versions() -> None:
    """The digests of the ledger are the versions; tables that other jobs know carry none."""
    event = run_event(step(), "prod", ["flights", "weather"])
    assert names(event["inputs"]) == ["delays_score.score.given", "clean/flights", "clean/weather", "models/delays"]
    assert names(event["outputs"]) == ["delays_score.score.result", "predictions/delays"]
    assert event["inputs"][0]["facets"]["version"]["datasetVersion"] == "1" * 64
    assert event["outputs"][0]["facets"]["version"]["datasetVersion"] == "2" * 64
    assert event["outputs"][1]["facets"] == {}


@pytest.mark.parametrize(
    ("state", "kind", "wrote"),
    [
        ("running", "START", []),
        ("success", "COMPLETE", ["delays_score.score.result", "predictions/delays"]),
        ("skipped", "COMPLETE", []),
        ("failed", "FAIL", []),
    ],
)
def test_only_what_succeeded_wrote_its_tables(state: str, kind: str, wrote: list[str]) -> None:
    """A start, a skip and a failure name no output; a start has the time of the start."""
    event = run_event(step(state=state, output="2" * 64 if state == "success" else ""), "prod")
    assert (event["eventType"], names(event["outputs"])) == (kind, wrote)
    assert event["eventTime"] == (BEGAN if kind == "START" else ENDED).isoformat()


def test_a_failure_says_why() -> None:
    """Its reason is in the standard facet."""
    facets = run_event(step(state="failed", reason="DataError: bad rows"), "prod")["run"]["facets"]
    assert (facets["errorMessage"]["message"], facets["errorMessage"]["programmingLanguage"]) == ("DataError: bad rows", "PYTHON")
    assert "errorMessage" not in run_event(step(state="skipped"), "prod")["run"]["facets"]


def test_start_and_end_of_a_try_are_one_run_and_tries_are_others() -> None:
    """The id comes from the names alone; all tasks of a DAG run have the same parent."""
    begun, ended = (run_event(step(state=each), "prod")["run"] for each in ("running", "success"))
    others = [run_event(step(**{key: 7}), "prod")["run"] for key in ("try_number", "map_index", "run_id")]
    assert begun["runId"] == ended["runId"]
    assert len({begun["runId"], *(each["runId"] for each in others)}) == 4
    parent = run_event(step(task_id="another"), "prod")["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == begun["facets"]["parent"]["run"]["runId"] == run_id("delays_score", "r1")
    assert parent["job"] == {"namespace": "prod", "name": "delays_score"}


def test_what_one_stage_reads_another_writes() -> None:
    """No table hangs in the air: a graph of the events joins the stages."""
    written = {kind for _, kinds in TABLES.values() for kind in kinds}
    assert {kind for kinds, _ in TABLES.values() for kind in kinds} - {"feeds"} <= written
    assert "clean" in written, "what `feeds` stands for"


def test_the_tasks_with_tables_are_tasks_of_the_dags() -> None:
    """A task that is renamed is renamed here too."""
    for stage, task in TABLES:
        text = (PROJECT / "dags" / f"{stage}.py").read_text(encoding="utf-8")
        assert f".{task}" in text, f"{stage}.{task}"


@pytest.mark.parametrize("wrong", [{"url": "http://x", "path": "y"}, {"url": "marquez:5000"}, {"namespace": ""}, {"timeout": 0}])
def test_a_wrong_setting_is_refused(wrong: dict[str, Any]) -> None:
    """One place, an address with its scheme, a name, a time."""
    with pytest.raises(ValidationError):
        Lineage(**wrong)
