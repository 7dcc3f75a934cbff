"""Connection ids inside a task: Airflow answers, in our words."""

from __future__ import annotations

import json

import pytest
from airflow.sdk import Connection as AirflowConnection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.ratchet.adapters.s3 import S3Access
from include.ratchet.adapters.store import files_at
from include.ratchet.dagkit.connections import AirflowConnections
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.ports import Connection
from tests.s3server import S3Server


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


def test_a_role_is_assumed_by_the_provider_s_hook(aws: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys of the hour, with their token, and the endpoint of the connection: what every adapter can use."""
    services = {name: {"endpoint_url": aws.endpoint} for name in ("s3", "sts")}
    extra = {"role_arn": "arn:aws:iam::123456789012:role/reader", "region_name": "us-east-1", "service_config": services}
    content = {"conn_type": "aws", "login": "key", "password": "secret", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_LAKES", json.dumps(content))
    access = S3Access.of(AirflowConnections().get("lakes"))
    assert access.endpoint == aws.endpoint
    assert access.token
    assert access.key not in {"", "key"}
    bucket = aws.bucket()
    fs, _ = files_at(bucket, access)
    assert fs.ls(bucket) == []
