"""`view.yaml`: what is right is read, and what cannot be is refused by name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from include.ratchet.domain.viewspec import ViewSpec

VIEW: dict[str, Any] = {"name": "load", "feeds": ["f"], "entity": ["shop"], "time": "known_at", "ttl": "6h", "features": ["sales"]}


def refused(**changes: Any) -> str:
    """Return what is said about a view with some changes."""
    with pytest.raises(ValidationError) as error:
        ViewSpec.model_validate(VIEW | changes)
    return str(error.value)


def test_a_view_reads() -> None:
    """The SQL is beside it under its usual name, and a feature is joined under the view's name."""
    spec = ViewSpec.model_validate(VIEW)
    assert (spec.sql, spec.ttl, spec.columns) == ("view.sql", timedelta(hours=6), ("shop", "known_at", "sales"))
    assert spec.joined("sales") == "load__sales"


@pytest.mark.parametrize("key", ["entity", "time", "ttl", "features", "feeds"])
def test_what_a_join_needs_is_required(key: str) -> None:
    """Of whom, from when, for how long, what, and from where."""
    with pytest.raises(ValidationError, match=f"{key}\n.*required"):
        ViewSpec.model_validate({name: value for name, value in VIEW.items() if name != key})


def test_a_name_that_could_be_two_is_refused() -> None:
    """`a__b__c` must say which part is the view."""
    assert "which joins it with its features" in refused(name="shop__load")
    assert "which joins it with its features" in refused(name="load_")


def test_a_view_that_could_never_be_joined_is_refused() -> None:
    """No time to live, or a unit that is none."""
    assert "found 0; allowed is a time longer than that" in refused(ttl="0s")
    assert "allowed is a number and a unit" in refused(ttl="6 hours")


def test_every_column_has_one_use() -> None:
    """A column twice, as two things, or under no name of a column."""
    assert "sales: named twice" in refused(features=["sales", "sales"])
    assert "shop: found as two of entity, time and features" in refused(features=["shop"])
    assert "known_at: found as two of entity, time and features" in refused(entity=["known_at"])
    assert 'a"b: no name of a column' in refused(features=['a"b'])
