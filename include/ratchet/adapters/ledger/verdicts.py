"""Snapshots, and what the gate decided about the versions trained on them."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.records import Json, RuleResult, Snapshot, Verdict, Window, digest


class SnapshotRow(Table):
    """One immutable training input."""

    __tablename__ = "snapshots"
    sealed_by = ("digest",)
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
    sealed_by = ("digest",)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    model: Mapped[str] = mapped_column(String(200), index=True)
    version: Mapped[int]
    run_id: Mapped[str] = mapped_column(String(300))
    outcome: Mapped[str] = mapped_column(String(20))
    content: Mapped[dict[str, Any]]
    at: Mapped[datetime]


class DossierRow(Table):
    """The digest of the page that explains a verdict: what an approval names."""

    __tablename__ = "dossiers"
    sealed_by = ("verdict", "digest")
    id: Mapped[int] = mapped_column(primary_key=True)
    verdict: Mapped[str] = mapped_column(String(64), ForeignKey("verdicts.digest"))
    digest: Mapped[str] = mapped_column(String(64))
    url: Mapped[str] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("verdict", "digest"),)


class Verdicts(Store):
    """Written once; judged once."""

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

    def explain(self, verdict: str, name: str, url: str) -> None:
        """Record the digest of the dossier on a verdict, and where people read it; the same digest again changes nothing."""
        try:
            with Session(self._engine) as session, session.begin():
                session.add(DossierRow(verdict=verdict, digest=name, url=url))
        except IntegrityError:
            return

    def dossier(self, verdict: str) -> Json | None:
        """Return `digest` and `url` of the newest dossier on a verdict, by the verdict's digest; None when it has none."""
        query = select(DossierRow).where(DossierRow.verdict == verdict).order_by(DossierRow.id.desc()).limit(1)
        with Session(self._reads) as session:
            row = session.scalar(query)
            return {"digest": row.digest, "url": row.url} if row else None


def _verdict(content: Json) -> Verdict:
    rules = tuple(RuleResult(**rule) for rule in content["rules"])
    return Verdict(**content | {"rules": rules, "at": datetime.fromisoformat(content["at"])})
