"""What a source promises: everything new once, in order, and the same delivery the same bytes.

A new kind of source is one more class here that knows how to deliver rows to it.
"""

from __future__ import annotations

import io
import json
import os
import re
import threading
import types
from abc import ABC, abstractmethod
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from include.ratchet.adapters.sources import Where
from include.ratchet.adapters.sources.files import Files
from include.ratchet.adapters.sources.sql import Sql
from include.ratchet.domain.config import load_config
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.ports import Source
from include.ratchet.domain.records import Delivery
from include.ratchet.domain.specs import PROJECT
from include.ratchet.steps.decode import decode
from tests.fakes import MemoryConnections, MemorySource
from tests.makers import feed_spec
from tests.s3server import S3Server

Rows = list[tuple[int, float]]


class World(ABC):
    """Something that a source reads, as a test sees it."""

    spec: FeedSpec = feed_spec()
    source: Source
    raw: list[bytes]
    server: ThreadingHTTPServer | None = None

    def landed(self, _: Any = None) -> Iterator[BinaryIO]:
        """Give what has landed, as the ingest does to a source that asks."""
        return map(io.BytesIO, reversed(self.raw))

    @abstractmethod
    def deliver(self, rows: Rows) -> None:
        """Make rows appear."""


def csv(rows: Rows) -> bytes:
    """Write rows as a CSV file."""
    return b"id,v\n" + b"".join(f"{i},{v}\n".encode() for i, v in rows)


class FilesWorld(World):
    def __init__(self, folder: Path, _: str) -> None:
        """Watch an empty folder."""
        self.folder, self.count = folder, 0
        self.source = Files(self.spec, str(folder / "*.csv"))

    def deliver(self, rows: Rows) -> None:
        """Write a settled file."""
        self.count += 1
        path = self.folder / f"{self.count:03}.csv"
        path.write_bytes(csv(rows))
        os.utime(path, (1e9 + self.count, 1e9 + self.count))


class ObjectsWorld(World):
    """Objects on S3."""

    def __init__(self, _: Path, __: str, server: S3Server) -> None:
        """Watch an empty bucket."""
        self.s3, self.bucket, self.count = server, server.bucket(), 0
        self.source = Files(self.spec, f"{self.bucket}/in/*.csv", server.access)

    def deliver(self, rows: Rows) -> None:
        """Put an object."""
        self.count += 1
        self.s3.call("put_object", Bucket=self.bucket.removeprefix("s3://"), Key=f"in/{self.count:03}.csv", Body=csv(rows))


class HttpWorld(World):
    """An API, and the source of docs/sources.md that reads it."""

    spec = feed_spec(source={"format": "jsonl"})

    def __init__(self, _: Path, __: str) -> None:
        """Serve nothing yet, on a free port of this machine."""
        page = (PROJECT / "docs" / "sources.md").read_text(encoding="utf-8")
        (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
        module = types.ModuleType("http_of_the_docs")
        exec(compile(code, "docs/sources.md", "exec"), module.__dict__)  # noqa: S102 - the page's own code is what is tested
        rows = self.rows = list[tuple[int, float]]()

        class Api(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self.answer(b"")

            def do_GET(self) -> None:
                asked = parse_qs(urlsplit(self.path).query)
                after, until = int(asked["after"][0]), int(asked["until"][0])
                self.answer(b"".join(json.dumps({"id": i, "v": v}).encode() + b"\n" for i, v in rows[after:until]))

            def answer(self, body: bytes) -> None:
                if self.headers["Authorization"] != "Bearer sesame":
                    self.send_error(401)
                    return
                self.send_response(200)
                self.send_header("X-Cursor", str(len(rows)))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        server = self.server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        connections = MemoryConnections({"api": f"http://user:sesame@127.0.0.1:{server.server_port}/"})
        spec = feed_spec(source={"connection": "api", "options": {"path": "/v1/rows"}, "format": "jsonl"})
        self.source = module.open_source(spec, Where(load_config(), connections, lambda *_: None, self.landed))

    def deliver(self, rows: Rows) -> None:
        """Let the API have rows."""
        self.rows += rows


class MemoryWorld(World):
    def __init__(self, _: Path, __: str) -> None:
        """Start empty."""
        self.memory = self.source = MemorySource()

    def deliver(self, rows: Rows) -> None:
        """Put the bytes."""
        self.memory.put(csv(rows))


class TableWorld(World):
    """A table with a growing number, read by watermark."""

    mode = "merge"
    watermark: str | None = "id"

    def __init__(self, _: Path, url: str) -> None:
        """Make an empty table."""
        self.spec = feed_spec(source={"kind": "sql", "connection": "db", "table": "t", "watermark": self.watermark}, mode=self.mode)
        self.engine = sa.create_engine(url)
        with self.engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE t (id BIGINT, v DOUBLE PRECISION)"))
        self.source = Sql(self.spec, url, self.landed)

    def deliver(self, rows: Rows) -> None:
        """Insert the rows."""
        with self.engine.begin() as connection:
            connection.execute(sa.text("INSERT INTO t VALUES (:i, :v)"), [{"i": i, "v": v} for i, v in rows])


class AppendedWorld(TableWorld):
    """A table whose rows are appended, not merged: none may come twice."""

    mode = "append"


class ReplacedWorld(TableWorld):
    """A table that is read whole."""

    mode = "replace"
    watermark = None


@pytest.fixture(
    params=[
        "files",
        "http",
        "objects",
        "memory",
        "watermark on sqlite",
        "watermark on postgresql",
        "appended on sqlite",
        "appended on postgresql",
        "replaced",
    ]
)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Give each kind of source with nothing in it."""
    kinds: dict[str, type[World]] = {
        "files": FilesWorld,
        "objects": ObjectsWorld,
        "memory": MemoryWorld,
        "watermark": TableWorld,
        "appended": AppendedWorld,
        "http": HttpWorld,
        "replaced": ReplacedWorld,
    }
    kind = kinds[request.param.split()[0]]
    url = f"sqlite:///{tmp_path / 'source.db'}"
    if request.param.endswith("postgresql"):
        url = f"{request.getfixturevalue('postgres')}/postgres"
        with sa.create_engine(url).begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS t"))
    more = [request.getfixturevalue("s3")] if kind is ObjectsWorld else []
    made = kind(tmp_path, url, *more)  # type: ignore[call-arg]
    yield made
    if made.server:
        made.server.shutdown()


class Landed:
    """Lands what a source shows, as the ingest does."""

    def __init__(self, world: World) -> None:
        """Nothing has landed."""
        self.world, self.seen, self.mark = world, list[str](), None
        world.raw = []

    def look(self) -> list[Delivery]:
        """Look once."""
        return self.world.source.discover(self.seen, self.mark)

    def land(self) -> list[dict[str, Any]]:
        """Land everything new; return its rows in the order in which they came."""
        rows = []
        for each in self.look():
            with self.world.source.fetch(each) as stream:
                self.world.raw.append(stream.read())
            rows += decode(io.BytesIO(self.world.raw[-1]), self.world.spec, self.world.source.format).rows.to_pylist()
            self.seen = [*(name for name in self.seen if name != each.fingerprint), each.fingerprint]
            self.mark = each.end if each.end is not None else self.mark
        return rows


def test_what_is_delivered_is_found_once(world: World) -> None:
    """New rows are found as often as one looks, until they have landed; then nothing is."""
    landed = Landed(world)
    world.deliver([(1, 1.5), (2, 2.5)])
    assert landed.look() == landed.look()
    assert len(landed.look()) == 1
    assert landed.land() == [{"id": 1, "v": 1.5}, {"id": 2, "v": 2.5}]
    assert landed.look() == []


def test_every_row_lands_and_the_newest_last(world: World) -> None:
    """Over several deliveries no row is missed, and the last word about each comes last."""
    landed, rows = Landed(world), []
    for number in range(1, 5):
        world.deliver([(number, float(number))])
        rows += landed.land()
    assert {row["id"]: row["v"] for row in rows} == {1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0}
    assert rows[-1]["id"] == 4
    assert landed.look() == []


def test_what_came_between_two_looks_is_found_together(world: World) -> None:
    """Deliveries that pile up all land, the oldest first."""
    landed = Landed(world)
    for number in (1, 2, 3):
        world.deliver([(number, 0.0)])
    assert [row["id"] for row in landed.land()] == [1, 2, 3]


def test_the_same_delivery_is_the_same_bytes(world: World) -> None:
    """A fetch that is tried again gives the same batch."""
    world.deliver([(1, 1.5), (2, 2.5)])
    (delivery,) = Landed(world).look()
    first, second = (world.source.fetch(delivery).read() for _ in range(2))
    assert first == second != b""


def test_fingerprints_differ(world: World) -> None:
    """No two deliveries share a fingerprint, or the second would never land."""
    landed = Landed(world)
    for number in (1, 2, 3):
        world.deliver([(number, 0.0)])
        landed.land()
    assert len(set(landed.seen)) == 3


def test_a_delivery_that_is_gone(tmp_path: Path) -> None:
    """A file that was removed between look and fetch is our error; so it is in memory."""
    files = FilesWorld(tmp_path, "")
    files.deliver([(1, 1.0)])
    (delivery,) = Landed(files).look()
    Path(delivery.uri).unlink()
    with pytest.raises(DataError, match="gone"):
        files.source.fetch(delivery)
    with pytest.raises(DataError, match="gone"):
        MemorySource().fetch(Delivery("memory://0", "x"))
