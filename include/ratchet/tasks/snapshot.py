"""Body that pins a training run's data, and how the tasks after it read it."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import DataError, Skip
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.occasion import next_wave, rows_wanted
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
    from include.ratchet.steps.waves import key_columns, remembered

    spec, window = specs.model(run["model"], training=run.get("training")), Window.from_json(run["window"])
    tables = reading.versions(spec)
    in_waves = spec.columns.time is None and not run.get("experiment")  # an experiment looks at no test row
    memory = _memory(spec, run["run_id"]) if in_waves else None
    also = (*_of_champion(spec), *(key_columns(memory) if memory is not None else ()))
    rows = labelled(reading.transformed(spec, tables, window if spec.columns.time else None, also), spec)
    check_trainable(rows, spec)
    if in_waves:
        rows = _with_waves(spec, rows, run["run_id"], memory)
        memory = remembered(rows, spec, memory)
    if current().run_type != "manual":  # who asks by hand is told what is wrong, as an error
        _require_history(rows, spec, window)
    parts = split(rows, spec, window)
    leakage.require_none(spec, rows, parts, tables)
    compared = folds(rows.filter(parts.train), spec, window)  # before any work: what cannot be compared is not fitted
    sql = reading.transform_digest(spec)
    content = content_digest(rows)
    known = {} if memory is None else {"memory": content_digest(memory)}
    name = digest({"tables": tables, "window": window.to_json(), "transform": sql, "rows": rows.num_rows, "content": content} | known)
    kept = Snapshot(name, spec.name, tables, window, sql, rows.num_rows, content, f"snapshots/{spec.name}/{name}.parquet")
    if memory is not None:
        open_lake().keep(kept.memory, memory)
    open_lake().keep(kept.place, rows)
    open_ledger().snapshot(kept)
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


def _memory(spec: ModelSpec, run_id: str) -> pa.Table | None:
    """Read in which wave every row was that the verdicts so far know; None before the first.

    Raises:
        DataError: It is gone, or the rows of the newest verdict were split by time.
    """
    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.frames import WAVE
    from include.ratchet.steps.waves import remembered

    last = next((each for each in open_ledger().verdicts(spec.name) if each.run_id != run_id), None)
    if last is None:
        return None
    if "first" in (last.figures.get("test_window") or {}):
        message = (
            f"models/{spec.name}: columns.time was taken away, and the verdicts so far are on rows that were split by it. Which "
            "rows were trained on cannot be told. Restore columns.time, or give the model a new name."
        )
        raise DataError(message)
    kept, lake = reading.snapshot_of(spec.name, last.version), open_lake()
    try:
        return lake.kept(kept.memory)
    except DataError as error:
        try:
            rows = lake.kept(kept.place)
        except DataError:
            rows = None
        if rows is None or WAVE in rows.column_names:
            message = (
                f"models/{spec.name}: {error}. It says which rows earlier verdicts were on. Restore it from a backup, or give "
                "the model a new name."
            )
            raise DataError(message) from None
        return remembered(rows, spec)  # of before there were waves: all of its test side is the first one


def _with_waves(spec: ModelSpec, rows: pa.Table, run_id: str, memory: pa.Table | None) -> pa.Table:
    """Draw the test rows of a model without time from those that no earlier wave's verdict saw; wait for enough of them.

    Raises:
        Skip: Too few have arrived yet for a verdict that could show anything; they stay new.
        DataError: The same, told to who asked by hand, who is given fewer but no less than `gate.sanity.min_rows`.
    """
    from include.ratchet.adapters import open_ledger
    from include.ratchet.steps.waves import dealt, waves_of

    ledger, least = open_ledger(), spec.gate.sanity.min_rows
    verdicts = [each for each in ledger.verdicts(spec.name) if each.run_id != run_id]  # a second try of this run too
    if not verdicts:
        return dealt(rows, spec, 0)
    wave, last, by_hand = next_wave(verdicts, spec.gate.test_reuse.looks), verdicts[0], current().run_type == "manual"
    made = dealt(rows, spec, wave, memory)
    there, wanted = int((waves_of(made, spec) == wave).sum()), least if by_hand else rows_wanted(last, least)
    begins = wave > next_wave(verdicts, len(verdicts) + 1)  # within a wave its rows are there, unless they were all removed
    if there < wanted and (begins or not there):
        more = math.ceil((wanted - there) / float(spec.training.split.test))  # type: ignore[arg-type]
        message = (
            f"models/{spec.name}: {there:,} labelled test rows have arrived since the earlier ones had all their looks; the next "
            f"verdict needs {wanted:,}. Deliver about {more:,} more rows, of which training.split.test are test rows; or give "
            "gate.test_reuse.looks room before rows are judged on: verdicts then share them, each at alpha / looks."
        )
        raise (DataError if by_hand else Skip)(message)
    return made


def _of_champion(spec: ModelSpec) -> tuple[str, ...]:
    """Return the features that the champion was fitted on, which may be others than the spec's of today."""
    from include.ratchet.adapters import open_ledger
    from include.ratchet.steps.frames import columns_of

    champion = open_ledger().champion(spec.name)
    return columns_of(reading.champion(spec.name, champion), spec.columns).features if champion is not None else ()
