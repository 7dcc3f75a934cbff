"""Bring a batch's columns under the schema's names; name what is missing, new or renamed."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from include.ratchet.domain.feedspec import FeedSpec
from include.ratchet.domain.records import Json
from include.ratchet.domain.skew import Change, Known
from include.ratchet.steps.columns import to_type
from include.ratchet.steps.statistics import TEXTS, column

ALIKE_NAMES, ALIKE = 0.6, 0.5
"""How alike names must be to guess at a rename, and how alike values where the names are not."""


def under_names(original: pa.Table, spec: FeedSpec, known: Known) -> tuple[pa.Table, list[Change]]:
    """Return the table under the schema's names, empty columns in place of missing ones, and all changes.

    Args:
        original: The batch as it came; no name twice.
        spec: The feed.
        known: Changes that were accepted are applied and not returned; the statistics help to guess at renames.

    Returns:
        The schema's columns in its order, in the types in which they came. A rename is applied even where it is only
        guessed at: so the types of its cells are judged too.
    """
    aliases = {name: found for name, found in known.found("renamed").items() if name not in original.column_names}
    missing = [name for name in spec.columns if name not in original.column_names]
    new = [name for name in original.column_names if name not in spec.columns]
    changes, taken = [], {}
    for name in missing:
        source = aliases.get(name) if aliases.get(name) in new else _renamed(name, new, original, spec, known)
        if source:
            new.remove(source)
            taken[name] = source
            changes.append(Change("renamed", name, source, f"{source}: renamed from {name}?{_in_key(name, spec)}"))
        else:
            shown = ", ".join(original.column_names[:12])
            changes.append(Change("missing", name, "", f"{name}: missing{_in_key(name, spec)}; found {shown}"))
    changes += [Change("new", name, name, f"{name}: new; the schema does not have it") for name in new]
    empty = pa.nulls(original.num_rows, pa.string())
    cells = {
        name: original[name] if name in original.column_names else original[taken[name]] if name in taken else pa.chunked_array([empty])
        for name in spec.columns
    }
    return pa.table(cells), [each for each in changes if each not in known]


def _in_key(name: str, spec: FeedSpec) -> str:
    return " (part of the key)" if name in spec.key else ""


def _renamed(name: str, new: Sequence[str], original: pa.Table, spec: FeedSpec, known: Known) -> str | None:
    """Guess which new column is a missing one: by a like name whose cells fit the type, else by like values."""
    close = difflib.get_close_matches(_plain(name), [_plain(n) for n in new], n=3, cutoff=ALIKE_NAMES)
    by_name = [n for word in close for n in new if _plain(n) == word]
    sample = original.slice(0, TEXTS)
    if by_name:
        return next((n for n in by_name if _fits(sample[n], name, spec)), by_name[0])
    past = [each[name] for each in known.history if name in each]
    scores = {n: _alike(sample[n], name, spec, past[-1]) for n in new} if past else {}
    best = max(scores, key=lambda n: scores[n], default=None)
    return best if best and scores[best] >= ALIKE else None


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _fits(cells: pa.ChunkedArray, name: str, spec: FeedSpec) -> bool:
    _, bad = to_type(cells, spec.columns[name].removesuffix("?"), spec, name)
    return len(bad) <= (len(cells) - cells.null_count) / 10


def _alike(cells: pa.ChunkedArray, name: str, spec: FeedSpec, past: Json) -> float:
    """Say how alike some cells are to the earlier values of a column [0-1]."""
    values, bad = to_type(cells, spec.columns[name].removesuffix("?"), spec, name)
    if len(values) == 0 or len(bad) > len(values) / 10 or cells.null_count == len(cells):
        return 0.0
    now: dict[str, Any] = column(pa.chunked_array([values]), personal=False)
    if "q" in now and "q" in past:
        spread = past["q"][7] - past["q"][1]
        off = max(abs(a - b) for a, b in zip(now["q"][2:7], past["q"][2:7], strict=True))
        return max(0.0, 1 - off / spread) if spread else float(off == 0)
    for kind in ("values", "shapes"):
        if kind in now and past.get(kind) and (kind == "values" or name in spec.personal):
            return float(sum(share for text, share in now[kind].items() if text in past[kind]))
    return 0.0
