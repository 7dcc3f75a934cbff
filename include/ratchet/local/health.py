"""Whether a part of the stack is well, by what it answers itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from include.ratchet.local.api import reply
from include.ratchet.local.components import Component
from include.ratchet.local.record import Stack, StackError

WITHIN = 180.0
"""Time [s] in which every part must be well; a loaded machine of two cores takes about 40."""

Progress = Callable[[str, str], None]
"""Told a part's name and what it is at: starting, well, already up."""


def well(component: Component, stack: Stack) -> bool:
    """Say whether a part answers, or sent a heartbeat since the stack was started."""
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


def wait(parts: Iterable[Component], stack: Stack, progress: Progress, within: float = WITHIN) -> None:
    """Wait until the parts are well.

    Raises:
        StackError: A part of the stack ended, or is not well in time.
    """
    waiting, end = list(parts), time.monotonic() + within
    while waiting:
        stack.require_alive()
        for each in [c for c in waiting if well(c, stack)]:
            waiting.remove(each)
            progress(each.name, "well")
        if waiting and time.monotonic() > end:
            logs = ", ".join(child.log for child in stack.children if child.name in {c.name for c in waiting})
            raise StackError(f"not well after {within:.0f} s: {', '.join(c.name for c in waiting)}; look at {logs}")
        time.sleep(0.2)
