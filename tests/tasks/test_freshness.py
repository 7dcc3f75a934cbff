"""A feed that falls behind is named, by either clock."""

from __future__ import annotations

import pytest

from include.ratchet.tasks import freshness
from tests.tiny import FEED, FEED_YAML, Project

FRESH = FEED_YAML + "    freshness: {within: 2d}\n"


def test_by_the_machines_clock_rows_of_long_ago_are_stale(landed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence names the feed, its newest row and what is allowed."""
    landed.write(feed=FRESH)
    monkeypatch.setenv("RATCHET__CLOCK", "wall")
    (said,) = freshness.stale([FEED])
    assert said.startswith("visits: the newest row is of 2020-02-29")
    assert "allowed is 2d before" in said


def test_by_the_datas_clock_a_feed_alone_is_never_behind(landed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Now is its own newest row."""
    landed.write(feed=FRESH)
    monkeypatch.setenv("RATCHET__CLOCK", "data")
    assert freshness.stale([FEED]) == []


def test_without_a_bound_nothing_is_said(landed: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks for no freshness gets no warning."""
    assert landed.home.exists()
    monkeypatch.setenv("RATCHET__CLOCK", "wall")
    assert freshness.stale([FEED]) == []
