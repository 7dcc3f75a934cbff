"""Records: digests and JSON twins."""

from __future__ import annotations

from datetime import UTC, datetime

from include.ratchet.domain.records import Batch, Window, digest

AT = datetime(2013, 1, 1, tzinfo=UTC)


def test_digest_names_the_content_not_its_order() -> None:
    """The order of keys does not matter; every value does."""
    assert digest({"a": 1, "b": [2, 3]}) == digest({"b": [2, 3], "a": 1})
    assert digest({"a": 1, "b": [2, 3]}) != digest({"a": 1, "b": [3, 2]})


def test_window_survives_json() -> None:
    """A window crosses XCom without losing its zone."""
    window = Window(AT, datetime(2013, 2, 1, 12, 30, tzinfo=UTC))
    assert Window.from_json(window.to_json()) == window


def test_each_landing_of_the_same_bytes_writes_under_its_own_name() -> None:
    """The first landing is named by the bytes alone; later ones differ from it and from each other."""
    names = [Batch("f", "abc", "u", 1, AT, landing=n).write_id for n in range(3)]
    assert names[0] == "abc"
    assert len(set(names)) == 3
