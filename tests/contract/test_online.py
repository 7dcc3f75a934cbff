"""What an online store promises: the newest row of each entity, never back, and what was answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from threading import Thread

import pytest

from include.ratchet.adapters.online import SqlOnline
from include.ratchet.domain.online import Known, Lookup, OnlineStore
from tests.fakes import MemoryOnline

NOON = datetime(2020, 1, 1, 12, tzinfo=UTC)
ROW = Known("v", "one", ("a", "1"), NOON, {"n": 1, "word": None}, {"f": 3}, NOON + timedelta(hours=1))


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> OnlineStore:
    """Give an empty store of each kind."""
    if request.param == "memory":
        return MemoryOnline()
    return SqlOnline(request.getfixturevalue("database")(request.param))


def later(minutes: int, **changes: object) -> Known:
    """Return the row as it is some minutes later."""
    return replace(ROW, time=NOON + timedelta(minutes=minutes), **changes)  # type: ignore[arg-type]


def got(store: OnlineStore, definition: str = "one") -> Known | None:
    """Return what the store knows of the entity."""
    return store.get("v", definition, [ROW.entity]).get(ROW.entity)


def test_what_was_put_is_got(store: OnlineStore) -> None:
    """All of it, in UTC; entities and views that are not there are left out."""
    other = replace(ROW, entity=("b", "2"), values={"n": 2.5, "word": "x"})
    assert store.put([ROW, other]) == 2
    assert store.get("v", "one", [("a", "1"), ("b", "2"), ("c", "3")]) == {("a", "1"): ROW, ("b", "2"): other}
    assert store.get("w", "one", [("a", "1")]) == {}
    assert store.get("v", "one", []) == {}


def test_the_same_rows_twice_are_written_once(store: OnlineStore) -> None:
    """A task that is run again moves nothing, and neither does nothing."""
    assert [store.put([ROW]), store.put([ROW]), store.put([])] == [1, 0, 0]


def test_a_row_moves_only_forward(store: OnlineStore) -> None:
    """Whatever the order of the writers, the newest row stays; at one time the one that was read from newer tables."""
    rows = [ROW, later(5), later(5, tables={"f": 4}, values={"n": 9, "word": "corrected"}), later(3, tables={"f": 9})]
    for number, order in enumerate(permutations(rows)):
        for row in order:
            store.put([replace(row, view=f"v{number}")])
        found = store.get(f"v{number}", "one", [ROW.entity])[ROW.entity]
        assert found == replace(rows[2], view=f"v{number}")


def test_another_definition_takes_the_place_at_once(store: OnlineStore) -> None:
    """Values of another SQL are other features: they are not got under the new name, and an earlier time replaces them."""
    store.put([ROW])
    assert got(store, "two") is None
    assert store.put([later(-60, definition="two")]) == 1
    assert (got(store, "one"), got(store, "two")) == (None, later(-60, definition="two"))


def test_many_rows_go_through(store: OnlineStore) -> None:
    """More than one statement holds."""
    rows = [replace(ROW, entity=(str(number),)) for number in range(1201)]
    assert store.put(rows) == 1201
    assert len(store.get("v", "one", [row.entity for row in rows])) == 1201


def test_writers_do_not_wait_for_each_other_for_ever(store: OnlineStore) -> None:
    """Two that write the same entities in two orders both end, and the newest stays."""
    rows = [replace(ROW, entity=(str(number),)) for number in range(200)]

    def write(minutes: int) -> None:
        moved = [replace(row, time=NOON + timedelta(minutes=minutes)) for row in rows]
        store.put(moved if minutes % 2 else moved[::-1])

    threads = [Thread(target=write, args=(minutes,)) for minutes in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {row.time for row in store.get("v", "one", [row.entity for row in rows]).values()} == {NOON + timedelta(minutes=5)}


def test_the_first_answers_of_a_row_are_kept(store: OnlineStore) -> None:
    """One while it lasted, and one after: what is asked a thousand times is compared once."""
    first, second = Lookup(NOON, ROW, lasted=True), Lookup(NOON + timedelta(hours=1), ROW, lasted=True)
    ended, newer = Lookup(NOON + timedelta(days=1), ROW, lasted=False), Lookup(NOON + timedelta(hours=2), later(60), lasted=True)
    store.log([first])
    store.log([second, ended])
    store.log([newer])
    store.log([])
    assert store.logged("v", "one") == [first, newer, ended]
    assert store.logged("v", "one", newer.at) == [newer, ended]
    assert store.logged("v", "two") == []
