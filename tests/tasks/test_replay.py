"""A version is made again from its recipe, long after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from include.ratchet.adapters import open_lake, open_ledger
from include.ratchet.cli.app import app
from include.ratchet.tasks.replay import replay
from tests.tiny import FEED, MODEL, MODEL_YAML, Project, visits

LATER = 3
"""Versions that come after the one that is replayed; `python -m proofs` replays one that is 20 back."""


def test_a_version_is_the_same_after_all_that_came_later(serving: Project) -> None:
    """More data, corrected rows, another spec and later versions: to the last bit the same data, fit and predictions."""
    serving.write(model=MODEL_YAML.replace("max_depth: 4", "max_depth: 2").replace("test: 25d", "test: 20d"))
    for number in range(LATER):
        corrected = visits(0, 3).assign(x=9.0)
        serving.deliver(f"{number}.csv", pd.concat([corrected, visits(60 + number, 1)]))
        serving.ingest()
        serving.run_id = f"later-{number}"
        serving.register(candidates=["tree"], force=True)
    for version in (1, 2, 2 + LATER):
        found = replay(MODEL, version)
        assert (found.first, found.notes, found.different) == (None, (), ())


def _change(path: Path, place: Callable[[pa.Table], int]) -> int:
    """Change one cell of x in a Parquet file, and return the row's id."""
    rows = pq.read_table(path)
    row = place(rows)
    x = rows["x"].to_numpy().copy()
    x[row] += 0.5
    before = path.stat().st_size
    pq.write_table(rows.set_column(rows.column_names.index("x"), "x", pa.array(x)), path)
    for log in path.parent.glob("_delta_log/*.json"):  # who alters the file covers it up: Delta knows its size
        log.write_text(log.read_text().replace(f'"size":{before}', f'"size":{path.stat().st_size}'))
    return int(rows["visit"][row].as_py())


def _middle(rows: pa.Table) -> int:
    return int(np.argsort(rows["visit"].to_numpy())[rows.num_rows // 3])


def test_one_changed_cell_is_named(serving: Project) -> None:
    """Somebody wrote into the lake's file: the first stage that differs is the data, and the row is named by its id."""
    (path,) = (serving.home / "lake" / "clean" / FEED).glob("**/*.parquet")
    visit = _change(path, _middle)
    found = replay(MODEL, 1)
    assert found.first == "data"
    (said,) = found.notes
    assert said.startswith(f"the tables differ from the snapshot: visit {visit}: x is ")
    assert found.says("split") == "same"


def test_an_altered_snapshot_is_named_and_the_tables_count(serving: Project) -> None:
    """The kept rows were altered, the tables were not: the replay is the same, and says what it saw."""
    kept = open_ledger().get_snapshot(open_ledger().recipe(MODEL, 1).content["snapshot"])
    (path,) = serving.home.glob(f"**/{Path(kept.place).name}")
    visit = _change(path, _middle)
    found = replay(MODEL, 1)
    assert found.first is None
    assert [said.partition(": x is")[0] for said in found.notes] == [f"the kept snapshot was altered: visit {visit}"]


def test_tables_that_are_gone_leave_the_snapshot(serving: Project) -> None:
    """A vacuumed table: the kept rows are taken, and it is said."""
    for path in (serving.home / "lake" / "clean" / FEED).glob("**/*"):
        if path.is_file():
            path.unlink()
    found = replay(MODEL, 1)
    assert found.first is None
    assert "the kept snapshot was taken" in found.notes[0]
    assert open_lake().version(f"clean/{FEED}") is None


def test_the_command_says_it(serving: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every stage with both digests; what is different about the machine; the code is 1 when a stage differs."""
    assert serving.home.exists()
    monkeypatch.setenv("RATCHET_IMAGE_DIGEST", "sha256:other")
    made = CliRunner().invoke(app, ["replay", MODEL, "--version", "1"], catch_exceptions=False)
    said = made.output + capsys.readouterr().out
    assert made.exit_code == 0
    assert said.count(" same ") == 5
    assert "not as it was: image: was none, is sha256:other" in said
    assert "every stage was repeated to the last bit" in said
    (path,) = (serving.home / "lake" / "clean" / FEED).glob("**/*.parquet")
    _change(path, _middle)
    made = CliRunner().invoke(app, ["replay", MODEL, "--version", "1"], catch_exceptions=False)
    assert made.exit_code == 1
    assert "the first stage that differs: data" in made.output + capsys.readouterr().out
