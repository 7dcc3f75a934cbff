"""Remove what has had its time, by the `retention` of `ratchet.yaml`; never what a registered version or the next run needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.records import Json, Snapshot
from include.ratchet.domain.retention import needed_versions, spent_bytes, spent_files
from include.ratchet.domain.sagemakerspec import transform_of

if TYPE_CHECKING:
    from include.ratchet.domain.ports import Lake

WRITERS_LIVE = timedelta(days=1)
"""A part, a staged file or an upload that is older belongs to a process that died: no task runs that long."""

JOBS_LIVE = timedelta(days=7)
"""What a transform job read and wrote is taken within hours; what is older belongs to one that failed, or came too late."""


def retain() -> Json:
    """Clean tables, snapshots, raw bytes and leftovers; safe beside everything else that runs.

    Returns:
        How many files went, by kind.

    Raises:
        DataError: A version that a model was trained on is no longer readable; of that table nothing was removed.
        LedgerError: A registered version names a snapshot that the ledger does not know.
    """
    from include.ratchet.adapters import open_lake, open_landing
    from include.ratchet.domain.config import load_config

    keep, at = load_config().retention, datetime.now(UTC)
    lake = open_lake()
    snapshots = _of_registered()  # first: what they need is known before anything is removed
    needed = needed_versions(snapshots)
    tables = {table: lake.clean(table, needed.get(table.removeprefix("clean/"), ()), keep.versions) for table in lake.tables()}
    places = {place for each in [*snapshots, *_newest_judged()] for place in (each.place, each.memory)}
    return {
        "table files": sum(tables.values()),
        "snapshots": _drop(lake, "snapshots", at - keep.snapshots, places),
        "raw": _bytes(at - keep.raw) if keep.raw is not None else 0,
        "staged": _drop(lake, "staged", at - WRITERS_LIVE, _staged()),
        "work": _drop(lake, "_work", at - keep.work),
        "unfinished": len(lake.abort(at - WRITERS_LIVE)) + len(open_landing().abort(at - WRITERS_LIVE)),
        "transforms": _drop(lake, "transforms", at - JOBS_LIVE) + _discard(at - JOBS_LIVE),  # last: AWS may not answer
    }


def _of_registered() -> list[Snapshot]:
    """Return the snapshots of all registered versions, of models that have no spec any more too."""
    from include.ratchet.adapters import open_ledger, open_registry

    ledger, registry = open_ledger(), open_registry()
    versions = [version for model in registry.models() for version in registry.versions(model)]
    return [ledger.get_snapshot(version.tags["ratchet.snapshot"]) for version in versions]


def _newest_judged() -> list[Snapshot]:
    """Return the snapshot of each model's newest verdict: the next run reads in it which rows were trained on and tested."""
    from include.ratchet.adapters import open_ledger, open_registry

    ledger = open_ledger()
    newest = [ledger.verdicts(model, 1) for model in {*open_registry().models(), *specs.names("models")}]
    return [ledger.get_snapshot(verdict.figures["snapshot"]) for (verdict,) in filter(None, newest) if "snapshot" in verdict.figures]


def _bytes(before: datetime) -> int:
    from include.ratchet.adapters import open_landing, open_ledger

    ledger, landing, gone = open_ledger(), open_landing(), 0
    for feed in specs.names("feeds"):
        if specs.feed(feed).source.watermark:
            continue  # what has landed is taken out of the next window, and of any backfill's: all of it is needed
        spent = set(spent_bytes(ledger.batches(feed), before))
        for sha in spent.intersection(landing.held(feed) if spent else ()):
            landing.drop(feed, sha)
            gone += 1
    return gone


def _discard(before: datetime) -> int:
    from include.ratchet.adapters import open_transforms

    scored_there = [spec for spec in map(specs.model, specs.names("models")) if transform_of(spec.deploy.sagemaker)]
    return sum(open_transforms(spec).discard(before) for spec in scored_there)


def _staged() -> set[str]:
    """Name the staged files of batches that are still on their way."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    waiting = [(feed, batch.write_id) for feed in specs.names("feeds") for batch in ledger.batches(feed) if batch.status != "merged"]
    return {f"staged/{feed}/{name}.{part}.parquet" for feed, name in waiting for part in ("clean", "quarantine")}


def _drop(lake: Lake, folder: str, before: datetime, needed: set[str] | None = None) -> int:
    names = spent_files(lake.files(folder), before, needed or ())
    lake.drop(*names)
    return len(names)
