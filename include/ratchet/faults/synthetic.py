"""Rows in the form of a spec, for a drill where there are no data yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Window

PER_DAY = 100
TRAIN_DAYS = 60
ROWS = 12_000
"""Without a time."""
END = datetime(2020, 1, 1, tzinfo=UTC)


def synthetic(spec: ModelSpec) -> tuple[pa.Table, Window]:
    """Make rows whose label follows the features: normal numbers, five words per category; a fifth of the label's spread is noise.

    A regression's label is scaled so that an honest model's error is about half of the first business bound, whatever
    its unit is.
    """
    window, times = _times(spec)
    count, draw = len(times), np.random.default_rng(spec.training.seed)
    made: dict[str, Any] = {name: np.arange(count) for name in spec.columns.id}
    signal = np.zeros(count)
    for name in spec.columns.numeric:
        made[name] = draw.normal(size=count)
        signal += made[name] * draw.choice([-1.0, 1.0])
    for name in dict.fromkeys([*spec.columns.categorical, *spec.columns.segments, *spec.columns.entity, *spec.columns.text]):
        if name not in made:
            code = draw.integers(0, 5, size=count)
            made[name] = np.array(["a", "b", "c", "d", "e"])[code]
            signal += (code - 2.0) / 2 if name in spec.columns.features else 0.0
    signal = (signal - signal.mean()) / signal.std() + draw.normal(0, 0.2, size=count)
    if spec.columns.weight:
        made[spec.columns.weight] = np.ones(count)
    if spec.columns.time:
        made[spec.columns.time] = pa.array(times, pa.timestamp("us", tz="UTC"))
    made[spec.columns.label] = _label(spec, signal)
    return pa.table(made), window


def _times(spec: ModelSpec) -> tuple[Window, list[datetime]]:
    held = spec.training.split
    if not isinstance(held.test, timedelta) or not isinstance(held.validation, timedelta):
        return Window(END - timedelta(days=1), END), [END] * ROWS
    days = (held.test + held.validation + 3 * spec.labels.lag).days + TRAIN_DAYS
    start = END - timedelta(days=days)
    return Window(start, END), [start + timedelta(days=i // PER_DAY, minutes=i % PER_DAY) for i in range(days * PER_DAY)]


def _label(spec: ModelSpec, signal: Any) -> Any:
    if spec.task == "binary":
        return (signal > np.quantile(signal, 0.6)).astype(int)
    if spec.task == "multiclass":
        return np.array(["a", "b", "c"])[np.searchsorted(np.quantile(signal, [1 / 3, 2 / 3]), signal)]
    bounds = [abs(bound.value) for name, bound in spec.gate.bounds.items() if name == spec.gate.metric]
    own_unit = spec.gate.metric.startswith("neg_")
    return 100 + signal * (2.5 * bounds[0] if own_unit and bounds and bounds[0] else 1.0)
