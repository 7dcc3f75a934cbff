"""Bring a ledger's tables up to date: one look when it is opened, Alembic's revisions when they are behind.

A ledger only moves forward, so no revision knows the way back. `docs/ledger.md` says how to add one.
"""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, inspect, text

from include.ratchet.domain.errors import LedgerError

if TYPE_CHECKING:
    from alembic.config import Config

FOLDER = Path(__file__).parent / "migrations"
VERSION_TABLE = "ledger_version"
"""Not Alembic's own name: Airflow or MLflow may have theirs in the same database."""
FIRST = "r0001"
_LOCK = 0x7261746368657431
"""Of PostgreSQL's advisory locks: the bytes of "ratchet1"."""


@functools.cache
def revisions() -> list[str]:
    """Return the names of all revisions, oldest first; read from the files, since a look loads no Alembic."""
    return sorted(path.name.partition("_")[0] for path in (FOLDER / "versions").glob("r[0-9]*.py"))


def require_newest(engine: Engine) -> None:
    """Bring the tables up to date when they are not; several processes may do so at once.

    Raises:
        LedgerError: The tables are of a newer release.
    """
    with engine.connect() as connection:
        if _version(connection, engine) == revisions()[-1]:
            return
    with engine.connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:  # a table that is changed is made anew there, and the old one dropped; no effect inside a transaction
            _pragma(connection, "foreign_keys=OFF")
        try:
            with connection.begin():
                if not sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                _upgrade(connection, _version(connection, engine))
        finally:
            if sqlite:
                _pragma(connection, "foreign_keys=ON")


def _upgrade(connection: Connection, found: str | None) -> None:
    """Run what is missing, inside the caller's transaction: all of it, or nothing."""
    if found == revisions()[-1]:
        return  # another process was faster
    from alembic import command

    if found is None and inspect(connection).has_table("promotions"):
        command.stamp(config(connection), FIRST)  # made by a release that had no revisions yet
    command.upgrade(config(connection), "head")


def _version(connection: Connection, engine: Engine) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - our own name
    if found not in (None, *revisions()):
        message = (
            f"ledger {engine.url.render_as_string()}: its tables are at revision {found}, this release knows {FIRST} to {revisions()[-1]}; "
            "start the newer release again. A ledger does not go back: to return to this one, restore its copy of before the upgrade."
        )
        raise LedgerError(message)
    return found


def _pragma(connection: Connection, said: str) -> None:
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA {said}")


def config(connection: Connection) -> Config:
    """Return what Alembic's commands are given; `migrations/env.py` reads the connection."""
    from alembic.config import Config

    made = Config(attributes={"connection": connection})
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return made


def write_revision(message: str) -> Path:
    """Write the next revision: what the tables in the code have and the newest revision does not."""
    from alembic import command

    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/ledger.db")
        require_newest(engine)
        with engine.connect() as connection:
            number = f"r{int(revisions()[-1][1:]) + 1:04d}"
            command.revision(config(connection), message, autogenerate=True, rev_id=number)
    return next((FOLDER / "versions").glob(f"{number}_*.py"))
