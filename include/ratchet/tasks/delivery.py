"""How well and at what cost a model is delivered, read from the ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from include.ratchet.domain import specs
from include.ratchet.domain.dora import Dora, cost, dora
from include.ratchet.tasks import reading


def delivery(model: str, days: float) -> tuple[Dora, dict[str, tuple[int, float]]]:
    """Return the figures of the last days, and the seconds of compute per task of the model's and its feeds' DAGs."""
    from include.ratchet.adapters import open_ledger

    ledger, until = open_ledger(), datetime.now(UTC)
    since = until - timedelta(days=days)
    changes = list(reversed(ledger.promotions(model)))
    figures = dora(changes, _arrived(model), since, until)
    ours = {model, *specs.all_feeds(specs.model(model))}
    steps = [each for each in ledger.steps_since(since) if str(each["dag_id"]).rpartition("_")[0] in ours]
    return figures, cost(steps)


def _arrived(model: str) -> dict[int, datetime]:
    """Return, per judged version, when the newest batch of its tables' versions landed."""
    from include.ratchet.adapters import open_ledger

    ledger = open_ledger()
    merged = {feed: [b for b in ledger.batches(feed) if b.version is not None] for feed in specs.all_feeds(specs.model(model))}
    found = {}
    for verdict in ledger.verdicts(model):
        tables = reading.snapshot_of(model, verdict.version).tables
        landed = [b.landed_at for feed, version in tables.items() for b in merged.get(feed, []) if (b.version or 0) <= version]
        if landed:
            found[verdict.version] = max(landed)
    return found
