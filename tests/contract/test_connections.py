"""What connections promise: an id is an address, or a fault of the spec that says where to set it."""

from __future__ import annotations

import pytest

from include.ratchet.adapters.connections import EnvironmentConnections
from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.ports import Connections
from tests.fakes import MemoryConnections

URI = "postgres://u:p@h:5433/db"


@pytest.fixture(params=["environment", "ratchet.yaml", "memory"])
def connections(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Connections:
    """Know the id `db` in each place."""
    if request.param == "memory":
        return MemoryConnections({"db": URI})
    if request.param == "environment":
        monkeypatch.setenv("AIRFLOW_CONN_DB", URI)
        return EnvironmentConnections(Config())
    return EnvironmentConnections(Config(connections={"db": URI}))


def test_a_known_id(connections: Connections) -> None:
    """All parts of the address come back."""
    found = connections.get("db")
    assert (found.host, found.port, found.login, found.password, found.schema) == ("h", 5433, "u", "p", "db")
    assert found.sqlalchemy_url == "postgresql+psycopg2://u:p@h:5433/db"


def test_an_unknown_id(connections: Connections) -> None:
    """The error names the id, and no secret."""
    with pytest.raises(SpecError, match="'other': not known") as error:
        connections.get("other")
    assert "u:p@" not in str(error.value)
