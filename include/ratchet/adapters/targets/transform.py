"""Batch scoring on SageMaker: lines into S3, a transform job over them, and its answers out of S3.

The job itself is created and waited for by the amazon provider's operator (`dagkit/transform.py`), by the request that
`ready` returns. Its name is content: the same rows and version are one job, whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from include.ratchet.adapters.targets.aws import ABSENT, Aws, refused, said_plainly
from include.ratchet.adapters.targets.bucket import put
from include.ratchet.adapters.targets.sagemaker import SageMakerTarget
from include.ratchet.domain.records import Json, digest
from include.ratchet.domain.sagemakerspec import Transform

LINES = "application/jsonlines"
PAYLOAD_MB = 1
"""Per request to the container: some thousand records, which it answers well within its minute."""
OVER = ("Failed", "Stopping", "Stopped")


@dataclass(frozen=True)
class Transforms:
    """The transform jobs of one model."""

    target: SageMakerTarget
    machines: Transform

    @property
    def aws(self) -> Aws:
        """Where AWS answers."""
        return self.target.aws

    def ready(self, version: int, content: str, parts: Iterable[bytes]) -> Json:
        """Put lines into S3; return the request of their job (CreateTransformJob).

        Args:
            version: Which is to answer; it was published.
            content: Digest of the rows.
            parts: Files of JSON lines.

        Raises:
            DeployError: The version was never published, or AWS refuses.
        """
        with _plainly(f"transform for {self.target.spec.name} version {version}"):
            release = self.target.release(version)
            name = self._name(f"{self.target.stem}-t-{digest([release, content])[:12]}")
            place = self._place(name)
            for number, lines in enumerate(parts):
                put(self.aws, f"{place}/in/part-{number:05d}.jsonl", lines)
        source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{place}/in/"}}
        return {
            "TransformJobName": name,
            "ModelName": release,
            "BatchStrategy": "MultiRecord",
            "MaxPayloadInMB": PAYLOAD_MB,
            "TransformInput": {"DataSource": source, "ContentType": LINES, "SplitType": "Line"},
            "TransformOutput": {"S3OutputPath": f"{place}/out/", "Accept": LINES, "AssembleWith": "Line"},
            "TransformResources": {"InstanceType": self.machines.instance_type, "InstanceCount": self.machines.instances},
            "Tags": [{"Key": "ratchet:model", "Value": self.target.spec.name}],
        }

    def answers(self, request: Json) -> list[bytes]:
        """Return the answers of a job that has ended, line by line in the order of what was put."""
        bucket, prefix = _parts(request["TransformOutput"]["S3OutputPath"])
        with _plainly(f"read {request['TransformJobName']}"):
            keys = sorted(self._keys(bucket, prefix))
            return [line for key in keys for line in self._read(bucket, key).splitlines() if line.strip()]

    def clear(self, request: Json) -> None:
        """Delete what a job read and wrote: rows of people, perhaps, that nothing needs any more."""
        with _plainly(f"clear {request['TransformJobName']}"):
            for uri in (request["TransformOutput"]["S3OutputPath"], request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]):
                self._delete(uri)

    def discard(self, before: datetime) -> int:
        """Delete what jobs read and wrote before a moment, UTC, and nothing has taken since; return how many objects went."""
        with _plainly(f"discard old transforms of {self.target.spec.name}"):
            return self._delete(self._place(""), before)

    def _name(self, stem: str) -> str:
        """Return the name of the job to run or to wait for.

        One that failed, or whose answers were taken and cleared, keeps its name for ever: the next one is numbered, and what is
        left of it in S3 is deleted.
        """
        number = 0
        while True:
            name = f"{stem}-{number}"
            try:
                status = self.aws.sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"]
            except ClientError as error:
                if refused(error, ABSENT):
                    return name
                raise
            if status not in OVER and (status != "Completed" or self._keys(*_parts(f"{self._place(name)}/out/"))):
                return name
            self._delete(f"{self._place(name)}/")
            number += 1

    def _place(self, name: str) -> str:
        return f"{self.target.wanted.place.rstrip('/')}/transform/{name}"

    def _keys(self, bucket: str, prefix: str, before: datetime | None = None) -> list[str]:
        pages = self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [each["Key"] for page in pages for each in page.get("Contents", ()) if before is None or each["LastModified"] < before]

    def _delete(self, uri: str, before: datetime | None = None) -> int:
        bucket, prefix = _parts(uri)
        keys = self._keys(bucket, prefix, before)
        for key in keys:
            self.aws.s3.delete_object(Bucket=bucket, Key=key)
        return len(keys)

    def _read(self, bucket: str, key: str) -> bytes:
        with self.aws.s3.get_object(Bucket=bucket, Key=key)["Body"] as body:
            content: bytes = body.read()
        return content


def _plainly(doing: str) -> AbstractContextManager[None]:
    return said_plainly(doing, "start the scoring again")


def _parts(uri: str) -> tuple[str, str]:
    return urlsplit(uri).netloc, urlsplit(uri).path.lstrip("/")
