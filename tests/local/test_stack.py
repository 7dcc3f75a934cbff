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


def _record_me(config: Config, ports: Ports) -> record.Stack:
    """Record this process as the only part of a stack that is up."""
    environment.folders(config)
    me = processes.Child("me", os.getpid(), psutil.Process().create_time(), "me.log")
    up = record.Stack(environment.stack_id(config), ports, (me,), 1.0)
    record.write(config, up)
    return up


def test_a_stack_that_is_up_gets_the_pools_of_new_models(config: Config, free_ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    """`up` again, and a model that is added, make what is missing; this call did not start the stack and is not told so."""
    asked: list[Ports] = []
    told: list[record.Stack] = []
    monkeypatch.setattr(stack, "ensure_pools", asked.append)
    assert not stack.ensure_pools_if_up(config)
    _record_me(config, free_ports)
    stack.up(Ports(), config=config, started=told.append)
    assert asked == [free_ports]
    assert stack.ensure_pools_if_up(config)
    assert asked == [free_ports, free_ports]
    assert told == []


def test_pools_that_airflow_does_not_make_are_a_message(free_ports: Ports) -> None:
    """Where it was asked, and what to do next."""
    with pytest.raises(record.StackError, match=rf"{free_ports.airflow} made none: .*; \./ratchet up tries again"):
        stack.ensure_pools(free_ports)


def test_only_who_starts_the_stack_is_told_so(config: Config, free_ports: Ports, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever started it may take it down."""
    begun = record.Stack("id", free_ports, (), 1.0)
    told: list[record.Stack] = []
    monkeypatch.setattr(stack, "_start", lambda *_: begun)
    assert stack.up(free_ports, config=config, started=told.append) is begun
    assert told == [begun]


def test_a_busy_port_stops_the_start_before_anything_runs(config: Config, free_ports: Ports, busy_port: int) -> None:
    """Nothing is left behind."""
    with pytest.raises(SpecError, match="MLFLOW_PORT"):
        stack.up(replace(free_ports, mlflow=busy_port), config=config)
    assert processes.marked(environment.stack_id(config)) == []
    assert record.read(config) is None


@pytest.mark.integration
@pytest.mark.timeout(300)
def test_up_and_down_for_real(config: Config, free_ports: Ports) -> None:
    """Up, up again, a scheduler killed without mercy, down: nothing of it is left, and nobody else was touched."""
    before = {p.pid for p in psutil.process_iter()}
    told: list[tuple[str, str]] = []
    try:
        started = stack.up(free_ports, lambda *state: told.append(state), config)
        assert stack.up(free_ports, config=config) == started
        assert {name for name, state in told if state == "well"} >= {c.name for c in started.children}
        assert httpx.get(f"{free_ports.url('airflow')}/api/v2/pools", trust_env=False).status_code in {200, 401}
        [scheduler] = [c for c in started.children if c.name == "scheduler"]
        process = scheduler.process()
        assert process
        workers = process.children(recursive=True)
        assert len(workers) >= 2
        process.kill()
        process.wait()
        assert [c.name for c in started.dead()] == ["scheduler"]
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
