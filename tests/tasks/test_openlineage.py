"""A receiver of lineage hears of every task, and no task suffers when it does not."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.errors import DataError
from include.ratchet.tasks import ends
from include.ratchet.tasks.seam import run_task

CONTEXT = TaskContext("flights_ingest", "r1", "merge", executor="LocalExecutor")


class Receiver:
    """A server of lineage on loopback that keeps what it is sent."""

    def __init__(self) -> None:
        """Listen, and take everything."""
        self.status, self.events, self.tokens = 201, list[Any](), list[str | None]()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                """Keep one event."""
                receiver.events.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                receiver.tokens.append(self.headers["authorization"])
                self.send_response(receiver.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def heard(self) -> list[tuple[str, str]]:
        """Return types and jobs, in order."""
        return [(each["eventType"], each["job"]["name"]) for each in self.events]


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Run a receiver that the deployment names."""
    made = Receiver()
    monkeypatch.setenv("RATCHET__LINEAGE__URL", f"http://127.0.0.1:{made.server.server_address[1]}/api/v1/lineage")
    yield made
    made.server.shutdown()
    made.server.server_close()


def _fail() -> None:
    raise DataError("bad rows")


def test_start_and_end_are_posted(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start arrives before the body runs, the end after its step is in the ledger, whose digests it carries; with the token."""
    monkeypatch.setenv("AIRFLOW_CONN_MARQUEZ", "http://:s3cret@elsewhere")
    monkeypatch.setenv("RATCHET__LINEAGE__CONNECTION", "marquez")
    seen = run_task(CONTEXT, lambda: {"heard": receiver.heard()})
    assert seen == {"heard": [("START", "flights_ingest.merge")]}
    begun, ended = receiver.events
    (row,) = open_ledger().steps("r1")
    assert (begun["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert begun["run"]["runId"] == ended["run"]["runId"]
    assert [each["name"] for each in ended["outputs"]] == ["flights_ingest.merge.result", "clean/flights", "quarantine/flights"]
    assert ended["outputs"][0]["facets"]["version"]["datasetVersion"] == row["output"]
    assert begun["inputs"][0]["facets"]["version"]["datasetVersion"] == row["input"]
    assert receiver.tokens == ["Bearer s3cret"] * 2


def test_a_failure_is_posted(receiver: Receiver) -> None:
    """The body's own exception passes; the receiver hears why."""
    with pytest.raises(DataError):
        run_task(CONTEXT, _fail)
    assert [kind for kind, _ in receiver.heard()] == ["START", "FAIL"]
    assert receiver.events[1]["run"]["facets"]["errorMessage"]["message"] == "DataError: bad rows"


def test_the_end_of_a_killed_task_is_posted(receiver: Receiver) -> None:
    """The listener's record of it closes the run that its start has opened; what never started is not told."""
    at = "2026-01-01T00:00:00+00:00"
    known = {"map_index": -1, "try_number": 1, "started_at": at, "ended_at": at, "executor": "LocalExecutor"}
    tasks = [{"task_id": "merge", "state": "failed", **known}, {"task_id": "report", "state": "upstream_failed", **known}]
    run_task(CONTEXT, dict)
    ends.record({"dag_id": "flights_ingest", "run_id": "r2", "conf": {}, "tasks": tasks})
    assert receiver.heard()[2:] == [("FAIL", "flights_ingest.merge")]


@pytest.mark.parametrize("how", ["refused", "away", "unknown_model", "no_connection", "no_folder"])
def test_a_receiver_that_fails_costs_no_task(
    how: str, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """A server that refuses or is away, a wrong name, a file that cannot be: a warning each, and the task is as it would be."""
    context = TaskContext("nothing_train", "r1", "fit") if how == "unknown_model" else CONTEXT
    if how == "refused":
        receiver.status = 500
    if how == "away":
        monkeypatch.setenv("RATCHET__LINEAGE__URL", "http://127.0.0.1:9/lineage")
    if how == "no_connection":
        monkeypatch.setenv("RATCHET__LINEAGE__CONNECTION", "nobody")
    if how == "no_folder":
        (tmp_path / "file").touch()
        monkeypatch.setenv("RATCHET__LINEAGE__URL", "")
        monkeypatch.setenv("RATCHET__LINEAGE__PATH", str(tmp_path / "file" / "events.jsonl"))
    with caplog.at_level(logging.WARNING, "include.ratchet.tasks.openlineage"):
        assert run_task(context, lambda: {"rows": 3}) == {"rows": 3}
    assert [each["state"] for each in open_ledger().steps("r1")] == ["success"]
    assert [each.getMessage()[:8] for each in caplog.records if "openlineage" in each.name] == ["lineage:"] * 2


def test_a_file_gets_one_line_an_event(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path under home is under home."""
    monkeypatch.setenv("RATCHET__LINEAGE__PATH", "{home}/lineage.jsonl")
    run_task(CONTEXT, dict)
    lines = (tmp_path / "home" / "lineage.jsonl").read_text().splitlines()
    assert [json.loads(line)["eventType"] for line in lines] == ["START", "COMPLETE"]


def test_by_default_nobody_is_told(tmp_path: Path) -> None:
    """Nothing is written but the ledger."""
    run_task(CONTEXT, dict)
    assert not list(tmp_path.rglob("*.jsonl"))
