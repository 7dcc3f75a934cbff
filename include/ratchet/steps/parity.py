"""Online against offline: would training have seen what was answered?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from include.ratchet.domain.online import Lookup, entity_of, plain
from include.ratchet.domain.records import Json
from include.ratchet.steps.views import Tables, View, join, read

_NEAR = 1e-9
"""Relative difference [1] within which two numbers are one: an average may be summed in another order."""


def replay(view: View, tables: Tables, given: Sequence[Lookup]) -> list[Json]:
    """Ask the offline join what it knew, at the time of each answer.

    Args:
        view: The view.
        tables: Its feeds at the versions that the answers were read from.
        given: The answers.

    Returns:
        One result per answer: `equal`; `behind` when the join gives a row that was not the newest yet when the online store
        was filled; else `different`.
    """
    spec = view.spec
    known = read(view, tables)
    # The join compares typed columns; the store has texts: ask by the view's own values of each entity.
    typed = {
        entity_of([row[name] for name in spec.entity]): row
        for row in known.select(list(spec.entity)).group_by(list(spec.entity)).aggregate([]).to_pylist()
    }
    rows = [typed.get(each.known.entity, dict.fromkeys(spec.entity)) | {"asked_at": each.at} for each in given]
    schema = pa.schema([*(known.schema.field(name) for name in spec.entity), pa.field("asked_at", pa.timestamp("us", "UTC"))])
    timed = spec.model_copy(update={"features": (*spec.features, spec.time)})
    offline = join(pa.Table.from_pylist(rows, schema), "asked_at", {timed: known}).to_pylist()
    return [_compared(view, answer, row) for answer, row in zip(given, offline, strict=True)]


def _compared(view: View, answer: Lookup, row: Json) -> Json:
    spec = view.spec
    online = answer.known.values if answer.lasted else dict.fromkeys(spec.features)
    offline = {name: plain(row[spec.joined(name)]) for name in spec.features}
    since = row[spec.joined(spec.time)]
    same = all(_same(online[name], offline[name]) for name in spec.features)
    kind = "equal" if same else "behind" if since is not None and since > answer.known.as_of else "different"
    return {"is": kind, "entity": list(answer.known.entity), "at": answer.at.isoformat(), "online": online, "offline": offline}


def _same(online: Any, offline: Any) -> bool:
    numbers = isinstance(online, int | float) and isinstance(offline, int | float)
    return math.isclose(online, offline, rel_tol=_NEAR) if numbers else online == offline
