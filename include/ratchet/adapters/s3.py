"""S3 by connection id: one address and one pair of keys, in the words of each library that talks to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.ports import Connection

DEFAULT_CONNECTION = "aws_default"
"""What Airflow's own operators take when nothing is named; where nobody knows it, AWS's chain of defaults holds."""
UNRESOLVED = ("role_arn", "profile_name", "assume_role_method")
"""Extras that need AWS's token service: inside a task Airflow's hook resolves them, outside nobody does."""


@dataclass(frozen=True)
class S3Access:
    """How to reach S3, or a store that speaks it; all empty is AWS's chain: environment, profile, the machine's role."""

    key: str = ""
    secret: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    region: str = ""
    endpoint: str = ""

    @classmethod
    def of(cls, connection: Connection) -> S3Access:
        """Read a connection of kind `aws`, its extras as Airflow's provider writes them.

        Raises:
            SpecError: The connection is of another kind, or wants a role that only Airflow can assume.
        """
        extra = connection.extra
        wants = [name for name in UNRESOLVED if extra.get(name)]
        if connection.kind != "aws" or wants:
            raise SpecError(
                "connection of a store on S3: not usable",
                [f"found kind {connection.kind!r}; allowed is aws"]
                if not wants
                else [f"extra {name}: nobody can assume it here" for name in wants],
                "Give it keys, or leave them out and let the machine's own role count.",
            )
        service = extra.get("service_config", {}).get("s3", {}) if isinstance(extra.get("service_config"), dict) else {}
        return cls(
            connection.login or str(extra.get("aws_access_key_id") or ""),
            connection.password or str(extra.get("aws_secret_access_key") or ""),
            str(extra.get("aws_session_token") or ""),
            str(extra.get("region_name") or ""),
            str(service.get("endpoint_url") or extra.get("endpoint_url") or ""),
        )

    @property
    def for_fsspec(self) -> dict[str, Any]:
        """What s3fs is told; never to remember listings, or a watcher would see nothing new."""
        named = {"key": self.key, "secret": self.secret, "token": self.token, "endpoint_url": self.endpoint}
        region = {"client_kwargs": {"region_name": self.region}} if self.region else {}
        return {name: value for name, value in named.items() if value} | region | {"use_listings_cache": False}

    @property
    def for_delta(self) -> dict[str, str]:
        """What Delta is told: to commit by a conditional put, so that of two writers one is refused."""
        named = {
            "aws_access_key_id": self.key,
            "aws_secret_access_key": self.secret,
            "aws_session_token": self.token,
            "aws_region": self.region or ("us-east-1" if self.endpoint else ""),
            "aws_endpoint": self.endpoint,
            "aws_allow_http": "true" if self.endpoint.startswith("http://") else "",
        }
        return {name: value for name, value in named.items() if value} | {"aws_conditional_put": "etag"}

    @property
    def for_environment(self) -> dict[str, str]:
        """What MLflow reads: it knows no other way."""
        named = {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_SESSION_TOKEN": self.token,
            "AWS_DEFAULT_REGION": self.region,
            "MLFLOW_S3_ENDPOINT_URL": self.endpoint,
        }
        return {name: value for name, value in named.items() if value}
