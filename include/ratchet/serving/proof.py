"""The proof that a fast way answers as the pipeline does, bit by bit: made when a version is loaded.

The values that a model sees are not enough. BLAS sums the same numbers in another order when they lie in memory by columns
instead of by rows, and when there are more of them; a linear model then differs in the last bit of a tenth of the answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from include.ratchet.domain.modelspec import Columns
from include.ratchet.serving.edges import probes
from include.ratchet.serving.frames import to_frame
from include.ratchet.serving.reader import MAX_ROWS

if TYPE_CHECKING:
    from include.ratchet.serving.fast import Fast


def is_same(fast: Fast, pipeline: Any, columns: Columns) -> bool:
    """Compare on rows that reach every branch of the preparation and its neighbours: one by one, all at once, a request's most.

    It takes what two of the largest requests take; boosted trees look at a row alone, whatever lies beside it, and need no such.

    Raises:
        Exception: Whatever a part of the pipeline raises.
    """
    rows = probes(fast, columns)
    frame = to_frame(columns, rows)
    tables = [{name: frame[name].to_numpy() for name in columns.features}]
    if fast.trees is None:
        tables.append({name: np.resize(values, max(MAX_ROWS, len(rows))) for name, values in tables[0].items()})
    with np.errstate(all="ignore"):  # a huge number may overflow; it does so both ways
        return _alone(fast, pipeline, columns, rows) and all(_at_once(fast, pipeline, columns, table) for table in tables)


def _alone(fast: Fast, pipeline: Any, columns: Columns, rows: Sequence[Mapping[str, Any]]) -> bool:
    ready, expected = [fast.prepared(row) for row in rows], np.asarray(pipeline[:-1].transform(to_frame(columns, rows)))
    if not identical(np.array(ready), expected):
        return False
    if fast.trees is None:
        return True  # the model itself answers
    ask = _asked(fast.model)[0]
    said = np.concatenate([getattr(fast.trees, ask)(each) for each in ready])
    return identical(said, getattr(fast.model, ask)(expected))


def _at_once(fast: Fast, pipeline: Any, columns: Columns, table: Mapping[str, npt.NDArray[Any]]) -> bool:
    ready, expected = fast.matrix(dict(table)), np.asarray(pipeline[:-1].transform(to_frame(columns, table)))
    if not (ready.strides == expected.strides and identical(ready, expected)):
        return False
    return all(identical(getattr(fast.model, ask)(ready), getattr(fast.model, ask)(expected)) for ask in _asked(fast.model))


def _asked(model: Any) -> list[str]:
    return [ask for ask in ("predict_proba", "predict") if hasattr(model, ask)]


def identical(one: Any, other: Any) -> bool:
    """Whether two arrays hold the same bits, where any NaN is any other and zeros have signs; of words, the same words."""
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.kind != "f":
        return bool((one == other).all())
    return bool((((one == other) & (np.signbit(one) == np.signbit(other))) | (np.isnan(one) & np.isnan(other))).all())
