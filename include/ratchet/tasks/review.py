"""Look at a batch as its feed knows it, and decide about one that was stopped: accept what changed, or reject it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from include.ratchet.domain import specs
from include.ratchet.domain.context import current
from include.ratchet.domain.errors import DataError, QualityError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.records import Batch, Json
from include.ratchet.domain.skew import Change, Decision, Known, SkewError, judged_by
from include.ratchet.tasks import revise

if TYPE_CHECKING:
    from include.ratchet.steps.decode import Decoded

FEWEST_BATCHES = 3
"""Batches before one is held against the usual number of rows."""


@dataclass(frozen=True)
class Examined:
    """A batch that fits its feed: its rows, and its figures."""

    decoded: Decoded
    figures: Json


def accepted(feed: str, name: str) -> frozenset[Change]:
    """Return the changes that operators accepted and that hold for a batch.

    A unit holds for the batch that it was accepted in: it is the column's unit from then on, and the same jump once
    more is a change again.
    """
    from include.ratchet.adapters import open_ledger

    decisions = [each for each in open_ledger().decisions(feed) if each.action == "accept"]
    return frozenset(c for each in decisions for c in each.changes if c.kind != "unit" or each.batch == name)


def rules_of(spec: FeedSpec, name: str) -> str:
    """Return what names the rules that a batch is held against now."""
    return judged_by(spec, accepted(spec.name, name))


def decoded(spec: FeedSpec, name: str, known: Known | None = None) -> Decoded:
    """Read a batch's kept bytes as rows of its feed."""
    from include.ratchet.adapters import open_feed, open_landing
    from include.ratchet.steps.decode import decode

    with open_landing().open(spec.name, name.partition(".")[0]) as stream:
        return decode(stream, spec, open_feed(spec).format, known or Known(accepted(spec.name, name)))


def examine(feed: str, name: str) -> Examined:
    """Read a batch and compare it with what is known of its feed.

    Raises:
        SkewError: It differs in its columns, types, units, encoding or key; all of it is named.
        QualityError: It cannot be read.
    """
    from include.ratchet.steps.skew import changes
    from include.ratchet.steps.statistics import describe

    spec, known = specs.feed(feed), _known(feed, name)
    found: tuple[Change, ...] = ()
    try:
        batch = decoded(spec, name, known)
    except SkewError as error:
        found = error.changes
        if any(each.bars(spec) for each in found):
            raise
        batch = decoded(spec, name, Known(known.accepted | set(found), known.history))  # its units may have changed too
    figures = describe(batch.rows, spec)
    found = (*found, *changes(batch.rows, figures, spec, known))
    if found:
        raise SkewError(feed, found)
    return Examined(batch, figures)


def usual_rows(spec: FeedSpec, name: str) -> float | None:
    """Return the median number of rows of the batches before one, None when volume is not watched or fewer than three are known."""
    from include.ratchet.adapters import open_ledger

    if not (spec.volume and spec.volume.usual):
        return None
    sizes = [max((figures["n"] for figures in content.values()), default=0) for _, content in open_ledger().figures_before(spec.name, name)]
    return median(sizes) if len(sizes) >= FEWEST_BATCHES else None


def as_asked(feed: str) -> None:
    """Do what the form of this run asks for, before anything else; once, however often the run is tried."""
    from include.ratchet.adapters import open_ledger

    task = current()
    action, why = task.params.get("action") or "run", str(task.params.get("reason") or "")
    done = action != "run" and any((each.run, each.action) == (task.run_id, action) for each in open_ledger().decisions(feed))
    if action == "repair":
        revise.requarantine(feed, task.who, why, task.run_id, again=done)
    if action in {"accept", "reject"} and not done:
        decide(feed, action, str(task.params.get("batch") or ""), task.who, why, task.run_id)


def decide(feed: str, action: str, batch: str, who: str, why: str, run: str = "") -> Decision:
    """Accept all that changed in a stopped batch, for it and from then on; or reject the batch for good.

    Args:
        feed: The feed.
        action: accept or reject.
        batch: The beginning of the batch's SHA-256; may be empty when only one batch is stopped.
        who: Who decides.
        why: Why; it is kept.
        run: The run whose form asks for it.

    Raises:
        DataError: No stopped batch, or more than one, is named so; or there is no reason.
        QualityError: What changed cannot be accepted in the ledger; what to do instead is said.
    """
    from include.ratchet.adapters import open_ledger

    chosen = _stopped_batch(feed, batch)
    if not why.strip():
        message = f"{action} batch {chosen.sha[:12]} of feed {feed}: found no reason; say why, it is kept in the ledger"
        raise DataError(message)
    changes = _acceptable(feed, chosen) if action == "accept" else ()
    decision = Decision(feed, chosen.write_id, "accept" if action == "accept" else "reject", who, why, datetime.now(UTC), changes, run)
    open_ledger().decide(decision)
    return decision


def _acceptable(feed: str, batch: Batch) -> tuple[Change, ...]:
    """Return what changed in a batch, found again from its bytes."""
    spec, where = specs.feed(feed), f"batch {batch.sha[:12]} of feed {feed}"
    try:
        examine(feed, batch.write_id)
    except SkewError as error:
        barred = [why for why in (each.bars(spec) for each in error.changes) if why]
        if barred:
            raise QualityError(
                f"{where}: not to be accepted here", barred, "feed.yaml decides; the batch is looked at again after it."
            ) from None
        return error.changes
    except QualityError as error:
        raise QualityError(
            f"{where}: nothing to accept: {error.headline}", error.faults, "Mend and deliver it again, or reject it."
        ) from None
    hint = "Its rows broke their rules: change `expectations` or `quarantine` in feed.yaml, or reject it."
    raise QualityError(f"{where}: its schema is the feed's", batch.reason.splitlines()[1:], hint)


def _stopped_batch(feed: str, start: str) -> Batch:
    from include.ratchet.adapters import open_ledger

    stopped = open_ledger().batches(feed, "stopped")
    found = [each for each in stopped if each.write_id.startswith(start.strip())]
    if len(found) != 1:
        waiting = ", ".join(each.write_id[:12] for each in stopped) or "none"
        message = f"feed {feed}: found {len(found)} stopped batches for {start!r}; allowed is one of: {waiting}"
        raise DataError(message)
    return found[0]


def _known(feed: str, name: str) -> Known:
    """Gather what was accepted, and the statistics of earlier batches; of a column whose new unit was accepted, those since."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    decisions = [each for each in ledger.decisions(feed) if each.action == "accept"]
    history = ledger.figures_before(feed, name)
    order = {batch.write_id: number for number, batch in enumerate(ledger.batches(feed))}
    since = {c.column: order[each.batch] for each in decisions for c in each.changes if c.kind == "unit"}
    figures = tuple(
        {column: found for column, found in content.items() if order[earlier] >= since.get(column, 0)} for earlier, content in history
    )
    return Known(accepted(feed, name), figures)
