"""Task start through Celery's prefork pool: arguments are the DAG, and `tuned` or `defaults`."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.body import LOG
from benchmarks.inside import start
from benchmarks.inside.airflow import running
from benchmarks.project import free_ports
from include.ratchet.domain.config import load_config
from include.ratchet.local import environment
from include.ratchet.local.record import Stack

SETTLE = 45.0
"""A worker that preloads has forked its pool by then [s]."""


def main() -> None:
    """Run the chain once to warm up and once to measure; write each task's start and the memory of the worker."""
    result, dag, how = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    log, folder = result.with_name("links.jsonl"), result.parent
    port = free_ports().airflow
    more = {
        LOG: str(log),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": f"redis://127.0.0.1:{port}/0",
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+sqlite:///{folder / 'celery.db'}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "2",
    }
    with _redis(port, folder), running(start.UNUSED, defaults=how == "defaults", **more) as (api, stack), _worker(stack, folder) as worker:
        api.appear(dag)
        api.run(dag)
        log.unlink()
        api.run(dag)
        links = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
        below = [worker, *worker.children(recursive=True)]
        found = {"starts": start.starts(links), "memory": {"worker": sum(each.memory_full_info().pss for each in below) / 2**20}}
    result.write_text(json.dumps(found), encoding="utf-8")


@contextlib.contextmanager
def _redis(port: int, folder: Path) -> Iterator[None]:
    command = [str(shutil.which("redis-server")), "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with (folder / "redis.log").open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603 - our own command
    try:
        yield
    finally:
        server.terminate()
        server.wait(30)


@contextlib.contextmanager
def _worker(stack: Stack, folder: Path) -> Iterator[psutil.Process]:
    env = environment.base(load_config(), stack.ports) | environment.python_path(environment.CONFIG_FOLDER)  # as the scheduler has it
    command = [str(Path(sys.executable).with_name("airflow")), "celery", "worker", "--skip-serve-logs"]
    with (folder / "worker.log").open("wb") as output:
        worker = subprocess.Popen(command, env=env, stdout=output, stderr=output, start_new_session=True)  # noqa: S603 - our own command
    try:
        time.sleep(SETTLE)
        yield psutil.Process(worker.pid)
    finally:
        worker.terminate()
        worker.wait(60)


if __name__ == "__main__":
    main()
