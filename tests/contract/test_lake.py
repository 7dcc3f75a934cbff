"""What the lake promises: each write once, as one version, and old versions stay readable."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from include.ratchet.adapters.lake import DeltaLake
from include.ratchet.adapters.s3 import S3Access
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.ports import Lake
from include.ratchet.domain.specs import PROJECT
from tests.s3server import S3Server


@pytest.fixture(params=["disk", "s3"])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, S3Access | None]:
    """Name an empty place, and how it is reached."""
    if request.param == "disk":
        return str(tmp_path / "lake"), None
    server: S3Server = request.getfixturevalue("s3")
    return f"{server.bucket()}/lake", server.access


@pytest.fixture
def lake(at: tuple[str, S3Access | None]) -> Lake:
    """Give an empty lake there."""
    return DeltaLake(*at)


def rows(**columns: list[Any]) -> pa.Table:
    """Make rows."""
    return pa.table(columns)


def read(lake: Lake, table: str = "clean/f", version: int | None = None) -> list[dict[str, Any]]:
    """Return the rows of a version, in order."""
    found: list[dict[str, Any]] = lake.dataset(table, version).to_table(use_threads=False).to_pylist()
    return sorted(found, key=lambda row: row["id"])


def test_merge_replaces_by_key_and_adds(lake: Lake) -> None:
    """A later row of a key takes its place, in all columns; a new key is added; nothing else changes."""
    lake.write("clean/f", rows(id=[1, 2], v=["a", "b"]), write_id="1", mode="merge", key=["id"])
    lake.write("clean/f", rows(id=[2, 3], v=[None, "d"]), write_id="2", mode="merge", key=["id"])
    assert read(lake) == [{"id": 1, "v": "a"}, {"id": 2, "v": None}, {"id": 3, "v": "d"}]


def test_insert_adds_and_never_changes(lake: Lake) -> None:
    """A row whose key is there stays as it was; only new keys are added."""
    lake.write("clean/f", rows(id=[1, 2], v=["a", "b"]), write_id="1", mode="insert", key=["id"])
    lake.write("clean/f", rows(id=[2, 3], v=["c", "d"]), write_id="2", mode="insert", key=["id"])
    assert read(lake) == [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}, {"id": 3, "v": "d"}]


def test_a_key_of_two_columns(lake: Lake) -> None:
    """All parts of the key count."""
    lake.write("clean/f", rows(id=[1, 1], at=[1, 2], v=["a", "b"]), write_id="1", mode="merge", key=["id", "at"])
    lake.write("clean/f", rows(id=[1, 2], at=[2, 2], v=["c", "d"]), write_id="2", mode="merge", key=["id", "at"])
    assert sorted((r["id"], r["at"], r["v"]) for r in read(lake)) == [(1, 1, "a"), (1, 2, "c"), (2, 2, "d")]


def test_append_keeps_all(lake: Lake) -> None:
    """The same row twice is two rows."""
    for number in ("1", "2"):
        lake.write("clean/f", rows(id=[1]), write_id=number, mode="append")
    assert read(lake) == [{"id": 1}, {"id": 1}]


def test_replace_leaves_only_the_last(lake: Lake) -> None:
    """The table is what was written last, in its columns; what it was is still readable."""
    lake.write("clean/f", rows(id=[1, 2], v=["a", "b"]), write_id="1", mode="replace")
    lake.write("clean/f", rows(id=[3], w=[1.5]), write_id="2", mode="replace")
    assert read(lake) == [{"id": 3, "w": 1.5}]
    assert read(lake, version=0) == [{"id": 1, "v": "a"}, {"id": 2, "v": "b"}]


@pytest.mark.parametrize("mode", ["merge", "insert", "append", "replace"])
def test_a_write_happens_once(lake: Lake, mode: str) -> None:
    """The same write id again, even with other rows and after other writes, changes nothing."""
    first = lake.write("clean/f", rows(id=[1]), write_id="a", mode=mode, key=["id"])
    second = lake.write("clean/f", rows(id=[2]), write_id="b", mode=mode, key=["id"])
    before = read(lake)
    assert lake.write("clean/f", rows(id=[99]), write_id="a", mode=mode, key=["id"]) == second
    assert read(lake) == before
    assert lake.version("clean/f") == second == first + 1


@pytest.mark.parametrize("mode", ["merge", "insert", "append"])
def test_a_new_column_is_empty_for_old_rows(lake: Lake, mode: str) -> None:
    """A schema that grew keeps what there was."""
    lake.write("clean/f", rows(id=[1]), write_id="1", mode=mode, key=["id"])
    lake.write("clean/f", rows(id=[2], v=["b"]), write_id="2", mode=mode, key=["id"])
    assert read(lake) == [{"id": 1, "v": None}, {"id": 2, "v": "b"}]


def test_old_versions_stay_readable(lake: Lake) -> None:
    """A snapshot pins versions: each is what it was, however much was merged since."""
    for number in range(12):
        changed = rows(id=[0, number], v=[number, number])
        lake.write("clean/f", changed if number else changed.slice(1), write_id=str(number), mode="merge", key=["id"])
    assert [read(lake, version=v)[0]["v"] for v in range(12)] == list(range(12))
    assert [len(read(lake, version=v)) for v in (0, 5, 11)] == [1, 6, 12]


def test_what_is_not_there(lake: Lake) -> None:
    """A table without rows has no version; reading it, or a version that never was, is our error."""
    assert lake.version("clean/f") is None
    with pytest.raises(DataError, match="run its ingest first"):
        lake.dataset("clean/f")
    lake.write("clean/f", rows(id=[1]), write_id="1", mode="append")
    with pytest.raises(DataError, match="version 7 is not there; the newest is 0"):
        lake.dataset("clean/f", 7)


def test_kept_files(lake: Lake) -> None:
    """A kept file is read under its name, is replaced whole, and is gone when it is dropped, once or twice."""
    lake.keep("staged/f/a.parquet", rows(id=[1]))
    lake.keep("staged/f/a.parquet", rows(id=[2]))
    assert lake.kept("staged/f/a.parquet").to_pylist() == [{"id": 2}]
    for _ in range(2):
        lake.drop("staged/f/a.parquet")
    with pytest.raises(DataError, match=r"staged/f/a\.parquet: not in the lake"):
        lake.kept("staged/f/a.parquet")


def test_tables_and_files_are_listed(lake: Lake) -> None:
    """Tables by what was written to them, kept files with size and time; nothing of one among the other."""
    assert lake.tables() == []
    lake.write("clean/f", rows(id=[1]), write_id="1", mode="append")
    lake.write("quarantine/f", rows(id=[1]), write_id="1", mode="append")
    lake.keep("snapshots/m/a.parquet", rows(id=[1]))
    assert lake.tables() == ["clean/f", "quarantine/f"]
    (kept,) = lake.files("snapshots")
    assert kept.name == "snapshots/m/a.parquet"
    assert kept.size > 100
    assert lake.files("staged") == []


def test_cleaning_leaves_what_is_needed(lake: Lake) -> None:
    """Files of versions that were replaced go; those of the newest version and of the ones to keep stay readable."""
    for number in range(6):
        lake.write("clean/f", rows(id=[number]), write_id=str(number), mode="replace")
    assert lake.clean("clean/f", {2}, timedelta(days=1)) == 0
    assert [lake.clean("clean/f", {2}, timedelta()) for _ in range(2)] == [4, 0]
    assert lake.version("clean/f") == 5  # nothing new: no model is trained because of it
    assert [read(lake, version=version)[0]["id"] for version in (2, 5)] == [2, 5]
    with pytest.raises(Exception, match=r"(?i)not found|no such|404"):
        read(lake, version=1)
    with pytest.raises(DataError, match=r"versions \[9\] are needed and no longer in its log, so nothing of it is removed"):
        lake.clean("clean/f", {9}, timedelta())
    assert lake.clean("nothing/here", (), timedelta()) == 0


WRITER = """
    import sys, time
    from pathlib import Path
    import pyarrow as pa
    from include.ratchet.adapters.lake import DeltaLake
    from include.ratchet.adapters.s3 import S3Access
    place, gate, number, mode, apart, endpoint = sys.argv[1:]
    lake = DeltaLake(place, S3Access("key", "secret", "", "us-east-1", endpoint) if endpoint else None)
    Path(gate + number).touch()
    while not Path(gate).exists():
        time.sleep(0.001)
    for i in range(6):
        rows = pa.table({"id": [int(number) * int(apart) + i], "by": [number]})
        for attempt in range(20):
            try:
                lake.write("clean/f", rows, write_id=f"{number}-{i}", mode=mode, key=["id"])
                break
            except Exception as error:  # what Airflow does with a foreign error: again, later
                failed = error
                time.sleep(0.02 * attempt)
        else:
            raise failed
"""


@pytest.mark.parametrize("mode", ["merge", "append"])
def test_two_processes_lose_nothing(at: tuple[str, S3Access | None], tmp_path: Path, mode: str) -> None:
    """Two writers at once, from an empty table on, both retried as their tasks are: every row is there, once."""
    assert _raced(at, tmp_path, mode, apart=100) == [*range(100, 106), *range(200, 206)]


@pytest.mark.parametrize("mode", ["merge", "insert"])
def test_two_processes_write_a_key_once(at: tuple[str, S3Access | None], tmp_path: Path, mode: str) -> None:
    """Two writers of the same keys at once, the first of which makes the table, leave one row of each."""
    assert _raced(at, tmp_path, mode, apart=0) == [*range(6)]


def _raced(at: tuple[str, S3Access | None], folder: Path, mode: str, apart: int) -> list[int]:
    """Let two processes write six rows each, with ids so far apart; return the ids in the table."""
    gate, (place, access) = folder / "go", at
    command = [sys.executable, "-c", textwrap.dedent(WRITER), place, str(gate)]
    writers = [
        subprocess.Popen(
            [*command, number, mode, str(apart), access.endpoint if access else ""], cwd=PROJECT, stderr=subprocess.PIPE, text=True
        )
        for number in ("1", "2")
    ]
    while not all(Path(f"{gate}{n}").exists() for n in "12") and all(writer.poll() is None for writer in writers):
        pass
    gate.touch()
    for writer in writers:
        _, said = writer.communicate(timeout=120)
        assert writer.returncode == 0, said
    return [row["id"] for row in read(DeltaLake(*at))]


def test_rows_are_revised_once(lake: Lake) -> None:
    """The rows of a value are replaced in one version, or removed; the same write id again changes nothing."""
    lake.write("q/f", rows(id=[1, 2, 3], batch=["a", "a", "b'"]), write_id="1", mode="append")
    version = lake.revise("q/f", rows(id=[2], batch=["a"]), column="batch", value="a", write_id="2")
    assert read(lake, "q/f") == [{"id": 2, "batch": "a"}, {"id": 3, "batch": "b'"}]
    assert lake.revise("q/f", rows(id=[9], batch=["a"]), column="batch", value="a", write_id="2") == version
    lake.revise("q/f", rows(id=[2], batch=["a"]).slice(0, 0), column="batch", value="b'", write_id="3")
    assert read(lake, "q/f") == [{"id": 2, "batch": "a"}]
    assert len(read(lake, "q/f", version=0)) == 3
    with pytest.raises(DataError, match="nothing to revise"):
        lake.revise("q/g", rows(id=[1], batch=["a"]), column="batch", value="a", write_id="1")


def test_parquet_files_are_those_of_the_version(lake: Lake) -> None:
    """An engine that reads files itself finds the rows of the version in them, and in no others; later columns are in the schema."""
    lake.write("clean/f", rows(id=[1, 2]), write_id="1", mode="merge", key=["id"])
    lake.write("clean/f", rows(id=[2, 3], v=["x", "y"]), write_id="2", mode="merge", key=["id"])
    first, second = lake.parquet("clean/f", 0), lake.parquet("clean/f")
    assert (first.schema.names, second.schema.names) == (["id"], ["id", "v"])
    assert set(first.paths).isdisjoint(second.paths)
    assert sum(each.rows.count_rows() for each in (first, second)) == 5
    with pytest.raises(DataError, match="nothing was written to it yet"):
        lake.parquet("clean/g")


def test_a_version_whose_files_are_removed_is_not_whole(lake: Lake) -> None:
    """Nor one that there never was; the newest is, and so is one that is kept."""
    for number in (1, 2, 3):
        lake.write("clean/f", rows(id=[number]), write_id=str(number), mode="replace")
    newest = lake.version("clean/f")
    assert newest is not None
    assert [lake.whole("clean/f", version) for version in (newest - 2, newest - 1, newest, newest + 1)] == [True, True, True, False]
    lake.clean("clean/f", [newest - 1], timedelta(0))
    assert [lake.whole("clean/f", version) for version in (newest - 2, newest - 1, newest)] == [False, True, True]
    assert not lake.whole("clean/other", 0)
