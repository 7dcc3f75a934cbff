"""Connection ids by Airflow: its environment, its secrets backends, its database."""

from __future__ import annotations

from typing import Any

from airflow.sdk import Connection as AirflowConnection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.ports import Connection

ROLES = ("role_arn", "profile_name")
"""Extras of an aws connection that name keys which only AWS's own library can get."""


class AirflowConnections:
    """Asks Airflow; what it does not know may stand in `ratchet.yaml`."""

    def get(self, conn_id: str) -> Connection:
        """Return the connection, or raise SpecError."""
        try:
            found = AirflowConnection.get(conn_id)
        except AirflowNotFoundException:
            raise SpecError(f"connection {conn_id!r}: Airflow does not know it", [], "Add it under Admin, Connections.") from None
        extra = found.extra_dejson
        if found.conn_type == "aws" and any(extra.get(name) for name in ROLES):
            return _assumed(conn_id, extra)
        return Connection(
            kind=found.conn_type or "",
            host=found.host or "",
            port=found.port,
            login=found.login or "",
            password=found.password or "",
            schema=found.schema or "",
            extra=extra,
        )


def _assumed(conn_id: str, extra: dict[str, Any]) -> Connection:
    """Let the amazon provider assume the role, or read the profile, that a connection names; return its keys of the hour."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook  # loads boto3: only where a role is asked for

    session = AwsGenericHook(aws_conn_id=conn_id, client_type="s3").get_session()
    keys = session.get_credentials().get_frozen_credentials()
    rest = {name: value for name, value in extra.items() if name not in (*ROLES, "assume_role_method", "assume_role_kwargs")}
    more = {"aws_session_token": keys.token, "region_name": session.region_name}
    return Connection("aws", login=keys.access_key, password=keys.secret_key, extra=rest | more)
