"""An S3 API over HTTP on loopback: moto's server, or a real store that runs already.

moto is a fake: its own Python code, in memory, no store of anyone's. Where `RATCHET_TEST_S3_ENDPOINT` names a real one, with
its keys in `RATCHET_TEST_S3_KEY` and `RATCHET_TEST_S3_SECRET`, the same tests run against that: docs/s3.md starts a Ceph.
"""

from __future__ import annotations

import contextlib
import functools
import os
import socket
import subprocess
import sys
import time
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import botocore.session
from botocore.config import Config

from include.ratchet.adapters.s3 import S3Access
from include.ratchet.adapters.store import files_at


@dataclass(frozen=True)
class S3Server:
    """Where it answers, and to whom; to moto's, any keys will do."""

    endpoint: str
    key: str = "key"
    secret: str = "secret"  # noqa: S105

    @property
    def access(self) -> S3Access:
        """How it is reached."""
        return S3Access(self.key, self.secret, "", "us-east-1", self.endpoint)

    @property
    def connection(self) -> str:
        """The same as an Airflow connection."""
        at = urllib.parse.quote(self.endpoint, safe="")
        return f"aws://{self.key}:{self.secret}@/?region_name=us-east-1&endpoint_url={at}"

    def bucket(self) -> str:
        """Make an empty bucket; return its URL."""
        name = f"b{uuid.uuid4().hex}"
        self.call("create_bucket", Bucket=name)
        return f"s3://{name}"

    def signed(self, method: str, **arguments: Any) -> str:
        """Return a URL that anybody may call S3 by, for a minute: for those who must start no thread of s3fs."""
        return str(self._client.generate_presigned_url(method, Params=arguments, ExpiresIn=60))

    @functools.cached_property
    def _client(self) -> Any:
        keys = {"aws_access_key_id": self.key, "aws_secret_access_key": self.secret}
        how = Config(signature_version="s3v4")
        return botocore.session.get_session().create_client("s3", "us-east-1", endpoint_url=self.endpoint, config=how, **keys)

    def call(self, method: str, **arguments: Any) -> Any:
        """Call S3 itself."""
        fs, _ = files_at("s3://", self.access)
        return fs.call_s3(method, **arguments)


def _real() -> S3Server | None:
    endpoint, key, secret = (os.environ.get(f"RATCHET_TEST_S3_{name}", "") for name in ("ENDPOINT", "KEY", "SECRET"))
    return S3Server(endpoint, key, secret) if endpoint else None


REAL = _real()
"""The real store; read at once, as no test sees what the caller's shell says."""


@contextlib.contextmanager
def serve() -> Iterator[S3Server]:
    """Start moto's server on a free port, in a process of its own; stop it at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"S3_UPLOAD_PART_MIN_SIZE": "1024"}  # 5 MiB on S3: a test need not send as much
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            if server.poll() is not None:
                raise RuntimeError(f"moto's server ended with {server.returncode}")
            time.sleep(0.05)
        yield S3Server(f"http://127.0.0.1:{port}")
    finally:
        server.terminate()
        server.wait(20)
