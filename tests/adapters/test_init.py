"""Opening what the deployment names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ratchet import adapters
from include.ratchet.adapters.clock import DataClock, WallClock
from include.ratchet.domain.errors import SpecError
from tests.fakes import MemoryConnections
from tests.makers import feed_spec


@pytest.fixture
def _asked_first() -> Iterator[None]:
    """Forget the connections of a test."""
    yield
    adapters._first.clear()


def test_everything_is_under_home(home: Path) -> None:
    """A new deployment needs no preparation: what is opened is made."""
    adapters.open_ledger().signals("m")
    assert (home / "ledger.db").is_file()
    assert adapters.open_lake().version("clean/f") is None
    assert adapters.open_feed(feed_spec()).discover([], None) == []


def test_the_ledger_is_opened_once() -> None:
    """Task bodies and watchers ask for it at every turn: once it is there, they share one."""
    adapters.open_ledger()
    assert adapters.open_ledger() is adapters.open_ledger()


def test_the_ledger_by_connection_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger that is no URL is a connection id; an unknown one says where to set it."""
    monkeypatch.setenv("RATCHET__LEDGER", "ratchet_ledger")
    with pytest.raises(SpecError, match="AIRFLOW_CONN_RATCHET_LEDGER"):
        adapters.open_ledger()
    monkeypatch.setenv("AIRFLOW_CONN_RATCHET_LEDGER", f"sqlite:///{tmp_path}/other.db")
    adapters.open_ledger()
    assert (tmp_path / "other.db").is_file()


@pytest.mark.usefixtures("_asked_first")
def test_airflows_connections_are_asked_first() -> None:
    """Inside a task Airflow resolves the ids."""
    adapters.use_connections(MemoryConnections({"db": "sqlite:////a.db"}))
    assert adapters.open_connections().get("db").host == "/a.db"


def test_the_clock_that_the_deployment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wall or data, by one key."""
    for name, kind in (("wall", WallClock), ("data", DataClock)):
        monkeypatch.setenv("RATCHET__CLOCK", name)
        assert isinstance(adapters.open_clock(), kind)
