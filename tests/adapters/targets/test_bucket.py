"""What was put is there, bit by bit."""

from __future__ import annotations

import pytest

from include.ratchet.adapters.targets.aws import Aws
from include.ratchet.adapters.targets.bucket import put
from include.ratchet.domain.errors import DeployError
from include.ratchet.domain.ports import Connection
from tests.s3server import S3Server


class Forgetful:
    """A store that takes everything and keeps something else."""

    def __init__(self, client: object) -> None:
        """Stand before a client."""
        self._client = client

    def put_object(self, **request: object) -> object:
        """Keep nothing of what came."""
        altered = {name: value for name, value in request.items() if "Checksum" not in name}
        return self._client.put_object(**altered | {"Body": b"something else"})  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> object:
        """Do all else as it is."""
        return getattr(self._client, name)


@pytest.fixture
def aws(s3: S3Server) -> Aws:
    """Reach the store."""
    return Aws("us-east-1", Connection.from_uri(s3.connection))


def test_the_same_bytes_are_written_once(s3: S3Server, aws: Aws) -> None:
    """A second try finds them by their SHA-256; other bytes under the name are replaced."""
    uri = f"{s3.bucket()}/a/model.tar.gz"
    bucket = uri.split("/")[2]
    put(aws, uri, b"one")
    first = aws.s3.head_object(Bucket=bucket, Key="a/model.tar.gz")["LastModified"]
    assert put(aws, uri, b"one") == uri
    assert aws.s3.head_object(Bucket=bucket, Key="a/model.tar.gz")["LastModified"] == first
    aws.s3.put_object(Bucket=bucket, Key="a/model.tar.gz", Body=b"altered")
    put(aws, uri, b"one")
    assert aws.s3.get_object(Bucket=bucket, Key="a/model.tar.gz")["Body"].read() == b"one"


def test_what_arrives_altered_is_refused(s3: S3Server, aws: Aws) -> None:
    """No endpoint is made of bytes that nobody judged."""
    aws.__dict__["s3"] = Forgetful(aws.s3)
    with pytest.raises(DeployError, match="holds other bytes than were written"):
        put(aws, f"{s3.bucket()}/model.tar.gz", b"one")
