"""Write `feed.yaml` from what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from include.ratchet.domain.feedspec import NULL_STRINGS
from include.ratchet.steps.infer_yaml import entry, flow, inline, inline_list, names

if TYPE_CHECKING:
    from include.ratchet.steps.infer import Findings
    from include.ratchet.steps.infer_types import Column

_SHOWN = 4
_LONGEST = 40


def feed_yaml(name: str, found: Findings, sample: str, uri: str) -> str:
    """Write the feed's spec.

    Args:
        name: The feed's name.
        found: What was inferred.
        sample: The sample's file name, for the heading.
        uri: Where deliveries land, with a wildcard.
    """
    lines = [
        f"# Written by ./ratchet new from {sample} ({found.rows:,} rows). A draft: look at every line marked REVIEW.",
        f"name: {name}",
        *_source(found, uri),
        entry(
            "key",
            inline_list(found.key.names, 6),
            f"{found.key.why}; a later delivery of a key replaces its row" if found.key.sure else f"REVIEW: {found.key.why}",
        ),
        entry("mode", "merge"),
        *_time(found),
        "",
        "schema:  # ? = may be null; a null or unreadable cell elsewhere sends its row to quarantine",
        *(entry(column, inline(kind), _about(found.columns[column], found), 2) for column, kind in found.schema.items()),
        "",
        "# Without a route: rows that break it go to quarantine. Ranges are those of the sample and half as much again. REVIEW",
        "expectations:",
        *(f"  - {flow(each)}" for each in found.expectations),
        entry("quarantine", "{max_fraction: 0.02}", "more bad rows than this, and the batch stops"),
        *(["# freshness: {within: 2d}   # warn when no newer row arrives"] if found.times else []),
        *_personal(found),
    ]
    return "\n".join(lines) + "\n"


def _source(found: Findings, uri: str) -> list[str]:
    form = found.form
    lines = [
        "source:",
        "  kind: files",
        entry("uri", inline(uri), "every file that lands here is one batch", 2),
        f"  format: {form.format}",
    ]
    if form.delimiter != ",":
        lines.append(f'  delimiter: "{form.delimiter}"' if form.delimiter != "\t" else '  delimiter: "\\t"')
    if form.encoding != "utf-8":
        lines.append(f"  encoding: {form.encoding}")
    if form.decimal != ".":
        lines.append(f'  decimal: "{form.decimal}"')
    if found.nulls:
        seen = "; ".join(f"{token!r} was seen in {', '.join(columns[:_SHOWN])}" for token, columns in found.nulls.items())
        lines.append(entry("nulls", inline_list([*NULL_STRINGS, *found.nulls], 10), f"the usual ones, and {seen}", 2))
    return lines


def _time(found: Findings) -> list[str]:
    times = found.times
    if times is None:
        return []
    where = {"column": times.name} if len(times.names) == 1 else {"columns": list(times.names)}
    form = {"format": times.format} if times.format else {}
    becomes = "" if len(times.names) == 1 else f"joined by a blank they become {times.name}; "
    doubt = "REVIEW the format: day and month are ambiguous; " if any("ambiguous" in each for each in times.warnings) else ""
    return [entry("time", flow({**where, "zone": "UTC", **form}), f"{doubt}{becomes}REVIEW the zone, which the file does not say")]


def _about(column: Column, found: Findings) -> str:
    """Say what the column holds: a range, some values, or how many; nothing of personal data."""
    gaps = f", {column.nulls:,} null" if column.nulls else ""
    if not column.distinct:
        return "empty in every row"
    if column.numeric and column.name not in found.personal:
        return f"{_number(np.nanmin(column.floats))} to {_number(np.nanmax(column.floats))}{gaps}"
    if found.times and column.name in found.times.names:
        return f"{found.times.first:%Y-%m-%d} to {found.times.last:%Y-%m-%d}{gaps}"
    if column.kind in ("date", "timestamp"):
        return f"{column.cells.min():%Y-%m-%d} to {column.cells.max():%Y-%m-%d}{gaps}"
    return f"{_values(column, shown=column.name not in found.personal and not column.unique)}{gaps}"


def _values(column: Column, *, shown: bool) -> str:
    if not shown or max(column.cells.dropna().astype(str).str.len()) > _LONGEST:
        return f"{column.distinct:,} different"
    common = [str(value) for value in column.cells.value_counts().index[:_SHOWN]]
    return ", ".join(common) if column.distinct <= _SHOWN else f"{', '.join(common[:2])} and {column.distinct - 2:,} more"


def _number(value: float) -> str:
    return f"{value:,.0f}".replace(",", "") if float(value).is_integer() else f"{value:.4g}"


def _personal(found: Findings) -> list[str]:
    return names("personal", found.personal, "hashed in logs, never in dossiers; REVIEW, found by name only", 0)
