"""Streams with a fault planted in one of many columns, and undrifted ones beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from include.ratchet.steps.drift import Rule, judge
from include.ratchet.steps.sketch import sketch, sketch_like
from proofs.inside.drift import SEED, K, M, frame

HELD, ROWS, BLOCKS = 10_000, 1_000, 20
SHIFT, GAPS, FLOOR = 0.25, 0.06, 0.03
FAULTS = {"shift": "number 0", "swap": "category 1", "missing": "number 0"}


def found(fault: str, columns: int, seed: int, dial: float) -> bool:
    """Draw one model whose last two windows carry a fault; return whether they are in alarm about its column.

    Args:
        fault: Of `FAULTS`: a number moves by a quarter of its standard deviation, two of seven categories change names, 6 % go missing.
        columns: How many columns there are; one has the fault.
        seed: Of the draw.
        dial: The rate of false alarms, all columns and tests together.
    """
    draw = np.random.default_rng([seed, columns, list(FAULTS).index(fault)])
    held = frame(draw, HELD, columns, 0.0)
    windows = [frame(draw, ROWS, columns, 0.0) for _ in range(M)]
    for each in windows[-2:]:
        _plant(each, fault)
    reference = sketch(held, np.arange(HELD) * BLOCKS // HELD, SEED)
    said = judge(reference, [sketch_like(reference, each, SEED) for each in windows], Rule(dial, K, M, FLOOR))
    return FAULTS[fault] in {each["column"] for each in said["alarms"]}


def index_fires(rows: int, columns: int, seed: int, threshold: float) -> bool:
    """Draw an undrifted model and one window; return whether the population stability index of any column is above its threshold."""
    draw = np.random.default_rng([seed, rows, columns])
    held = frame(draw, 10 * rows, columns, 0.0)
    reference = sketch(held, np.arange(len(held)) * BLOCKS // len(held), SEED)
    said = judge(reference, [sketch_like(reference, frame(draw, rows, columns, 0.0), SEED)], Rule(0.02, 1, 1, 0.0))
    return any(each["psi"] > threshold for each in said["columns"])


def _plant(window: pd.DataFrame, fault: str) -> None:
    column = FAULTS[fault]
    if fault == "shift":
        window[column] += SHIFT
    elif fault == "swap":
        window[column] = window[column].replace({"e": "f", "f": "e"})
    else:
        window.loc[window.index[: int(GAPS * len(window))], column] = np.nan
