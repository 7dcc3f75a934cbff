"""Run a task body as one task of one run, and leave its metadata in the ledger."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar

from include.ratchet.domain.context import TaskContext, running
from include.ratchet.domain.errors import Skip
from include.ratchet.domain.ports import Connections
from include.ratchet.domain.records import Json, digest
from include.ratchet.domain.specs import PROJECT
from include.ratchet.tasks import openlineage

P = ParamSpec("P")
R = TypeVar("R")


def run_task(context: TaskContext, body: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call the body with `context` current; record who ran what, when, with what, and how it ended.

    Whatever the body raises passes through, after it was recorded.
    """
    state, reason, output = "failed", "", ""
    began = _row(context) | {"started_at": datetime.now(UTC), "input": digest([args, kwargs])}
    openlineage.tell(began | {"state": "running"})
    try:
        with running(context):
            result = body(*args, **kwargs)
        state, output = "success", digest(result)
    except Skip as skip:
        state, reason = "skipped", str(skip)
        raise
    except BaseException as error:
        reason = f"{type(error).__name__}: {error}"[:2000]
        raise
    finally:
        called = {"args": [str(a)[:500] for a in args], "params": context.params}
        _record(began | {"state": state, "reason": reason, "parameters": called, "output": output, "ended_at": datetime.now(UTC)})
    return result


def ask_first(connections: Connections) -> None:
    """Resolve connection ids by `connections` before the environment."""
    from include.ratchet.adapters import use_connections

    use_connections(connections)


def _row(context: TaskContext) -> Json:
    """Return what is known of a step before it begins."""
    names = ("dag_id", "run_id", "task_id", "map_index", "try_number", "executor", "bundle")
    return {name: getattr(context, name) for name in names} | {"code_version": code_version()}


def _record(step: Json) -> None:
    from include.ratchet.adapters import open_ledger

    open_ledger().step(**step)
    openlineage.tell(step)


@functools.cache
def code_version() -> str:
    """Return the commit that this code is: from RATCHET_CODE_VERSION (images set it), else from the checkout."""
    given = os.environ.get("RATCHET_CODE_VERSION")
    if given:
        return given
    try:
        return _commit(PROJECT / ".git")
    except OSError:
        return "unknown"


def _commit(git: Path) -> str:
    """Read the commit of HEAD; `git gc` moves branches into one packed file."""
    head = (git / "HEAD").read_text(encoding="utf-8").strip()
    if not head.startswith("ref: "):
        return head[:40]
    name = head.removeprefix("ref: ")
    if (git / name).is_file():
        return (git / name).read_text(encoding="utf-8").strip()[:40]
    packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
    return next((line[:40] for line in packed if line.endswith(f" {name}")), "unknown")
