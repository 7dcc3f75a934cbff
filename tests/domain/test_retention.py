"""What may be removed, and what never."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.ratchet.domain.records import Batch, Snapshot, Stored, Window
from include.ratchet.domain.retention import needed_versions, spent_bytes, spent_files

NOW = datetime(2020, 6, 1, tzinfo=UTC)
OLD = NOW - timedelta(days=100)


def batch(sha: str, **changes: Any) -> Batch:
    """Make a merged batch that landed long ago."""
    return Batch("f", sha, "uri", 1, **{"landed_at": OLD, "status": "merged", "quarantined": 0, **changes})


def test_every_table_version_of_a_registered_model_is_needed() -> None:
    """Two versions of a model on two versions of a feed need both."""
    window = Window(OLD, NOW)
    made = [Snapshot("d", "m", tables, window, "t", 1, "c", "p") for tables in ({"a": 1, "b": 4}, {"a": 3})]
    assert needed_versions(made) == {"a": {1, 3}, "b": {4}}


@pytest.mark.parametrize(
    "kept", [{"status": "stopped"}, {"status": "validated"}, {"quarantined": 2}, {"landed_at": NOW}], ids=lambda each: next(iter(each))
)
def test_bytes_that_may_be_opened_again_stay(kept: dict[str, Any]) -> None:
    """A batch that waits, has rows in quarantine, or is young; the others go, each named once however often it landed."""
    batches = [batch("gone"), batch("kept", **kept), batch("gone", landing=1)]
    assert spent_bytes(batches, NOW - timedelta(days=90)) == ["gone"]


def test_bytes_that_landed_again_stay_while_any_landing_needs_them() -> None:
    """The same bytes are one object: one landing that waits keeps it for all."""
    assert spent_bytes([batch("a"), batch("a", landing=1, status="landed")], NOW) == []


def test_the_newest_window_stays() -> None:
    """A source takes out of its next window what landed in the last one, so its bytes are opened at every look."""
    assert spent_bytes([batch("a", watermark=1), batch("b", watermark=2), batch("c")], NOW) == ["a", "c"]


def test_old_files_that_nobody_needs() -> None:
    """By time and by name."""
    files = [Stored("old", 1, OLD), Stored("needed", 1, OLD), Stored("young", 1, NOW)]
    assert spent_files(files, NOW - timedelta(days=90), {"needed"}) == ["old"]
