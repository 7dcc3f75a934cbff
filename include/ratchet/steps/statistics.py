"""Simple figures of a batch's columns: what a later batch is compared with."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.feedspec import BATCH_COLUMN, FeedSpec
from include.ratchet.domain.records import Json

QUANTILES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
SAMPLE = 50_000
"""Rows, evenly spaced, that quantiles are taken of: sorting a million costs 90 ms a column, and this 4."""
TEXTS, KEPT = 1_000, 12
"""Texts that are looked at, and how many values and shapes of them are kept."""


def describe(rows: pa.Table, spec: FeedSpec) -> Json:
    """Return figures per column.

    Args:
        rows: A decoded batch.
        spec: The feed; of personal columns no value is kept.

    Returns:
        Column -> `n` and `nulls`; of numbers `min`, `max`, `mean`, `sd` and `q` (quantiles at `QUANTILES`); of texts
        the shares of the commonest `values` and `shapes`; of times `min` and `max`, ISO 8601.
    """
    return {name: column(rows[name], personal=name in spec.personal) for name in rows.column_names if name != BATCH_COLUMN}


def column(values: pa.ChunkedArray, *, personal: bool) -> Json:
    """Return the figures of one column, see `describe`."""
    found: Json = {"n": len(values), "nulls": values.null_count}
    if len(values) == values.null_count:
        return found
    kind = values.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return found | _numbers(values, personal=personal)
    if pa.types.is_string(kind):
        return found | _texts(values, personal=personal)
    if not pa.types.is_boolean(kind) and not personal:
        ends = pc.min_max(values)
        return found | {"min": ends["min"].as_py().isoformat(), "max": ends["max"].as_py().isoformat()}
    return found


def _numbers(values: pa.ChunkedArray, *, personal: bool) -> Json:
    filled = np.asarray(values.drop_null().to_numpy(), dtype=np.float64)
    finite = filled[np.isfinite(filled)]
    if not len(finite):
        return {}
    figures: Json = {"mean": float(finite.mean()), "sd": float(finite.std())}
    spaced = finite[:: max(1, len(finite) // SAMPLE)]
    figures["q"] = [float(q) for q in np.quantile(spaced, QUANTILES)]
    return figures if personal else figures | {"min": float(finite.min()), "max": float(finite.max())}


def _texts(values: pa.ChunkedArray, *, personal: bool) -> Json:
    filled = values.drop_null()
    texts = filled.take(pa.array(range(0, len(filled), max(1, len(filled) // TEXTS)))).to_pylist()
    figures: Json = {"shapes": _shares(Counter(shape(text) for text in texts))}
    return figures if personal else figures | {"values": _shares(Counter(text[:80] for text in texts))}


def shape(text: str) -> str:
    """Return how a text is written: runs of letters as a, of digits as 9, the rest as it is."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", text[:80]))


def _shares(counts: Counter[str]) -> dict[str, float]:
    total: Any = counts.total()
    return {text: round(count / total, 4) for text, count in counts.most_common(KEPT)}
