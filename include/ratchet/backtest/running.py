"""Run a backtest: windows, models and policies in processes side by side; what was done before is not done again."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from typing import Any

from include.ratchet.backtest import planning, replaying, training
from include.ratchet.backtest.bed import Bed, environ
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.records import Json

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
Work = tuple[str, Callable[..., Any], tuple[Any, ...]]
"""What is told of it, what is called, and with what."""


@contextmanager
def alone(model: str) -> Iterator[None]:
    """Hold a model's backtest.

    Raises:
        DataError: Another process holds it.
    """
    place = planning.folder_of(model)
    place.mkdir(parents=True, exist_ok=True)
    with (place / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = (
                f"a backtest of {model} is at work already, in {place}; wait for it, or end it and start again: it goes on where it was"
            )
            raise DataError(message) from None
        yield


def replay(made: Bed, policies: Sequence[str], jobs: int, tell: Callable[[str], None]) -> tuple[dict[int, Json], dict[str, list[Json]]]:
    """Do all that is not done yet.

    Args:
        made: The backtest.
        policies: Which policies.
        jobs: Processes side by side; with one, all is done in this one.
        tell: Called with a name after each of `total(made, policies)` pieces of work.

    Returns:
        What there is of every window's model, by the window's number; what happened in each window, by policy.
    """
    numbers = [step.number for step in made.steps]
    with _pool(jobs) as pool:
        for name, each in (("history", training.uncover), ("rows", training.prepare)):
            _all(pool, [(f"{name} of window {number}", each, (made, number)) for number in numbers], tell)
        newest_first = reversed(numbers)  # they have the most rows, and no long one is left for the end
        _all(pool, [(f"model of window {number}", training.model_of, (made, number)) for number in newest_first], tell)
        found = _chains(
            pool,
            {policy: [(f"{policy}, window {n}", replaying.window_of, (made, policy, n)) for n in numbers] for policy in policies},
            tell,
        )
    return {number: training.model_of(made, number) for number in numbers}, found


def total(made: Bed, policies: Sequence[str]) -> int:
    """Return how many pieces of work there are."""
    return len(made.steps) * (3 + len(policies))


@contextmanager
def _pool(jobs: int) -> Iterator[Executor | None]:
    """Start processes, each a fresh interpreter: this one's threads must not be forked. On an error what waits is not begun."""
    if jobs == 1:
        yield None
        return
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_end_with_parent)
    with environ(**dict.fromkeys(THREADS, "1")):  # they are processes side by side: threads of each would wait for those of the others
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)


def _end_with_parent() -> None:
    """End a worker when the process that started it is gone, however that ended: what it has at hand the next backtest does anew."""
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=lambda: (parent.join(), os._exit(1)), daemon=True).start()


def _all(pool: Executor | None, work: Iterable[Work], tell: Callable[[str], None]) -> None:
    _chains(pool, {name: [(name, body, given)] for name, body, given in work}, tell)


def _chains(pool: Executor | None, chains: dict[str, list[Work]], tell: Callable[[str], None]) -> dict[str, list[Any]]:
    """Do the work of each chain in its order, and the chains side by side; return what each piece returned."""
    found: dict[str, list[Any]] = {name: [] for name in chains}
    if pool is None:
        for name, work in chains.items():
            for told, body, given in work:
                found[name].append(body(*given))
                tell(told)
        return found
    running: dict[Future[Any], str] = {}

    def follow(name: str) -> None:
        if len(found[name]) < len(chains[name]):
            _, body, given = chains[name][len(found[name])]
            running[pool.submit(body, *given)] = name

    for name in chains:
        follow(name)
    while running:
        for each in wait(running, return_when=FIRST_COMPLETED).done:
            name = running.pop(each)
            found[name].append(each.result())
            tell(chains[name][len(found[name]) - 1][0])
            follow(name)
    return found
