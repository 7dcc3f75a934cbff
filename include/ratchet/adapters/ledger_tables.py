"""The ledger's tables, in SQLAlchemy's words; the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, ForeignKey, String, Text, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcTime(TypeDecorator[datetime]):
    """A time that is UTC on both sides; SQLite itself forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Table(DeclarativeBase):
    """Base of all ledger tables."""

    type_annotation_map = {datetime: UtcTime, dict[str, Any]: JSON}  # noqa: RUF012 - SQLAlchemy reads it so


class BatchRow(Table):
    """One delivery of a feed, kept as it came."""

    __tablename__ = "batches"
    id: Mapped[int] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(String(200), index=True)
    sha: Mapped[str] = mapped_column(String(64))
    uri: Mapped[str] = mapped_column(Text)
    size: Mapped[int] = mapped_column(BigInteger)  # PostgreSQL's INTEGER ends at 2 GiB
    landed_at: Mapped[datetime]
    status: Mapped[str] = mapped_column(String(20), index=True)
    reason: Mapped[str] = mapped_column(Text, default="")
    watermark: Mapped[dict[str, Any] | None]
    rows: Mapped[int | None]
    quarantined: Mapped[int | None]
    version: Mapped[int | None]
    max_event_time: Mapped[datetime | None]
    landing: Mapped[int] = mapped_column(default=0)
    judged_by: Mapped[str] = mapped_column(String(64), default="")
    __table_args__ = (UniqueConstraint("feed", "sha", "landing"),)


class DeliveryRow(Table):
    """A source's item that has landed; several may hold the same bytes."""

    __tablename__ = "deliveries"
    feed: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(500), primary_key=True)
    sha: Mapped[str] = mapped_column(String(64))
    seen_at: Mapped[datetime]


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
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    run_id: Mapped[str] = mapped_column(String(300), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    window: Mapped[dict[str, Any]]
    candidates: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    clock_at: Mapped[datetime]


class StepRow(Table):
    """One try of one task: what ran, when, on what."""

    __tablename__ = "steps"
    id: Mapped[int] = mapped_column(primary_key=True)
    dag_id: Mapped[str] = mapped_column(String(250), index=True)
    run_id: Mapped[str] = mapped_column(String(300), index=True)
    task_id: Mapped[str] = mapped_column(String(250))
    map_index: Mapped[int]
    try_number: Mapped[int]
    state: Mapped[str] = mapped_column(String(20))
    executor: Mapped[str] = mapped_column(String(200))
    code_version: Mapped[str] = mapped_column(String(100))
    parameters: Mapped[dict[str, Any]]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    output: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(Text, default="")


class SnapshotRow(Table):
    """One immutable training input."""

    __tablename__ = "snapshots"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    tables: Mapped[dict[str, Any]]
    window: Mapped[dict[str, Any]]
    transform: Mapped[str] = mapped_column(String(64))
    rows: Mapped[int]
    content: Mapped[str] = mapped_column(String(64))
    place: Mapped[str] = mapped_column(Text)


class VerdictRow(Table):
    """What the gate decided about one version."""

    __tablename__ = "verdicts"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    version: Mapped[int]
    run_id: Mapped[str] = mapped_column(String(300))
    outcome: Mapped[str] = mapped_column(String(20))
    content: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class PromotionRow(Table):
    """One change of champion; the newest row of a model names the version that serves."""

    __tablename__ = "promotions"
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    sequence: Mapped[int]
    version: Mapped[int]
    previous: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(20))
    who: Mapped[str] = mapped_column(String(200))
    why: Mapped[str] = mapped_column(Text)
    evidence: Mapped[str] = mapped_column(String(64), ForeignKey("verdicts.digest"))
    at: Mapped[datetime]
    # The compare-and-set: two promotions over the same champion claim the same sequence, and one is refused.
    __table_args__ = (UniqueConstraint("model", "sequence"),)


class ReportRow(Table):
    """One monitor report."""

    __tablename__ = "reports"
    id: Mapped[int] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    run_id: Mapped[str] = mapped_column(String(300))
    version: Mapped[int]
    content: Mapped[dict[str, Any]]
    at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("model", "run_id"),)
