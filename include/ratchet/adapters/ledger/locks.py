"""Work that one process does at a time, on whatever machine: a lock that ends with who holds it, killed or not."""

from __future__ import annotations

import fcntl
import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import text

from include.ratchet.adapters.ledger.store import Store

_log = logging.getLogger("ratchet.ledger")
_LOCK = 0x726D7278
"""Of PostgreSQL's advisory locks, with the work's name."""
_WAITS = "%s: another run is at it; waiting until it has ended"


class Locks(Store):
    """Held by a transaction on PostgreSQL, by a locked file beside an SQLite database."""

    @contextmanager
    def alone(self, work: str) -> Iterator[None]:
        """Wait until nobody else does this work, and keep others from it for the block; who has to wait says so once.

        Not to be entered twice by one process for the same work: it would wait for itself.
        """
        if self._engine.dialect.name == "postgresql":
            with self._engine.begin() as connection:
                key = {"lock": _LOCK, "work": work}
                if not connection.scalar(text("SELECT pg_try_advisory_xact_lock(:lock, hashtext(:work))"), key):
                    _log.info(_WAITS, work)
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock, hashtext(:work))"), key)
                yield
            return
        database = self._engine.url.database
        if not database:  # in memory: nobody else sees it
            yield
            return
        place = Path(f"{database}.locks") / hashlib.sha256(work.encode()).hexdigest()[:16]
        place.parent.mkdir(exist_ok=True)
        with place.open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _log.info(_WAITS, work)
                fcntl.flock(file, fcntl.LOCK_EX)
            yield
