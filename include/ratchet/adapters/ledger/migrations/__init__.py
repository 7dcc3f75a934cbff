"""Revisions of the ledger's tables; Alembic reads this folder."""
