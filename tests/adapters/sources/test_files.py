"""What is particular to files."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from include.ratchet.adapters.sources.files import Files
from tests.makers import feed_spec


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Watch a folder."""
    return Files(feed_spec(), str(tmp_path / "*.csv"))


def write(path: Path, content: str, age: float = 60.0) -> None:
    """Write a file that changed some seconds ago."""
    path.write_text(content)
    os.utime(path, (time.time() - age,) * 2)


def test_a_file_must_settle(files: Files, tmp_path: Path) -> None:
    """A file that changed just now may still be written, and is left for the next look."""
    write(tmp_path / "a.csv", "x", age=0.0)
    assert files.discover([], None) == []
    write(tmp_path / "a.csv", "x", age=1.1)
    assert len(files.discover([], None)) == 1


@pytest.mark.parametrize(("content", "age"), [("longer", 60.0), ("y", 30.0)], ids=["size", "time"])
def test_a_changed_file_is_new(files: Files, tmp_path: Path, content: str, age: float) -> None:
    """Another size, or another time, is another delivery of the same file."""
    write(tmp_path / "a.csv", "x")
    seen = [each.fingerprint for each in files.discover([], None)]
    assert files.discover(seen, None) == []
    write(tmp_path / "a.csv", content, age)
    assert [each.fingerprint in seen for each in files.discover(seen, None)] == [False]


def test_a_file_that_was_restored_is_new(files: Files, tmp_path: Path) -> None:
    """Back to an earlier content with its earlier time, as cp -p does, is a delivery of its own; and is found once."""
    seen: list[str] = []
    for content, age in (("old", 90.0), ("newer", 60.0), ("old", 90.0), ("newer", 60.0)):
        path = tmp_path / "a.csv"
        path.write_text(content)
        os.utime(path, (1e9 - age,) * 2)
        (found,) = files.discover(seen, None)
        seen.append(found.fingerprint)
        assert files.discover(seen, None) == []
    assert len(set(seen)) == 4


def test_only_files_that_match_by_name(files: Files, tmp_path: Path) -> None:
    """Folders and other names are no deliveries; files come in the order of their names."""
    for name in ("b.csv", "a.csv", "c.txt", ".hidden.csv.part"):
        write(tmp_path / name, "x")
    (tmp_path / "folder.csv").mkdir()
    os.utime(tmp_path / "folder.csv", (1e9, 1e9))
    assert [Path(each.uri).name for each in files.discover([], None)] == ["a.csv", "b.csv"]


def test_a_long_name_fits_into_the_ledger(tmp_path: Path) -> None:
    """However long a path: 500 characters of a fingerprint are what PostgreSQL keeps; long ones still differ."""
    folder = tmp_path / ("x" * 200) / ("y" * 200)
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        write(folder / f"{'z' * 150}{name}.csv", "x")
    source = Files(feed_spec(), f"{folder}/*.csv")
    found = [each.fingerprint for each in source.discover([], None)]
    assert len(set(found)) == 2
    assert max(map(len, found)) <= 500
    assert source.discover(found, None) == []


@pytest.mark.parametrize("marker", ["_SUCCESS", "{name}.done"])
def test_a_file_waits_for_its_marker(tmp_path: Path, marker: str) -> None:
    """However long a file is settled: it is left until the one that says it is whole lies beside it."""
    source = Files(feed_spec(source={"marker": marker}), str(tmp_path / "*" / "*.csv"))
    (tmp_path / "day").mkdir()
    write(tmp_path / "day" / "a.csv", "x")
    assert source.discover([], None) == []
    write(tmp_path / "day" / marker.replace("{name}", "a.csv"), "", age=0)
    assert [Path(each.uri).name for each in source.discover([], None)] == ["a.csv"]


def test_how_long_a_file_settles(tmp_path: Path) -> None:
    """A writer that pauses for long asks for a longer settle."""
    write(tmp_path / "a.csv", "x", age=60)
    assert Files(feed_spec(source={"settle": "5m"}), str(tmp_path / "*.csv")).discover([], None) == []
