"""Alerts: which conditions hold and since when, and the messages about them that wait to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, String, Text, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from include.ratchet.adapters.ledger.seals import Session
from include.ratchet.adapters.ledger.store import Store, Table
from include.ratchet.domain.alerts import Alert, Message, Standing, Telling

LEASE = timedelta(minutes=5)
"""Who takes a message to send it has so long; then it is another's to try."""
_OPEN = text("cleared_at IS NULL")


class AlertRow(Table):
    """A condition that holds, from its first look to the one that did not find it any more."""

    __tablename__ = "alerts"
    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(200), index=True)
    condition: Mapped[str] = mapped_column(String(300))
    said: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime]
    told_at: Mapped[datetime]
    times: Mapped[int]
    cleared_at: Mapped[datetime | None]
    __table_args__ = (Index("one_open_alert", "subject", "condition", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),)


class MessageRow(Table):
    """One message to one channel; it waits until it was sent."""

    __tablename__ = "messages"
    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(500), index=True)
    headline: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    held_until: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(Text, default="")
    sent_at: Mapped[datetime | None]


class Alerts(Store):
    """What people are told, once per condition until it clears or is due again."""

    def hold(self, subject: str, holds: Sequence[Alert], now: datetime, how: Telling) -> list[Alert]:
        """Make `holds` all that holds of a subject; return what is to be told, whose messages are written for each channel.

        Told is what did not hold before, and again what was told so long ago. What holds no longer is cleared, but for what
        is to be kept, and for what another told since `now`: the time before `holds` was read.
        """
        try:
            return self._hold(subject, holds, now, how)
        except IntegrityError:  # another process saw the same at the same moment, and has told it
            return self._hold(subject, holds, now, how)

    def _hold(self, subject: str, holds: Sequence[Alert], now: datetime, how: Telling) -> list[Alert]:
        told, found = [], {each.condition: each for each in holds}
        query = select(AlertRow).where(AlertRow.subject == subject, AlertRow.cleared_at.is_(None))
        with Session(self._engine) as session, session.begin():
            rows = {row.condition: row for row in session.scalars(query.order_by(AlertRow.id).with_for_update())}
            for condition, row in rows.items():
                if condition not in found and condition not in how.keep and row.told_at < now:
                    row.cleared_at = now
            for condition, alert in found.items():
                known = rows.get(condition)
                if known is None and alert.ripe:
                    session.add(AlertRow(subject=subject, condition=condition, said=alert.body, since=now, told_at=now, times=1))
                elif known is not None and now >= known.told_at + how.repeat:
                    known.said, known.told_at, known.times = alert.body, now, known.times + 1
                else:
                    continue
                told.append(alert)
                session.add_all(MessageRow(channel=each, headline=alert.headline, body=alert.body, made_at=now) for each in how.channels)
        return told

    def alerts(self, subject: str | None = None) -> list[Standing]:
        """Return the alerts that stand, oldest first."""
        query = select(AlertRow).where(AlertRow.cleared_at.is_(None)).order_by(AlertRow.id)
        if subject is not None:
            query = query.where(AlertRow.subject == subject)
        with Session(self._reads) as session:
            return [Standing(row.subject, row.condition, row.said, row.since, row.told_at, row.times) for row in session.scalars(query)]

    def messages(self, channels: Sequence[str] | None = None, *, fresh: bool = False) -> list[Message]:
        """Return the messages that wait for some channels, or for any, oldest first; fresh ones were never tried."""
        query = select(MessageRow).where(MessageRow.sent_at.is_(None)).order_by(MessageRow.id)
        if channels is not None:
            query = query.where(MessageRow.channel.in_(channels))
        if fresh:
            query = query.where(MessageRow.tries == 0)
        with Session(self._reads) as session:
            return [
                Message(row.id, row.channel, row.headline, row.body, row.made_at, row.tries, row.error) for row in session.scalars(query)
            ]

    def take(self, message: int, now: datetime) -> bool:
        """Take a message to send it; False when it was sent, or another has it."""
        free = MessageRow.held_until.is_(None) | (MessageRow.held_until <= now)
        query = update(MessageRow).where(MessageRow.id == message, MessageRow.sent_at.is_(None), free)
        return self._changed(query.values(held_until=now + LEASE, tries=MessageRow.tries + 1))

    def sent(self, message: int, now: datetime) -> None:
        """Record that a message was sent."""
        self._changed(update(MessageRow).where(MessageRow.id == message).values(sent_at=now, error=""))

    def unsent(self, message: int, error: str) -> None:
        """Record that a message could not be sent, and why; it waits for the next look."""
        self._changed(update(MessageRow).where(MessageRow.id == message).values(held_until=None, error=error))

    def _changed(self, query: Any) -> bool:
        with Session(self._engine) as session, session.begin():
            return bool(session.connection().execute(query).rowcount)
