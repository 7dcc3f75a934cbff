"""Seal what is never changed."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "r0003"
down_revision = "r0002"
SEALED = (
    ("verdicts", ("digest",), "at"),
    ("promotions", ("model", "sequence"), "id"),
    ("snapshots", ("digest",), "digest"),
    ("runs", ("model", "run_id"), "started_at"),
    ("steps", ("id",), "id"),
    ("reports", ("model", "run_id"), "id"),
)


def upgrade() -> None:
    """Add the chains, and seal what was recorded before there were any."""
    op.create_table(
        "confirmations",
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("began", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("model", "sequence", "worker"),
    )
    op.create_table(
        "seal_heads",
        sa.Column("chain", sa.String(length=50), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain"),
    )
    op.create_table(
        "seals",
        sa.Column("chain", sa.String(length=50), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=500), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number"),
        sa.UniqueConstraint("chain", "record"),
    )
    with op.batch_alter_table("steps", schema=None) as batch_op:
        batch_op.add_column(sa.Column("bundle", sa.String(length=300), nullable=True))
        batch_op.add_column(sa.Column("input", sa.String(length=64), nullable=True))
    for name, key, order in SEALED:
        _seal(op.get_bind(), name, key, order)


def _seal(connection: sa.Connection, name: str, key: tuple[str, ...], order: str) -> None:
    """Seal the records that are there, as they are found."""
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    seals, heads = (sa.Table(each, sa.MetaData(), autoload_with=connection) for each in ("seals", "seal_heads"))
    previous, links = "0" * 64, []
    for number, row in enumerate(connection.execute(sa.select(table).order_by(table.c[order])).mappings(), start=1):
        record, content = "/".join(str(row[each]) for each in key), _content(row)
        said = json.dumps([name, number, record, content, previous])
        made = hashlib.sha256(said.encode()).hexdigest()
        links.append({"chain": name, "number": number, "record": record, "content": content, "previous": previous, "hash": made})
        previous = made
    if links:
        connection.execute(sa.insert(seals), links)
        connection.execute(sa.insert(heads), {"chain": name, "number": len(links), "hash": previous})


def _content(row: sa.RowMapping) -> str:
    known = {key: _plain(value) for key, value in row.items() if value is not None}
    text = json.dumps(json.loads(json.dumps(known)), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    return value
