"""Look for drift: the newest windows against the statistics that the champion was trained on."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Json, Snapshot, Window
from include.ratchet.tasks import reading
from include.ratchet.tasks.importance import importance
from include.ratchet.tasks.snapshot import split_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from include.ratchet.steps.sketch import Sketch

EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def look(spec: ModelSpec, version: int, snapshot: Snapshot, tables: dict[str, int], at: datetime) -> Json | None:
    """Judge the newest complete windows after the champion's snapshot; None without a drift trigger, or without rows.

    The statistics of the version are kept in the lake once, and those of every window beside them: `sketches/<model>/`.
    Without time a window is the rows that no look has judged yet, and waits until there are enough of them.
    """
    from include.ratchet.adapters import open_lake
    from include.ratchet.steps.drift import Rule, judge
    from include.ratchet.steps.frames import columns_of
    from include.ratchet.steps.sketch import to_table
    from include.ratchet.steps.watched import window_of

    drift = spec.triggers.drift
    if drift is None:
        return None
    pipeline, lake = reading.champion(spec.name, version), open_lake()
    read = functools.partial(reading.transformed, spec, also=columns_of(pipeline, spec.columns).features)
    k, m = drift.persistence if spec.columns.time else (1, 1)
    if spec.columns.time:
        parts = _windows(spec, snapshot, functools.partial(read, tables), at, m)
    else:
        parts = _unjudged(spec, version, snapshot, read(tables, None))
    parts = {name: rows for name, rows in parts.items() if rows.num_rows}
    if not parts:
        return None
    reference = _reference(spec, version, snapshot, pipeline, read)
    looked_at = importance(spec, version, pipeline, functools.partial(_tested, spec, snapshot))
    lost = {each["feature"]: max(each["drop"], 0.0) for each in looked_at}
    windows = []
    for name, rows in parts.items():
        matured = not spec.columns.time or datetime.fromisoformat(name) + spec.monitor.window <= at - spec.labels.lag
        windows.append(window_of(reference, rows, spec, pipeline, matured=matured, personal=personal(spec)))
        lake.keep(f"sketches/{spec.name}/{version}/{name.replace(':', '')}.parquet", to_table(windows[-1]))
    found = judge(reference, windows, Rule(drift.dial(spec.monitor.window), k, m, drift.min_effect), lost)
    return {**found, "windows": list(parts), "persistence": f"{k} of {m}", "sentence": _sentence(found, f"{k} of {m}")}


def reported(spec: ModelSpec, version: int, found: Json | None) -> str | None:
    """Return the newest window that was judged of a version without time, this look's or the one of the report before."""
    if spec.columns.time:
        return None
    return found["windows"][-1] if found else _judged(spec.name, version)


def _judged(model: str, version: int) -> str | None:
    """Return what the newest report of another run judged: a run that is tried again judges the same rows again."""
    from include.ratchet.adapters import open_ledger

    newest = next((each for each in open_ledger().reports(model, limit=2) if each.get("run_id") != current().run_id), {})
    return newest.get("judged") if newest.get("version") == version else None


def _unjudged(spec: ModelSpec, version: int, snapshot: Snapshot, rows: pa.Table) -> dict[str, pa.Table]:
    """Return the rows that no look has judged, once they are enough: a row that is judged at every look keeps no dialled rate.

    The ids of all that were judged are kept beside the window's statistics. Only a report makes them count: what a look
    has kept that was killed before it reported is judged again.
    """
    import pyarrow as pa

    from include.ratchet.adapters import open_lake
    from include.ratchet.steps.drift import FEWEST
    from include.ratchet.steps.predict import unscored

    lake, last = open_lake(), _judged(spec.name, version)
    place = f"sketches/{spec.name}/{version}"
    known = lake.kept(f"{place}/{last}.ids.parquet" if last else snapshot.place).select(list(spec.columns.id))
    fresh = unscored(rows, known, spec)
    if fresh.num_rows < FEWEST:
        return {}
    name = f"rows {known.num_rows + 1} to {known.num_rows + fresh.num_rows}"
    lake.keep(f"{place}/{name}.ids.parquet", pa.concat_tables([known, fresh.select(known.column_names).cast(known.schema)]))
    return {name: fresh}


def _windows(spec: ModelSpec, snapshot: Snapshot, read: Callable[[Window], pa.Table], at: datetime, most: int) -> dict[str, pa.Table]:
    """Return the rows of the newest complete windows after the snapshot, oldest first, each named by its start."""
    length = spec.monitor.window
    newest = EPOCH + (at - EPOCH) // length * length
    starts = [newest - (i + 1) * length for i in reversed(range(most))]
    return {start.isoformat(): read(Window(start, start + length)) for start in starts if start >= snapshot.window.end}


def _reference(spec: ModelSpec, version: int, snapshot: Snapshot, pipeline: Any, read: Callable[..., pa.Table]) -> tuple[Sketch, ...]:
    """Read the version's statistics; the first look makes them, of all rows of its window, labelled or not."""
    from include.ratchet.adapters import open_lake
    from include.ratchet.domain.errors import DataError
    from include.ratchet.steps.sketch import from_table, to_table
    from include.ratchet.steps.watched import reference_of

    lake, name = open_lake(), f"sketches/{spec.name}/{version}/reference.parquet"
    try:
        kept = lake.kept(name)
    except DataError:
        rows = read(snapshot.tables, snapshot.window if spec.columns.time else None)
        held = _held(rows, spec, snapshot)
        kept = to_table(reference_of(rows, spec, pipeline, held, personal(spec)))
        lake.keep(name, kept)
    return from_table(kept)


def _tested(spec: ModelSpec, snapshot: Snapshot) -> pa.Table:
    import pyarrow as pa

    rows, parts = split_rows(spec, {"digest": snapshot.digest})
    return rows.filter(pa.array(parts.test))


def _held(rows: pa.Table, spec: ModelSpec, snapshot: Snapshot) -> Any:
    """Return which rows the champion was not fitted on: those of its test window, or of its random test part."""
    from include.ratchet.steps.waves import among

    test = spec.training.split.test
    if spec.columns.time is None or not isinstance(test, timedelta):
        return among(rows, _tested(spec, snapshot), spec)
    return (rows[spec.columns.time].to_pandas() >= snapshot.window.end - spec.labels.lag - test).to_numpy()


def personal(spec: ModelSpec) -> frozenset[str]:
    """Name the columns that are kept as hashes."""
    return frozenset(name for feed in spec.feeds for name in specs.feed(feed).personal)


def _sentence(found: Json, persistence: str) -> str:
    if not found["alarm"]:
        return f"no drift in {persistence} windows ({found['tests']} tests, {found['dial']:.2g} false alarms a window)"
    first = ", ".join(f"{each['column']} {each['aspect']} by {each['effect']:.2g}" for each in found["alarms"][:3])
    more = f" and {len(found['alarms']) - 3} more" if len(found["alarms"]) > 3 else ""  # noqa: PLR2004
    return f"drift in {persistence} windows: {first}{more} ({found['tests']} tests, {found['dial']:.2g} false alarms a window)"
