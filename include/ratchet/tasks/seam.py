"""Run a task body as one task of one run, and leave its metadata in the ledger."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from include.ratchet.domain.context import TaskContext, running
from include.ratchet.domain.errors import Skip
from include.ratchet.domain.ports import Connections
from include.ratchet.domain.records import digest
from include.ratchet.domain.specs import PROJECT

P = ParamSpec("P")
R = TypeVar("R")


def run_task(context: TaskContext, body: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call the body with `context` current; record who ran what, when, with what, and how it ended.

    Whatever the body raises passes through, after it was recorded.
    """
    began, state, reason, output = datetime.now(UTC), "failed", "", ""
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
        facts = {"state": state, "reason": reason, "parameters": called, "input": digest([args, kwargs]), "output": output}
        _record(context, started_at=began, **facts)
    return result


def ask_first(connections: Connections) -> None:
    """Resolve connection ids by `connections` before the environment."""
    from include.ratchet.adapters import use_connections

    use_connections(connections)


def _record(context: TaskContext, **facts: Any) -> None:
    from include.ratchet.adapters import open_ledger

    open_ledger().step(
        dag_id=context.dag_id,
        run_id=context.run_id,
        task_id=context.task_id,
        map_index=context.map_index,
        try_number=context.try_number,
        executor=context.executor,
        bundle=context.bundle,
        code_version=code_version(),
        ended_at=datetime.now(UTC),
        **facts,
    )


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
