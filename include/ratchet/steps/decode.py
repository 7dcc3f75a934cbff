"""Read a batch's bytes as a table of its feed's schema; name every way in which the schema changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.errors import QualityError
from include.ratchet.domain.feedspec import EVENT_TIME, EventTime, FeedSpec
from include.ratchet.domain.skew import Change, Known, SkewError
from include.ratchet.steps.columns import to_type
from include.ratchet.steps.formats import PERSONAL, read
from include.ratchet.steps.headers import under_names

RETYPED_FRACTION = 0.1
"""More cells than this that do not read as their type, and the column has another type; fewer are bad rows."""
SAMPLE = 1_000
"""Cells that the type of a retyped column is guessed by."""


@dataclass(frozen=True)
class Decoded:
    """A batch in its feed's types.

    Attributes:
        rows: One row per row of the batch, in its order; columns of the schema, and `event_time` when derived.
        original: The rows as they came, before any conversion.
        faults: Rule id -> positions of the rows that broke it.
    """

    rows: pa.Table
    original: pa.Table
    faults: dict[str, list[int]]


def decode(stream: BinaryIO, spec: FeedSpec, kind: str, known: Known | None = None) -> Decoded:
    """Read bytes as the feed's table.

    Args:
        stream: The batch's bytes; gzip is recognised.
        spec: The feed.
        kind: csv, jsonl or parquet.
        known: Changes that were accepted, and statistics to guess at renames by.

    Raises:
        SkewError: The batch holds another schema or encoding; every change is named.
        QualityError: The bytes do not read, or hold no rows.
    """
    known = known or Known()
    original = read(stream.read(), spec, kind, known)
    if original.num_rows == 0:
        raise QualityError(f"feed {spec.name}: no rows", ["found a header and no rows below it; allowed is at least one row"])
    cells, changes = under_names(original, spec, known)
    absent = {each.column for each in changes if each.kind == "missing"}
    columns, faults, retyped = _converted(cells, spec, {*absent, *known.found("missing")})
    if changes or retyped:
        raise SkewError(spec.name, [*changes, *retyped])
    if spec.time and spec.time.columns:
        values, bad = _joined_time(cells, spec)
        columns[spec.time.name] = values
        if bad:
            faults["type:event_time"] = bad
        empty = sorted(set(_null_positions(values)) - set(bad))
        if empty:
            faults["not_null:event_time"] = empty
    return Decoded(pa.table(columns), original, faults)


def _converted(cells: pa.Table, spec: FeedSpec, absent: set[str]) -> tuple[dict[str, pa.Array], dict[str, list[int]], list[Change]]:
    """Convert every column; name those that have another type, note the cells where only some do not fit."""
    columns: dict[str, pa.Array] = {}
    faults: dict[str, list[int]] = {}
    retyped = []
    for name, declared in spec.columns.items():
        kind = declared.removesuffix("?")
        columns[name], bad = to_type(cells[name], kind, spec, name)
        filled = cells.num_rows - cells[name].null_count
        if len(bad) > max(1.0, RETYPED_FRACTION * filled):
            shown = PERSONAL if name in spec.personal else repr(cells[name][bad[0]].as_py())
            said = f"retyped: {name}: found {shown} and {len(bad) - 1} more that are no {kind}"
            found = _found_type(cells[name], spec, name)
            retyped.append(Change("retyped", name, found, f"{said}; expected {declared}, found {found}"))
        elif bad:
            faults[f"type:{name}"] = bad
        if kind == "float64":
            # Arrow's null and NaN are two things; with either of NaN and infinity no model fits and no mean is known.
            infinite = _positions(pc.invert(pc.is_finite(columns[name])))
            if infinite:
                faults[f"finite:{name}"] = infinite
        empty = [] if spec.nullable(name) or name in absent else sorted(set(_null_positions(columns[name])) - set(bad))
        if empty:
            faults[f"not_null:{name}"] = empty
    return columns, faults, retyped


def _found_type(values: pa.ChunkedArray, spec: FeedSpec, name: str) -> str:
    """Return the narrowest type of a schema that a column's cells read as."""
    sample = values.slice(0, SAMPLE)
    for kind in ("int64", "float64", "bool", "timestamp", "date"):
        if len(to_type(sample, kind, spec, name)[1]) <= RETYPED_FRACTION * (len(sample) - sample.null_count):
            return kind
    return "string"


def _joined_time(original: pa.Table, spec: FeedSpec) -> tuple[pa.Array, list[int]]:
    time = spec.time or EventTime(column=EVENT_TIME)
    first, *others = (original[name].to_pandas().astype("string") for name in time.columns)
    joined = first.str.cat(others, sep=" ")  # missing when a part is
    return to_type(pa.chunked_array([pa.array(joined, type=pa.string(), from_pandas=True)]), "timestamp", spec, time.name)


def _null_positions(values: pa.Array | pa.ChunkedArray) -> list[int]:
    return _positions(values.is_null()) if values.null_count else []


def _positions(mask: pa.Array | pa.ChunkedArray) -> list[int]:
    values = mask.to_numpy(zero_copy_only=False) if isinstance(mask, pa.Array) else mask.to_numpy()
    return [int(i) for i in (values == True).nonzero()[0]]  # noqa: E712 - null is neither
