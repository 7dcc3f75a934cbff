"""Retention, on a project whose model serves."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from include.ratchet.adapters import open_lake, open_landing, open_ledger
from include.ratchet.domain.errors import DataError
from include.ratchet.tasks.lineage import trained_on
from include.ratchet.tasks.retain import retain
from tests.tiny import DAYS, FEED, MODEL, Project, visits


def _age(home: Path) -> None:
    """Make everything in the home a year old."""
    for path in home.rglob("*"):
        if path.is_file() and path.suffix not in {".db", ".json"}:
            os.utime(path, (time.time() - 365 * 86400,) * 2)


def test_what_a_version_was_trained_on_is_never_removed(blessed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is old and nothing is to be kept: the version's table, snapshot and lineage are whole, the rest is gone."""
    monkeypatch.setenv("RATCHET__RETENTION", json.dumps({"versions": "0s", "snapshots": "0s", "work": "0s", "raw": "0s"}))
    before, lake = trained_on(MODEL, 1), open_lake()
    pinned = lake.dataset(f"clean/{FEED}", 0).to_table(use_threads=False)
    for day in (DAYS, DAYS + 1):
        blessed.deliver(f"{day}.csv", visits(day - 1, 2))  # one day again: merged rows rewrite files
        blessed.ingest()
    for name in ("snapshots/buys/other.parquet", f"staged/{FEED}/dead.clean.parquet", "_work/buys/x/tree.skops"):
        lake.keep(name, pinned.slice(0, 1))
    _age(blessed.home)
    removed = retain()
    assert (removed["snapshots"], removed["staged"], removed["work"], removed["raw"]) == (1, 1, 1, 3)
    assert removed["table files"] >= 1
    assert trained_on(MODEL, 1) == before
    assert lake.dataset(f"clean/{FEED}", 0).to_table(use_threads=False).sort_by("visit") == pinned.sort_by("visit")
    assert sorted(blessed.rows(f"clean/{FEED}")["visit"]) == list(range((DAYS + 2) * 40))
    snapshot = open_ledger().get_snapshot(before["snapshot"])
    assert lake.kept(snapshot.place).num_rows == before["rows"]
    assert set(retain().values()) == {0}


def test_what_the_next_run_reads_of_the_newest_verdict_is_kept(blessed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its snapshot and memory stay, though no registered version is of it."""
    monkeypatch.setenv("RATCHET__RETENTION__SNAPSHOTS", "0s")
    verdict, lake, ledger = open_ledger().verdicts(MODEL)[0], open_lake(), open_ledger()
    kept = ledger.get_snapshot(verdict.figures["snapshot"])
    newer = replace(kept, digest="f" * 64, place=f"snapshots/{MODEL}/newer.parquet")
    ledger.snapshot(newer)
    figures = verdict.figures | {"snapshot": newer.digest}
    later = datetime.now(UTC)
    ledger.judge(replace(verdict, version=2, run_id="refused", outcome="refuse", figures=figures, at=later))
    for name in (newer.place, newer.memory):
        lake.keep(name, lake.kept(kept.place).slice(0, 1))
    _age(blessed.home)
    assert retain()["snapshots"] == 0


def test_by_default_raw_bytes_are_kept(landed: Project) -> None:
    """However old: only a deployment that says how long removes them."""
    _age(landed.home)
    assert retain()["raw"] == 0
    (batch,) = open_ledger().batches(FEED)
    open_landing().open(FEED, batch.sha).close()


def test_a_version_that_cannot_be_read_any_more_stops_it(blessed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the log has lost what a model needs, nothing of that table is removed, and the message says what to restore."""
    monkeypatch.setenv("RATCHET__RETENTION__VERSIONS", "0s")
    log = blessed.home / "lake" / "clean" / FEED / "_delta_log"
    blessed.deliver("more.csv", visits(DAYS, 1))
    blessed.ingest()
    from deltalake import DeltaTable

    DeltaTable(str(log.parent)).create_checkpoint()
    (log / f"{0:020}.json").unlink()
    before = sorted(log.parent.glob("*.parquet"))
    with pytest.raises(DataError, match=r"clean/visits: versions \[0\] are needed and no longer in its log"):
        retain()
    assert sorted(log.parent.glob("*.parquet")) == before
