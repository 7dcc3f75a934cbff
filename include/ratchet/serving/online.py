"""Fill a request's view features from the online store, where it names the entity and leaves them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from include.ratchet.domain import specs
from include.ratchet.domain.modelspec import Columns, ModelSpec
from include.ratchet.domain.records import Json
from include.ratchet.domain.viewspec import ViewSpec
from include.ratchet.serving.errors import RequestError
from include.ratchet.serving.places import sentence

Lookup = Callable[[str, Sequence[Sequence[Any]]], list[Json]]
"""Of a view and its keys, the features of each; see `tasks.online.lookup`."""


def from_store(name: str, keys: Sequence[Sequence[Any]]) -> list[Json]:
    """Look keys up in the deployment's online store."""
    from include.ratchet.tasks.online import lookup

    return lookup(name, keys)


def fill(content: Any, spec: ModelSpec, columns: Columns, lookup: Lookup = from_store) -> Any:
    """Add to every row the features of views that it lacks, if it has their entities; other rows stay as they are.

    Args:
        content: A parsed body, right or wrong; what is wrong is left for `checks` to name.
        spec: The model.
        columns: Of the version that is to answer.
        lookup: Answers for a view and keys.

    Raises:
        RequestError: 503 when the online store does not answer.
    """
    wanted = {view: names for view in _views(spec) if (names := [each for each in view.features if view.joined(each) in columns.features])}
    if not wanted or not isinstance(content, Mapping) or len(content) != 1:
        return content
    ((form, rows),) = content.items()
    if form == "records" and isinstance(rows, list):
        return {form: _records(rows, wanted, columns, lookup)}
    if form == "columns" and isinstance(rows, dict) and _is_table(rows):
        lines = [dict(zip(rows, line, strict=True)) for line in zip(*rows.values(), strict=True)]
        filled = _records(lines, wanted, columns, lookup)
        return {form: {name: [line[name] for line in filled] for name in filled[0]} if filled else rows}
    return content


def card(spec: ModelSpec, columns: Columns) -> list[Json]:
    """Say which features may be left out of a request, and what has to be there instead."""
    found = []
    for view in _views(spec):
        names = [view.joined(each) for each in view.features if view.joined(each) in columns.features]
        if names:
            found.append({"view": view.name, "entity": list(view.entity), "features": names, "ttl_s": view.ttl.total_seconds()})
    return found


def _views(spec: ModelSpec) -> list[ViewSpec]:
    return [specs.view(name) for name in spec.views]


def _records(rows: list[Any], wanted: Mapping[ViewSpec, list[str]], columns: Columns, lookup: Lookup) -> list[Any]:
    filled = [dict(row) if isinstance(row, Mapping) else row for row in rows]
    for view, names in wanted.items():
        lacking = [row for row in filled if isinstance(row, dict) and _lacks(row, view, names)]
        if not lacking:
            continue
        try:
            found = lookup(view.name, [[row[name] for name in view.entity] for row in lacking])
        except Exception as error:
            message = f"the features of view {view.name} cannot be looked up now ({sentence(error)}); send them, or come again"
            raise RequestError(503, "online_store_down", message) from error
        for row, values in zip(lacking, found, strict=True):
            row.update({view.joined(name): values[name] for name in names if view.joined(name) not in row})
    known = (*columns.features, *columns.id, *columns.entity)
    extra = {name for view in wanted for name in view.entity if name not in known}
    return [{name: value for name, value in row.items() if name not in extra} if isinstance(row, dict) else row for row in filled]


def _lacks(row: Json, view: ViewSpec, names: Sequence[str]) -> bool:
    return any(view.joined(name) not in row for name in names) and all(name in row for name in view.entity)


def _is_table(columns: Mapping[str, Any]) -> bool:
    lists = list(columns.values())
    return bool(lists) and all(isinstance(each, list) and len(each) == len(lists[0]) for each in lists)
