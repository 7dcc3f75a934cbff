"""What the service logged, for the monitor's report: errors, latency, skew; and what the champion's training cost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from include.ratchet.domain.modelspec import Columns, ModelSpec
from include.ratchet.domain.records import Json
from include.ratchet.tasks import requests
from include.ratchet.tasks.drift import personal

if TYPE_CHECKING:
    import pyarrow as pa


def answered(spec: ModelSpec, version: int, pipeline: Any, rows: pa.Table) -> Json | None:
    """Say how the service answered within the last window of its own time, by the machine's clock; None when it never did.

    Inputs are compared of the champion's own requests, for other versions have other features; personal ones are logged as hashes.
    """
    import pyarrow.compute as pc

    from include.ratchet.adapters import open_lake
    from include.ratchet.steps.answered import service, serving_skew
    from include.ratchet.steps.frames import columns_of

    lake, name = open_lake(), requests.table(spec.name)
    if lake.version(name) is None:
        return None
    since, logged = datetime.now(UTC) - spec.monitor.window, lake.dataset(name).to_table(use_threads=False)
    own = logged.filter(pc.equal(logged["model_version"], version))
    skew = serving_skew(own, rows, spec, _without(columns_of(pipeline, spec.columns), personal(spec)), since)
    return {"service": service(logged, since), "skew": skew, "sentence": _sentence(skew)}


def _without(columns: Columns, names: frozenset[str]) -> Columns:
    left = {kind: [each for each in getattr(columns, kind) if each not in names] for kind in ("numeric", "categorical")}
    return columns.model_copy(update=left)


def cost(run_id: str) -> float:
    """Return the seconds that the tasks of a training run took, all tries together."""
    from include.ratchet.adapters import open_ledger

    return round(sum((each["ended_at"] - each["started_at"]).total_seconds() for each in open_ledger().steps(run_id)), 3)


def _sentence(skew: Json) -> str:
    if not skew["rows"]:
        return "serving skew: no answered row is known to the transform yet"
    worst = ", ".join(f"{name} in {share:.1%}" for name, share in list(skew["different"].items())[:3])
    return f"serving skew: {skew['rows']} answered rows held against the transform; {'different: ' + worst if worst else 'all the same'}"
