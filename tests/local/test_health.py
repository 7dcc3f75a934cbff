"""A part is well when it says so itself, now and not before the start."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import psutil
import pytest

from include.ratchet.local import health
from include.ratchet.local.components import Component
from include.ratchet.local.ports import Ports
from include.ratchet.local.processes import Child
from include.ratchet.local.record import Stack, StackError

STARTED = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCHEDULER = Component("scheduler", (), heartbeat="scheduler")


class _Pages(BaseHTTPRequestHandler):
    pages: dict[str, Any]

    def do_GET(self) -> None:
        """Answer from `pages`, which the test fills."""
        found = self.pages.get(self.path)
        self.send_response(200 if found is not None else 503)
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@pytest.fixture
def pages() -> Iterator[tuple[dict[str, Any], Stack]]:
    """Return the pages of a small server, and a stack whose Airflow it is."""
    answers: dict[str, Any] = {}
    server = HTTPServer(("127.0.0.1", 0), type("Pages", (_Pages,), {"pages": answers}))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    me = Child("me", os.getpid(), psutil.Process().create_time(), "me.log")
    yield answers, Stack("id", Ports(airflow=server.server_port), (me,), STARTED.timestamp())
    server.shutdown()
    server.server_close()


def _beat(at: datetime, status: str = "healthy") -> dict[str, Any]:
    return {"scheduler": {"status": status, "latest_scheduler_heartbeat": at.isoformat()}}


def test_a_server_is_well_when_its_page_answers(pages: tuple[dict[str, Any], Stack]) -> None:
    """An error of the server is not well."""
    answers, stack = pages
    part = Component("serving", (), health=f"{stack.ports.url('airflow')}/healthz")
    assert not health.well(part, stack)
    answers["/healthz"] = {}
    assert health.well(part, stack)


@pytest.mark.parametrize(
    ("page", "well"),
    [
        (_beat(STARTED + timedelta(seconds=1)), True),
        (_beat(STARTED - timedelta(seconds=1)), False),
        (_beat(STARTED + timedelta(seconds=1), "unhealthy"), False),
        ({"scheduler": {"status": None, "latest_scheduler_heartbeat": None}}, False),
        ({}, False),
    ],
    ids=["fresh", "of the scheduler before", "unhealthy", "never", "no such part"],
)
def test_a_heartbeat_counts_from_the_start_on(pages: tuple[dict[str, Any], Stack], page: dict[str, Any], *, well: bool) -> None:
    """After a restart the old process's last heartbeat is still young enough to pass for healthy."""
    answers, stack = pages
    answers["/api/v2/monitor/health"] = page
    assert health.well(SCHEDULER, stack) is well


def test_waiting_tells_what_became_well(pages: tuple[dict[str, Any], Stack]) -> None:
    """Each part is told once."""
    answers, stack = pages
    answers["/api/v2/monitor/health"] = _beat(STARTED)
    told: list[tuple[str, str]] = []
    health.wait([SCHEDULER], stack, lambda *state: told.append(state))
    assert told == [("scheduler", "well")]


def test_waiting_ends_with_the_names_of_what_is_not_well(pages: tuple[dict[str, Any], Stack]) -> None:
    """The message says what, and after how long."""
    with pytest.raises(StackError, match="not well after 0 s: scheduler"):
        health.wait([SCHEDULER], pages[1], lambda *_: None, within=0)
