"""Steps of the ledger as OpenLineage run events, and who is told of them: the `lineage:` part of `ratchet.yaml`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence

from pydantic import Field, model_validator

from include.ratchet.domain.records import Json
from include.ratchet.domain.strict import Strict

SPEC = "https://openlineage.io/spec"
CORE = f"{SPEC}/2-0-2/OpenLineage.json#/$defs"
TYPES = {"running": "START", "success": "COMPLETE", "skipped": "COMPLETE"}
"""A skipped task did what it should; its reason is in the facet `ratchet`. Whatever else ended has failed."""
TABLES: dict[tuple[str, str], tuple[tuple[str, ...], tuple[str, ...]]] = {
    ("ingest", "land"): ((), ("raw",)),
    ("ingest", "merge"): (("raw",), ("clean", "quarantine")),
    ("train", "snapshot"): (("feeds",), ("snapshots",)),
    ("train", "fit"): (("snapshots",), ()),
    ("train", "register"): (("snapshots",), ("models",)),
    ("train", "judge"): (("models", "snapshots"), ()),
    ("score", "score"): (("feeds", "models"), ("predictions",)),
    ("monitor", "ship"): ((), ("requests",)),
    ("monitor", "measure"): (("feeds", "predictions", "requests"), ()),
    ("materialize", "materialize"): (("feeds",), ("online",)),
}
"""What a stage's task reads and writes, below the DAG's subject; `feeds` are the clean tables of all feeds of the subject."""


class Lineage(Strict):
    """Who is told of every task by OpenLineage events; nobody, when both places are left out."""

    url: str = Field("", pattern=r"^(https?://.+)?$")
    """Where events are posted, `http://marquez:5000/api/v1/lineage`."""
    path: str = ""
    """A file to which events are appended, one a line."""
    connection: str = ""
    """Id of the connection whose password is the bearer token."""
    namespace: str = Field("ratchet", min_length=1)
    timeout: float = Field(3, gt=0)
    """Seconds that a task waits for the receiver, twice at most: when it starts and when it ends."""

    @model_validator(mode="after")
    def _one_place(self) -> Lineage:
        if self.url and self.path:
            message = "found url and path; allowed is one of them"
            raise ValueError(message)
        return self


def run_event(step: Json, namespace: str, feeds: Sequence[str] = ()) -> Json:
    """Return the event of a step, by version 2-0-2 of the specification.

    Args:
        step: What the ledger keeps of a try of a task; while it runs its state is `running`, and it has no `ended_at`.
        namespace: Of the jobs and the datasets.
        feeds: Whose clean tables the DAG's subject reads.
    """
    job, producer = f"{step['dag_id']}.{step['task_id']}", f"urn:ratchet:{step['code_version']}"
    ended = TYPES.get(step["state"], "FAIL")
    ids = {"runId": run_id(step["dag_id"], step["run_id"], step["task_id"], step["map_index"], step["try_number"])}
    inputs, outputs = _tables(step, feeds)
    given = [_dataset(namespace, f"{job}.given", producer, step["input"])] if step.get("input") else []
    result = [_dataset(namespace, f"{job}.result", producer, step["output"])] if step.get("output") else []
    wrote = outputs if step["state"] == "success" else ()
    return {
        "eventType": ended,
        "eventTime": (step["started_at"] if ended == "START" else step["ended_at"]).isoformat(),
        "run": ids | {"facets": dict(_facets(step, namespace, producer))},
        "job": {"namespace": namespace, "name": job},
        "inputs": [*given, *(_dataset(namespace, name, producer) for name in inputs)],
        "outputs": [*result, *(_dataset(namespace, name, producer) for name in wrote)],
        "producer": producer,
        "schemaURL": f"{CORE}/RunEvent",
    }


def run_id(*parts: object) -> str:
    """Return the UUID of a run: the same parts, the same UUID, so that start and end need not know of each other."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, "urn:ratchet:" + "\x1f".join(str(part) for part in parts)))


def _facets(step: Json, namespace: str, producer: str) -> Iterator[tuple[str, Json]]:
    parent = {"run": {"runId": run_id(step["dag_id"], step["run_id"])}, "job": {"namespace": namespace, "name": step["dag_id"]}}
    yield "parent", _facet(producer, f"{SPEC}/facets/1-0-1/ParentRunFacet.json#/$defs/ParentRunFacet", **parent)
    wanted = ("run_id", "state", "reason", "executor", "bundle", "code_version", "map_index", "try_number")
    yield "ratchet", _facet(producer, f"{CORE}/RunFacet", **{name: step.get(name) for name in wanted})
    if TYPES.get(step["state"], "FAIL") == "FAIL":
        said = {"message": step["reason"], "programmingLanguage": "PYTHON"}
        yield "errorMessage", _facet(producer, f"{SPEC}/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet", **said)


def _tables(step: Json, feeds: Sequence[str]) -> tuple[list[str], list[str]]:
    subject, _, stage = step["dag_id"].rpartition("_")
    read, written = TABLES.get((stage, step["task_id"]), ((), ()))
    names = [f"clean/{feed}" for feed in feeds] if "feeds" in read else []
    return [*names, *(f"{kind}/{subject}" for kind in read if kind != "feeds")], [f"{kind}/{subject}" for kind in written]


def _dataset(namespace: str, name: str, producer: str, version: str = "") -> Json:
    schema = f"{SPEC}/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
    facets = {"version": _facet(producer, schema, datasetVersion=version)} if version else {}
    return {"namespace": namespace, "name": name, "facets": facets}


def _facet(producer: str, schema: str, **content: object) -> Json:
    return {"_producer": producer, "_schemaURL": schema, **content}
