"""What is Delta's in the lake."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from include.ratchet.adapters.lake import ATTEMPTS, RETENTION, DeltaLake
from include.ratchet.domain.errors import DataError


@pytest.mark.parametrize("mode", ["merge", "append", "replace"])
def test_old_versions_are_kept_for_ten_years(tmp_path: Path, mode: str) -> None:
    """Delta would forget a registered model's snapshot after 30 days; the first write says otherwise, and later ones keep it."""
    lake = DeltaLake(str(tmp_path))
    for number in range(2):
        lake.write("t", pa.table({"id": [number]}), write_id=str(number), mode=mode, key=["id"])
    assert DeltaTable(str(tmp_path / "t")).metadata().configuration == RETENTION


def test_a_conflict_is_tried_again_on_a_fresh_handle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another writer's commit costs one more attempt; after the last one the error is the caller's."""
    real: Any = write_deltalake
    calls: list[object] = []

    def conflicting(*args: object, **kwargs: object) -> None:
        calls.append(args)
        if len(calls) <= fails:
            raise CommitFailedError
        real(*args, **kwargs)

    monkeypatch.setattr("include.ratchet.adapters.lake.write_deltalake", conflicting)
    fails = ATTEMPTS - 1
    DeltaLake(str(tmp_path)).write("t", pa.table({"id": [1]}), write_id="1", mode="append")
    assert len(calls) == ATTEMPTS
    calls.clear()
    fails = ATTEMPTS
    with pytest.raises(CommitFailedError):
        DeltaLake(str(tmp_path)).write("t", pa.table({"id": [1]}), write_id="2", mode="append")


def test_a_kept_file_is_never_half_there(tmp_path: Path) -> None:
    """A stream that breaks off in the middle leaves what was there before."""
    lake = DeltaLake(str(tmp_path))
    lake.keep("a.parquet", pa.table({"id": [1]}))

    def half() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"id": [2]})
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        lake.keep("a.parquet", pa.RecordBatchReader.from_batches(pa.schema({"id": pa.int64()}), half()))
    assert lake.kept("a.parquet").to_pylist() == [{"id": 1}]


def test_the_oldest_version_that_is_needed_outlives_delta_s_own_memory(tmp_path: Path) -> None:
    """Years pass: the log is checkpointed, its old entries may be forgotten, files are vacuumed; a model's version is read.

    Delta forgets by the times of the log's files, after 30 days unless told otherwise: without RETENTION it does.
    """
    lake, told = DeltaLake(str(tmp_path / "ours")), tmp_path / "plain" / "t"
    for number in range(4):
        lake.write("t", pa.table({"id": [number]}), write_id=str(number), mode="replace")
        write_deltalake(told, pa.table({"id": [number]}), mode="overwrite")
    for table in (tmp_path / "ours" / "t", told):
        _age(table, timedelta(days=3 * 365))
        found = DeltaTable(str(table))
        found.create_checkpoint()
        _age(table, timedelta(days=3 * 365), only="*.json")
        found.cleanup_metadata()
    assert lake.clean("t", {0}, timedelta()) == 2
    assert lake.dataset("t", 0).to_table(use_threads=False).to_pylist() == [{"id": 0}]
    assert lake.dataset("t").to_table(use_threads=False).to_pylist() == [{"id": 3}]
    with pytest.raises(DeltaError):
        DeltaTable(str(told), version=0)


def _age(table: Path, by: timedelta, only: str = "*") -> None:
    """Make a table's files older than they are."""
    for path in table.rglob(only):
        if path.is_file():
            moment = path.stat().st_mtime - by.total_seconds()
            os.utime(path, (moment, moment))


def test_rows_that_files_alone_do_not_tell_are_refused(tmp_path: Path) -> None:
    """A partition's value is in the folder's name, not in the file: an engine that reads files would lack the column."""
    write_deltalake(str(tmp_path / "clean" / "f"), pa.table({"a": [1], "b": ["x"]}), partition_by=["b"])
    with pytest.raises(DataError, match="found partition b, which its files alone do not tell; read it with engine: duckdb"):
        DeltaLake(str(tmp_path)).parquet("clean/f")
