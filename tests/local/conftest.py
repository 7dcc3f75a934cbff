"""A home of its own for each test, and an Airflow that answers from a dictionary."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from include.ratchet.domain.config import Config, load_config
from include.ratchet.local.api import Airflow
from include.ratchet.local.ports import Ports


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """Return a deployment whose home is the test's folder."""
    monkeypatch.setenv("RATCHET__HOME", str(tmp_path / "home"))
    monkeypatch.delenv("AIRFLOW_CONN_REFERENCE", raising=False)
    return load_config()


@pytest.fixture
def busy_port() -> Iterator[int]:
    """Return a port that this process listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def free_ports() -> Ports:
    """Return three ports that nobody listens on."""
    with socket.socket() as a, socket.socket() as b, socket.socket() as c:
        for each in (a, b, c):
            each.bind(("127.0.0.1", 0))
        return Ports(*(each.getsockname()[1] for each in (a, b, c)))


class FakeAirflow:
    """Answers `GET /api/v2<path>` from `pages`, and keeps every request."""

    def __init__(self) -> None:
        """Start with nothing running."""
        self.pages: dict[str, Any] = {
            "/dags/~/dagRuns": {"dag_runs": []},
            "/dags/~/dagRuns/~/taskInstances": {"task_instances": []},
            "/importErrors": {"import_errors": []},
            "/assets/events": {"asset_events": []},
        }
        self.requests: list[httpx.Request] = []

    def client(self) -> Airflow:
        """Return the client that talks to it."""
        return Airflow("http://airflow.test", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == "/auth/token":
            return httpx.Response(201, json={"access_token": "secret"})
        page = self.pages.get(request.url.path.removeprefix("/api/v2"))
        return httpx.Response(200, json=page) if page is not None else httpx.Response(404, text=json.dumps("no such page"))


@pytest.fixture
def fake_airflow() -> FakeAirflow:
    """Return an Airflow with nothing running."""
    return FakeAirflow()
