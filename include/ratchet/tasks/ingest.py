"""Bodies of `<feed>_ingest`: land, check, validate, merge. Each may be killed anywhere and run again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.errors import QualityError, Skip
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.records import Batch, Json

if TYPE_CHECKING:
    from include.ratchet.adapters.ledger import Ledger
    from include.ratchet.steps.decode import Decoded

UNFINISHED = ("landed", "checked", "validated")


def waiting(feed: str) -> list[str]:
    """List what the source holds and has not landed, and what landed and is not merged: the same names for both."""
    from include.ratchet.adapters import open_feed, open_ledger

    ledger = open_ledger()
    spec = specs.feed(feed)
    landed = ledger.fingerprints(feed, [each.sha for each in _unfinished(spec, ledger)])
    new = open_feed(spec).discover(ledger.seen(feed), _watermark(feed))
    return [*landed, *(each.fingerprint for each in new)]


def land(feed: str) -> list[str]:
    """Keep the bytes of everything new, before anything reads them; return the batches that wait.

    A batch that was stopped waits again once feed.yaml says something else: that is how an operator accepts a change.
    """
    from include.ratchet.adapters import open_feed, open_landing, open_ledger

    spec, ledger, landing = specs.feed(feed), open_ledger(), open_landing()
    source = open_feed(spec)
    for delivery in source.discover(ledger.seen(feed), _watermark(feed)):
        with source.fetch(delivery) as stream:
            sha, size = landing.put(feed, stream)
        batch = Batch(feed, sha, delivery.uri, size, datetime.now(UTC), watermark=delivery.end)
        ledger.land(batch, delivery, again=spec.mode == "replace")
    waiting = [each.sha for each in _unfinished(spec, ledger)]
    if not waiting:
        message = "nothing new has arrived"
        raise Skip(message)
    return waiting


def check(feed: str, sha: str) -> str:
    """Compare the batch with the feed's schema; a batch that does not fit stops and waits."""
    from include.ratchet.adapters import open_ledger

    spec, ledger = specs.feed(feed), open_ledger()
    try:
        decoded = _decode(feed, sha)
    except QualityError as error:
        raise _stopped(feed, sha, error) from error
    ledger.mark(spec.name, sha, status="checked", rows=decoded.rows.num_rows)
    return sha


def validate(feed: str, sha: str) -> Json:
    """Run the expectations; lay good and bad rows ready beside each other."""
    from include.ratchet.adapters import open_lake, open_ledger
    from include.ratchet.steps.validate import sort_rows

    spec, lake = specs.feed(feed), open_lake()
    try:
        result = sort_rows(_decode(feed, sha), spec, sha)
    except QualityError as error:
        raise _stopped(feed, sha, error) from error
    lake.keep(f"staged/{feed}/{sha}.quarantine.parquet", result.quarantined)
    lake.keep(f"staged/{feed}/{sha}.clean.parquet", result.clean)
    open_ledger().mark(feed, sha, status="validated", quarantined=result.quarantined.num_rows)
    return {"batch": sha, "clean": result.clean.num_rows, "quarantined": result.quarantined.num_rows, "warnings": result.warnings}


def merge(feed: str) -> Json:
    """Write every validated batch into the lake, in the order of arrival, each as one version."""
    import pyarrow.compute as pc

    from include.ratchet.adapters import open_lake, open_ledger

    spec, ledger, lake = specs.feed(feed), open_ledger(), open_lake()
    waiting = ledger.batches(feed, "validated")
    if not waiting:
        message = "no batch passed its checks"
        raise Skip(message)
    rows = 0
    for batch in waiting:
        bad = lake.kept(f"staged/{feed}/{batch.sha}.quarantine.parquet")
        good = lake.kept(f"staged/{feed}/{batch.sha}.clean.parquet")
        if bad.num_rows:
            lake.write(f"quarantine/{feed}", bad, write_id=batch.sha, mode="append")
        version = lake.write(f"clean/{feed}", good, write_id=batch.write_id, mode=spec.mode, key=spec.key)
        newest = pc.max(good[spec.time.name]).as_py() if spec.time and good.num_rows else None
        ledger.mark(feed, batch.sha, status="merged", version=version, max_event_time=newest)
        lake.drop(f"staged/{feed}/{batch.sha}.quarantine.parquet", f"staged/{feed}/{batch.sha}.clean.parquet")
        rows += good.num_rows
    return {"feed": feed, "version": version, "batches": len(waiting), "rows": rows}


def report(feed: str, batches: list[str] | None) -> Json:
    """Fail when a batch of this run was stopped, naming each, so that the run is red; None when nothing landed.

    Raises:
        QualityError: At least one of the run's batches is stopped.
    """
    from include.ratchet.adapters import open_ledger

    batches = batches or []
    stopped = [each for each in open_ledger().batches(feed, "stopped") if each.sha in batches]
    if stopped:
        faults = [each.reason.splitlines()[0] for each in stopped]
        raise QualityError(f"feed {feed}: {len(stopped)} of {len(batches)} batches stopped; they wait in the landing", faults)
    return {"feed": feed, "stopped": 0}


def _unfinished(spec: FeedSpec, ledger: Ledger) -> list[Batch]:
    stopped = [each for each in ledger.batches(spec.name, "stopped") if each.judged_by != spec.digest]
    return [*ledger.batches(spec.name, *UNFINISHED), *stopped]


def _decode(feed: str, sha: str) -> Decoded:
    from include.ratchet.adapters import open_feed, open_landing
    from include.ratchet.steps.decode import decode

    spec = specs.feed(feed)
    with open_landing().open(feed, sha) as stream:
        return decode(stream, spec, open_feed(spec).format)


def _stopped(feed: str, sha: str, error: QualityError) -> QualityError:
    """Write the refusal into the ledger, and name the file in it."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    uri = next(each.uri for each in ledger.batches(feed) if each.sha == sha)
    named = QualityError(
        f"{uri} (batch {sha[:12]}, kept): {error.headline}", error.faults, "Mend and deliver it again; the other batches go on."
    )
    ledger.mark(feed, sha, status="stopped", reason=str(named), judged_by=specs.feed(feed).digest)
    return named


def _watermark(feed: str) -> object:
    from include.ratchet.adapters import open_ledger

    marks = [each.watermark for each in open_ledger().batches(feed) if each.watermark is not None]
    return max(marks, default=None)
