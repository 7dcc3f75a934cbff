"""How a ledger's tables come up to date, on SQLite and on PostgreSQL."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine, inspect, text

from include.ratchet.adapters.ledger import Ledger, migrate
from include.ratchet.adapters.ledger.store import Table
from include.ratchet.domain.errors import LedgerError
from include.ratchet.domain.specs import PROJECT

AT = datetime(2026, 1, 1, tzinfo=UTC)


def first_tables(connection: Connection) -> None:
    """Make the tables as the release without revisions made them."""
    (path,) = (migrate.FOLDER / "versions").glob(f"{migrate.FIRST}_*.py")
    spec = importlib.util.spec_from_file_location("first", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    upgrade: Callable[[], None] = module.upgrade
    with Operations.context(MigrationContext.configure(connection)):
        upgrade()


FILLED = (
    "INSERT INTO verdicts (digest, model, version, run_id, outcome, content, at) VALUES ('d', 'm', 1, 'r', 'promote', :content, :at)",
    "INSERT INTO promotions (model, sequence, version, action, who, why, evidence, at) VALUES ('m', 1, 1, 'promote', 'me', 'x', 'd', :at)",
    "INSERT INTO deliveries (feed, fingerprint, sha, seen_at) VALUES ('f', 'print', 's', :at)",
    """INSERT INTO signals (model, kind, key, evidence, at, outcome, reason, run_id)
       VALUES ('m', 'drift', 'a', '{"psi": 0.3}', :at, 'started', 'drift', 'r')""",
    "INSERT INTO signals (model, kind, key, evidence, at, outcome, reason) VALUES ('m', 'manual', 'b', '{}', :at, 'pending', 'cooling')",
    "INSERT INTO signals (model, kind, key, evidence, at, outcome, reason) VALUES ('m', 'manual', 'c', '{}', :at, 'pending', '')",
)
CONTENT = (
    '{"model": "m", "version": 1, "run_id": "r", "outcome": "promote", "sentence": "s", "rules": [], "figures": {}, '
    '"champion": null, "at": "2026-01-01T00:00:00+00:00", "digest": "d"}'
)


def test_code_and_revisions_agree(url: str) -> None:
    """What the revisions make is what the code's tables say: a change without its revision fails here."""
    Ledger(url)
    with create_engine(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": migrate.VERSION_TABLE})
        assert compare_metadata(context, Table.metadata) == []


def test_a_ledger_of_the_release_before_is_kept(url: str) -> None:
    """Tables without revisions are taken over: every row is there afterwards, and the ledger goes on."""
    at = AT.isoformat(sep=" ") if url.startswith("sqlite") else AT
    with create_engine(url).begin() as connection:
        first_tables(connection)
        for said in FILLED:
            connection.execute(text(said), {"at": at, "content": CONTENT} if "content" in said else {"at": at})
    ledger = Ledger(url)
    assert (ledger.champion("m"), ledger.seen("f")) == (1, ["print"])
    assert [each.at for each in ledger.promotions("m")] == [AT]
    assert [each.digest for each in ledger.verdicts("m")] == ["d"]
    became = {signal.key: (signal.evidence, made.outcome, made.reason, made.run) for signal, made in ledger.signals("m")}
    assert became == {"a": ({"psi": 0.3}, "started", "drift", "r"), "b": ({}, "pending", "cooling", None), "c": ({}, "pending", "", None)}
    records = {each.chain: each.records for each in ledger.audit() if each.records}
    assert records == {"promotions": 1, "verdicts": 1, "signals": 3, "dispositions": 1}
    assert [each.faults for each in ledger.audit() if each.faults] == []
    test_code_and_revisions_agree(url)


def test_processes_may_upgrade_at_once(url: str) -> None:
    """Four processes that open the same old ledger at the same time all find it up to date, changed once."""
    with create_engine(url).begin() as connection:
        first_tables(connection)
    code = f"from include.ratchet.adapters.ledger import Ledger; print(Ledger({url!r}).champion('m'))"
    opening = [subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [each.communicate(timeout=60)[0].strip() for each in opening] == ["None"] * 4
    with create_engine(url).connect() as connection:
        found = connection.execute(text("SELECT version_num FROM ledger_version")).scalars().all()
    assert found == [migrate.revisions()[-1]]


def test_a_failed_upgrade_changes_nothing(url: str) -> None:
    """Tables that are in the way of the first revision: the error is shown, and nothing of the revision stays."""
    with create_engine(url).begin() as connection:
        connection.execute(text("CREATE TABLE steps (unlike INTEGER)"))
    with pytest.raises(Exception, match="steps"):
        Ledger(url)
    with create_engine(url).connect() as connection:
        assert inspect(connection).get_table_names() == ["steps"]


def test_a_newer_ledger_is_refused(url: str) -> None:
    """An older release does not write into tables that it does not know."""
    Ledger(url)
    with create_engine(url).begin() as connection:
        connection.execute(text("UPDATE ledger_version SET version_num = 'r9999'"))
    with pytest.raises(LedgerError, match="at revision r9999, this release knows r0001 to"):
        Ledger(url)


def test_revisions_are_a_line() -> None:
    """Each names the one before it: two of the same number would each leave out the other."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((migrate.FOLDER / "versions").glob("r[0-9]*.py"))]
    names = [f"r{number + 1:04d}" for number in range(len(texts))]
    assert migrate.revisions() == names
    before = [None, *names[:-1]]
    for said, name, earlier in zip(texts, names, before, strict=True):
        assert f'revision = "{name}"' in said
        assert f"down_revision = {f'{chr(34)}{earlier}{chr(34)}' if earlier else None}\n" in said


def test_a_look_loads_no_alembic(url: str) -> None:
    """Every task opens the ledger: one that is up to date is found so without Alembic, and without a lock."""
    Ledger(url)
    code = f"import sys; from include.ratchet.adapters.ledger import Ledger; Ledger({url!r}); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_next_revision_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table that the code has and no revision makes: the file that is written makes it, after the newest."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, folder)
    newest = sorted((folder / "versions").glob("r[0-9]*.py"))
    for path in newest[1:]:
        path.unlink()
    monkeypatch.setattr(migrate, "FOLDER", folder)
    migrate.revisions.cache_clear()
    try:
        made = migrate.write_revision("Add what is missing")
    finally:
        monkeypatch.undo()
        migrate.revisions.cache_clear()
    assert made.name == "r0002_add_what_is_missing.py"
    assert 'down_revision = "r0001"' in made.read_text(encoding="utf-8")
