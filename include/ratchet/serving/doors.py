"""Whom the service lets in, and how much of it: keys, how many at a time, how large, how long."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request
from prometheus_client import Gauge

from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.keys import Keys

MAX_BODY = 16 * 2**20


@dataclass
class Doors:
    """What is asked of every request before it costs anything.

    `timeout` is in seconds, `max_body` in bytes; `concurrency` is how many requests are inside at a time.
    """

    keys: Keys = field(default_factory=Keys)
    timeout: float = 30.0
    concurrency: int = 64
    max_body: int = MAX_BODY
    gauge: Gauge | None = None
    _inside: int = 0

    def require(self, model: str, request: Request) -> None:
        """Ask for the key of a model.

        Raises:
            RequestError: 401.
        """
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        self.keys.require(model, bearer.strip() if kind.lower() == "bearer" else request.headers.get("x-api-key", ""))

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Count one request in, and out again.

        Raises:
            RequestError: 503; as many as may be are inside.
        """
        if self._inside >= self.concurrency:
            raise RequestError(503, "overloaded", f"{self.concurrency} requests are being answered; come again in a moment")
        self._inside += 1
        if self.gauge is not None:
            self.gauge.set(self._inside)
        try:
            yield
        finally:
            self._inside -= 1
            if self.gauge is not None:
                self.gauge.set(self._inside)


async def read_body(request: Request, limit: int, timeout: float) -> bytes:  # noqa: ASYNC109 - the whole body's, not a call's
    """Read the body, and no more than the limit of it, in at most `timeout` seconds.

    Raises:
        RequestError: 413 when it is larger, by its own word before any of it is read; 408 when it takes longer.
    """
    too_large = RequestError(413, "body_too_large", f"the body is larger than {limit} bytes; send fewer rows at a time")
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise too_large
    parts, size = [], 0
    try:
        async with asyncio.timeout(timeout):
            async for part in request.stream():
                size += len(part)
                if size > limit:
                    raise too_large
                parts.append(part)
    except TimeoutError:
        raise RequestError(408, "body_timeout", f"the body did not come within {timeout:g} s") from None
    return b"".join(parts)
