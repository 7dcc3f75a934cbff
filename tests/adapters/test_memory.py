"""What is remembered: made once per key, and as it was made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest
from sklearn.dummy import DummyClassifier

from include.ratchet.adapters.memory import Memory


@dataclass(frozen=True)
class Said:
    """A record."""

    numbers: list[float]


@pytest.mark.parametrize("remembers", [True, False])
def test_made_once_per_key(tmp_path: Path, *, remembers: bool) -> None:
    """With a folder the second question is answered from it, in another process too; without one all is made again."""
    made: list[str] = []

    def table() -> pa.Table:
        made.append("table")
        return pa.table({"x": [1, None], "c": ["a", "b"]})

    for _ in range(2):
        memory = Memory(tmp_path if remembers else None)
        assert memory.table(["t", 1], table).equals(pa.table({"x": [1, None], "c": ["a", "b"]}))
        assert memory.record("r", lambda: Said([0.1]), Said) == Said([0.1])
        assert memory.pipelines("p", lambda: {"d": DummyClassifier().fit([[0], [1]], [0, 1])})["d"].classes_.tolist() == [0, 1]
    assert len(made) == (1 if remembers else 2)
    Memory(tmp_path).table(["t", 2], table)
    assert len(made) == (2 if remembers else 3)
