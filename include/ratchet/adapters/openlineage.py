"""Send OpenLineage events: to a file, one a line, or to a server."""

from __future__ import annotations

import json
import os
from pathlib import Path

from include.ratchet.domain.records import Json


def append(path: Path, event: Json) -> None:
    """Add one line to a file, made when it is not there: one write, so that the lines of several tasks do not mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(file, json.dumps(event).encode() + b"\n")
    finally:
        os.close(file)


def post(url: str, event: Json, *, token: str = "", timeout: float = 3) -> None:
    """Post an event, with the token as bearer.

    Raises:
        httpx.HTTPError: The server was not reached within `timeout` seconds, or refused the event.
    """
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    httpx.post(url, json=event, headers=headers, timeout=timeout).raise_for_status()
