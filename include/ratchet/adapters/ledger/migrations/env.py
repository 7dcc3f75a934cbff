"""What Alembic runs for every command: the revisions, on the connection that it was given."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context

from include.ratchet.adapters.ledger import migrate
from include.ratchet.adapters.ledger.store import Table, UtcTime


def _written(kind: str, item: Any, _: object) -> str | Literal[False]:
    """Write a time without our own type: a revision must not change when the code does."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    version_table=migrate.VERSION_TABLE,
    render_item=_written,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
