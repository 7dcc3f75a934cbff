"""Rows as lines of JSON, and the answers that a version's container gives to them, line by line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from include.ratchet.domain.errors import DataError

PART = 50_000
"""Rows per file."""
AGAIN = "Nothing was written and the answers are dropped; the next run asks another job. See this one's log in AWS's console."


def to_lines(seen: pd.DataFrame, part: int = PART) -> Iterator[bytes]:
    """Write features as records, one a line; numbers in full, a missing or infinite one as null.

    Args:
        seen: Features as a model takes them, shape `(n_rows, n_features)`; it reads what is infinite as missing.
        part: Rows per file.
    """
    for start in range(0, len(seen), part):
        columns = [_plain(seen[name].iloc[start : start + part].tolist()) for name in seen.columns]
        records = (dict(zip(seen.columns, values, strict=True)) for values in zip(*columns, strict=True))
        yield b"".join(json.dumps(each, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n" for each in records)


def from_lines(lines: Sequence[bytes], rows: int, version: int) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """Read predictions and scores, each of shape `(n_rows,)`, see `steps.predict.predict`.

    Raises:
        DataError: There is not one answer per row, another version gave one, or one cannot be read.
    """
    try:
        said = [json.loads(line) for line in lines]
        others = sorted({each["version"] for each in said} - {version})
        predictions, scores = [each["prediction"] for each in said], [_score(each) for each in said]
    except (KeyError, TypeError, ValueError) as error:
        message = f"an answer among {len(lines)} cannot be read ({error!r}); expected {rows} by version {version}. {AGAIN}"
        raise DataError(message) from error
    if len(said) != rows or others:
        found = f"{len(said)} answers" + (f", some by version {others[0]}" if others else "")
        message = f"found {found}; expected {rows} by version {version}. {AGAIN}"
        raise DataError(message)
    predicted = np.empty(rows, dtype=object)
    predicted[:] = predictions
    return predicted, np.array(scores, dtype=float)


def _score(said: dict[str, Any]) -> float:
    """Return the probability of the positive class, of several the greatest, or the number itself."""
    share = said["probability"]
    return float(said["prediction"] if share is None else max(share.values()) if isinstance(share, dict) else share)


def _plain(values: list[Any]) -> list[Any]:
    return [None if isinstance(each, float) and not math.isfinite(each) else each for each in values]
