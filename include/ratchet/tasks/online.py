"""The features of a view for who predicts one row now, and the proof that training would have seen the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from include.ratchet.domain.online import Lookup, entity_of
from include.ratchet.domain.records import Json
from include.ratchet.tasks import reading


def lookup(name: str, keys: Sequence[Sequence[Any]], at: datetime | None = None) -> list[Json]:
    """Return the newest values of some entities of a view, and keep in the store what was answered.

    Args:
        name: The view.
        keys: Of each row the values of the view's entity columns, in their order.
        at: When they are asked for, UTC; by the clock when omitted.

    Returns:
        Of each key the view's features; nulls where nothing is known, or nothing that still lasts.
    """
    from include.ratchet.adapters import open_online

    view, store = reading.view(name), open_online()
    spec, asked = view.spec, [entity_of(key) for key in keys]
    at = at or reading.now_of(spec.feeds)
    known = store.get(name, spec.definition(view.sql), [each for each in dict.fromkeys(asked) if each is not None])
    answers = {entity: Lookup(at, row, row.lasts(at, spec.ttl)) for entity, row in known.items()}
    store.log(list(answers.values()))
    nothing = dict.fromkeys(spec.features)
    found = [answers.get(each) if each is not None else None for each in asked]
    return [dict(each.known.values) if each and each.lasted else dict(nothing) for each in found]


def parity(name: str, within: timedelta | None = None, at_most: int | None = None) -> Json:
    """Replay what the online store answered through the offline join, at the versions that it was read from.

    Args:
        name: The view.
        within: Only answers of this time up to now, by the clock; all when omitted.
        at_most: Only answers that were read at the newest so many versions of the tables, each of which runs the view's
            SQL once; all when omitted.

    Returns:
        How many answers there are, how many were compared, and of these how many were equal, behind (the lake knew a newer
        row, that had not been materialised yet) or different; `gone` were read from versions that retention has removed;
        the first ten of those that were different.
    """
    from include.ratchet.adapters import open_lake, open_online
    from include.ratchet.steps.parity import replay

    view, lake = reading.view(name), open_lake()
    since = reading.now_of(view.spec.feeds) - within if within is not None else None
    given = open_online().logged(name, view.spec.definition(view.sql), since)
    by_tables: dict[tuple[tuple[str, int], ...], list[Lookup]] = {}
    for each in reversed(given):
        by_tables.setdefault(tuple(sorted(each.known.tables.items())), []).append(each)
    results, gone = [], 0
    for tables, lookups in list(by_tables.items())[:at_most]:
        if all(lake.whole(f"clean/{feed}", version) for feed, version in tables):
            results += replay(view, reading.datasets(dict(tables)), lookups)
        else:
            gone += len(lookups)
    counts = {kind: sum(result["is"] == kind for result in results) for kind in ("equal", "behind", "different")}
    examples = [each for each in results if each["is"] == "different"][:10]
    return {"view": name, "answers": len(given), "compared": len(results), **counts, "gone": gone, "examples": examples}
