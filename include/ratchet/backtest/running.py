"""Run a backtest: windows, models and policies in processes side by side; what was done before is not done again."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from include.ratchet.backtest import processes, replaying, training
from include.ratchet.backtest.bed import Bed
from include.ratchet.domain.errors import DataError
from include.ratchet.domain.records import Json
from include.ratchet.tasks.age import folder_of


@contextmanager
def alone(model: str) -> Iterator[None]:
    """Hold a model's backtest.

    Raises:
        DataError: Another process holds it.
    """
    place = folder_of(model)
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
    with processes.pool(jobs) as pool:
        processes.all_of(pool, [(f"history of window {number}", training.uncover, (made, number)) for number in numbers], tell)
        search = [("search of the oldest model", training.search, (made,))] if made.plan["search"] == "once" else []
        processes.all_of(pool, [*search, *((f"rows of window {number}", training.prepare, (made, number)) for number in numbers)], tell)
        newest_first = reversed(numbers)  # they have the most rows, and no long one is left for the end
        processes.all_of(pool, [(f"model of window {number}", training.model_of, (made, number)) for number in newest_first], tell)
        found = processes.chains(
            pool,
            {policy: [(f"{policy}, window {n}", replaying.window_of, (made, policy, n)) for n in numbers] for policy in policies},
            tell,
        )
    return {number: training.model_of(made, number) for number in numbers}, found


def total(made: Bed, policies: Sequence[str]) -> int:
    """Return how many pieces of work there are."""
    return len(made.steps) * (3 + len(policies)) + int(made.plan["search"] == "once")
