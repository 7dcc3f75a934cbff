"""Bytes into S3, and the proof that they are there."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from include.ratchet.adapters.targets.aws import Aws
from include.ratchet.domain.errors import DeployError


def put(aws: Aws, uri: str, content: bytes) -> str:
    """Write an object unless it is there with these bytes, as S3 says by its SHA-256; return its URI.

    Raises:
        DeployError: What is there afterwards is something else.
    """
    bucket, key = urlsplit(uri).netloc, urlsplit(uri).path.lstrip("/")
    sha = base64.b64encode(hashlib.sha256(content).digest()).decode()
    if _sha(aws, bucket, key) != sha:
        aws.s3.put_object(Bucket=bucket, Key=key, Body=content, ChecksumAlgorithm="SHA256", ChecksumSHA256=sha)
        there = _sha(aws, bucket, key)
        if there != sha:
            raise DeployError(
                f"{uri}: holds other bytes than were written (SHA-256 {there or 'none'}, written {sha}); who else writes there?"
            )
    return uri


def _sha(aws: Aws, bucket: str, key: str) -> str:
    """Return the SHA-256 of an object in base64, as S3 took it, or of its bytes where the store keeps none; empty where nothing is."""
    try:
        found = aws.s3.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED").get("ChecksumSHA256")
    except ClientError as error:
        if error.response["Error"]["Code"] in {"404", "NoSuchKey"}:
            return ""
        raise
    if found:
        return str(found)
    with aws.s3.get_object(Bucket=bucket, Key=key)["Body"] as body:
        return base64.b64encode(hashlib.file_digest(body, "sha256").digest()).decode()
