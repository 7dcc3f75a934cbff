"""Body that pins a training run's data, and how the tasks after it read it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Snapshot, Window, digest
from include.ratchet.tasks import leakage, reading

if TYPE_CHECKING:
    import pyarrow as pa


def snapshot(run: Json) -> list[Json]:
    """Pin the versions of all tables, transform them, and keep the labelled rows as one immutable file.

    Returns one job per candidate: the snapshot's reference, and the candidate to fit on it.

    Raises:
        Skip: The data does not reach back far enough yet, and nobody asked for this run by hand.
    """
    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.folds import folds
    from include.ratchet.steps.frames import check_trainable, labelled, split
    from include.ratchet.steps.transform import content_digest

    spec, window = specs.model(run["model"], training=run.get("training")), Window.from_json(run["window"])
    tables = reading.versions(spec)
    rows = labelled(reading.transformed(spec, tables, window if spec.columns.time else None, _of_champion(spec)), spec)
    check_trainable(rows, spec)
    if current().run_type != "manual":  # who asks by hand is told what is wrong, as an error
        _require_history(rows, spec, window)
    parts = split(rows, spec, window)
    leakage.require_none(spec, rows, parts, tables)
    compared = folds(rows.filter(parts.train), spec, window)  # before any work: what cannot be compared is not fitted
    sql = reading.transform_digest(spec)
    content = content_digest(rows)
    name = digest({"tables": tables, "window": window.to_json(), "transform": sql, "rows": rows.num_rows, "content": content})
    place = f"snapshots/{spec.name}/{name}.parquet"
    open_lake().keep(place, rows)
    open_ledger().snapshot(Snapshot(name, spec.name, tables, window, sql, rows.num_rows, content, place))
    sizes = {"train": int(parts.train.sum()), "test": int(parts.test.sum()), "folds": len(compared)}
    reference = {"run": run, "digest": name, "rows": rows.num_rows, **sizes}
    return [{"snapshot": reference, "candidate": candidate} for candidate in run["candidates"]]


def split_rows(spec: ModelSpec, snapshot: Json) -> tuple[pa.Table, Any]:
    """Read a snapshot's rows, and which of them are for what."""
    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.frames import split

    kept = open_ledger().get_snapshot(snapshot["digest"])
    rows = open_lake().kept(kept.place)
    return rows, split(rows, spec, kept.window)


def _require_history(rows: pa.Table, spec: ModelSpec, window: Window) -> None:
    """End a run whose data is still too young as skipped: the rows stay new, and more of them start the next one."""
    import pyarrow.compute as pc

    held = spec.training.split
    if spec.columns.time is None or not isinstance(held.test, timedelta) or not isinstance(held.validation, timedelta):
        return
    first, needed = pc.min(rows[spec.columns.time]).as_py(), held.test + held.validation + 3 * spec.labels.lag
    if first >= window.end - needed:
        message = f"not enough history yet: the data begins {first:%Y-%m-%d}; to hold out {needed.days} days it must begin before that"
        raise Skip(message)


def _of_champion(spec: ModelSpec) -> tuple[str, ...]:
    """Return the features that the champion was fitted on, which may be others than the spec's of today."""
    from include.ratchet.adapters import open_ledger
    from include.ratchet.steps.frames import columns_of

    champion = open_ledger().champion(spec.name)
    return columns_of(reading.champion(spec.name, champion), spec.columns).features if champion is not None else ()
