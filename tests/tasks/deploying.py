"""What the tests of a deployment share: a service that says what they want, and looks at ledger and aliases."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import mlflow
import pytest

from include.ratchet.adapters import open_ledger
from include.ratchet.tasks import smoke
from tests.tiny import MODEL, MODEL_YAML, Project

LOCAL = MODEL_YAML.replace("deploy: {target: batch}", "deploy: {target: local}")


class Service:
    """A prediction service on loopback that says one version, whatever is promoted."""

    def __init__(self) -> None:
        """Answer nothing yet."""
        self.status, self.content, self.asked = 200, b"{}", 0
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                """Say the version."""
                service.asked += 1
                self.send_response(service.status)
                self.send_header("content-length", str(len(service.content)))
                self.end_headers()
                self.wfile.write(service.content)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def shows(self, version: int | None) -> None:
        """Answer with a version from now on."""
        self.content = json.dumps({"version": version}).encode()

    def stop(self) -> None:
        """Listen no longer."""
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """Run a fake service where the deployment says that it is, and wait for it a moment only."""
    made = Service()
    monkeypatch.setenv("RATCHET__SERVING__URL", made.url)
    monkeypatch.setattr(smoke, "SERVED_WITHIN_SECONDS", 0.5)
    yield made
    made.stop()


def go(project: Project, body: Any, *args: Any, **params: Any) -> Any:
    """Run one body of the deployment."""
    return project.run(body, *args, stage="deploy", **params)


def history() -> list[tuple[str, int, int | None]]:
    """Return the changes of champion, oldest first."""
    return [(each.action, each.version, each.previous) for each in reversed(open_ledger().promotions(MODEL))]


def aliases() -> dict[str, int]:
    """Return what the registry's aliases say."""
    client = mlflow.MlflowClient()
    return {name: int(version) for name, version in client.get_registered_model(MODEL).aliases.items()}


def refused(project: Project, version: int) -> None:
    """Put a refused verdict into the ledger."""
    verdict = open_ledger().verdicts(MODEL)[0]
    at = datetime.now(UTC) + timedelta(seconds=version)
    open_ledger().judge(replace(verdict, version=version, run_id=f"refused-{version}", outcome="refuse", at=at, digest=""))
    assert project.home.exists()


def fail(*_: Any, **__: Any) -> None:
    """Die in the middle of something."""
    raise OSError("the plug was pulled")
