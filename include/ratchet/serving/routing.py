"""Which version answers whom: a canary gets a share of the entities, always the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from include.ratchet.serving.places import Place
from include.ratchet.serving.records import Asked
from include.ratchet.serving.served import Served


def choose(place: Place, asked: Asked) -> Served | None:
    """Return the canary that answers a request, None when the champion does.

    A request goes to one version, also when it holds rows of several entities: its first row decides.
    """
    canaries = [each for each in place.routes if each.route.mode == "canary"]
    if not canaries:
        return None
    key = entity_key(asked.content, place.spec.columns.entity if place.spec else (), place.spec.columns.id if place.spec else ())
    for each in canaries:
        if share(place.name, each.served.version, key or asked.id) < each.route.fraction:
            return each.served
    return None


def share(model: str, version: int, key: str) -> float:
    """Place a key in [0, 1), evenly, and for every version elsewhere: no entity is in every canary."""
    found = hashlib.sha256(f"{model}\x1f{version}\x1f{key}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(found[:7], "big") / 2**56


def entity_key(content: Any, entity: tuple[str, ...], ids: tuple[str, ...]) -> str:
    """Return what names the first row's entity, else the row itself; empty when the request names neither."""
    row = _first(content)
    for names in (entity, ids):
        if names and all(row.get(name) is not None for name in names):
            return "\x1f".join(str(row[name]) for name in names)
    return ""


def _first(content: Any) -> Mapping[str, Any]:
    """Read the first row of what was not checked yet: anything but rows has no row."""
    rows = next(iter(content.values()), None) if isinstance(content, dict) else None
    if isinstance(rows, list):
        return rows[0] if rows and isinstance(rows[0], dict) else {}
    if isinstance(rows, dict):
        return {name: values[0] for name, values in rows.items() if isinstance(values, list) and values}
    return {}
