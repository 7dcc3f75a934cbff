"""What a landing promises: bytes are kept whole, once, by content, on disk and on an object store."""

from __future__ import annotations

import hashlib
import io
import uuid
from pathlib import Path

import pytest

from include.ratchet.adapters.landing import CHUNK, ContentStore
from include.ratchet.adapters.store import Store
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.ports import Landing
from tests.s3server import S3Server


@pytest.fixture(params=["disk", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Open an empty place on each kind of store."""
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        return Store(f"{server.bucket()}/raw", server.access)
    return Store(str(tmp_path / "raw") if request.param == "disk" else f"memory://{uuid.uuid4().hex}")


@pytest.fixture
def landing(store: Store, request: pytest.FixtureRequest) -> Landing:
    """Open the landing there."""
    return ContentStore(store.place, request.getfixturevalue("s3").access if store.place.startswith("s3://") else None)


class Broken(io.RawIOBase):
    """A stream that breaks off after some bytes."""

    def __init__(self, after: int) -> None:
        """Break after `after` bytes."""
        self._left = after

    def read(self, size: int = -1) -> bytes:
        """Return some bytes, or break."""
        if self._left <= 0:
            raise ConnectionResetError("the other side went away")
        self._left -= size
        return b"x" * size


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"x" * (2 * CHUNK + 7)], ids=["empty", "small", "chunks"])
def test_what_was_put_is_there(landing: Landing, content: bytes) -> None:
    """The name is the SHA-256 of the bytes, and the bytes come back whole."""
    sha, size = landing.put("f", io.BytesIO(content))
    assert (sha, size) == (hashlib.sha256(content).hexdigest(), len(content))
    with landing.open("f", sha) as stream:
        assert stream.read() == content


def test_the_same_bytes_are_one_object(landing: Landing, store: Store) -> None:
    """A second put of the same bytes adds nothing; other bytes and another feed do."""
    names = [landing.put(feed, io.BytesIO(content)) for feed, content in (("f", b"1"), ("f", b"1"), ("f", b"2"), ("g", b"1"))]
    assert names[0] == names[1]
    assert len(store.listed()) == 3


def test_a_stream_that_breaks_off_leaves_nothing(landing: Landing, store: Store) -> None:
    """Half a delivery is not kept under any finished name, and the next put works."""
    with pytest.raises(ConnectionResetError):
        landing.put("f", Broken(after=CHUNK))  # type: ignore[arg-type]
    assert store.listed() == []
    landing.put("f", io.BytesIO(b"whole"))
    assert len(store.listed()) == 1


def test_bytes_that_are_not_there(landing: Landing) -> None:
    """Lost bytes are our error, with what to do; another feed's do not count."""
    sha, _ = landing.put("g", io.BytesIO(b"1"))
    with pytest.raises(DataError, match=r"its bytes are gone .* deliver the file again"):
        landing.open("f", sha)


def test_dropped_bytes_are_gone(landing: Landing) -> None:
    """Once or twice; other bytes stay."""
    sha, _ = landing.put("f", io.BytesIO(b"1"))
    other, _ = landing.put("f", io.BytesIO(b"2"))
    landing.put("g", io.BytesIO(b"1"))
    assert set(landing.held("f")) == {sha, other}
    for _ in range(2):
        landing.drop("f", sha)
    assert landing.held("f") == [other]
    with pytest.raises(DataError, match="gone"):
        landing.open("f", sha)
    landing.open("f", other).close()
