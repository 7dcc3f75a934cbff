"""The embedded stack as a whole: bring it up, look at it, take it down."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from importlib.metadata import version

import httpx

from include.ratchet.domain import specs
from include.ratchet.domain.config import Config, load_config
from include.ratchet.local import components, environment, health, processes, record
from include.ratchet.local.api import Airflow
from include.ratchet.local.components import Component
from include.ratchet.local.health import Progress
from include.ratchet.local.ports import Ports, require_free
from include.ratchet.local.record import Stack, StackError


def up(
    ports: Ports | None = None,
    progress: Progress = lambda _name, _state: None,
    config: Config | None = None,
    without: Collection[str] = (),
    started: Callable[[Stack], None] = lambda _stack: None,
) -> Stack:
    """Start the stack unless it is up, and wait until every part is well; a model that came meanwhile gets its pool.

    Args:
        ports: Where the servers answer; from AIRFLOW_PORT, MLFLOW_PORT and SERVING_PORT when omitted.
        progress: Told what happens.
        config: The deployment; `ratchet.yaml` when omitted.
        without: Names of parts that are not wanted.
        started: Told the stack if this call started it, and nothing if it was up.

    Raises:
        SpecError: A port is busy.
        StackError: A part ended, or is not well in time; what was started is stopped again.
    """
    config, ports = config or load_config(), ports or Ports.from_env()
    environment.folders(config)
    with record.alone(config):
        running = record.read(config)
        if running and not running.dead():
            progress("stack", "already up")
            ensure_pools(running.ports)
            return running
        down(config)
        require_free(ports)
        try:
            stack = _start(config, ports, progress, without)
            started(stack)
        except BaseException:
            down(config)
            raise
    return stack


def down(config: Config | None = None) -> list[str]:
    """Stop every process of this home's stack, and nothing else; return what was stopped."""
    config = config or load_config()
    if not environment.known(config):
        return []
    stack = record.read(config)
    running = {c.name: p for c in (stack.children if stack else ()) if (p := c.process())}
    names = {p.pid: name for name, p in running.items()}
    first = [p for name, p in running.items() if name in components.FIRST_TO_STOP]
    last = [p for name, p in running.items() if name in components.LAST_TO_STOP]
    ended = processes.stop(environment.stack_id(config), first, last)
    record.forget(config)
    return [f"{names.get(p.pid, 'child')} ({p.pid})" for p in ended]


def ensure_pools(ports: Ports) -> None:
    """Give every model without one its pool of one slot: two DAGs of one model never tread on each other.

    Raises:
        StackError: Airflow does not answer, or refuses.
    """
    pools = {f"ratchet_{name}": (1, f"One stage of {name} at a time") for name in specs.names("models")}
    try:
        Airflow(ports.url("airflow")).ensure_pools(pools)
    except httpx.HTTPError as error:
        raise StackError(f"pools: Airflow at {ports.url('airflow')} made none: {error}; ./ratchet up tries again") from error


def ensure_pools_if_up(config: Config | None = None) -> bool:
    """Give a model that was added its pool now, if this home's stack is up; return whether it is."""
    running = record.read(config or load_config())
    if running is None or running.dead():
        return False
    ensure_pools(running.ports)
    return True


def _start(config: Config, ports: Ports, progress: Progress, without: Collection[str]) -> Stack:
    stack = Stack(environment.stack_id(config), ports, (), time.time())
    env = environment.base(config, ports) | {environment.MARKER: stack.id}
    servers, airflow = (
        [c for c in parts if c.name not in without] for parts in (components.servers(config, ports), components.airflow(ports))
    )
    stack = _launch(config, stack, servers, env, progress)
    _migrate(config, env, progress)
    # On the first start MLflow makes its tables now; a task that met them half made would fail.
    health.wait(servers, stack, progress)
    stack = _launch(config, stack, airflow, env, progress)
    health.wait(airflow, stack, progress)
    ensure_pools(ports)
    return stack


def _launch(config: Config, stack: Stack, parts: list[Component], env: dict[str, str], progress: Progress) -> Stack:
    for each in parts:
        progress(each.name, "starting")
        log = config.folder / "logs" / f"{each.name}.log"
        child = processes.start(each.name, each.command, env | each.env, each.folder or config.folder, log)
        stack = replace(stack, children=(*stack.children, child))
        record.write(config, stack)
    return stack


def _migrate(config: Config, env: dict[str, str], progress: Progress) -> None:
    """Make Airflow's tables the first time, and after another version was installed."""
    stamp, current = config.folder / "run" / "migrated", version("apache-airflow")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == current and (config.folder / "airflow" / "airflow.db").exists():
        return
    progress("database", "starting")
    log = config.folder / "logs" / "database.log"
    with log.open("ab") as output:
        done = subprocess.run(components.migrate(), env=env, cwd=config.folder, stdout=output, stderr=output, check=False)  # noqa: S603 - our own command
    if done.returncode:
        raise StackError(f"airflow db migrate failed; the end of {log}:\n{processes.tail(log)}")
    stamp.write_text(current, encoding="utf-8")
    progress("database", "well")
