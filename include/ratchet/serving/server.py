"""Run the application: where it listens, and how it stops."""

from __future__ import annotations

import os
import signal
import tempfile
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from include.ratchet.domain.errors import SpecError

_GRACE = 3
"""Seconds that running requests get after SIGTERM; with the follower's one second the stop takes less than 5."""
_DEFAULT_PORTS = {"http": 80, "https": 443}


def address(url: str) -> tuple[str, int]:
    """Return host and port of `serving.url`.

    Raises:
        SpecError: It has no host, or no port that could be.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        host, port = None, None
    if not host or not port:
        raise SpecError("ratchet.yaml: serving.url", [f"found {url!r}; allowed is http://host:port"], "RATCHET__SERVING__URL sets it too.")
    return host, port


def run(app: FastAPI, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT, then finish what runs and exit with 0."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, _leave)
    uvicorn.Server(_config(app, host, port)).run()


def run_workers(factory: str, host: str, port: int, workers: int) -> None:
    """Serve from several processes on one port; one that dies is started again.

    Args:
        factory: `module:function` that builds the application, called in each process.
        host: Where to listen.
        port: Where to listen.
        workers: How many processes.
    """
    # Each worker shows the figures of all: they keep them in files of this folder, which a new service starts empty.
    with tempfile.TemporaryDirectory(prefix="ratchet-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        config = _config(factory, host, port, factory=True, workers=workers)
        Multiprocess(config, sockets=[config.bind_socket()]).run()


def _config(app: FastAPI | str, host: str, port: int, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
        **more,
    )


def _leave(_: int, __: FrameType | None) -> None:
    """End at once: uvicorn raises the signal again after its graceful stop, when only hung threads could be left."""
    os._exit(0)
