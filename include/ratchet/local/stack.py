"""The embedded stack as a whole: bring it up, look at it, take it down."""

from __future__ import annotations

import fcntl
import json
import subprocess
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from include.ratchet.domain import specs
from include.ratchet.domain.config import Config, load_config
from include.ratchet.domain.errors import RatchetError
from include.ratchet.local import components, environment, processes
from include.ratchet.local.api import Airflow, reply
from include.ratchet.local.components import Component
from include.ratchet.local.ports import Ports, require_free
from include.ratchet.local.processes import Child

HEALTH_WITHIN = 180.0
"""Seconds until every part must be well; a loaded two-core machine takes about 40."""

Progress = Callable[[str, str], None]
"""Told a part's name and what it is at: starting, well, already up."""


class StackError(RatchetError):
    """The embedded stack cannot start, or a part of it ended."""


@dataclass(frozen=True)
class Stack:
    """A stack that was started: its parts, its ports, and when."""

    id: str
    ports: Ports
    children: tuple[Child, ...]
    started: float

    def dead(self) -> list[Child]:
        """Return the parts that ended."""
        return [each for each in self.children if each.process() is None]

    def require_alive(self) -> None:
        """Raise StackError with the last lines of its log when a part ended."""
        for each in self.dead():
            raise StackError(f"{each.name} ended by itself; the end of {each.log}:\n{each.tail()}")


def up(
    ports: Ports | None = None,
    progress: Progress = lambda _name, _state: None,
    config: Config | None = None,
    without: Collection[str] = (),
) -> Stack:
    """Start the stack unless it is up, and wait until every part is well.

    Args:
        ports: Where the servers answer; from AIRFLOW_PORT, MLFLOW_PORT and SERVING_PORT when omitted.
        progress: Told what happens.
        config: The deployment; `ratchet.yaml` when omitted.
        without: Names of parts that are not wanted.

    Raises:
        SpecError: A port is busy.
        StackError: A part ended, or is not well in time; what was started is stopped again.
    """
    config, ports = config or load_config(), ports or Ports.from_env()
    environment.folders(config)
    with _alone(config):
        running = read(config)
        if running and not running.dead():
            progress("stack", "already up")
            return running
        down(config)
        require_free(ports)
        try:
            return _start(config, ports, progress, without)
        except BaseException:
            down(config)
            raise


def down(config: Config | None = None) -> list[str]:
    """Stop every process of this home's stack, and nothing else; return what was stopped."""
    config = config or load_config()
    if not (config.folder / "run" / "secrets").exists():
        return []
    stack = environment.stack_id(config)
    known = read(config)
    running = {c.name: p for c in (known.children if known else ()) if (p := c.process())}
    names = {p.pid: name for name, p in running.items()}
    first = [p for name, p in running.items() if name in components.FIRST_TO_STOP]
    last = [p for name, p in running.items() if name in components.LAST_TO_STOP]
    ended = processes.stop(stack, first, last)
    _record(config).unlink(missing_ok=True)
    return [f"{names.get(p.pid, 'child')} ({p.pid})" for p in ended]


def status(config: Config | None = None) -> dict[str, str]:
    """Return each part's state: well, not well, or ended; empty when nothing was started."""
    config = config or load_config()
    stack = read(config)
    if stack is None:
        return {}
    parts = {c.name: c for c in _components(config, stack.ports)}
    dead = {c.name for c in stack.dead()}
    return {c.name: "ended" if c.name in dead else "well" if _well(parts[c.name], stack) else "not well" for c in stack.children}


def read(config: Config) -> Stack | None:
    """Return the stack that was started last and not taken down."""
    try:
        content = json.loads(_record(config).read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return Stack(content["id"], Ports(**content["ports"]), tuple(Child(**c) for c in content["children"]), content["started"])


def ensure_pools(ports: Ports) -> None:
    """Give every model its pool of one slot: two DAGs of one model never tread on each other."""
    pools = {f"ratchet_{name}": (1, f"One stage of {name} at a time") for name in specs.names("models")}
    Airflow(ports.url("airflow")).ensure_pools(pools)


def _start(config: Config, ports: Ports, progress: Progress, without: Collection[str]) -> Stack:
    stack = Stack(environment.stack_id(config), ports, (), time.time())
    env = environment.base(config, ports) | {environment.MARKER: stack.id}
    stack = _launch(config, stack, [c for c in components.servers(config, ports) if c.name not in without], env, progress)
    _migrate(config, env, progress)
    # On the first start MLflow makes its tables now; a task that met them half made would fail.
    _wait_well(config, stack, progress)
    first = {child.name for child in stack.children}
    stack = _launch(config, stack, [c for c in components.airflow(ports) if c.name not in without], env, progress)
    _wait_well(config, stack, progress, first)
    ensure_pools(ports)
    return stack


def _launch(config: Config, stack: Stack, parts: list[Component], env: dict[str, str], progress: Progress) -> Stack:
    for each in parts:
        progress(each.name, "starting")
        log = config.folder / "logs" / f"{each.name}.log"
        child = processes.start(each.name, each.command, env | each.env, each.folder or config.folder, log)
        stack = Stack(stack.id, stack.ports, (*stack.children, child), stack.started)
        _write(config, stack)
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


def _wait_well(config: Config, stack: Stack, progress: Progress, done: set[str] | None = None) -> None:
    waiting = [c for c in _components(config, stack.ports) if c.name in {x.name for x in stack.children} - (done or set())]
    end = time.monotonic() + HEALTH_WITHIN
    while waiting:
        stack.require_alive()
        for each in [c for c in waiting if _well(c, stack)]:
            waiting.remove(each)
            progress(each.name, "well")
        if waiting and time.monotonic() > end:
            names = ", ".join(c.name for c in waiting)
            raise StackError(f"not well after {HEALTH_WITHIN:.0f} s: {names}; look at {config.folder / 'logs'}")
        time.sleep(0.2)


def _components(config: Config, ports: Ports) -> list[Component]:
    return [*components.servers(config, ports), *components.airflow(ports)]


def _well(component: Component, stack: Stack) -> bool:
    if component.health:
        answer = reply(component.health)
        return answer is not None and answer.is_success
    answer = reply(f"{stack.ports.url('airflow')}/api/v2/monitor/health")
    if answer is None or answer.is_error:
        return False
    found = answer.json().get(component.heartbeat) or {}
    beat = str(found.get(f"latest_{component.heartbeat}_heartbeat") or "")
    # A heartbeat from before the start is the previous process's.
    fresh = bool(beat) and datetime.fromisoformat(beat) >= datetime.fromtimestamp(stack.started, UTC)
    return fresh and found["status"] == "healthy"


def _record(config: Config) -> Path:
    return config.folder / "run" / "stack.json"


def _write(config: Config, stack: Stack) -> None:
    content = {"id": stack.id, "ports": stack.ports.to_json(), "children": [c.to_json() for c in stack.children], "started": stack.started}
    draft = _record(config).with_suffix(".tmp")
    draft.write_text(json.dumps(content, indent=2), encoding="utf-8")
    draft.replace(_record(config))


@contextmanager
def _alone(config: Config) -> Iterator[None]:
    """Let one start at a time work on this home."""
    with (config.folder / "run" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
