"""Rows that reach every branch of a preparation and of its trees: what `fast` is proved on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from include.ratchet.domain.modelspec import Columns

if TYPE_CHECKING:
    from include.ratchet.serving.fast import Fast

PROOF_ROWS = 256
UNHEARD = "\x00 never heard of"


def probes(fast: Fast, columns: Columns) -> list[dict[str, Any]]:
    """Make rows of every category, null, what was never heard of, and numbers at and beside every threshold."""
    draw = np.random.default_rng(0)
    edges = _edges(fast)
    pools: dict[str, list[Any]] = {name: [*table, UNHEARD] for name, table in fast.words}
    for each in fast.numbers:
        middle = each.missing[0][1] * each.scale + each.mean
        near = [middle + each.scale * float(step) for step in draw.normal(size=16)]
        exact = [value for edge in edges.get(each.place, []) for value in (edge, np.nextafter(edge, np.inf), np.nextafter(edge, -np.inf))]
        pools[each.name] = [None, 0, 1, -1, 1e6, -1e6, *near, *(float(value) for value in exact if np.isfinite(value))]
    count = max(PROOF_ROWS, *map(len, pools.values()))
    drawn = {name: [pool[i] for i in draw.permutation(count) % len(pool)] for name, pool in pools.items()}
    return [{name: drawn[name][row] for name in columns.features} for row in range(count)]


def _edges(fast: Fast) -> dict[int, list[float]]:
    """Return the thresholds of each prepared input, at most 64 of each, the lowest and the highest among them."""
    found: dict[int, list[float]] = {}

    def look(node: Any) -> None:
        if type(node) is not tuple:
            return
        if len(node) == 5 and fast.trees is not None:  # noqa: PLR2004 - a threshold, see `trees.Node`
            found.setdefault(fast.trees.order[node[0]], []).append(node[1])
            look(node[2])
            look(node[3])
        else:
            for each in {id(child): child for child in node[1].values()}.values():  # many categories go the same way
                look(each)

    for each in fast.trees.rounds if fast.trees else ():
        for node in each:
            look(node)
    return {place: _spread(sorted(set(edges))) for place, edges in found.items()}


def _spread(edges: list[float], most: int = 64) -> list[float]:
    return [edges[int(i)] for i in np.linspace(0, len(edges) - 1, min(len(edges), most))]
