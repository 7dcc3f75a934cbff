"""Null streams for the drift proof: what an undrifted model sees, drawn anew each time, the reference too."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from include.ratchet.steps.drift import Rule, judge
from include.ratchet.steps.sketch import BINS, Sketch, sketch, sketch_like

K, M = 2, 3
SEED = 7
EDGES = (-1.0, -0.5, 0.0, 0.4, 1.2, 2.0)


def frame(draw: np.random.Generator, rows: int, columns: int, phi: float) -> pd.DataFrame:
    """Draw columns that are AR(1) in time: numbers, categories of seven values, and numbers with gaps, in turn."""
    made = {}
    for i in range(columns):
        noise = draw.standard_normal(rows) * np.sqrt(1 - phi**2)
        noise[0] /= np.sqrt(1 - phi**2)
        values = lfilter([1.0], [1.0, -phi], noise)
        if i % 3 == 1:
            made[f"category {i}"] = np.array(list("abcdefg"), dtype=object)[np.digitize(values, EDGES)]
        else:
            made[f"number {i}"] = np.where(values > 1.9, np.nan, values) if i % 3 else values  # noqa: PLR2004
    return pd.DataFrame(made)


def null_alarms(*, rows: int, columns: int, phi: float, seed: int, dial: float, counted: bool = False) -> bool:
    """Draw a reference of ten times the rows and windows of one undrifted process; return whether they are in alarm."""
    draw = np.random.default_rng([seed, rows, columns])
    if counted:
        drawn = [_counts(draw, rows, columns, 1) for _ in range(M)]
        return bool(judge(_counts(draw, 10 * rows, columns, 20), drawn, Rule(dial, K, M, 0.0))["alarm"])
    held = frame(draw, 10 * rows, columns, phi)
    reference = sketch(held, np.arange(len(held)) * 20 // len(held), SEED)
    windows = [sketch_like(reference, frame(draw, rows, columns, phi), SEED) for _ in range(M)]
    return bool(judge(reference, windows, Rule(dial, K, M, 0.0))["alarm"])


def _counts(draw: np.random.Generator, rows: int, columns: int, blocks: int) -> tuple[Sketch, ...]:
    """Draw the counts of independent columns instead of their rows: 64 bins of equal share."""
    shares, edges = np.full(BINS, 1 / BINS), tuple(float(i) for i in range(BINS + 1))
    drawn = draw.multinomial(rows // blocks, shares, size=(columns, blocks)).astype(np.int64)
    padded = np.pad(drawn, ((0, 0), (0, 0), (1, 2)))
    return tuple(Sketch(f"number {i}", "number", edges, padded[i]) for i in range(columns))
