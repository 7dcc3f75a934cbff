"""The service beside `mlflow models serve` on the same version: single rows, throughput, a batch, a promotion."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from benchmarks.inside.deployed import MODEL, Client, made, promote, register, service, started
from benchmarks.project import free_ports
from include.ratchet.domain.config import load_config

SINGLE, WARM, CLIENTS, SECONDS, BATCHES = 1500, 100, 4, 4.0, 25
BATCH = 10_000
PREDICT = f"/v1/models/{MODEL}:predict"


def main() -> None:
    """Measure; write the figures."""
    pipeline = register(2)[0]
    promote(1)
    rows = made(BATCH, seed=99)
    records = json.loads(rows.to_json(orient="records"))
    url = load_config().serving.url
    with service() as running:
        ours = _single(url, lambda i: (PREDICT, json.dumps({"records": [records[i]]}).encode()))
        columns = json.dumps({"columns": {name: [row[name] for row in records] for name in records[0]}}).encode()
        batches = {"columns": columns, "records": json.dumps({"records": records}).encode()}
        found: dict[str, Any] = {
            "batches": _batches(Client(url), psutil.Process(running.pid), batches, lambda: pipeline.predict_proba(rows))
        }
        client, began = Client(url), time.monotonic()
        promote(2)
        while client.post(PREDICT, json.dumps({"records": records[:1]}).encode())[1]["version"] != 2:  # noqa: PLR2004 - the second
            time.sleep(0.005)
        found["promotion"] = time.monotonic() - began
        found |= _rolled_back(url, json.dumps({"records": records[:1]}).encode())
    port = free_ports().serving
    place = f"http://127.0.0.1:{port}"
    command = [
        str(Path(sys.executable).parent / "mlflow"),
        "models",
        "serve",
        "-m",
        f"models:/{MODEL}/1",
        "-p",
        str(port),
        "--env-manager",
        "local",
    ]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it starts uvicorn by name
    with started(command, f"{place}/health", PATH=path, MLFLOW_TRACKING_URI=load_config().tracking_place):
        peer = _single(place, lambda i: ("/invocations", json.dumps({"dataframe_records": [records[i]]}).encode()))
    Path(sys.argv[1]).write_text(json.dumps({"ours": ours, "peer": peer, **found}), encoding="utf-8")


def _single(url: str, ask: Callable[[int], tuple[str, bytes]]) -> dict[str, float]:
    """Ask one row at a time on one connection, then on several."""
    client, took = Client(url), []
    for number in range(WARM + SINGLE):
        path, body = ask(number % BATCH)
        began = time.perf_counter()
        status, said = client.post(path, body)
        took.append(time.perf_counter() - began)
        if status != 200:  # noqa: PLR2004 - an answer
            raise SystemExit(f"{url}: {status} {said}")
    took = sorted(took[WARM:])
    counts, end = [0] * CLIENTS, time.monotonic() + SECONDS

    def keep_asking(number: int) -> None:
        mine = Client(url)
        while time.monotonic() < end:
            mine.post(*ask(counts[number] % BATCH))
            counts[number] += 1

    threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(CLIENTS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return {"p50": statistics.median(took) * 1000, "p99": took[int(len(took) * 0.99)] * 1000, "rate": sum(counts) / SECONDS}


def _rolled_back(url: str, body: bytes) -> dict[str, float]:
    """Roll back as an operator does; return the seconds from the command to an answer of the old version, and its CPU time."""
    client, began = Client(url), time.monotonic()
    with subprocess.Popen([sys.executable, "-m", "include.ratchet.cli", "rollback", MODEL], stdout=subprocess.DEVNULL) as command:  # noqa: S603 - ours
        while client.post(PREDICT, body)[1]["version"] != 1:
            time.sleep(0.005)
        served, spent = time.monotonic() - began, sum(psutil.Process(command.pid).cpu_times()[:2])
    if command.returncode:
        raise SystemExit(f"rollback ended with {command.returncode}")
    return {"back": served, "back_cpu": spent}


def _batches(client: Client, server: psutil.Process, bodies: dict[str, bytes], bare: Callable[[], Any]) -> dict[str, dict[str, float]]:
    """Predict the same rows turn by turn with the pipeline alone and through the service; return wall and processor time of each [s].

    Bare is the pipeline that serves, asked in this process for the probabilities of a DataFrame that is there. The service's
    time is from the first byte that is sent to the last that is received; its answer is read by nobody.
    """
    turns: dict[str, Callable[[], Any]] = {"bare": bare} | {name: partial(client.send, PREDICT, body) for name, body in bodies.items()}
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in turns}
    for _ in range(BATCHES):
        for name, times in took.items():
            before, began = _spent(server, name), time.perf_counter()
            turns[name]()
            times.append((time.perf_counter() - began, _spent(server, name) - before))
    walls, cpus = ({name: [each[kind] for each in times[2:]] for name, times in took.items()} for kind in (0, 1))
    return {name: {"wall": statistics.median(walls[name]), "cpu": statistics.mean(cpus[name])} for name in turns}


def _spent(server: psutil.Process, name: str) -> float:
    times = server.cpu_times()
    return time.process_time() if name == "bare" else float(times.user + times.system)


if __name__ == "__main__":
    main()
