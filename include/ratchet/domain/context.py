"""Which task of which run this is: set by Airflow's wrapper or by the command line, read by task bodies."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class TaskContext:
    """The run that a task body works for."""

    dag_id: str
    run_id: str
    task_id: str = ""
    map_index: int = -1
    try_number: int = 1
    run_type: str = "manual"
    executor: str = "in process"
    who: str = "ratchet"
    params: dict[str, Any] = field(default_factory=dict)
    bundle: str | None = None
    interval: tuple[datetime, datetime] | None = None
    """The half-open window, UTC, that a backfill asks for."""


_current: ContextVar[TaskContext] = ContextVar("ratchet_task")


def current() -> TaskContext:
    """Return the task that runs.

    Raises:
        LookupError: Nothing entered `running` before; a body was called bare.
    """
    return _current.get()


@contextmanager
def running(context: TaskContext) -> Iterator[TaskContext]:
    """Make `context` the current one for the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
