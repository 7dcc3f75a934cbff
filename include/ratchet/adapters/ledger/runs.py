"""Signals, what the arbiter made of them, and the training runs that it started."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import String, Text, UniqueConstraint, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.errors import LedgerError, OvertakenError
from include.ratchet.domain.records import Disposition, Signal, TrainingRun, Window

PENDING: Literal["pending"] = "pending"
_LOCK = 0x61726274
"""Of PostgreSQL's advisory locks, with the model's name: who starts a run waits for who starts another."""


class SignalRow(Table):
    """A reason to retrain."""

    __tablename__ = "signals"
    sealed_by = ("id",)
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(300))
    evidence: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("model", "key"),)


class DispositionRow(Table):
    """What became of a signal at last."""

    __tablename__ = "dispositions"
    sealed_by = ("signal",)
    signal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    outcome: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str] = mapped_column(Text)
    run_id: Mapped[str | None] = mapped_column(String(300))


class WaitRow(Table):
    """Why a signal waited when the arbiter looked last; no record, it changes with every look."""

    __tablename__ = "waits"
    signal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reason: Mapped[str] = mapped_column(Text)


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
        """Record a reason to retrain; the same key again is the same signal.

        Raises:
            LedgerError: It cannot be recorded, as its number was sealed for a signal that is gone.
        """
        content = dataclasses.asdict(signal)
        content.pop("id")
        try:
            with Session(self._engine) as session, session.begin():
                session.add(SignalRow(**content))
        except IntegrityError as error:
            with Session(self._engine) as session:
                there = session.scalar(select(SignalRow.id).where(SignalRow.model == signal.model, SignalRow.key == signal.key))
            if there is None:
                message = f"signal {signal.key!r} of {signal.model}: not recorded, another record has its number or its seal"
                raise LedgerError(f"{message}; run ./ratchet audit verify, which names what was altered") from error

    def signals(self, model: str, *, pending: bool = False) -> list[tuple[Signal, Disposition]]:
        """Return signals and what became of them, newest first."""
        query = (
            select(SignalRow, DispositionRow, WaitRow.reason)
            .outerjoin(DispositionRow, DispositionRow.signal == SignalRow.id)
            .outerjoin(WaitRow, WaitRow.signal == SignalRow.id)
            .where(SignalRow.model == model)
            .order_by(SignalRow.id.desc())
        )
        if pending:
            query = query.where(DispositionRow.signal.is_(None))
        with Session(self._reads) as session:
            return [(_signal(row), _disposition(row.id, made, waits or "")) for row, made, waits in session.execute(query)]

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
            _require_pending(session, [each.signal for each in dispositions])
            for each in dispositions:
                if each.outcome == PENDING:
                    session.merge(WaitRow(signal=each.signal, reason=each.reason))
            final = [each for each in dispositions if each.outcome != PENDING]
            session.add_all(DispositionRow(signal=each.signal, outcome=each.outcome, reason=each.reason, run_id=each.run) for each in final)
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


def _require_pending(session: Session, signals: Sequence[int]) -> None:
    """Hold the signals, in one order for all who do, until the transaction ends; none of them may be answered."""
    held = select(SignalRow).where(SignalRow.id.in_(signals)).order_by(SignalRow.id).with_for_update()
    models = {row.id: row.model for row in session.scalars(held)}
    if unknown := set(signals) - set(models):
        raise LedgerError(f"signal(s) {sorted(unknown)} are not in the ledger")
    # Asked only now: whoever held them before has committed.
    made = session.scalars(select(DispositionRow).where(DispositionRow.signal.in_(signals)).order_by(DispositionRow.signal)).first()
    if made:
        found = f"{made.outcome} already, by run {made.run_id}"
        raise OvertakenError(f"signal {made.signal} of {models[made.signal]}: {found}; start the train run again")


def _signal(row: SignalRow) -> Signal:
    return Signal(row.model, row.kind, row.key, row.evidence, row.at, row.id)  # type: ignore[arg-type]


def _disposition(signal: int, row: DispositionRow | None, waits: str) -> Disposition:
    if row is None:
        return Disposition(signal, PENDING, waits)
    return Disposition(signal, row.outcome, row.reason, row.run_id)  # type: ignore[arg-type]


def _run(row: RunRow) -> TrainingRun:
    window = Window.from_json(row.window)
    return TrainingRun(row.run_id, row.model, row.reason, window, tuple(row.candidates["names"]), row.started_at, row.clock_at)
