"""Bodies of `<feed>_ingest`: land, check, validate, merge. Each may be killed anywhere and run again."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import DataError, QualityError, Skip
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.records import Batch, Json
from include.ratchet.domain.skew import SkewError
from include.ratchet.tasks import review, revise

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger

_log = logging.getLogger("ratchet.ingest")
UNFINISHED = ("landed", "checked", "validated", "repairing", "repaired")
MOST_AT_ONCE = 500
"""Batches that one run takes: Airflow expands a task 1,024 times at most ([core] max_map_length), and fails beyond.
The others have landed too, and wait for the next run."""


def waiting(feed: str) -> list[str]:
    """List what the source holds and has not landed, and what landed and is not merged: the same names for both."""
    from include.ratchet.adapters import open_feed, open_ledger

    ledger = open_ledger()
    spec = specs.feed(feed)
    landed = ledger.fingerprints(feed, [each.sha for each in _unfinished(spec, ledger)])
    new = open_feed(spec).discover(ledger.seen(feed), _watermark(feed))
    return [*landed, *(each.fingerprint for each in new)]


def land(feed: str) -> list[str]:
    """Keep the bytes of everything new, before anything reads them; return the batches that wait, the oldest first.

    A batch is named by its `write_id`: the same bytes may wait twice, with others between them. One that was stopped
    waits again once feed.yaml says something else, or an operator accepted its changes: the form's action comes first.

    Raises:
        Skip: Nothing waits.
        DataError: What was new is gone again, and nothing else waits.
    """
    from include.ratchet.adapters import open_feed, open_landing, open_ledger

    review.as_asked(feed)
    spec, ledger, landing = specs.feed(feed), open_ledger(), open_landing()
    source = open_feed(spec)
    task = current()
    if task.interval and spec.source.watermark:  # a backfill: what is missing of its window, and nothing else
        new = source.between(*task.interval, task.run_id)
    else:
        new = source.discover(ledger.seen(feed), _watermark(feed))
    gone: list[DataError] = []
    for delivery in new:
        try:
            with source.fetch(delivery) as stream:
                sha, size = landing.put(feed, stream)
        except DataError as error:
            gone.append(error)  # the others land all the same
            _log.warning("%s", error)
            continue
        batch = Batch(feed, sha, delivery.uri, size, datetime.now(UTC), watermark=None if delivery.half_open else delivery.end)
        ledger.land(batch, delivery, again=spec.mode == "replace")
    waiting = [each.write_id for each in _unfinished(spec, ledger)]
    if not waiting and gone:
        raise gone[0]
    if not waiting:
        message = "nothing new has arrived"
        raise Skip(message)
    return waiting[:MOST_AT_ONCE]


def check(feed: str, name: str) -> str:
    """Compare the batch with the feed's schema, and its figures with those of earlier batches; what does not fit stops and waits."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    _require_not_rejected(ledger, feed, name)
    if _is_past(ledger, feed, name):
        return name  # its rows are in the table: it is sorted again, not judged again
    try:
        found = review.examine(feed, name)
    except QualityError as error:
        _stop(feed, name, error)
        return name
    with ledger.alone(f"merge {feed}"):  # while it was read, a run beside this one may have begun to merge it: it stays as it was sorted
        if not _is_past(ledger, feed, name):
            ledger.describe(feed, name, found.figures)
            ledger.mark(feed, name, status="checked", rows=found.decoded.rows.num_rows)
    return name


def validate(feed: str, name: str) -> Json:
    """Run the expectations; lay good and bad rows ready beside each other, and a page of what was found."""
    from include.ratchet.adapters import open_docs, open_lake, open_ledger
    from include.ratchet.steps.validate import sort_rows

    spec, lake, ledger = specs.feed(feed), open_lake(), open_ledger()
    _require_not_rejected(ledger, feed, name)
    if revise.begun(ledger, feed, name):
        return {"batch": name, "begun": True}  # a run that was killed has written some of it: what was sorted then is finished
    if revise.is_merged(ledger, feed, name):
        return revise.sort_again(feed, name)
    try:
        result = sort_rows(review.decoded(spec, name), spec, name, review.usual_rows(spec, name))
    except QualityError as error:
        _stop(feed, name, error)
        return {"batch": name, "begun": True}
    with ledger.alone(f"merge {feed}"):  # a merge beside this run may be between its two writes: it needs both files of one sorting
        _require_not_rejected(ledger, feed, name)
        if _is_past(ledger, feed, name):
            return {"batch": name, "begun": True}
        ledger.mark(feed, name, status="checked")  # killed between the two files, the batch is not merged from them
        lake.keep(f"staged/{feed}/{name}.quarantine.parquet", result.quarantined())
        lake.keep(f"staged/{feed}/{name}.clean.parquet", result.clean())
        docs = open_docs().write(f"{feed}/{name}.html", result.page) if result.page else ""
        ledger.mark(feed, name, status="validated", quarantined=len(result.bad))
    counts = {"clean": len(result.positions), "quarantined": len(result.bad)}
    return {"batch": name, **counts, "warnings": result.warnings, "suite": spec.suite_digest, "docs": docs}


def merge(feed: str) -> Json:
    """Write every validated batch into the lake, in the order of arrival, each as one version; then what was repaired."""
    from include.ratchet.adapters import open_docs, open_lake, open_ledger

    ledger, lake = open_ledger(), open_lake()
    rows, done = 0, list[Batch]()
    with ledger.alone(f"merge {feed}"):  # a backfill's run, or one in a shell, would write older rows over newer ones
        for batch in ledger.batches(feed, "validated", "repaired"):
            if batch not in ledger.batches(feed, batch.status):
                continue  # stopped since, and perhaps rejected: its rows do not enter
            again = batch.status == "repaired"
            facts = revise.write_again(feed, batch) if again else revise.write(feed, batch)
            ledger.mark(feed, batch.write_id, status="merged", **facts)
            held = batch.quarantined or 0
            rows += held - facts["quarantined"] if again else (batch.rows or 0) - held
            lake.drop(*(f"staged/{feed}/{batch.write_id}.{part}.parquet" for part in ("quarantine", "clean")))
            done.append(batch)
    if not done:
        message = "no batch passed its checks, or a run beside this one has merged them"
        raise Skip(message)
    docs = open_docs().place_of(f"{feed}/{done[-1].write_id}.html")
    return {"feed": feed, "version": lake.version(f"clean/{feed}"), "batches": len(done), "rows": rows, "docs": docs}


def report(feed: str, batches: list[str] | None) -> Json:
    """Fail when a batch of this run was stopped, naming each, so that the run is red; None when nothing landed.

    Raises:
        QualityError: At least one of the run's batches is stopped.
    """
    from include.ratchet.adapters import open_ledger

    batches = batches or []
    stopped = [each for each in open_ledger().batches(feed, "stopped") if each.write_id in batches]
    if stopped:
        faults = [each.reason.splitlines()[0] for each in stopped]
        raise QualityError(f"feed {feed}: {len(stopped)} of {len(batches)} batches stopped; they wait in the landing", faults)
    return {"feed": feed, "stopped": 0}


def _require_not_rejected(ledger: Ledger, feed: str, name: str) -> None:
    """Skip a batch that an operator has ended for good, whoever clears the task that it was stopped in."""
    found = next((each for each in ledger.batches(feed, "rejected") if each.write_id == name), None)
    if found:
        raise Skip(found.reason.splitlines()[0])


def _unfinished(spec: FeedSpec, ledger: Ledger) -> list[Batch]:
    stopped = ledger.batches(spec.name, "stopped")
    return [*ledger.batches(spec.name, *UNFINISHED), *(each for each in stopped if each.judged_by != review.rules_of(spec, each.write_id))]


def _is_past(ledger: Ledger, feed: str, name: str) -> bool:
    """Say whether a batch's rows are in the table, or some of them: what was sorted then holds."""
    return revise.begun(ledger, feed, name) or revise.is_merged(ledger, feed, name)


def _stop(feed: str, name: str, error: QualityError) -> None:
    """Write the refusal into the ledger and raise it, the file named in it; nothing where a merge beside this run has begun."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    uri = next(each.uri for each in ledger.batches(feed) if each.write_id == name)
    hint = "Mend and deliver it again; the other batches go on."
    if isinstance(error, SkewError):
        decide = f"./ratchet batches {feed} --accept {name[:12]} (or --reject), or the form of {feed}_ingest"
        hint = f"Mend and deliver it again, or decide: {decide}."
    named = QualityError(f"{uri} (batch {name[:12]}, kept): {error.headline}", error.faults, hint)
    with ledger.alone(f"merge {feed}"):
        if _is_past(ledger, feed, name):
            return
        ledger.mark(feed, name, status="stopped", reason=str(named), judged_by=review.rules_of(specs.feed(feed), name))
    raise named from error


def _watermark(feed: str) -> object:
    from include.ratchet.adapters import open_ledger

    marks = [each.watermark for each in open_ledger().batches(feed) if each.watermark is not None]
    return marks[-1] if marks else None
