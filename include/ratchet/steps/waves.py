"""Which rows a model without time is tested on: those of its newest wave, which no earlier wave's verdict saw.

With time the test rows are the newest days, and new ones come by themselves. Without it they are drawn by a hash, and
would be the same for ever: each verdict on them is a look, and after `test_reuse.looks` of them nothing could be judged
any more. So a wave of test rows ends with its looks. Its rows are trained on from then on, and of the rows that arrive
later those on the hash's test side are the next wave: neither champion nor challenger was fitted on them, and no verdict
has seen them, so that each wave has the whole of alpha.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.frames import WAVE, Mask, at_random, split_keys

TRAIN = -1
"""The wave of rows that no test ever has."""


def dealt(rows: pa.Table, spec: ModelSpec, wave: int, before: pa.Table | None = None) -> pa.Table:
    """Append to each row its wave.

    Args:
        rows: Rows of a model without time, shape `(n_rows, n_columns)`.
        spec: The model.
        wave: The wave that new rows of the test side belong to.
        before: The snapshot of the newest verdict: a row, or another one of its entity, stays where it was. Older
            snapshots have no waves; theirs is 0.
    """
    keys, test = split_keys(rows, spec), at_random(rows, spec)
    found = np.where(test, wave, TRAIN)
    if before is not None:
        then = waves_of(before, spec)
        # One value per key: rows of one entity stand together.
        known = pd.Series(then, index=split_keys(before, spec)).groupby(level=0).max()
        stays = keys.map(known)
        found = np.where(stays.isna(), found, stays.fillna(TRAIN)).astype(np.int64)
    return rows.append_column(WAVE, pa.array(found.astype(np.int64)))


def waves_of(rows: pa.Table, spec: ModelSpec) -> npt.NDArray[np.int64]:
    """Return the wave of each row, shape `(n_rows,)`; those of a snapshot without waves are all of the first."""
    if WAVE in rows.column_names:
        return np.asarray(rows[WAVE].to_numpy(), dtype=np.int64)
    return np.where(at_random(rows, spec), 0, TRAIN).astype(np.int64)


def copied(rows: pa.Table, kept: pa.Table, ids: Sequence[str]) -> pa.Table:
    """Append the waves that a snapshot holds to the same rows, read again; a row that it has not is a train row."""
    names = list(ids)
    known = kept.select([*names, WAVE]).to_pandas().drop_duplicates(names)
    found = rows.select(names).to_pandas().merge(known, on=names, how="left")[WAVE].fillna(TRAIN)
    return rows.append_column(WAVE, pa.array(found.to_numpy(dtype=np.int64)))


def among(rows: pa.Table, some: pa.Table, spec: ModelSpec) -> Mask:
    """Say of each row whether it, or its entity, is among some others, shape `(n_rows,)`."""
    return np.asarray(split_keys(rows, spec).isin(split_keys(some, spec)), dtype=np.bool_)
