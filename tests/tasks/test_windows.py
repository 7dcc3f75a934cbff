"""Feeds with a watermark, from the table to the lake: late rows, and ranges that a backfill asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from include.ratchet.adapters import open_ledger
from include.ratchet.adapters.sources.files import Files
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import DataError, Skip
from include.ratchet.domain.records import Delivery
from include.ratchet.tasks import ingest
from include.ratchet.tasks.seam import run_task
from tests.s3server import S3Server
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


def test_an_object_that_vanishes_does_not_hold_up_the_others(
    project: Project, s3: S3Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was listed and is gone is named; what is there lands; and when nothing else waits, the run says so as an error."""
    bucket = s3.bucket()
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", s3.connection)
    monkeypatch.setenv("RATCHET__STORES__LANDING", bucket)
    for name in ("a", "b"):
        s3.call("put_object", Bucket=bucket.removeprefix("s3://"), Key=f"visits/{name}.csv", Body=f"visit\n{name}".encode())
    real, left = Files.discover, ["a", "b"]

    def listed_then_gone(self: Files, seen: Sequence[str], watermark: Any) -> list[Delivery]:
        found = real(self, seen, watermark)
        s3.call("delete_object", Bucket=bucket.removeprefix("s3://"), Key=f"visits/{left.pop(0)}.csv")
        return found

    monkeypatch.setattr(Files, "discover", listed_then_gone)
    assert len(project.run(ingest.land, FEED, stage="ingest")) == 1
    assert "visits/a.csv: was there a moment ago and is gone; deliver it again" in caplog.text
    open_ledger().mark(FEED, open_ledger().batches(FEED)[0].write_id, status="rejected")
    s3.call("put_object", Bucket=bucket.removeprefix("s3://"), Key="visits/b.csv", Body=b"visit\nother")
    with pytest.raises(DataError, match=r"visits/b\.csv: was there a moment ago and is gone"):
        project.run(ingest.land, FEED, stage="ingest")


def test_a_batch_that_another_run_merged_meanwhile_is_no_fault(project: Project) -> None:
    """A backfill's run and the feed's own may hold the same batch: the slower one finds it merged, and ends as skipped."""
    project.deliver("a.csv", visits(0, 1))
    (name,) = project.run(ingest.land, FEED, stage="ingest")
    project.run(ingest.validate, FEED, project.run(ingest.check, FEED, name, stage="ingest"), stage="ingest")
    project.run(ingest.merge, FEED, stage="ingest")
    project.run(ingest.validate, FEED, project.run(ingest.check, FEED, name, stage="ingest"), stage="ingest")
    with pytest.raises(Skip, match="a run beside this one has merged them"):
        project.run(ingest.merge, FEED, stage="ingest")
    assert len(project.rows(f"clean/{FEED}")) == 40
