"""What ran, and what the monitor reported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, Text, UniqueConstraint, func, select, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.records import Json


class StepRow(Table):
    """One try of one task: what ran, when, on what."""

    __tablename__ = "steps"
    sealed_by = ("id",)
    id: Mapped[int] = mapped_column(primary_key=True)
    dag_id: Mapped[str] = mapped_column(String(250), index=True)
    run_id: Mapped[str] = mapped_column(String(300), index=True)
    task_id: Mapped[str] = mapped_column(String(250))
    map_index: Mapped[int]
    try_number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    executor: Mapped[str] = mapped_column(String(200))
    bundle: Mapped[str | None] = mapped_column(String(300))
    code_version: Mapped[str] = mapped_column(String(100))
    parameters: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    input: Mapped[str | None] = mapped_column(String(64))
    output: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text, default="")


class ReportRow(Table):
    """One monitor report."""

    __tablename__ = "reports"
    sealed_by = ("model", "run_id")
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    run_id: Mapped[str] = mapped_column(String(300))
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("model", "run_id"),)


class Steps(Store):
    """The metadata of every try of every task, and reports."""

    def step(self, **content: Any) -> None:
        """Record one try of one task."""
        with Session(self._engine) as session, session.begin():
            session.add(StepRow(**content))

    def steps(self, run_id: str) -> list[Json]:
        """Return what is recorded of a run's tasks, oldest first."""
        return self._steps(StepRow.run_id == run_id)

    def steps_since(self, since: datetime) -> list[Json]:
        """Return what is recorded of all tasks that began since a time, oldest first."""
        return self._steps(StepRow.started_at >= since)

    def _steps(self, which: ColumnElement[bool]) -> list[Json]:
        with Session(self._reads) as session:
            rows = session.scalars(select(StepRow).where(which).order_by(StepRow.id))
            return [{c.name: getattr(row, c.name) for c in StepRow.__table__.columns} for row in rows]

    def failing(self, dags: Sequence[str], since: datetime) -> list[Json]:
        """Return the failed newest tries of some DAGs' tasks, oldest first; of a task counts the newest run that has it.

        An earlier run may have had more mapped tasks than any will have again.
        """
        ended = (StepRow.dag_id.in_(dags), StepRow.started_at >= since, StepRow.state.in_(("success", "skipped", "failed")))
        last = select(func.max(StepRow.id)).where(*ended).group_by(StepRow.dag_id, StepRow.task_id)
        task = (StepRow.dag_id, StepRow.task_id, StepRow.run_id)
        of_last = tuple_(*task).in_(select(*task).where(StepRow.id.in_(last)))
        newest = select(func.max(StepRow.id)).where(*ended, of_last).group_by(*task, StepRow.map_index)
        return self._steps(StepRow.id.in_(newest) & (StepRow.state == "failed"))

    def ended(self, dag: str, since: datetime) -> bool:
        """Say whether a try of a DAG's task has ended since a time."""
        query = select(StepRow.id).where(StepRow.dag_id == dag, StepRow.ended_at > since).limit(1)
        with Session(self._reads) as session:
            return session.scalar(query) is not None

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
