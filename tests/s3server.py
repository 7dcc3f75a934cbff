"""An S3 API over HTTP on loopback: moto's server. It is a fake: its own Python code, in memory, no store of anyone's."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from include.ratchet.adapters.s3 import S3Access
from include.ratchet.adapters.store import files_at


@dataclass(frozen=True)
class S3Server:
    """Where it answers."""

    endpoint: str

    @property
    def access(self) -> S3Access:
        """How it is reached: any keys will do."""
        return S3Access("key", "secret", "", "us-east-1", self.endpoint)

    @property
    def connection(self) -> str:
        """The same as an Airflow connection."""
        return f"aws://key:secret@/?region_name=us-east-1&endpoint_url={self.endpoint.replace(':', '%3A').replace('/', '%2F')}"

    def bucket(self) -> str:
        """Make an empty bucket; return its URL."""
        name = f"b{uuid.uuid4().hex}"
        self.call("create_bucket", Bucket=name)
        return f"s3://{name}"

    def call(self, method: str, **arguments: Any) -> Any:
        """Call S3 itself."""
        fs, _ = files_at("s3://", self.access)
        return fs.call_s3(method, **arguments)


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
