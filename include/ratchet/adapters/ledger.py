"""The ledger: an SQL record of what happened. SQLite on one machine, PostgreSQL where several write.

No row is ever removed. Runs, steps, snapshots, verdicts, promotions and reports are written once; a batch moves on by
its status, and a signal by what became of it.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, event, func, make_url, select
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session

from include.ratchet.adapters.ledger_tables import (
    BatchRow,
    DeliveryRow,
    PromotionRow,
    ReportRow,
    RunRow,
    SignalRow,
    SnapshotRow,
    StepRow,
    Table,
    VerdictRow,
)
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.records import (
    Batch,
    Delivery,
    Disposition,
    Json,
    Promotion,
    RuleResult,
    Signal,
    Snapshot,
    TrainingRun,
    Verdict,
    Window,
    digest,
)

BUSY_TIMEOUT_MS = 30_000
READS = "ratchet_reads"
"""Execution option of a transaction that writes nothing."""


class Ledger:
    """Reads and writes of the ledger; each method is one transaction."""

    def __init__(self, url: str) -> None:
        """Open the ledger at an SQLAlchemy URL; make its tables when they are not there."""
        self._engine = _engine(url)
        self._reads = self._engine.execution_options(**{READS: True})
        try:
            Table.metadata.create_all(self._engine)
        except (OperationalError, ProgrammingError, IntegrityError):
            Table.metadata.create_all(self._engine)  # another process made them between the look and the CREATE

    # -- batches

    def seen(self, feed: str) -> list[str]:
        """Return the fingerprints of all deliveries of a feed that have landed, in the order in which they last did."""
        query = select(DeliveryRow.fingerprint).where(DeliveryRow.feed == feed).order_by(DeliveryRow.seen_at, DeliveryRow.fingerprint)
        with Session(self._reads) as session:
            return list(session.scalars(query))

    def fingerprints(self, feed: str, shas: Sequence[str]) -> list[str]:
        """Return, for each of some bytes, the fingerprint of the delivery that brought them last."""
        query = select(DeliveryRow.sha, DeliveryRow.fingerprint).where(DeliveryRow.feed == feed)
        with Session(self._reads) as session:
            rows = session.execute(query.order_by(DeliveryRow.seen_at, DeliveryRow.fingerprint)).all()
        newest = {row.sha: row.fingerprint for row in rows}
        return [newest[sha] for sha in dict.fromkeys(shas) if sha in newest]

    def land(self, batch: Batch, delivery: Delivery, *, again: bool = False) -> bool:
        """Record that a delivery's bytes are kept; return whether there is a new batch.

        A delivery lands once, whoever else lands it at the same time or tries again: its fingerprint is its key.

        Args:
            batch: The batch.
            delivery: Where it came from.
            again: Bytes that landed before are a new batch too, unless no other has landed since: what is replaced
                may go back to what it was. A delivery that is found at another place is the same as before.
        """
        with Session(self._engine) as session, session.begin():
            if session.get(DeliveryRow, (batch.feed, delivery.fingerprint)):
                return False
            newest = session.scalar(select(BatchRow.sha).where(BatchRow.feed == batch.feed).order_by(BatchRow.id.desc()).limit(1))
            query = select(func.count()).where(BatchRow.feed == batch.feed, BatchRow.sha == batch.sha)
            landed = session.scalar(query) or 0
            new = not landed or (again and newest != batch.sha and not _moved(session, batch, delivery))
            if new:
                content = dataclasses.asdict(batch) | {"watermark": {"value": batch.watermark}, "landing": landed}
                session.add(BatchRow(**content))
            session.add(DeliveryRow(feed=batch.feed, fingerprint=delivery.fingerprint, sha=batch.sha, seen_at=batch.landed_at))
            return new

    def batches(self, feed: str, *statuses: str) -> list[Batch]:
        """Return a feed's batches in the order in which they landed, of some statuses or all."""
        query = select(BatchRow).where(BatchRow.feed == feed).order_by(BatchRow.id)
        if statuses:
            query = query.where(BatchRow.status.in_(statuses))
        with Session(self._reads) as session:
            return [_batch(row) for row in session.scalars(query)]

    def mark(self, feed: str, name: str, **facts: Any) -> None:
        """Move one landing of a batch on, by its `write_id`: its status, and what is now known of it."""
        sha, _, landing = name.partition(".")
        with Session(self._engine) as session, session.begin():
            query = select(BatchRow).where(BatchRow.feed == feed, BatchRow.sha == sha, BatchRow.landing == int(landing or 0))
            row = session.scalar(query)
            if row is None:
                message = f"batch {sha[:12]} of feed {feed}: not in the ledger; land it first"
                raise LedgerError(message)
            for key, value in facts.items():
                setattr(row, key, value)

    def newest_event(self, feed: str) -> datetime | None:
        """Return the newest event time that was merged."""
        with Session(self._reads) as session:
            return session.scalar(select(func.max(BatchRow.max_event_time)).where(BatchRow.feed == feed, BatchRow.status == "merged"))

    # -- signals and runs

    def signal(self, signal: Signal) -> None:
        """Record a reason to retrain; the same key again is the same signal."""
        content = dataclasses.asdict(signal)
        content.pop("id")
        try:
            with Session(self._engine) as session, session.begin():
                session.add(SignalRow(**content))
        except IntegrityError:
            return

    def signals(self, model: str, *, pending: bool = False) -> list[tuple[Signal, Disposition]]:
        """Return signals and what became of them, newest first."""
        query = select(SignalRow).where(SignalRow.model == model).order_by(SignalRow.id.desc())
        if pending:
            query = query.where(SignalRow.outcome == "pending")
        with Session(self._reads) as session:
            return [
                (
                    Signal(row.model, row.kind, row.key, row.evidence, row.at, row.id),  # type: ignore[arg-type]
                    Disposition(row.id, row.outcome, row.reason, row.run_id),  # type: ignore[arg-type]
                )
                for row in session.scalars(query)
            ]

    def arbitrated(self, dispositions: Sequence[Disposition], run: TrainingRun | None) -> None:
        """Write what the arbiter decided, and the run that it started, in one transaction.

        Raises:
            LedgerError: Another run answered one of the signals meanwhile; nothing is written.
        """
        with Session(self._engine) as session, session.begin():
            for each in sorted(dispositions, key=lambda d: d.signal):
                row = session.get_one(SignalRow, each.signal, with_for_update=True)
                if row.outcome != "pending":
                    message = f"signal {each.signal} of {row.model}: {row.outcome} already, by run {row.run_id}; start the train run again"
                    raise LedgerError(message)
                row.outcome, row.reason, row.run_id = each.outcome, each.reason, each.run
            if run:
                content = dataclasses.asdict(run) | {"window": run.window.to_json(), "candidates": {"names": list(run.candidates)}}
                session.add(RunRow(**content))

    def run(self, model: str, run_id: str) -> TrainingRun | None:
        """Return a training run, None when the arbiter started none of that id."""
        with Session(self._reads) as session:
            row = session.get(RunRow, (model, run_id))
            return _run(row) if row else None

    def runs(self, model: str, limit: int | None = None) -> list[TrainingRun]:
        """Return training runs, newest first."""
        query = select(RunRow).where(RunRow.model == model).order_by(RunRow.started_at.desc()).limit(limit)
        with Session(self._reads) as session:
            return [_run(row) for row in session.scalars(query)]

    def step(self, **content: Any) -> None:
        """Record one try of one task."""
        with Session(self._engine) as session, session.begin():
            session.add(StepRow(**content))

    def steps(self, run_id: str) -> list[Json]:
        """Return what is recorded of a run's tasks, oldest first."""
        with Session(self._reads) as session:
            rows = session.scalars(select(StepRow).where(StepRow.run_id == run_id).order_by(StepRow.id))
            return [{c.name: getattr(row, c.name) for c in StepRow.__table__.columns} for row in rows]

    # -- snapshots and verdicts

    def snapshot(self, snapshot: Snapshot) -> None:
        """Record a snapshot; the same digest again changes nothing."""
        with Session(self._engine) as session, session.begin():
            session.merge(SnapshotRow(**dataclasses.asdict(snapshot) | {"window": snapshot.window.to_json()}))

    def get_snapshot(self, name: str) -> Snapshot:
        """Return a snapshot by its digest, or raise LedgerError."""
        with Session(self._reads) as session:
            row = session.get(SnapshotRow, name)
            if row is None:
                message = f"snapshot {name[:12]}: not in the ledger"
                raise LedgerError(message)
            window = Window.from_json(row.window)
            return Snapshot(row.digest, row.model, row.tables, window, row.transform, row.rows, row.content, row.place)

    def judge(self, verdict: Verdict) -> Verdict:
        """Record a verdict; return it with its time and digest. The same run judges once."""
        known = [v for v in self.verdicts(verdict.model) if v.run_id == verdict.run_id and v.version == verdict.version]
        if known:
            return known[0]
        content = dataclasses.asdict(dataclasses.replace(verdict, digest=""))
        named = dataclasses.replace(verdict, digest=digest(content))
        if named.at is None:
            message = f"verdict on {verdict.model} version {verdict.version}: has no time"
            raise LedgerError(message)
        stored = dataclasses.asdict(named) | {"at": named.at.isoformat()}
        with Session(self._engine) as session, session.begin():
            session.add(
                VerdictRow(
                    digest=named.digest,
                    model=named.model,
                    version=named.version,
                    run_id=named.run_id,
                    outcome=named.outcome,
                    content=stored,
                    at=named.at,
                )
            )
        return named

    def verdicts(self, model: str, limit: int | None = None) -> list[Verdict]:
        """Return verdicts, newest first; all of them, for a champion may be older than any number of refusals."""
        query = select(VerdictRow).where(VerdictRow.model == model).order_by(VerdictRow.at.desc()).limit(limit)
        with Session(self._reads) as session:
            return [_verdict(row.content) for row in session.scalars(query)]

    def blessing(self, model: str, version: int) -> Verdict | None:
        """Return the promote verdict on a version, however old; None when it has none."""
        query = select(VerdictRow).where(VerdictRow.model == model, VerdictRow.version == version, VerdictRow.outcome == "promote")
        with Session(self._reads) as session:
            row = session.scalar(query.order_by(VerdictRow.at.desc()).limit(1))
            return _verdict(row.content) if row else None

    # -- promotions

    def champion(self, model: str) -> int | None:
        """Return the version that serves, None before the first promotion."""
        newest = self.promotions(model, limit=1)
        return newest[0].version if newest else None

    def promotions(self, model: str, limit: int | None = None) -> list[Promotion]:
        """Return changes of champion, newest first; all of them, for each names a version that may serve again."""
        query = select(PromotionRow).where(PromotionRow.model == model).order_by(PromotionRow.sequence.desc()).limit(limit)
        with Session(self._reads) as session:
            return [
                Promotion(r.model, r.version, r.previous, r.action, r.who, r.why, r.evidence, r.at)  # type: ignore[arg-type]
                for r in session.scalars(query)
            ]

    def promote(self, promotion: Promotion) -> None:
        """Change the champion, if it still is the one that the promotion replaces.

        Raises:
            LedgerError: The verdict is no blessing of this version, or another promotion came first.
        """
        try:
            with Session(self._engine) as session, session.begin():
                verdict = session.get(VerdictRow, promotion.evidence)
                if (
                    verdict is None
                    or verdict.outcome != "promote"
                    or (verdict.model, verdict.version) != (promotion.model, promotion.version)
                ):
                    message = f"{promotion.model} version {promotion.version}: not blessed; only a version with a promote verdict can serve"
                    raise LedgerError(message)
                query = select(PromotionRow).where(PromotionRow.model == promotion.model).order_by(PromotionRow.sequence.desc()).limit(1)
                last = session.scalar(query)
                if (last.version if last else None) != promotion.previous:
                    raise _overtaken(promotion, last.version if last else None)
                sequence = last.sequence + 1 if last else 1
                session.add(PromotionRow(**dataclasses.asdict(promotion), sequence=sequence))
        except IntegrityError:
            raise _overtaken(promotion, self.champion(promotion.model)) from None

    # -- reports

    def report(self, model: str, run_id: str, version: int, content: Json, at: datetime) -> None:
        """Record a monitor report; the same run reports once."""
        try:
            with Session(self._engine) as session, session.begin():
                session.add(ReportRow(model=model, run_id=run_id, version=version, content=content, at=at))
        except IntegrityError:
            return

    def reports(self, model: str, limit: int = 20) -> list[Json]:
        """Return monitor reports, newest first."""
        query = select(ReportRow).where(ReportRow.model == model).order_by(ReportRow.id.desc()).limit(limit)
        with Session(self._reads) as session:
            return [row.content for row in session.scalars(query)]


def _moved(session: Session, batch: Batch, delivery: Delivery) -> bool:
    """Say whether a delivery differs from one of the same bytes in its folder only: a home or a store that was moved.

    All of it would otherwise land once more in the order of the names, and old rows be merged over newer ones.
    """
    query = select(DeliveryRow.fingerprint).where(DeliveryRow.feed == batch.feed, DeliveryRow.sha == batch.sha)
    return delivery.fingerprint.rpartition("/")[2] in [each.rpartition("/")[2] for each in session.scalars(query)]


def _overtaken(promotion: Promotion, found: int | None) -> LedgerError:
    return LedgerError(
        f"{promotion.model} version {promotion.version}: not promoted; the champion is version {found} now, "
        f"and was {promotion.previous} when this promotion began. Start the deploy again."
    )


def opened(url: str) -> Ledger:
    """Return this process's ledger at a URL, opened once: every task body and every look of a watcher asks for it."""
    file = make_url(url).database if url.startswith("sqlite") else None
    if file and not Path(file).exists():
        return Ledger(url)  # not there yet, or removed since it was opened: its tables are to be made
    return _opened(url, os.getpid())


@functools.cache
def _opened(url: str, pid: int) -> Ledger:  # noqa: ARG001 - a fork must not use its parent's connections
    return Ledger(url)


def _engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    # No pool: an SQLite connection must not be carried over a fork, and would hold on to a file that was replaced.
    kept = {"poolclass": NullPool} if make_url(url).database else {}
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, **kept)

    @event.listens_for(engine, "connect")
    def _tune(connection: Any, _record: object) -> None:
        # Write-ahead logging lets readers go on while one task writes; the timeout lets writers queue.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # A deferred transaction that reads first and writes then fails with "database is locked" at once, whatever
        # the timeout, when another wrote in between: what may write takes the lock before it reads.
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get(READS) else "BEGIN IMMEDIATE")

    return engine


def _batch(row: BatchRow) -> Batch:
    values = {f.name: getattr(row, f.name) for f in dataclasses.fields(Batch)}
    return Batch(**values | {"watermark": (row.watermark or {}).get("value")})


def _run(row: RunRow) -> TrainingRun:
    window = Window.from_json(row.window)
    return TrainingRun(row.run_id, row.model, row.reason, window, tuple(row.candidates["names"]), row.started_at, row.clock_at)


def _verdict(content: Json) -> Verdict:
    rules = tuple(RuleResult(**rule) for rule in content["rules"])
    return Verdict(**content | {"rules": rules, "at": datetime.fromisoformat(content["at"])})
