"""Seal signals and dispositions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from include.ratchet.adapters.ledger.migrations.versions.r0003_seal_what_is_never_changed import _seal

revision = "r0010"
down_revision = "r0009"


def upgrade() -> None:
    """Take what became of signals out of their rows, which are never changed from now on, and seal both."""
    op.create_table(
        "dispositions",
        sa.Column("signal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("run_id", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("signal"),
    )
    op.create_table(
        "waits",
        sa.Column("signal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("signal"),
    )
    final = "SELECT id, outcome, reason, run_id FROM signals WHERE outcome <> 'pending'"
    op.execute(f"INSERT INTO dispositions (signal, outcome, reason, run_id) {final}")
    op.execute("INSERT INTO waits (signal, reason) SELECT id, reason FROM signals WHERE outcome = 'pending' AND reason <> ''")
    with op.batch_alter_table("signals", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_signals_outcome"))
        batch_op.drop_column("run_id")
        batch_op.drop_column("reason")
        batch_op.drop_column("outcome")
    _seal(op.get_bind(), "signals", ("id",), "id")
    _seal(op.get_bind(), "dispositions", ("signal",), "signal")
