"""Write sorted batches into the lake: in the order of arrival whenever each is written, and again when rows were repaired."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import DataError, QualityError, Skip
from include.ratchet.domain.feedspec import BATCH_COLUMN, FeedSpec
from include.ratchet.domain.records import Batch, Json
from include.ratchet.domain.skew import Decision
from include.ratchet.domain.suitespec import Quarantine

if TYPE_CHECKING:
    import pyarrow as pa

    from include.ratchet.adapters.ledger import Ledger

MERGED = ("merged", "repairing", "repaired")
"""Statuses of batches whose rows are in the clean table."""


def requarantine(feed: str, who: str, why: str, run: str = "", *, again: bool = False) -> list[str]:
    """Ask that the quarantined rows of all merged batches are judged by the rules of today; the next run does it.

    Args:
        feed: The feed.
        who: Who asks.
        why: Why; it is kept.
        run: The run whose form asks for it; each batch is asked for once by a run.
        again: The run has asked before, and was killed since: nothing more to ask for is no fault.

    Raises:
        Skip: No merged batch has rows in quarantine.
    """
    from include.ratchet.adapters import open_ledger

    specs.feed(feed)
    ledger = open_ledger()
    held = [each.write_id for each in ledger.batches(feed, "merged") if each.quarantined]
    for name in held:
        ledger.decide(Decision(feed, name, "repair", who, why or "by hand", datetime.now(UTC), run=run))
    if not held and not again:
        message = f"feed {feed}: no merged batch has rows in quarantine"
        raise Skip(message)
    return held


def is_merged(ledger: Ledger, feed: str, name: str) -> bool:
    """Say whether a batch's rows are in the clean table."""
    return any(each.write_id == name for each in ledger.batches(feed, *MERGED))


def begun(ledger: Ledger, feed: str, name: str) -> bool:
    """Say whether a merge that was killed has written some of a batch that is not merged, or some of its repair.

    Sorted again by a feed.yaml that says something else now, a row could be in clean and in quarantine, or in neither.
    """
    from include.ratchet.adapters import open_lake

    waiting = [each for each in ledger.batches(feed, "validated", "repaired") if each.write_id == name]
    ids = [_repair_id(ledger, feed, name) if each.status == "repaired" else name for each in waiting]
    return any(open_lake().wrote(f"{table}/{feed}", ids) for table in ("quarantine", "clean"))


def sort_again(feed: str, name: str) -> Json:
    """Judge the quarantined rows of a merged batch by the rules of today; lay ready what is good now.

    Rows that were good stay: a rule that was made stricter is for what comes.

    Raises:
        QualityError: The batch would stop today; it stays as it was merged.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.validate import sort_rows
    from include.ratchet.tasks import review

    spec, lake, ledger = specs.feed(feed), open_lake(), open_ledger()
    if not any(each.write_id == name for each in ledger.batches(feed, "repairing", "repaired")):
        return {"batch": name, "begun": True}  # a run beside this one has merged it, and nobody asks for a repair
    open_budget = spec.model_copy(update={"quarantine": Quarantine(max_fraction=1.0)})
    try:
        found = sort_rows(review.decoded(spec, name), open_budget, name)
    except QualityError as error:
        with ledger.alone(f"merge {feed}"):
            if begun(ledger, feed, name):  # a run beside this one has: its repair is finished
                return {"batch": name, "begun": True}
            ledger.mark(feed, name, status="merged")
        hint = "Its rows stay as they were merged and quarantined; mend feed.yaml and repair again."
        raise QualityError(f"batch {name[:12]} of feed {feed}: not repaired: {error.headline}", error.faults, hint) from error
    held = _held(feed, name)["position"]
    sorted_rows, bad = found.clean().read_all(), found.quarantined().read_all()
    good = sorted_rows if spec.mode == "replace" else sorted_rows.filter(pc.is_in(pa.array(found.positions), value_set=held))
    bad = bad.filter(pc.is_in(bad["position"], value_set=held))
    with ledger.alone(f"merge {feed}"):  # as for a batch that is new: both files are of one sorting, and no merge is between its writes
        if begun(ledger, feed, name) or not any(each.write_id == name for each in ledger.batches(feed, "repairing", "repaired")):
            return {"batch": name, "begun": True}
        ledger.mark(feed, name, status="repairing")
        lake.keep(f"staged/{feed}/{name}.clean.parquet", good)
        lake.keep(f"staged/{feed}/{name}.quarantine.parquet", bad)
        ledger.mark(feed, name, status="repaired", judged_by=spec.digest)
    return {"batch": name, "released": len(held) - bad.num_rows, "quarantined": bad.num_rows}


def write(feed: str, batch: Batch) -> Json:
    """Write the sorted rows of a batch; return what is now known of it."""
    from include.ratchet.adapters import open_lake

    spec, lake, name = specs.feed(feed), open_lake(), batch.write_id
    bad, good = (lake.kept(f"staged/{feed}/{name}.{part}.parquet") for part in ("quarantine", "clean"))
    rows = _not_behind(spec, batch, good)
    if rows is not None:
        _widen(feed, rows)  # it may refuse the rows: before any of them is written
    if bad.num_rows:
        lake.write(f"quarantine/{feed}", bad, write_id=name, mode="append")
    version = lake.version(f"clean/{feed}")
    if rows is not None:
        version = lake.write(f"clean/{feed}", rows, write_id=name, mode=spec.mode, key=spec.key)
    newest = _newest(good[spec.time.name]) if spec.time and good.num_rows else None
    return {"version": version, "max_event_time": newest}


def write_again(feed: str, batch: Batch) -> Json:
    """Write what was repaired of a merged batch, as a revision; what is still bad stays in quarantine, nothing is in neither."""
    from include.ratchet.adapters import open_lake, open_ledger

    spec, lake, name = specs.feed(feed), open_lake(), batch.write_id
    bad, good = (lake.kept(f"staged/{feed}/{name}.{part}.parquet") for part in ("quarantine", "clean"))
    released = _held(feed, name).num_rows - bad.num_rows
    rows = _not_behind(spec, batch, good)
    write_id = _repair_id(open_ledger(), feed, name)
    if rows is not None and rows.num_rows:
        _widen(feed, rows)
        lake.write(f"clean/{feed}", rows, write_id=write_id, mode=spec.mode, key=spec.key)
    if released:
        lake.revise(f"quarantine/{feed}", bad, column="batch", value=name, write_id=write_id)
    return {"quarantined": bad.num_rows}


def _repair_id(ledger: Ledger, feed: str, name: str) -> str:
    """Name a batch's newest repair, whatever feed.yaml says by now: by how often it was asked for."""
    return f"{name}:repair{sum(each.batch == name and each.action == 'repair' for each in ledger.decisions(feed))}"


def _held(feed: str, name: str) -> pa.Table:
    """Return the positions that a batch has in quarantine."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from include.ratchet.adapters import open_lake

    # Not as the dataset's own filter: Arrow cannot compare Delta's string views with the texts of its statistics.
    held = open_lake().dataset(f"quarantine/{feed}").to_table(columns=["batch", "position"], use_threads=False)
    return held.filter(pc.equal(pc.cast(held["batch"], pa.string()), name))


def _not_behind(spec: FeedSpec, batch: Batch, rows: pa.Table) -> pa.Table | None:
    """Leave out rows whose key a later batch has brought: what arrived last is the newest word, whenever it is written.

    None when a later batch has replaced the whole table.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from include.ratchet.adapters import open_lake, open_ledger

    names = [each.write_id for each in open_ledger().batches(spec.name)]
    after = names[names.index(batch.write_id) + 1 :]
    # By the table itself, too: a merge that was killed may have written what the ledger does not call merged yet.
    there = open_lake().wrote(f"clean/{spec.name}", after)
    merged = {each.write_id for each in open_ledger().batches(spec.name, *MERGED)}
    later = [name.partition(".")[0] for name in after if name in there or name in merged]
    if not later or spec.mode == "append":
        return rows
    if spec.mode == "replace":
        return None
    newer = open_lake().dataset(f"clean/{spec.name}").to_table(columns=[BATCH_COLUMN, *spec.key], use_threads=False)
    newer = newer.filter(pc.is_in(pc.cast(newer[BATCH_COLUMN], pa.string()), value_set=pa.array(later, type=pa.string())))
    newer = newer.select(list(spec.key)).cast(rows.select(list(spec.key)).schema)
    numbered = rows.select(list(spec.key)).append_column("_number", pa.array(range(rows.num_rows), type=pa.int64()))
    kept = numbered.join(newer, keys=list(spec.key), join_type="left anti", use_threads=False)
    return rows.take(kept["_number"].combine_chunks().sort())


def _widen(feed: str, rows: pa.Table) -> None:
    """Bring the clean table into the types of new rows, as a version of its own: Delta itself would cut 1.5 down to 1.

    Raises:
        DataError: The rows that are there do not read as the new type.
    """
    import pyarrow as pa

    from include.ratchet.adapters import open_lake

    lake, table = open_lake(), f"clean/{feed}"
    version = lake.version(table)
    if version is None or specs.feed(feed).mode == "replace":
        return
    there = lake.dataset(table).schema
    other = {f.name: f.type for f in rows.schema if f.name in there.names and not _same(there.field(f.name).type, f.type)}
    if not other:
        return
    old = lake.dataset(table).to_table(use_threads=False)
    for name, kind in other.items():
        try:
            old = old.set_column(old.column_names.index(name), name, old[name].cast(kind))
        except pa.ArrowInvalid as error:
            found = f"{name} is {old[name].type} in the clean table and {kind} in feed.yaml"
            message = f"feed {feed}: {found}, and its rows do not read so: {error}. Keep the type, or give the column another name."
            raise DataError(message) from None
    lake.write(table, old, write_id=f"types:{version}:{sorted(other)}", mode="replace")


def _same(there: pa.DataType, new: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_null(new):
        return True
    text = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return there == new or (any(each(there) for each in text) and any(each(new) for each in text))


def _newest(times: pa.ChunkedArray) -> datetime | None:
    """Return the newest event time that has been: one row dated 2099 is no news of the data's clock, unless there is no other."""
    import pyarrow as pa
    import pyarrow.compute as pc

    past = times.filter(pc.less_equal(times, pa.scalar(datetime.now(UTC), type=times.type)))
    newest: datetime | None = pc.max(past if len(past) else times).as_py()
    return newest
