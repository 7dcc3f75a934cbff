"""The ports of a replayed past: what was not known is not seen, and nothing outside is written."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from sklearn.linear_model import LogisticRegression

from include.ratchet.adapters.lake import DeltaLake
from include.ratchet.adapters.sandbox import FolderRegistry, PastLake, StillClock, cut
from include.ratchet.domain.errors import DataError, RegistryError
from include.ratchet.domain.modelspec import Columns
from include.ratchet.domain.ports import TrainingReport

DAYS = [datetime(2020, 1, day, tzinfo=UTC) for day in (1, 2, 3)]


@pytest.fixture
def real(tmp_path: Path) -> DeltaLake:
    """Give a lake whose table has two versions: the second corrects a row of the first."""
    lake = DeltaLake(str(tmp_path / "real"))
    lake.write("clean/f", pa.table({"id": [1, 2, 3], "at": DAYS, "v": [1, 2, 3]}), write_id="a", mode="merge", key=["id"])
    lake.write("clean/f", pa.table({"id": [1], "at": DAYS[:1], "v": [9]}), write_id="b", mode="merge", key=["id"])
    return lake


@pytest.fixture
def past(real: DeltaLake, tmp_path: Path) -> PastLake:
    """Give the lake as it was before the correction, at the second day."""
    cut(real, "f", 0, ("at", DAYS[1]), tmp_path / "f.parquet")
    return PastLake({"f": 0}, {("f", 0): tmp_path / "f.parquet"}, DeltaLake(str(tmp_path / "own")), DeltaLake(str(tmp_path / "shared")))


def test_only_what_was_known_is_read(past: PastLake) -> None:
    """Neither a later event nor a later correction; another version was not known at all."""
    assert past.version("clean/f") == 0
    assert past.dataset("clean/f").to_table().to_pylist() == [{"id": 1, "at": DAYS[0], "v": 1}]
    assert past.parquet("clean/f", 0).rows.count_rows() == 1
    assert past.version("clean/other") is None
    assert (past.whole("clean/f", 0), past.whole("clean/f", 1)) == (True, False)
    with pytest.raises(DataError, match="version 1 was not known at this moment"):
        past.dataset("clean/f", 1)


def test_a_table_without_time_is_kept_whole(real: DeltaLake, tmp_path: Path) -> None:
    """What has no event time is known as its version was."""
    cut(real, "f", 1, None, tmp_path / "whole.parquet")
    assert sorted(pa.parquet.read_table(tmp_path / "whole.parquet")["v"].to_pylist()) == [2, 3, 9]


def test_the_past_is_not_written_to(past: PastLake, real: DeltaLake) -> None:
    """Clean and quarantine are refused; other tables and files are one's own, and the project's lake has none of them."""
    rows = pa.table({"id": [1]})
    for table in ("clean/f", "quarantine/f"):
        with pytest.raises(DataError, match="a replay of the past does not write to it"):
            past.write(table, rows, write_id="x", mode="append")
    past.write("predictions/m", rows, write_id="x", mode="insert", key=["id"])
    past.keep("snapshots/m/s.parquet", rows)
    past.keep("other/s.parquet", rows)
    assert past.version("predictions/m") is not None
    assert past.kept("snapshots/m/s.parquet").equals(rows)
    past.drop("snapshots/m/s.parquet", "other/s.parquet")
    assert past.kept("snapshots/m/s.parquet").equals(rows)
    assert past.tables() == ["clean/f", "predictions/m"]
    assert real.tables() == ["clean/f"]
    assert real.version("clean/f") == 1


def _report(run: str, pipeline: object = None) -> TrainingReport:
    return TrainingReport("m", run, "a", pipeline, (), Columns(id=("id",), label="y", numeric=("x",)), {}, "snapshot", baseline=pipeline)


def test_versions_are_shared_and_numbered(tmp_path: Path) -> None:
    """A version has the number of its window, registers once, and is what was fitted; tags and aliases are each replay's own."""
    fitted = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    registry = FolderRegistry(tmp_path, 7)
    made = registry.register(_report("r", fitted))
    assert (made.version, registry.register(_report("r"))) == (7, made)
    registry.tag("m", 7, {"ratchet.verdict": "promote"})
    registry.point("m", {"champion": 7, "previous": None})
    other = FolderRegistry(tmp_path)
    assert other.load("m", 7).coef_ == fitted.coef_
    assert other.baseline("m", 7) is not None
    assert "ratchet.verdict" in registry.get("m", 7).tags
    assert "ratchet.verdict" not in other.get("m", 7).tags
    assert (registry.aliases, other.aliases) == ({"m": {"champion": 7}}, {})
    assert [each.version for each in other.versions("m")] == [7]
    assert other.models() == ["m"]


def test_what_the_registry_refuses(tmp_path: Path) -> None:
    """A version that is not there, one whose file was altered, a run without a pipeline, an experiment."""
    registry = FolderRegistry(tmp_path)
    with pytest.raises(RegistryError, match="not in the registry of this replay"):
        registry.get("m", 1)
    with pytest.raises(RegistryError, match="not registered yet"):
        registry.register(_report("r"))
    with pytest.raises(RegistryError, match="tracks no experiments"):
        registry.track(_report("r"))
    made = registry.register(_report("r", LogisticRegression().fit([[0.0], [1.0]], [0, 1])))
    (Path(made.uri) / "model.skops").write_bytes(b"other")
    with pytest.raises(RegistryError, match="altered"):
        registry.load("m", 1)


def test_the_clock_stands_still() -> None:
    """Now is the same for all feeds."""
    assert StillClock(DAYS[0]).now(["a"]) == DAYS[0]
