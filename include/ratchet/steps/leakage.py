"""Find what a model must not know: features of the future, forbidden columns in disguise, rows on two sides of a split."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.steps.frames import Mask, Split

FEWEST = 30
"""Filled rows that two columns must share, and differ in, before they are taken for one."""


def forbidden_copies(rows: pa.Table, spec: ModelSpec) -> list[str]:
    """Name the features that are a forbidden column, or the label, under another name: the same value in every row.

    Args:
        rows: The transform's rows, with the forbidden columns that it returns.
        spec: The model.
    """
    hidden = [name for name in (*spec.columns.forbidden, spec.columns.label) if name in rows.column_names]
    frame = rows.select([*dict.fromkeys([*spec.columns.features, *hidden])]).to_pandas()
    known = {str(name): _Column.of(column) for name, column in frame.items()}
    return [
        f"columns.{feature}: the same as {other} in every row; {'it is forbidden' if other != spec.columns.label else 'it is the label'}"
        for feature in spec.columns.features
        for other in hidden
        if feature != other and _alike(known[feature], known[other])
    ]


@dataclass(frozen=True)
class _Column:
    """A column as it is held against others: read once, since each feature is held against each forbidden one.

    Attributes:
        whole: All of it, shape `(n_rows,)`.
        filled: Which of them are there.
        numbers: The same as numbers, NaN where one is none; decimals too.
    """

    whole: pd.Series
    filled: Mask
    numbers: npt.NDArray[np.float64]

    @classmethod
    def of(cls, values: pd.Series) -> _Column:
        return cls(values, values.notna().to_numpy(), pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan))


def _alike(feature: _Column, other: _Column) -> bool:
    """Say whether two columns say the same: equal, or numbers that a scale and a shift make equal."""
    both = feature.filled & other.filled
    if both.sum() < FEWEST or (feature.filled != other.filled).mean() > 0.01:  # noqa: PLR2004
        return False
    one, two = feature.numbers[both], other.numbers[both]
    if not np.isnan(one).any() and not np.isnan(two).any():
        return bool(one.std() and (two != two[0]).any() and abs(np.corrcoef(one, two)[0, 1]) > 1 - 1e-9)
    here, there = feature.whole[both], other.whole[both]
    first = (here.iloc[:FEWEST].astype(str) == there.iloc[:FEWEST].astype(str)).all()  # most pairs end here
    return bool(first and (there != there.iloc[0]).any() and (here.astype(str) == there.astype(str)).all())


def split_faults(rows: pa.Table, spec: ModelSpec, parts: Split) -> list[str]:
    """Name rows and entities that stand on both sides of the split, and a gap that is shorter than the label's lag.

    Args:
        rows: The snapshot's rows, shape `(n_rows, n_columns)`.
        spec: The model.
        parts: Its split.
    """
    sides: dict[str, Mask] = vars(parts)
    faults = []
    if (np.sum(list(sides.values()), axis=0) > 1).any():
        faults.append("training.split: a row is in two parts; allowed is one")
    # Where there is time, an entity comes again: tomorrow's flight of the same aircraft is what is to be predicted.
    entities = list(spec.columns.entity) if spec.columns.time is None else []
    for names in filter(None, (list(spec.columns.id), entities)):
        keys = pd.util.hash_pandas_object(rows.select(names).to_pandas(), index=False).to_numpy()
        for one, other in itertools.combinations(sides, 2):
            shared = np.intersect1d(keys[sides[one]], keys[sides[other]])
            if len(shared):
                faults.append(f"training.split: {len(shared)} of {', '.join(names)} in {one} and in {other}; allowed is none")
    return [*faults, *_gap_faults(rows, spec, sides)]


def _gap_faults(rows: pa.Table, spec: ModelSpec, sides: Mapping[str, Mask]) -> list[str]:
    if spec.columns.time is None:
        return []
    times, faults = rows[spec.columns.time].to_pandas(), []
    for one, other in itertools.pairwise(sides):
        if sides[one].any() and sides[other].any():
            gap = times[sides[other]].min() - times[sides[one]].max()
            if gap < spec.labels.lag:
                faults.append(f"training.split: {gap} between {one} and {other}; a label takes {spec.labels.lag} to be known")
    return faults


def future_features(
    transformed: Callable[[Mapping[str, pa.Table]], pa.Table],
    tables: Mapping[str, pa.Table],
    times: Mapping[str, str],
    spec: ModelSpec,
    at: datetime,
) -> list[str]:
    """Cut all tables off at a time, transform again, and name the features of earlier rows that come out otherwise.

    Args:
        transformed: The model's transform.
        tables: What it reads.
        times: Table -> its event time; a table without one is not cut off.
        spec: The model.
        at: Rows at it and later are taken away.

    Raises:
        DataError: No row is before `at`.
    """
    time = str(spec.columns.time)
    cut = {name: _before(table, times[name], at) if name in times else table for name, table in tables.items()}
    whole, short = (_before(transformed(each), time, at) for each in (tables, cut))
    if whole.num_rows == 0:
        message = f"models/{spec.name}: no row is before {at}; nothing can be said about what its features know"
        raise DataError(message)
    ids, names = list(spec.columns.id), list(spec.columns.features)
    both = whole.select([*ids, *names]).to_pandas().merge(short.select([*ids, *names]).to_pandas(), on=ids, how="left", indicator="_in")
    gone = int((both["_in"] == "left_only").sum())
    faults = [f"{gone} of {len(both)} rows before {at} are there only because of later ones"] if gone else []
    both = both[both["_in"] == "both"]
    for name in names:
        other = _differ(both[f"{name}_x"], both[f"{name}_y"])
        if other.any():
            example = both.loc[other.idxmax(), ids].to_dict()
            said = f"columns.{name}: {int(other.sum())} of {len(both)} rows before {at} know of later ones, such as {example}"
            faults.append(said)
    return faults


def _before(table: pa.Table, time: str, at: datetime) -> pa.Table:
    return table.filter(pc.less(table[time], pa.scalar(at, type=table[time].type)))


def _differ(one: pd.Series, other: pd.Series) -> pd.Series:
    if pd.api.types.is_float_dtype(one):  # sums in another order differ in the last digits
        return pd.Series(~np.isclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True), index=one.index)
    return (one != other) & ~(one.isna() & other.isna())


def cut_points(times: Sequence[datetime] | pd.Series, count: int = 3) -> list[datetime]:
    """Return times to cut at: evenly spaced over the rows, at the newest third of them, where histories are long."""
    ordered = pd.Series(times).sort_values(ignore_index=True)
    places = np.linspace(0.67, 0.99, count)
    return [ordered.iloc[int(place * (len(ordered) - 1))].to_pydatetime() for place in places]
