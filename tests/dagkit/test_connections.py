"""Connection ids inside a task: Airflow answers, in our words."""

from __future__ import annotations

import pytest
from airflow.sdk import Connection as AirflowConnection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.ratchet.dagkit.connections import AirflowConnections
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.ports import Connection


def test_a_connection_comes_over_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kind, host, port, login, password, schema and extra; what is not set is empty, not None."""
    known = {
        "shop": AirflowConnection(
            conn_id="shop",
            conn_type="postgres",
            host="db",
            port=5432,
            login="me",
            password="x",  # noqa: S106 - a password of the test
            schema="sales",
            extra='{"a": 1}',
        ),
        "bare": AirflowConnection(conn_id="bare", conn_type="sqlite"),
    }
    monkeypatch.setattr(AirflowConnection, "get", staticmethod(known.__getitem__))
    assert AirflowConnections().get("shop") == Connection("postgres", "db", 5432, "me", "x", "sales", {"a": 1})
    assert AirflowConnections().get("bare") == Connection("sqlite")


def test_an_unknown_id_says_where_to_add_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ours to report: the spec names a connection that is not there."""

    def missing(conn_id: str) -> None:
        raise AirflowNotFoundException(conn_id)

    monkeypatch.setattr(AirflowConnection, "get", staticmethod(missing))
    with pytest.raises(SpecError, match=r"'shop': Airflow does not know it(?s:.*)Admin, Connections"):
        AirflowConnections().get("shop")
