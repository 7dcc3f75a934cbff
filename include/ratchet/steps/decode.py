"""Read a batch's bytes as a table of its feed's schema; name every way in which the schema changed."""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import re
import zlib
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.json as pajson
import pyarrow.parquet as pq

from include.ratchet.domain.errors import QualityError
from include.ratchet.domain.feedspec import EVENT_TIME, EventTime, FeedSpec
from include.ratchet.steps.columns import to_type

GZIP_MAGIC = b"\x1f\x8b"
PERSONAL = "(personal)"
"""What a message shows in place of a cell of a personal column: messages go into logs, alerts and the ledger."""
RETYPED_FRACTION = 0.1
"""More cells than this that do not read as their type, and the column has another type; fewer are bad rows."""


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


def decode(stream: BinaryIO, spec: FeedSpec, kind: str) -> Decoded:
    """Read bytes as the feed's table.

    Args:
        stream: The batch's bytes; gzip is recognised.
        spec: The feed.
        kind: csv, jsonl or parquet.

    Raises:
        QualityError: The bytes do not read, hold no rows, or hold another schema; every change is named.
    """
    original = _read(_unzipped(stream), spec, kind)
    if original.num_rows == 0:
        raise QualityError(f"feed {spec.name}: no rows", ["found a header and no rows below it; allowed is at least one row"])
    changes = schema_changes(original.column_names, spec)
    if changes:
        raise QualityError(f"feed {spec.name}: the schema changed", changes, "Mend the file, or accept the change in feed.yaml.")
    columns, faults = _converted(original, spec)
    if spec.time and spec.time.columns:
        values, bad = _joined_time(original, spec)
        columns[spec.time.name] = values
        if bad:
            faults["type:event_time"] = bad
        empty = sorted(set(_null_positions(values)) - set(bad))
        if empty:
            faults["not_null:event_time"] = empty
    return Decoded(pa.table(columns), original, faults)


def _converted(original: pa.Table, spec: FeedSpec) -> tuple[dict[str, pa.Array], dict[str, list[int]]]:
    """Convert every column; raise when one has another type, note the cells when only some do not fit."""
    columns: dict[str, pa.Array] = {}
    faults: dict[str, list[int]] = {}
    retyped = []
    for name, declared in spec.columns.items():
        kind = declared.removesuffix("?")
        columns[name], bad = to_type(original[name], kind, spec, name)
        filled = original.num_rows - original[name].null_count
        if len(bad) > max(1.0, RETYPED_FRACTION * filled):
            shown = PERSONAL if name in spec.personal else repr(original[name][bad[0]].as_py())
            retyped.append(f"retyped: {name}: found {shown} and {len(bad) - 1} more that are no {kind}")
        elif bad:
            faults[f"type:{name}"] = bad
        empty = [] if spec.nullable(name) else sorted(set(_null_positions(columns[name])) - set(bad))
        if empty:
            faults[f"not_null:{name}"] = empty
    if retyped:
        raise QualityError(f"feed {spec.name}: the schema changed", retyped, "Mend the file, or the type in feed.yaml.")
    return columns, faults


def schema_changes(found: list[str], spec: FeedSpec) -> list[str]:
    """Name what differs between the columns found and the schema; guess at renames."""
    missing = [name for name in spec.columns if name not in found]
    new = [name for name in found if name not in spec.columns]
    changes = [f"{name}: found twice" for name in sorted({n for n in found if found.count(n) > 1})]
    for name in missing:
        close = difflib.get_close_matches(name.lower(), [n.lower() for n in new], n=1, cutoff=0.6)
        renamed = next((n for n in new if close and n.lower() == close[0]), None)
        if renamed:
            new.remove(renamed)
            changes.append(f"{renamed}: renamed from {name}?")
        else:
            changes.append(f"{name}: missing; found {', '.join(found[:12])}")
    return [*changes, *(f"{name}: new; the schema does not have it" for name in new)]


def _unzipped(stream: BinaryIO) -> bytes:
    content = stream.read()
    if not content.startswith(GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise QualityError("the file is not readable", [f"found a gzip that breaks off: {error}"], "Deliver it again, whole.") from error


def _read(content: bytes, spec: FeedSpec, kind: str) -> pa.Table:
    if not content.strip():
        raise QualityError(f"feed {spec.name}: the file is empty", [f"found {len(content)} bytes and no header"], "Deliver it again.")
    try:
        if kind == "parquet":
            return pq.read_table(io.BytesIO(content))
        if kind == "jsonl":
            return pajson.read_json(io.BytesIO(content))
        return _read_csv(content, spec)
    except (pa.ArrowInvalid, UnicodeDecodeError, csv.Error) as error:
        where = f"expected {spec.source.encoding} {kind}"
        text = " ".join(str(error).split())[:300]
        if spec.personal:  # Arrow quotes the row; as the cause of our error it would be printed beside it
            text = re.sub(r"(columns, got \d+).*", rf"\1: {PERSONAL}", text)
        cause = None if spec.personal else error
        raise QualityError(f"feed {spec.name}: not readable as {kind}", [f"{where}; found {text}"]) from cause


def _read_csv(content: bytes, spec: FeedSpec) -> pa.Table:
    """Read all cells as text: what a cell means is decided by the schema, not guessed from the rows."""
    source = spec.source
    first = content.split(b"\n", 1)[0].decode(source.encoding).lstrip("\ufeff")
    header = [name.strip() for name in next(csv.reader([first], delimiter=source.delimiter), [])]
    if not set(header) & set(spec.columns):
        known = ", ".join(spec.columns)
        shown = PERSONAL if spec.personal else ", ".join(header)[:200]  # without a header, the first line is a row
        raise QualityError(f"feed {spec.name}: no header", [f"found {shown} in the first line; allowed are {known}"])
    if len(set(header)) < len(header):
        raise QualityError(f"feed {spec.name}: the schema changed", schema_changes(header, spec))
    if len(content.split(b"\n", 2)) < 2:  # noqa: PLR2004 - one line, and no end of it
        return pa.table({name: pa.array([], type=pa.string()) for name in header})
    return pacsv.read_csv(
        io.BytesIO(content),
        read_options=pacsv.ReadOptions(encoding=source.encoding, column_names=header, skip_rows=1),
        parse_options=pacsv.ParseOptions(delimiter=source.delimiter, newlines_in_values=True),
        convert_options=pacsv.ConvertOptions(
            column_types=dict.fromkeys(header, pa.string()),
            null_values=list(source.nulls),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
        ),
    )


def _joined_time(original: pa.Table, spec: FeedSpec) -> tuple[pa.Array, list[int]]:
    time = spec.time or EventTime(column=EVENT_TIME)
    first, *others = (original[name].to_pandas().astype("string") for name in time.columns)
    joined = first.str.cat(others, sep=" ")  # missing when a part is
    return to_type(pa.chunked_array([pa.array(joined, type=pa.string(), from_pandas=True)]), "timestamp", spec, time.name)


def _null_positions(values: pa.Array | pa.ChunkedArray) -> list[int]:
    if values.null_count == 0:
        return []
    mask = values.is_null().to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.is_null().to_numpy()
    return [int(i) for i in mask.nonzero()[0]]
