"""Look which conditions hold, by the ledger's records, and write what is to be told; whoever sends asks for it here."""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from include.ratchet.domain import alerts as told
from include.ratchet.domain import specs
from include.ratchet.domain.alerts import Alert, Standing, Telling
from include.ratchet.domain.alertspec import Channel
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.records import Verdict
from include.ratchet.tasks import freshness

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from include.ratchet.adapters.ledger import Ledger

STAGES = ("ingest", "materialize", "train", "deploy", "score", "monitor", "rehearse")
SWEEP = "ratchet_alerts"
REMEMBERED = timedelta(days=7)
"""A task that failed longer ago, and was not tried since, is no news."""
_log = logging.getLogger(__name__)


def subjects() -> list[str]:
    """Name everything that an alert may be about; a feed and a model of one name are one subject."""
    return sorted({name for kind in ("models", "feeds", "views") for name in specs.names(kind)})


def _all(ledger: Ledger) -> list[str]:
    """Name every subject, what looks at them, and what alerts stand of: of a spec that was removed they are to clear."""
    return sorted({*subjects(), SWEEP, *(each.subject for each in ledger.alerts())})


def _dags(name: str) -> list[str]:
    """Name the DAGs of a subject: a spec has one a stage, any other subject is a DAG itself."""
    return [f"{name}_{stage}" for stage in STAGES] if name in subjects() else [name]


def subject_of(dag: str) -> str:
    """Return whom a DAG is about."""
    name, _, stage = dag.rpartition("_")
    return name if stage in STAGES else dag


def look(names: Collection[str] | None = None, settled: str = "") -> list[Alert]:
    """Compare what holds of some subjects, or of all, with what was told; return what is to be told now.

    The messages are in the ledger, one per channel, before this returns. A spec that cannot be read is left alone.

    Args:
        names: Of models, feeds and views.
        settled: A run that failed for good: what of it failed is told without waiting for another try.
    """
    from include.ratchet.adapters import open_ledger
    from include.ratchet.domain.config import load_config

    ledger, config, now = open_ledger(), load_config().alerts, datetime.now(UTC)
    found = []
    for name in _all(ledger) if names is None else names:
        try:
            holds = _holding(name, ledger, config.inconclusive, now, settled)
        except SpecError as error:
            _log.warning("%s: not looked at; %s", name, error.headline)
            continue
        keep = [each.condition for each in ledger.alerts(name) if _still_late(each, ledger)]
        found += ledger.hold(name, holds, now, Telling(config.repeat, config.names, keep))
    return found


def late(dag: str, run: str, within: timedelta) -> list[Alert]:
    """Say that a run is late; all else that holds of its subject stays as it is."""
    from include.ratchet.adapters import open_ledger
    from include.ratchet.domain.config import load_config

    ledger, config, name, now = open_ledger(), load_config().alerts, subject_of(dag), datetime.now(UTC)
    keep = [each.condition for each in ledger.alerts(name)]
    said = [told.of_late_run(name, dag, run, within)]
    return ledger.hold(name, said, now, Telling(config.repeat, config.names, keep))


def _still_late(alert: Standing, ledger: Ledger) -> bool:
    """Whether no task of a DAG that was late has ended since, and the DAG may still be there."""
    dag = told.late_dag(alert.condition)
    return dag in _dags(alert.subject) and not ledger.ended(dag, alert.since)


def send(deliver: Callable[[Channel, str, str], None], *, fresh: bool = False) -> int:
    """Send what waits; return how many messages were sent.

    Whatever a channel raises is logged and kept with the message, which waits for the next sweep; the rest of that
    channel's messages wait with it.

    Args:
        deliver: Sends a headline and a body through a channel.
        fresh: Only what was never tried: a task does not wait for a channel that is down.
    """
    from include.ratchet.adapters import open_ledger
    from include.ratchet.domain.config import load_config

    ledger, channels = open_ledger(), {each.name: each for each in load_config().alerts.channels}
    down, count = set(), 0
    for message in ledger.messages(list(channels), fresh=fresh):
        if message.channel in down or not ledger.take(message.id, datetime.now(UTC)):
            continue
        try:
            deliver(channels[message.channel], message.headline, message.body)
        except Exception as error:  # noqa: BLE001 - whatever a channel raises: the message waits, and nothing else fails
            down.add(message.channel)
            ledger.unsent(message.id, f"{type(error).__name__}: {error}"[:1000])
            _log.warning("%s: not sent, tried again by the next sweep: %s: %s", message.channel, type(error).__name__, error)
        else:
            ledger.sent(message.id, datetime.now(UTC))
            count += 1
    return count


def _holding(name: str, ledger: Ledger, inconclusive: int, now: datetime, settled: str) -> list[Alert]:
    failing = ledger.failing(_dags(name), now - REMEMBERED)
    found = told.of_steps(name, failing, now, settled)
    if name in specs.names("models"):
        found += _of_model(name, ledger, inconclusive, now)
    if name in specs.names("feeds"):
        found += [told.of_batch(each) for each in ledger.batches(name, "stopped")]
        found += [told.of_stale(name, said) for said in _stale(name)]
    return found


def _of_model(name: str, ledger: Ledger, inconclusive: int, now: datetime) -> list[Alert]:
    spec, verdicts, promotions = specs.model(name), ledger.verdicts(name), ledger.promotions(name)
    champion = promotions[0].version if promotions else None
    found = [*told.of_verdicts(spec, verdicts, inconclusive), *told.of_promotions(name, promotions)]
    found += told.of_canary(spec, ledger.trials(name, "canary"), promotions)
    reports = ledger.reports(name, limit=1)
    if reports and reports[0]["version"] == champion:
        found += told.of_report(spec, reports[0], ledger.signals(name))
    waiting = _waiting(verdicts, [each.version for each in promotions])
    if waiting and spec.deploy.approval != "none":
        dossier = ledger.dossier(waiting.digest)
        found += told.of_approval(spec, waiting, ledger.agreement(waiting.digest, dossier["digest"]) if dossier else None, now)
    return found


def _waiting(verdicts: Sequence[Verdict], served: Sequence[int]) -> Verdict | None:
    """Return the newest blessing that was given against the champion of now, and never served."""
    champion = served[0] if served else None
    newer = (v for v in verdicts if v.outcome == "promote" and v.version > max(served, default=0) and v.champion == champion)
    return next(newer, None)


def _stale(feed: str) -> list[str]:
    """Say whether a feed is late, beside the feeds that it is read with."""
    for model in specs.names("models"):
        with suppress(SpecError):  # a broken spec of another is that one's matter
            together = specs.all_feeds(specs.model(model))
            if feed in together:
                return [said for said in freshness.stale(together) if said.startswith(f"{feed}: ")]
    return freshness.stale([feed])
