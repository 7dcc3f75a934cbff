"""Which rows a model without time is tested on: those of its newest wave, which no earlier wave's verdict saw.

With time the test rows are the newest days, and new ones come by themselves. Without it they are drawn by a hash, and
would be the same for ever: each verdict on them is a look, and after `test_reuse.looks` of them nothing could be judged
any more. So a wave of test rows ends with its looks. Its rows are trained on from then on, and of the rows that arrive
later those on the hash's test side are the next wave: neither champion nor challenger was fitted on them, and no verdict
has seen them, so that each wave has the whole of alpha.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.frames import WAVE, Mask, at_random, keys_of, split_keys

TRAIN = -1
"""The wave of rows that no test ever has."""
_MEMORY = {"names": pa.string(), "key": pa.string(), "wave": pa.int64()}


def dealt(rows: pa.Table, spec: ModelSpec, wave: int, before: pa.Table | None = None) -> pa.Table:
    """Append to each row its wave.

    Args:
        rows: Rows of a model without time, shape `(n_rows, n_columns)`.
        spec: The model.
        wave: The wave that new rows of the test side belong to.
        before: What the newest verdict remembers, see `remembered`: a row, or another one of its entity, stays where it
            was, found by any key that the model ever had. Where rows of several waves now stand together, theirs is the
            lowest: none of them is tested that was trained on.

    Raises:
        DataError: The key's columns of the newest verdict are not among the rows'.
    """
    keys, test = split_keys(rows, spec), at_random(rows, spec)
    found = np.where(test, wave, TRAIN)
    if before is not None:
        stays = _known(rows, spec, before).groupby(keys).transform("min")  # rows of one entity stand together
        found = np.where(stays.isna(), found, stays.fillna(TRAIN)).astype(np.int64)
    return rows.append_column(WAVE, pa.array(found.astype(np.int64)))


def waves_of(rows: pa.Table, spec: ModelSpec) -> npt.NDArray[np.int64]:
    """Return the wave of each row, shape `(n_rows,)`; those of a snapshot without waves are all of the first."""
    if WAVE in rows.column_names:
        return np.asarray(rows[WAVE].to_numpy(), dtype=np.int64)
    return np.where(at_random(rows, spec), 0, TRAIN).astype(np.int64)


def remembered(rows: pa.Table, spec: ModelSpec, before: pa.Table | None = None) -> pa.Table:
    """Return the wave of every key that was ever in a wave: of these rows, then of what was known before them.

    Returns:
        Columns `names` (JSON: the columns that the key is made of), `key` and `wave`; the newest `names` come first.
    """
    names = list(spec.columns.entity or spec.columns.id)
    _require(names, rows, spec)
    waves = pd.Series(waves_of(rows, spec), index=split_keys(rows, spec).to_numpy()).groupby(level=0).min()
    made = pd.DataFrame({"names": json.dumps(names), "key": waves.index, "wave": waves.to_numpy()})
    every = [made] if before is None else [made, before.to_pandas()]
    found = pd.concat(every, ignore_index=True).drop_duplicates(["names", "key"])
    return pa.table({name: pa.array(found[name], kind) for name, kind in _MEMORY.items()})


def key_columns(memory: pa.Table) -> list[str]:
    """Return all columns that a memory's keys are made of."""
    return list(dict.fromkeys(name for names in memory["names"].unique().to_pylist() for name in json.loads(names)))


def _known(rows: pa.Table, spec: ModelSpec, memory: pa.Table) -> pd.Series:
    frame, found = memory.to_pandas(), pd.Series(np.nan, index=range(rows.num_rows))
    for each, (names, part) in enumerate(frame.groupby("names", sort=False)):
        columns = json.loads(str(names))
        if each == 0:
            _require(columns, rows, spec)
        if set(columns) <= set(rows.column_names):
            waves = keys_of(rows, columns, spec.columns.id).map(part.set_index("key")["wave"])
            found = pd.concat([found, waves.astype("float64").set_axis(found.index)], axis=1).min(axis=1)
    return found


def _require(names: Sequence[str], rows: pa.Table, spec: ModelSpec) -> None:
    gone = [name for name in names if name not in rows.column_names]
    if gone:
        message = (
            f"models/{spec.name}: the rows of earlier verdicts are known by {', '.join(names)}; not returned any more: "
            f"{', '.join(gone)}. Which rows were trained on cannot be told. Let transform.sql return them beside the new "
            "key, or give the model a new name."
        )
        raise DataError(message)


def copied(rows: pa.Table, kept: pa.Table, ids: Sequence[str]) -> pa.Table:
    """Append the waves that a snapshot holds to the same rows, read again; a row that it has not is a train row."""
    names = list(ids)
    known = kept.select([*names, WAVE]).to_pandas().drop_duplicates(names)
    found = rows.select(names).to_pandas().merge(known, on=names, how="left")[WAVE].fillna(TRAIN)
    return rows.append_column(WAVE, pa.array(found.to_numpy(dtype=np.int64)))


def among(rows: pa.Table, some: pa.Table, spec: ModelSpec) -> Mask:
    """Say of each row whether it, or its entity, is among some others, shape `(n_rows,)`."""
    return np.asarray(split_keys(rows, spec).isin(split_keys(some, spec)), dtype=np.bool_)
