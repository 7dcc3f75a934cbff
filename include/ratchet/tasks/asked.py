"""What the form or the command line asks of a training run, checked against the spec."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from include.ratchet.domain.context import TaskContext
from include.ratchet.domain.durations import format_duration, parse_duration
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Window
from include.ratchet.tasks import reading


def window(spec: ModelSpec, task: TaskContext, at: datetime) -> Window:
    """Return the training window: what the form says, else the spec, else all history; the row at now itself waits for the next one."""
    asked = task.params.get("window") or (format_duration(spec.training.window) if spec.training.window else "")
    try:
        start = at - parse_duration(asked) if asked else reading.LONG_AGO
    except ValueError as error:
        raise SpecError("the form's window", [str(error)]) from None
    return Window(start, at)


def candidates(spec: ModelSpec, asked: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the candidates that compete: those that are asked for, else all."""
    known = [each.name for each in spec.training.candidates]
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise SpecError("the form's candidates", [f"found {name!r}; allowed are {', '.join(known)}" for name in unknown])
    return tuple(asked or known)
