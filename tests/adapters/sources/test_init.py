"""Opening the source that a feed names."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import sqlalchemy as sa

from include.ratchet.adapters import open_feed
from include.ratchet.domain.config import load_config
from include.ratchet.domain.errors import SpecError
from tests.makers import feed_spec
from tests.s3server import S3Server

TABLE = {"kind": "sql", "connection": "db", "table": "t", "watermark": "id"}


def test_files_are_opened_where_the_store_is(home: Path) -> None:
    """`landing://` is a folder under home unless ratchet.yaml says otherwise."""
    path = home / "landing" / "f" / "a.csv"
    path.parent.mkdir(parents=True)
    path.write_text("x")
    os.utime(path, (1e9, 1e9))
    assert [each.uri for each in open_feed(feed_spec()).discover([], None)] == [str(path)]


def test_a_store_on_s3_is_opened_by_its_connection(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named store brings its connection; one that nobody knows is a fault, with where to set it."""
    bucket = s3.bucket()
    s3.call("put_object", Bucket=bucket.removeprefix("s3://"), Key="in/f/a.csv", Body=b"id,v\n1,2\n")
    config = load_config(stores={"landing": {"uri": f"{bucket}/in", "connection": "lakes"}})
    with pytest.raises(SpecError, match="AIRFLOW_CONN_LAKES"):
        open_feed(feed_spec(), config)
    monkeypatch.setenv("AIRFLOW_CONN_LAKES", s3.connection)
    source = open_feed(feed_spec(), config)
    (found,) = source.discover([], None)
    assert found.uri == f"{bucket.removeprefix('s3://')}/in/f/a.csv"
    assert source.fetch(found).read() == b"id,v\n1,2\n"


def test_databases_are_opened_by_their_connection_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The URL comes from the connection; an unknown id is a fault of the spec."""
    spec = feed_spec(source=TABLE)
    with pytest.raises(SpecError, match="'db': not known"):
        open_feed(spec)
    url = f"sqlite:///{tmp_path / 's.db'}"
    with sa.create_engine(url).begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (id INTEGER, v REAL)"))
        connection.execute(sa.text("INSERT INTO t VALUES (1, 0.5)"))
    monkeypatch.setenv("AIRFLOW_CONN_DB", url)
    assert len(open_feed(spec).discover([], None)) == 1
