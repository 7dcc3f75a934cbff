"""Feeds with a watermark, from the table to the lake: late rows, and ranges that a backfill asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import Skip
from include.ratchet.tasks import ingest
from include.ratchet.tasks.seam import run_task
from tests.tiny import FEED, FEED_YAML, Project, visits

SOURCE = "{kind: sql, connection: shop, table: visits, watermark: at}"


@pytest.fixture(params=["merge", "append"])
def shop(project: Project, url: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> sa.Engine:
    """Keep the visits of ten days in a database, and read them from there."""
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", url.replace("postgresql+psycopg2", "postgres"))
    text = FEED_YAML.replace('{kind: files, uri: "landing://visits/*.csv"}', SOURCE)
    project.write(feed=text + f"    mode: {request.param}\n")
    engine = sa.create_engine(url)
    days = visits(0, 10)
    days["at"] = [datetime.fromisoformat(each.removesuffix("Z")) for each in days["at"]]
    days.to_sql("visits", engine, index=False)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE late AS SELECT * FROM visits WHERE visit % 3 = 0"))
        connection.execute(sa.text("DELETE FROM visits WHERE visit % 3 = 0 AND visit < 390"))
    return engine


def _ingest(project: Project, days: tuple[int, int] | None = None) -> int:
    """Run one ingest, of some days when asked as a backfill is; return how many rows were merged."""
    interval = (datetime(2020, 1, days[0], tzinfo=UTC), datetime(2020, 1, days[1], tzinfo=UTC)) if days else None
    kind = "backfill" if days else "manual"

    def call(body: Any, *args: Any) -> Any:
        return run_task(TaskContext(f"{FEED}_ingest", f"{kind}_{days}", body.__name__, run_type=kind, interval=interval), body, *args)

    try:
        batches = call(ingest.land, FEED)
    except Skip:
        return 0
    for each in batches:
        call(ingest.check, FEED, each)
        call(ingest.validate, FEED, each)
    rows: int = call(ingest.merge, FEED)["rows"]
    assert project.home.exists()
    return rows


def test_a_backfill_reads_what_is_missing_of_its_days(project: Project, shop: sa.Engine) -> None:
    """Rows that came after their days were read: a run of those days brings them, once; the watermark stays where it was."""
    first = _ingest(project)
    with shop.begin() as connection:
        connection.execute(sa.text("INSERT INTO visits SELECT * FROM late WHERE visit < 390"))
    assert _ingest(project) == 0
    assert _ingest(project, (3, 5)) == sum(1 for number in range(80, 160) if number % 3 == 0)
    assert _ingest(project, (3, 5)) == 0
    assert _ingest(project, (1, 31)) == sum(1 for number in range(390) if number % 3 == 0) - 27
    found = project.rows(f"clean/{FEED}")
    assert sorted(found["visit"]) == list(range(400))
    assert first == 400 - sum(1 for number in range(390) if number % 3 == 0)
    assert [batch.watermark for batch in open_ledger().batches(FEED)][1:] == [None, None]


def test_a_late_row_at_the_watermark_is_in_the_lake_once(project: Project, shop: sa.Engine) -> None:
    """In either mode, and with another that landed beside it."""
    _ingest(project)
    with shop.begin() as connection:
        connection.execute(sa.text("INSERT INTO visits SELECT 1000, at, x, colour, bought FROM visits WHERE visit = 399"))
    assert _ingest(project) == 1
    assert _ingest(project) == 0
    found = project.rows(f"clean/{FEED}")["visit"]
    assert sorted(found[found >= 399]) == [399, 1000]
