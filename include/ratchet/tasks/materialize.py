"""Body of `<view>_materialize`: the newest values of every entity, into the online store."""

from __future__ import annotations

from include.ratchet.domain.errors import Skip
from include.ratchet.domain.online import Known, entity_of, plain
from include.ratchet.domain.records import Json
from include.ratchet.tasks import reading


def materialize(name: str) -> Json:
    """Write what a view knows now, by the clock; a row moves only forward in event time.

    Raises:
        Skip: A feed has no data yet, or the store knows all of it.
    """
    from include.ratchet.adapters import open_online
    from include.ratchet.steps.views import latest, read

    view = reading.view(name)
    spec, tables, at = view.spec, reading.versions_of(view.spec.feeds), reading.now_of(view.spec.feeds)
    rows = latest(spec, read(view, reading.datasets(tables)), at).to_pylist()
    definition = spec.definition(view.sql)
    known = [
        Known(name, definition, entity, row[spec.time], {each: plain(row[each]) for each in spec.features}, tables, at)
        for row in rows
        if (entity := entity_of([row[each] for each in spec.entity])) is not None
    ]
    moved = open_online().put(known)
    if moved == 0:
        message = f"the online store knows it already, as of {at:%Y-%m-%d %H:%M} UTC"
        raise Skip(message)
    return {"view": name, "entities": len(known), "moved": moved, "as_of": at.isoformat(), "tables": tables}
