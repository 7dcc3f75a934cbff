"""What may be removed, and what never: all that a registered version, a waiting batch or a window still needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from include.ratchet.domain.records import Batch, Snapshot, Stored


def needed_versions(snapshots: Iterable[Snapshot]) -> dict[str, set[int]]:
    """Return, per feed, the table versions that registered models were trained on."""
    found: dict[str, set[int]] = {}
    for snapshot in snapshots:
        for feed, version in snapshot.tables.items():
            found.setdefault(feed, set()).add(version)
    return found


def spent_bytes(batches: Sequence[Batch], before: datetime) -> list[str]:
    """Return the SHA-256 of bytes that landed before a moment and that nothing will open again.

    Kept are batches that are not merged, those with rows in quarantine (they are what a repair starts from), and the
    newest one with a watermark: the source takes out of its next window what landed in that one.
    """
    last = next((each.sha for each in reversed(batches) if each.watermark is not None), None)
    open_ = {each.sha for each in batches if each.status != "merged" or each.quarantined or each.landed_at >= before}
    return list(dict.fromkeys(each.sha for each in batches if each.sha not in open_ and each.sha != last))


def spent_files(files: Iterable[Stored], before: datetime, needed: Collection[str] = ()) -> list[str]:
    """Return the names of files that were written before a moment and that nobody needs."""
    return [each.name for each in files if each.changed < before and each.name not in needed]
