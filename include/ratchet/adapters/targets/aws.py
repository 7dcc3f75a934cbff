"""Clients of AWS by connection id, and how its refusals are read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import boto3
from botocore.client import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)

from include.ratchet.adapters.s3 import S3Access
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.ports import Connection
from include.ratchet.domain.target import AwayError

ABSENT = ("Could not find", "does not exist", "not found")
PRESENT = ("already exist",)
_KEYS = "correct the connection, or the keys that it finds"
_SPEC = "correct deploy.sagemaker in model.yaml"
_RIGHTS = "give the identity of the connection what docs/sagemaker.md lists"
TERMINAL = {
    **dict.fromkeys(("AccessDeniedException", "AccessDenied"), _RIGHTS),
    "ValidationException": _SPEC,
    "ResourceLimitExceeded": "ask AWS for a higher quota, or take another instance_type",
    "NoSuchBucket": "correct deploy.sagemaker.place in model.yaml",
    **dict.fromkeys(
        (
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "ExpiredTokenException",
            "ExpiredToken",
            "InvalidToken",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "OptInRequired",
            "400",
        ),
        _KEYS,
    ),
    "403": f"{_KEYS}, or {_RIGHTS}",
}
"""Codes that the same request will meet again, and what to do; S3 has only a number for an answer without a body."""
UNSENT = {
    NoCredentialsError: _KEYS,
    PartialCredentialsError: _KEYS,
    ProfileNotFound: _KEYS,
    ParamValidationError: _SPEC,
}
"""What stops the same request here each time, and what to do. Every other error is `AwayError`: it may pass, and is tried again."""


@dataclass(frozen=True)
class Aws:
    """Where AWS answers; a connection with nothing in it is AWS's own chain: environment, profile, the machine's role."""

    region: str
    connection: Connection = field(default_factory=lambda: Connection("aws"))

    @cached_property
    def sagemaker(self) -> Any:
        """The API that makes models and endpoints."""
        return self._client("sagemaker")

    @cached_property
    def runtime(self) -> Any:
        """The API that an endpoint's clients call."""
        return self._client("sagemaker-runtime")

    @cached_property
    def metrics(self) -> Any:
        """CloudWatch, where endpoints are measured."""
        return self._client("cloudwatch")

    @cached_property
    def s3(self) -> Any:
        """Object storage."""
        return self._client("s3")

    def create(self, what: str, **request: Any) -> None:
        """Create what is not there; its name says what it is made of, so that one that is there is the same."""
        try:
            getattr(self.sagemaker, f"create_{what}")(**request)
        except ClientError as error:
            if not refused(error, PRESENT):
                raise

    def delete(self, what: str, **name: str) -> list[str]:
        """Delete what is there; return its name when it was."""
        try:
            getattr(self.sagemaker, f"delete_{what}")(**name)
        except ClientError as error:
            if not refused(error, ABSENT):
                raise
            return []
        return list(name.values())

    def _client(self, service: str) -> Any:
        access = S3Access.of(self.connection)
        own = self.connection.extra.get("service_config") or {}
        endpoint = (own.get(service) or {}).get("endpoint_url") or self.connection.extra.get("endpoint_url")
        session = boto3.session.Session(access.key or None, access.secret or None, access.token or None, self.region)
        config = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=10, read_timeout=70)
        return session.client(service, endpoint_url=endpoint or None, config=config)


def refused(error: ClientError, words: tuple[str, ...]) -> bool:
    """Say whether AWS refused with such words: SageMaker has one code for what is absent, present and wrong."""
    return any(word in error.response["Error"]["Message"] for word in words)


@contextlib.contextmanager
def said_plainly(doing: str, then: str = "start the deploy again") -> Iterator[None]:
    """Say AWS's errors in our words; `then` is what to do once a refusal that stays was mended.

    Raises:
        DeployError: It refused, and will again, or the request could not be made.
        AwayError: It did not answer, or with an error that may pass.
    """
    try:
        yield
    except ClientError as error:
        found = error.response["Error"]
        said = f"{doing}: AWS refused with {found['Code']}: {found['Message']}"
        hint = TERMINAL.get(found["Code"])
        if hint is None:
            raise AwayError(said) from error
        raise DeployError(f"{said}; {hint}, then {then}") from error
    except BotoCoreError as error:
        hint = UNSENT.get(type(error))
        if hint is None:
            raise AwayError(f"{doing}: AWS does not answer: {error}") from error
        raise DeployError(f"{doing}: AWS was not asked: {error}; {hint}, then {then}") from error
