"""Online answers against the offline join: typed entities, missing ones, and numbers that were summed in another order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from include.ratchet.domain.online import Known, Lookup
from include.ratchet.domain.viewspec import ViewSpec
from include.ratchet.steps.parity import replay
from include.ratchet.steps.views import View

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
VIEW = View(
    ViewSpec(name="v", feeds=("f",), entity=("shop",), time="known", ttl=timedelta(hours=1), features=("n", "word")), "SELECT * FROM f"
)
TABLES = {"f": pa.table({"shop": [1, 2], "known": [NOON, NOON + timedelta(minutes=30)], "n": [0.3, 5.0], "word": ["x", None]})}


def answer(shop: str, values: dict[str, object], minutes: float = 0, *, lasted: bool = True) -> Lookup:
    """Return an answer that was given some minutes after noon, from a store that was filled at noon."""
    return Lookup(NOON + timedelta(minutes=minutes), Known("v", "d", (shop,), NOON, values, {"f": 0}, NOON), lasted)


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        (answer("1", {"n": 0.1 + 0.2, "word": "x"}), "equal"),
        (answer("1", {"n": 0.3001, "word": "x"}), "different"),
        (answer("1", {"n": 0.3, "word": None}), "different"),
        (answer("1", {"n": 0.3, "word": "x"}, 61, lasted=False), "equal"),
        (answer("1", {"n": 0.3, "word": "x"}, 61), "different"),
        (answer("2", {"n": 4.0, "word": None}, 45), "behind"),
        (answer("2", {"n": 4.0, "word": None}, 15), "different"),
        (answer("3", {"n": 1.0, "word": "x"}), "different"),
    ],
)
def test_an_answer_is_equal_behind_or_different(given: Lookup, kind: str) -> None:
    """By its values, its entity, its time, and whether it had ended."""
    assert [each["is"] for each in replay(VIEW, TABLES, [given])] == [kind]


def test_each_answer_has_its_result() -> None:
    """In their order, with both sides."""
    made = replay(VIEW, TABLES, [answer("2", {"n": 4.0, "word": None}), answer("1", {"n": 0.3, "word": "x"})])
    assert [(each["is"], each["entity"]) for each in made] == [("different", ["2"]), ("equal", ["1"])]
    assert made[1]["offline"] == {"n": 0.3, "word": "x"}
