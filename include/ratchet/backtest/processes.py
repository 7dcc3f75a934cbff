"""Work in processes side by side: chains of it, each in its order."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Work = tuple[str, Callable[..., Any], tuple[Any, ...]]
"""What is told of it, what is called, and with what."""


@contextmanager
def environ(**values: str) -> Iterator[None]:
    """Set environment variables within the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def pool(jobs: int) -> Iterator[Executor | None]:
    """Start processes, each a fresh interpreter: this one's threads must not be forked. On an error what waits is not begun."""
    if jobs == 1:
        yield None
        return
    made = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_end_with_parent)
    with environ(**dict.fromkeys(THREADS, "1")):  # they are processes side by side: threads of each would wait for those of the others
        try:
            yield made
        finally:
            made.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End a worker when the process that started it is gone, however that ended: what it has at hand the next backtest does anew."""
    parent = parent_process()

    def watch() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def all_of(pool: Executor | None, work: Iterable[Work], tell: Callable[[str], None]) -> None:
    """Do all of it, in any order."""
    chains(pool, {name: [(name, body, given)] for name, body, given in work}, tell)


def chains(pool: Executor | None, work: dict[str, list[Work]], tell: Callable[[str], None]) -> dict[str, list[Any]]:
    """Do the work of each chain in its order, and the chains side by side; return what each piece returned."""
    found: dict[str, list[Any]] = {name: [] for name in work}
    if pool is None:
        for name, pieces in work.items():
            for told, body, given in pieces:
                found[name].append(body(*given))
                tell(told)
        return found
    running: dict[Future[Any], str] = {}

    def follow(name: str) -> None:
        if len(found[name]) < len(work[name]):
            _, body, given = work[name][len(found[name])]
            running[pool.submit(body, *given)] = name

    for name in work:
        follow(name)
    while running:
        for each in wait(running, return_when=FIRST_COMPLETED).done:
            name = running.pop(each)
            found[name].append(each.result())
            tell(work[name][len(found[name]) - 1][0])
            follow(name)
    return found
