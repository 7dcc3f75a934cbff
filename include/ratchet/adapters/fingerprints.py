"""What names a delivery in the ledger: the same while nothing changed at the source, another when it did."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

AGAIN = "#"
"""Between a state and how often it had landed before, in the fingerprint of what went back to it."""


def shortened(text: str, limit: int) -> str:
    """Return a text, or its SHA-256 when it is longer than the limit: the ledger keeps 500 characters of a fingerprint."""
    return text if len(text) <= limit else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def same(fingerprint: str | None, state: str) -> bool:
    """Say whether a fingerprint is of this state, the first time or again."""
    return fingerprint is not None and (fingerprint == state or fingerprint.startswith(f"{state}{AGAIN}"))


def numbered(state: str, seen: Sequence[str]) -> str:
    """Return a fingerprint that nothing has landed under: what went back to an earlier state is a delivery of its own."""
    times = sum(same(each, state) for each in seen)
    return f"{state}{AGAIN}{times}" if times else state
