"""The stack comes up whole, goes down whole, and says what is in its way."""

from __future__ import annotations

import os
from dataclasses import replace

import httpx
import psutil
import pytest

from include.ratchet.domain.config import Config
from include.ratchet.domain.errors import SpecError
from include.ratchet.local import environment, processes, record, stack
from include.ratchet.local.ports import Ports


def test_down_in_a_home_where_nothing_was_started_does_nothing(config: Config) -> None:
    """It makes no folder either."""
    assert stack.down(config) == []
    assert not config.folder.exists()


def test_status_of_nothing_is_empty(config: Config) -> None:
    """No record, no parts."""
    assert stack.status(config) == {}


def test_a_busy_port_stops_the_start_before_anything_runs(config: Config, free_ports: Ports, busy_port: int) -> None:
    """Nothing is left behind."""
    with pytest.raises(SpecError, match="MLFLOW_PORT"):
        stack.up(replace(free_ports, mlflow=busy_port), config=config)
    assert processes.marked(environment.stack_id(config)) == []
    assert record.read(config) is None


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_up_and_down_for_real(config: Config, free_ports: Ports) -> None:
    """Up, up again, status, a scheduler killed without mercy, down: nothing of it is left, and nobody else was touched."""
    before = {p.pid for p in psutil.process_iter()}
    told: list[tuple[str, str]] = []
    try:
        started = stack.up(free_ports, lambda *state: told.append(state), config)
        assert stack.up(free_ports, config=config) == started
        assert set(stack.status(config).values()) == {"well"}
        assert httpx.get(f"{free_ports.url('airflow')}/api/v2/pools", trust_env=False).status_code in {200, 401}
        [scheduler] = [c for c in started.children if c.name == "scheduler"]
        process = scheduler.process()
        assert process
        workers = process.children(recursive=True)
        assert len(workers) >= 2
        process.kill()
        process.wait()
        assert stack.status(config)["scheduler"] == "ended"
        assert all(worker.is_running() for worker in workers)
    finally:
        stopped = stack.down(config)
    assert len(stopped) >= len(started.children)
    assert processes.marked(started.id) == []
    left = [p for p in psutil.process_iter() if p.pid not in before and _of(config, p)]
    assert left == []


def _of(config: Config, process: psutil.Process) -> bool:
    """Say whether a process has anything to do with this home, marker or not."""
    try:
        words = " ".join([*process.cmdline(), *process.environ().values()])
        return process.pid != os.getpid() and str(config.folder) in words and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
