"""Connection ids by Airflow: its environment, its secrets backends, its database."""

from __future__ import annotations

from airflow.sdk import Connection as AirflowConnection
from airflow.sdk.exceptions import AirflowNotFoundException

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.ports import Connection


class AirflowConnections:
    """Asks Airflow; what it does not know may stand in `ratchet.yaml`."""

    def get(self, conn_id: str) -> Connection:
        """Return the connection, or raise SpecError."""
        try:
            found = AirflowConnection.get(conn_id)
        except AirflowNotFoundException:
            raise SpecError(f"connection {conn_id!r}: Airflow does not know it", [], "Add it under Admin, Connections.") from None
        return Connection(
            kind=found.conn_type or "",
            host=found.host or "",
            port=found.port,
            login=found.login or "",
            password=found.password or "",
            schema=found.schema or "",
            extra=found.extra_dejson,
        )
