"""A PostgreSQL of our own, and an empty database of each kind; proofs start one, too."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _as_postgres() -> list[str]:
    """Return what to put before a command, so that it does not run as root, which PostgreSQL refuses."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []


def missing() -> str:
    """Say why no PostgreSQL can be started here; empty when one can."""
    if _binaries() is None:
        return "no PostgreSQL binaries under /usr/lib/postgresql/*/bin"
    if os.geteuid() == 0 and (shutil.which("runuser") is None or not any(user.pw_name == "postgres" for user in pwd.getpwall())):
        return "PostgreSQL does not run as root, and there is no runuser or no user postgres"
    return ""


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Start a PostgreSQL on a free loopback port; give its SQLAlchemy URL without a database.

    Raises:
        RuntimeError: There is none to start.
    """
    binaries = _binaries()
    if binaries is None or missing():
        raise RuntimeError(missing())
    folder = Path(tempfile.mkdtemp(prefix="ratchet-pg-", dir="/tmp"))  # pytest's own folders are closed to other users
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(folder / "data")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=16MB"

    def run(program: str, *arguments: str, check: bool = True) -> None:
        command = [*_as_postgres(), str(binaries / program), "-D", data, *arguments]
        subprocess.run(command, cwd=folder, check=check, stdout=subprocess.DEVNULL, timeout=120)

    try:
        run("initdb", "-A", "trust", "-U", "ratchet", "--no-sync")
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        yield f"postgresql+psycopg2://ratchet@127.0.0.1:{port}"
    finally:
        run("pg_ctl", "-m", "immediate", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def empty(server: str) -> str:
    """Make an empty database; return its URL."""
    name = f"t{uuid.uuid4().hex}"
    with sa.create_engine(f"{server}/postgres", isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text(f'CREATE DATABASE "{name}"'))
    return f"{server}/{name}"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Give a server for the session."""
    if missing():
        pytest.skip(missing())
    with server() as url:
        yield url


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Give what makes an empty database of a kind, and returns its URL."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / 'db.sqlite'}"
        return empty(request.getfixturevalue("postgres"))

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, database: Callable[[str], str]) -> str:
    """Give an empty database, on each kind that the ledger runs on."""
    return database(request.param)
