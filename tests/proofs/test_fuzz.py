"""What the fuzz proof makes of its parts, and that its batches are the same every time."""

from __future__ import annotations

from proofs import fuzz
from proofs.batches import fuzzed

PART = dict.fromkeys(
    ("rows", "clean", "quarantined", "stopped", "replaced", "lost", "doubled", "altered", "struck", "lost_after", "doubled_after"), 0
) | {"rows": 9, "clean": 9, "same": True}


def test_one_row_or_one_table_breaks_the_claim() -> None:
    """A row lost, doubled or altered anywhere, or one repaired table that differs, is enough."""
    assert fuzz.judge([PART, PART])[0]
    for wrong in ({"lost": 1}, {"doubled_after": 1}, {"altered": 1}, {"same": False}):
        assert not fuzz.judge([PART, PART | wrong])[0]


def test_a_seed_is_a_batch() -> None:
    """The same seed and number are the same bytes; others are others."""
    assert fuzzed(1, 2, 2) == fuzzed(1, 2, 2)
    assert len({fuzzed(1, number).content for number in range(40)}) > 35
