"""Connection ids without Airflow."""

from __future__ import annotations

import json

import pytest

from include.ratchet.adapters.connections import EnvironmentConnections
from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import SpecError
from tests.fakes import MemoryConnections


def test_airflows_json_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection may be JSON, with extras as an object or as text in it; both reach the driver."""
    for extra in ({"sslmode": "require"}, json.dumps({"sslmode": "require"})):
        fields = {"conn_type": "postgres", "host": "h", "login": "u", "password": "p/@", "schema": "db", "port": 1, "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_DB", json.dumps(fields))
        found = EnvironmentConnections(Config()).get("db")
        assert found.extra == {"sslmode": "require"}
        assert found.sqlalchemy_url == "postgresql+psycopg2://u:p%2F%40@h:1/db?sslmode=require"


def test_who_is_asked_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's own connections win over the environment, and the environment over ratchet.yaml."""
    config = Config(connections={"db": "sqlite:////file", "only": "sqlite:////only"})
    monkeypatch.setenv("AIRFLOW_CONN_DB", "sqlite:////env")
    assert EnvironmentConnections(config, MemoryConnections({"db": "sqlite:////airflow"})).get("db").host == "/airflow"
    assert EnvironmentConnections(config, MemoryConnections()).get("db").host == "/env"
    assert EnvironmentConnections(config, MemoryConnections()).get("only").host == "/only"


def test_home_is_filled_in() -> None:
    """An embedded database lies under home, wherever that is."""
    found = EnvironmentConnections(Config(home="/h", connections={"r": "sqlite:///{home}/r.db"})).get("r")
    assert found.sqlalchemy_url == "sqlite:////h/r.db"


def test_an_unknown_id_says_where_to_set_it() -> None:
    """The next step is in the message."""
    with pytest.raises(SpecError, match="set AIRFLOW_CONN_NOPE to a URI"):
        EnvironmentConnections(Config()).get("nope")
