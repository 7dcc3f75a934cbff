"""The service as a real process: it listens where the deployment says, and stops when asked."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.specs import PROJECT
from include.ratchet.serving.server import address
from tests.serving.fakes import ROW


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start Python on a module of the project."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments], cwd=PROJECT, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True
    )


def wait_ready(url: str, process: subprocess.Popen[str], seconds: float = 40) -> None:
    """Wait until /readyz answers 200."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            if httpx.get(f"{url}/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    process.kill()
    pytest.fail(f"not ready: {process.communicate()[1]}")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Give the address and the process of a service whose predictions take `hour` seconds."""
    port = free_port()
    process = start("tests.serving.process", str(tmp_path), str(port))
    wait_ready(f"http://127.0.0.1:{port}", process)
    yield f"http://127.0.0.1:{port}", process
    process.kill()
    process.communicate()


def ask_in_thread(url: str, seconds: float) -> tuple[threading.Thread, list[Any]]:
    """Ask for a prediction that takes so long; what came is in the list."""
    came: list[Any] = []

    def ask() -> None:
        try:
            came.append(httpx.post(f"{url}/v1/models/late:predict", json={"records": [{**ROW, "hour": seconds}]}, timeout=30).status_code)
        except httpx.TransportError as error:
            came.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    time.sleep(0.5)
    return thread, came


def test_a_stop_finishes_what_runs(service: tuple[str, subprocess.Popen[str]]) -> None:
    """After SIGTERM a running prediction is answered, the exit is 0 and takes less than five seconds."""
    url, process = service
    thread, came = ask_in_thread(url, 1.5)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    lines = process.communicate(timeout=5)[1].splitlines()
    assert time.monotonic() - began < 5
    thread.join()
    assert (came, process.returncode) == ([200], 0)
    assert all(json.loads(line)["at"] for line in lines)


def test_a_stop_waits_for_no_prediction_that_hangs(service: tuple[str, subprocess.Popen[str]]) -> None:
    """Within five seconds the process is gone, whatever a model does."""
    url, process = service
    thread, came = ask_in_thread(url, 60)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=5)
    thread.join()
    assert came != [200]
    assert process.returncode == 0


def test_a_large_body_leaves_the_connection_usable(service: tuple[str, subprocess.Popen[str]]) -> None:
    """A client over the 16 MB limit reads the 413 and goes on."""
    url, _ = service
    with httpx.Client(base_url=url) as client:
        assert client.post("/v1/models/late:predict", content=b" " * (17 * 2**20)).status_code == 413
        assert client.get("/healthz").status_code == 200


def test_the_module_starts_where_the_deployment_says(tmp_path: Path) -> None:
    """`python -m include.ratchet.serving` on an empty ledger: alive, ready, nothing to serve, and stopped by SIGTERM."""
    url = f"http://127.0.0.1:{free_port()}"
    process = start("include.ratchet.serving", RATCHET__SERVING__URL=url, RATCHET__HOME=str(tmp_path))
    wait_ready(url, process)
    assert all(model["version"] is None for model in httpx.get(f"{url}/v1/models").json()["models"])
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=5)
    assert process.returncode == 0


def test_a_wrong_address_is_said_at_the_start() -> None:
    """The process ends with 2 and one message, without a trace."""
    process = start("include.ratchet.serving", RATCHET__SERVING__URL="127.0.0.1:8090")
    text = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert "serving.url" in text
    assert "Traceback" not in text


def test_the_service_loads_neither_airflow_nor_mlflow() -> None:
    """Airflow never; the registry's client only when a model is loaded, in the follower's thread."""
    code = "import sys, include.ratchet.serving.app, include.ratchet.serving.__main__; print({'airflow', 'mlflow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://127.0.0.1:8090", ("127.0.0.1", 8090)), ("http://[::1]:81/x", ("::1", 81)), ("http://serving", ("serving", 80))],
)
def test_host_and_port_come_from_the_url(url: str, expected: tuple[str, int]) -> None:
    """The address that clients use is the one to listen on."""
    assert address(url) == expected


@pytest.mark.parametrize("url", ["", "127.0.0.1:8090", "8090", "http://:8090", "http://host:port", "http://host:99999"])
def test_a_url_without_host_or_port_is_refused(url: str) -> None:
    """The error says what was found and what is allowed."""
    with pytest.raises(SpecError, match="allowed is http://host:port"):
        address(url)
