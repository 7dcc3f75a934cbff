"""The stack of a copy: started as Ratchet configures it or with Airflow's defaults, driven, and measured."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil

from include.ratchet.domain.config import load_config
from include.ratchet.local import environment, stack
from include.ratchet.local.record import Stack

TUNED = (
    "AIRFLOW__CORE__PARALLELISM",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL",
)
"""What Ratchet sets for speed; Airflow's defaults are what remains without it."""
PATIENCE = 300.0


class Api:
    """Airflow's REST API, as far as the benchmarks drive it."""

    def __init__(self, url: str) -> None:
        """Fetch a token."""
        token = httpx.get(f"{url}/auth/token", timeout=60, trust_env=False).raise_for_status().json()["access_token"]
        self._client = httpx.Client(base_url=f"{url}/api/v2", timeout=60, trust_env=False, headers={"Authorization": f"Bearer {token}"})

    def call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Ask; return the answer, or raise httpx.HTTPError."""
        found: dict[str, Any] = self._client.request(method, path, **arguments).raise_for_status().json()
        return found

    def all_of(self, path: str, key: str, **query: Any) -> list[dict[str, Any]]:
        """Return every page of a list."""
        found: list[dict[str, Any]] = []
        while page := self.call("GET", path, params={"limit": 100, "offset": len(found), **query})[key]:
            found += page
        return found

    def appear(self, dag: str) -> None:
        """Wait until a DAG is known, and let it run."""
        wait(
            lambda: dag in {each["dag_id"] for each in self.call("GET", "/dags", params={"limit": 10, "dag_id_pattern": dag})["dags"]}, dag
        )
        self.call("PATCH", f"/dags/{dag}", json={"is_paused": False})

    def run(self, dag: str) -> None:
        """Run a DAG to its end."""
        run = self.call("POST", f"/dags/{dag}/dagRuns", json={"logical_date": None})["dag_run_id"]

        def ended() -> bool:
            state = self.call("GET", f"/dags/{dag}/dagRuns/{run}")["state"]
            if state == "failed":
                raise RuntimeError(f"{dag} failed")
            return bool(state == "success")

        wait(ended, f"{dag} to end")


@contextlib.contextmanager
def running(without: Collection[str] = (), *, defaults: bool = False, **env: str) -> Iterator[tuple[Api, Stack]]:
    """Bring the copy's stack up, and down again.

    Args:
        without: Parts that are not needed.
        defaults: Take away what Ratchet tunes, and do not preload.
        env: More variables for all parts.
    """
    ours = environment.base

    def changed(*args: Any, **kwargs: Any) -> dict[str, str]:
        found = ours(*args, **kwargs) | env
        if defaults:
            found = {k: v for k, v in found.items() if k not in TUNED} | {"RATCHET_PRELOAD": "0"}
        return found

    os.environ.update(environment.quiet(load_config()))
    environment.base = changed
    try:
        found = stack.up(without=without)
        yield Api(found.ports.url("airflow")), found
    finally:
        stack.down()
        environment.base = ours


def wait(done: Any, what: str, patience: float = PATIENCE, every: float = 0.5) -> None:
    """Wait until `done()`.

    Raises:
        TimeoutError: It was not within `patience` seconds.
    """
    end = time.monotonic() + patience
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"waited {patience:.0f} s for {what}")
        time.sleep(every)


def memory(stack_: Stack) -> dict[str, float]:
    """Return the proportional memory (PSS) of each part with all below it [MB]."""
    found = {}
    for child in stack_.children:
        process = child.process()
        below = [process, *process.children(recursive=True)] if process else []
        found[child.name] = sum(_pss(each) for each in below)
    return found


def cpu(stack_: Stack) -> dict[str, float]:
    """Return the processor time that each part and all that ever ran below it has spent [s]."""
    found = {}
    for child in stack_.children:
        process = child.process()
        below = [process, *process.children(recursive=True)] if process else []
        found[child.name] = sum(_spent(each) for each in below)
    return found


def away_from_sweep(seconds: float = 75) -> None:
    """Wait until no sweep (each half hour) will wake every DAG within the next `seconds`."""
    left = 1800 - time.time() % 1800
    if left < seconds:
        time.sleep(left + 20)


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _pss(process: psutil.Process) -> float:
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
