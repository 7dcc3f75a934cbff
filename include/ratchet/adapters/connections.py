"""Connection ids without Airflow: `AIRFLOW_CONN_<ID>` (a URI or JSON, as Airflow reads it), then `ratchet.yaml`."""

from __future__ import annotations

import contextlib
import json
import os

from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.ports import Connection, Connections


class EnvironmentConnections:
    """Resolves ids by those asked `first` (Airflow's), the environment, and the `connections` of `ratchet.yaml`."""

    def __init__(self, config: Config, *first: Connections) -> None:
        """Read the deployment's secret-less connections from `config`."""
        self._config, self._first = config, first

    def get(self, conn_id: str) -> Connection:
        """Return the connection.

        Raises:
            SpecError: Neither place knows the id.
        """
        for each in self._first:
            with contextlib.suppress(SpecError):
                return each.get(conn_id)
        variable = f"AIRFLOW_CONN_{conn_id.upper()}"
        text = os.environ.get(variable, "") or self._config.connections.get(conn_id, "").replace("{home}", str(self._config.folder))
        if not text:
            raise SpecError(
                f"connection {conn_id!r}: not known",
                [f"found neither {variable} nor connections.{conn_id} in ratchet.yaml"],
                f"Add the connection in Airflow, or set {variable} to a URI.",
            )
        if not text.startswith("{"):
            return Connection.from_uri(text)
        fields = json.loads(text)
        extra = fields.get("extra") or {}
        return Connection(
            kind=fields["conn_type"],
            host=fields.get("host", ""),
            port=fields.get("port"),
            login=fields.get("login", ""),
            password=fields.get("password", ""),
            schema=fields.get("schema", ""),
            extra=json.loads(extra) if isinstance(extra, str) else extra,
        )
