"""Which DAGs a file builds: all of them for the DAG processor, the one that runs for a task."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TypeVar

from airflow.sdk import get_parsing_context

from include.ratchet.domain import specs
from include.ratchet.domain.errors import SpecError
from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.viewspec import ViewSpec

_Spec = TypeVar("_Spec", FeedSpec, ModelSpec, ViewSpec)


def models(stage: str) -> Iterator[ModelSpec]:
    """Yield the models whose `<model>_<stage>` DAG is wanted here."""
    return _wanted("models", stage, specs.model)


def feeds(stage: str) -> Iterator[FeedSpec]:
    """Yield the feeds whose `<feed>_<stage>` DAG is wanted here."""
    return _wanted("feeds", stage, specs.feed)


def views(stage: str) -> Iterator[ViewSpec]:
    """Yield the feature views whose `<view>_<stage>` DAG is wanted here."""
    return _wanted("views", stage, specs.view)


def wants(dag: str) -> bool:
    """Say whether a DAG that is about no one spec is wanted here."""
    return get_parsing_context().dag_id in (None, dag)


def _wanted(kind: str, stage: str, read: Callable[[str], _Spec]) -> Iterator[_Spec]:
    """Read the specs one by one, and leave out a broken one: `dags/specs.py` reports those.

    In a task process the SDK names the DAG that runs, and only its spec is read: the start of a task does
    not grow with the number of models.
    """
    running = get_parsing_context().dag_id
    names = specs.names(kind)
    if running is not None:
        name = running.removesuffix(f"_{stage}")
        names = [name] if name != running and name in names else []
    for name in names:
        with contextlib.suppress(SpecError):
            yield read(name)


def report_broken() -> None:
    """Raise one error over all specs that cannot be read, with every fault of each.

    Raises:
        SpecError: At least one spec is broken.
    """
    faults: list[str] = []
    readers: tuple[tuple[str, Callable[[str], object]], ...] = (("feeds", specs.feed), ("views", specs.view), ("models", specs.model))
    for kind, read in readers:
        for name in specs.names(kind):
            try:
                read(name)
            except SpecError as error:
                file = error.headline.split(":")[0]
                faults.extend([f"{file}: {fault}" for fault in error.faults] or [error.headline])
    if faults:
        raise SpecError(f"{len(faults)} fault(s) in the specs; the DAGs of the others go on", faults)
