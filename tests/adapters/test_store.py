"""Files at one place: on disk, in memory, and on S3."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from include.ratchet.adapters import store as module
from include.ratchet.adapters.store import PART, Store, changed
from include.ratchet.domain.errors import DataError
from tests.s3server import S3Server


@pytest.fixture(params=["disk", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Open an empty place on each kind of store."""
    if request.param == "s3":
        server: S3Server = request.getfixturevalue("s3")
        return Store(f"{server.bucket()}/at", server.access)
    return Store(str(tmp_path / "at") if request.param == "disk" else f"memory://{uuid.uuid4().hex}")


def put(store: Store, name: str, content: bytes) -> str:
    """Write a file."""
    with store.part(str(Path(name).parent)) as part:
        part.write_bytes(content)
        return store.adopt(part, name)


def test_what_was_adopted_is_there(store: Store) -> None:
    """A file appears under its name, whole; it is replaced whole; its place is its URL."""
    assert put(store, "a/b", b"1") == f"{store.place}/a/b"
    put(store, "a/b", b"22")
    with store.open("a/b") as content:
        assert content.read() == b"22"
    with store.local("a/b") as path:
        assert path.read_bytes() == b"22"
    assert store.exists("a/b")
    assert not store.exists("a")  # not a file, whatever a disk calls it


def test_what_was_not_adopted_is_gone(store: Store) -> None:
    """A part that nobody adopted leaves nothing, also when its writer broke off."""

    def breaks_off() -> None:
        with store.part("a") as part:
            part.write_bytes(b"half")
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        breaks_off()
    assert store.listed() == []
    assert store.listed(parts=True) == []


def test_files_are_listed_with_size_and_time(store: Store) -> None:
    """All below a folder, by name; a folder that is not there holds nothing."""
    for name in ("b/2", "a/1", "a/c/3"):
        put(store, name, b"x" * 3)
    assert [each.name for each in store.listed()] == ["a/1", "a/c/3", "b/2"]
    assert [each.name for each in store.listed("a")] == ["a/1", "a/c/3"]
    assert store.listed("nothing") == []
    (first, *_) = store.listed()
    assert first.size == 3
    assert abs(datetime.now(UTC) - first.changed) < timedelta(minutes=5)


def test_what_is_removed_is_gone(store: Store) -> None:
    """Files and whole folders, once or twice."""
    for name in ("a/1", "a/2", "b/1"):
        put(store, name, b"x")
    for _ in range(2):
        store.remove("a/1", "never/was")
        store.drop("b")
    assert [each.name for each in store.listed()] == ["a/2"]
    with pytest.raises(DataError, match="a/1: not at "):
        store.open("a/1")


def test_a_large_object_goes_in_parts(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is seen of an object before its last part is there, and afterwards no upload is left open."""
    monkeypatch.setattr(module, "PART_BYTES", 64 << 10)
    store = Store(f"{s3.bucket()}/at", s3.access)
    content = bytes(range(256)) * 600
    put(store, "big", content)
    with store.open("big") as stored:
        assert stored.read() == content
    bucket = store.place.split("/")[2]
    head = s3.call("head_object", Bucket=bucket, Key="at/big")
    assert head["ETag"].rstrip('"').endswith("-3")
    assert "Uploads" not in s3.call("list_multipart_uploads", Bucket=bucket)


def test_parts_of_the_dead_are_told_apart(tmp_path: Path) -> None:
    """What a killed process left on a disk is no file of the store, and can be listed by who cleans up."""
    store = Store(str(tmp_path))
    put(store, "a", b"x")
    (tmp_path / f"{PART}dead").write_bytes(b"half")
    assert [each.name for each in store.listed()] == ["a"]
    assert [each.name for each in store.listed(parts=True)] == [f"{PART}dead"]


def test_unfinished_writes_are_removed(tmp_path: Path, s3: S3Server) -> None:
    """Parts on a disk and uploads to S3 whose writer died before a moment; not those of the living, and no finished file."""
    disk, objects = Store(str(tmp_path)), Store(f"{s3.bucket()}/at", s3.access)
    bucket = objects.place.split("/")[2]
    for store in (disk, objects):
        put(store, "a", b"x")
    (tmp_path / f"{PART}dead").write_bytes(b"half")
    s3.call("create_multipart_upload", Bucket=bucket, Key="at/dead")
    s3.call("create_multipart_upload", Bucket=bucket, Key="elsewhere")
    begun, later = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    assert disk.abort(begun) == []  # moto says of every upload that it began in 2010: only the disk shows that the living stay
    assert [disk.abort(later), objects.abort(later)] == [[f"{PART}dead"], ["at/dead"]]
    assert [store.exists("a") for store in (disk, objects)] == [True, True]
    assert [each["Key"] for each in s3.call("list_multipart_uploads", Bucket=bucket)["Uploads"]] == ["elsewhere"]


def test_times_by_any_name() -> None:
    """Disks say mtime, S3 says LastModified, memory says created."""
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    for name, value in (("mtime", moment.timestamp()), ("LastModified", moment), ("created", moment)):
        assert changed({name: value}) == moment
