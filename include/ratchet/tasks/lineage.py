"""Which data trained a version: tables at their versions, down to batches and the files they came from."""

from __future__ import annotations

from include.ratchet.domain import specs
from include.ratchet.domain.records import Json
from include.ratchet.tasks import reading


def trained_on(model: str, version: int) -> Json:
    """Trace a registered version to its data.

    Args:
        model: The model.
        version: One of its registered versions.

    Returns:
        The snapshot's digest, window and row count, and per table its version and its batches: SHA-256, origin,
        when it landed, and how many rows of it the table held at that version.

    Raises:
        RegistryError: There is no such version.
        DataError: A table no longer has the version that the snapshot names.
    """
    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.transform import rows_by_batch

    specs.model(model)
    ledger, lake = open_ledger(), open_lake()
    snapshot = reading.snapshot_of(model, version)
    tables = []
    for feed, at in sorted(snapshot.tables.items()):
        known = {each.sha: each for each in ledger.batches(feed)}
        batches = [
            {"sha": sha, "uri": known[sha].uri, "landed_at": known[sha].landed_at.isoformat(), "rows": rows}
            for sha, rows in rows_by_batch(lake.dataset(f"clean/{feed}", at)).items()
        ]
        tables.append({"feed": feed, "version": at, "batches": sorted(batches, key=lambda each: str(each["landed_at"]))})
    window = snapshot.window.to_json()
    return {"model": model, "version": version, "snapshot": snapshot.digest, "window": window, "rows": snapshot.rows, "tables": tables}
