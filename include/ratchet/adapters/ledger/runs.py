"""Signals, what the arbiter made of them, and the training runs that it started."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import String, Text, UniqueConstraint, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.errors import OvertakenError
from include.ratchet.domain.records import Disposition, Signal, TrainingRun, Window

_LOCK = 0x61726274
"""Of PostgreSQL's advisory locks, with the model's name: who starts a run waits for who starts another."""


class SignalRow(Table):
    """A reason to retrain; its disposition is written once."""

    __tablename__ = "signals"
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(300))
    evidence: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    outcome: Mapped[str] = mapped_column(String(20), default="pending", index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    run_id: Mapped[str | None] = mapped_column(String(300))
    __table_args__ = (UniqueConstraint("model", "key"),)


class RunRow(Table):
    """One training run that the arbiter started."""

    __tablename__ = "runs"
    sealed_by = ("model", "run_id")
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(300), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    window: Mapped[dict[str, Any]]
    candidates: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    clock_at: Mapped[datetime]


class Runs(Store):
    """Why a run trains."""

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

    def arbitrated(self, dispositions: Sequence[Disposition], run: TrainingRun | None, seen: int | None = None) -> None:
        """Write what the arbiter decided, and the run that it started, in one transaction.

        Args:
            dispositions: Of signals that are pending.
            run: The run that starts, None when none does.
            seen: How many runs of the model the arbiter knew of: cooldown and budget hold for no other number.

        Raises:
            OvertakenError: Another run answered one of the signals, or was started, meanwhile; nothing is written.
        """
        with Session(self._engine) as session, session.begin():
            if run and seen is not None:
                _require_seen(session, run.model, seen)
            for each in sorted(dispositions, key=lambda d: d.signal):
                row = session.get_one(SignalRow, each.signal, with_for_update=True)
                if row.outcome != "pending":
                    message = f"signal {each.signal} of {row.model}: {row.outcome} already, by run {row.run_id}; start the train run again"
                    raise OvertakenError(message)
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


def _require_seen(session: Session, model: str, seen: int) -> None:
    """Let one arbiter of a model after the other start a run; the one that did not know of the other's decides again."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":  # SQLite lets one transaction write at a time as it is
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock, hashtext(:model))"), {"lock": _LOCK, "model": model})
    found = session.scalar(select(func.count()).select_from(RunRow).where(RunRow.model == model))
    if found != seen:
        raise OvertakenError(f"{model}: {found} runs are recorded, {seen} were known when this one was decided; start the train run again")


def _run(row: RunRow) -> TrainingRun:
    window = Window.from_json(row.window)
    return TrainingRun(row.run_id, row.model, row.reason, window, tuple(row.candidates["names"]), row.started_at, row.clock_at)
