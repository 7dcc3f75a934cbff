"""S3 by connection id."""

from __future__ import annotations

import json

import pytest

from include.ratchet.adapters import open_access
from include.ratchet.adapters.s3 import S3Access
from include.ratchet.domain.config import load_config
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.ports import Connection

KEYS = {"region_name": "eu-west-1", "aws_session_token": "t"}


def aws(**extra: object) -> Connection:
    """Make an aws connection with keys."""
    return Connection("aws", login="k", password="s", extra=extra)  # noqa: S106 - a test's


@pytest.mark.parametrize("extra", [{"endpoint_url": "http://m:9000"}, {"service_config": {"s3": {"endpoint_url": "http://m:9000"}}}])
def test_an_airflow_connection_is_read(extra: dict[str, object]) -> None:
    """Keys from login and password, the rest from the extras, in both places where Airflow's provider looks for an endpoint."""
    assert S3Access.of(aws(**KEYS, **extra)) == S3Access("k", "s", "t", "eu-west-1", "http://m:9000")


def test_each_library_is_told_in_its_words() -> None:
    """The same address and keys for fsspec, Delta and MLflow; no listing is remembered, every commit is a conditional put."""
    access = S3Access.of(aws(**KEYS, endpoint_url="http://m:9000"))
    assert access.for_fsspec == {
        "key": "k",
        "secret": "s",
        "token": "t",
        "endpoint_url": "http://m:9000",
        "client_kwargs": {"region_name": "eu-west-1"},
        "use_listings_cache": False,
    }
    assert access.for_delta == {
        "aws_access_key_id": "k",
        "aws_secret_access_key": "s",
        "aws_session_token": "t",
        "aws_region": "eu-west-1",
        "aws_endpoint": "http://m:9000",
        "aws_allow_http": "true",
        "aws_conditional_put": "etag",
    }
    assert access.for_environment["MLFLOW_S3_ENDPOINT_URL"] == "http://m:9000"
    assert "'s'" not in repr(access)


def test_without_keys_the_machines_own_role_counts() -> None:
    """Nothing is said about keys, so that every library goes down AWS's chain; plain HTTP is never allowed then."""
    assert S3Access.of(Connection("aws")).for_fsspec == {"use_listings_cache": False}
    assert S3Access().for_delta == {"aws_conditional_put": "etag"}
    assert S3Access().for_environment == {}


@pytest.mark.parametrize(
    ("connection", "said"), [(Connection("postgres"), "found kind 'postgres'; allowed is aws"), (aws(role_arn="arn:x"), "extra role_arn")]
)
def test_what_cannot_be_used_is_refused(connection: Connection, said: str) -> None:
    """Another kind of connection, or a role that only Airflow's hook can assume, is a fault that says so."""
    with pytest.raises(SpecError, match=said):
        S3Access.of(connection)


def test_a_place_is_opened_by_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store's own connection, else aws_default, else the machine's role; a named one that is not known is a fault."""
    config = load_config(stores={"main": {"uri": "s3://b/r", "connection": "lakes"}}, lake="main://lake")
    assert config.lake_place == "s3://b/r/lake"
    assert open_access("/disk") is None
    assert open_access("s3://other/x", config) == S3Access()
    with pytest.raises(SpecError, match="AIRFLOW_CONN_LAKES"):
        open_access(config.lake_place, config)
    monkeypatch.setenv("AIRFLOW_CONN_LAKES", json.dumps({"conn_type": "aws", "login": "a", "password": "b"}))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({"conn_type": "aws", "login": "c", "password": "d"}))
    assert open_access(config.lake_place, config) == S3Access("a", "b")
    assert open_access("s3://other/x", config) == S3Access("c", "d")
