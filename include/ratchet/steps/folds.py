"""Which of the train rows candidates are compared on: forward-chaining where there is time, stratified where there is none."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.modelspec import ModelSpec
from include.ratchet.domain.records import Window
from include.ratchet.steps.frames import labels, split_keys

Positions = npt.NDArray[np.int_]


@dataclass(frozen=True)
class Fold:
    """Positions among the train rows: fitted on, and held out."""

    fit: Positions
    held: Positions


def folds(train: pa.Table, spec: ModelSpec, window: Window) -> tuple[Fold, ...]:
    """Make up to `training.folds` folds of the train rows, the one that is most like the test rows last.

    With time, each holds out `split.validation`, one before the other, and is fitted on all that lies `labels.lag`
    before; a fold with fewer rows to fit on than to hold out is left out, but the newest. Without time, rows are dealt by the
    seed, with the classes' shares, and rows of one entity together.

    Args:
        train: The train rows, and no test row.
        spec: The model.
        window: The training window of the snapshot, which `split` cut the test rows from.

    Raises:
        DataError: No fold has rows, and every class that it needs, on both sides.
    """
    truth = labels(train, spec)
    found = list(_by_time(train, spec, window) if spec.columns.time else _dealt(train, spec, truth))
    usable = [each for each in found if _complete(each, spec, truth)]
    small = [each for each in usable[:-1] if len(each.fit) < len(each.held)]
    kept = [each for each in usable if not any(each is one for one in small)]
    if not kept:
        held = sum(len(each.held) for each in found)
        needs = "at least one of each class" if spec.classifies else "at least one"
        message = (
            f"models/{spec.name}: the validation part has {held} rows and needs {needs}, with as much before it; the train "
            f"part has {train.num_rows} rows. Deliver more data, or make training.split smaller."
        )
        raise DataError(message)
    return tuple(kept)


def _by_time(train: pa.Table, spec: ModelSpec, window: Window) -> Iterator[Fold]:
    held, lag = spec.training.split, spec.labels.lag
    if not isinstance(held.test, timedelta) or not isinstance(held.validation, timedelta):
        message = f"models/{spec.name}: training.split must be durations"
        raise DataError(message)
    times = train[str(spec.columns.time)].to_pandas()
    newest = pd.Timestamp(window.end) - lag - held.test - lag
    for back in reversed(range(spec.training.folds)):
        end = newest - back * held.validation
        start = end - held.validation
        yield Fold(np.flatnonzero(times < start - lag), np.flatnonzero((times >= start) & (times < end)))


def _dealt(train: pa.Table, spec: ModelSpec, truth: npt.NDArray[np.generic]) -> Iterator[Fold]:
    held, seed = spec.training.split, spec.training.seed
    parts = max(2, round((1 - float(held.test)) / float(held.validation)))  # type: ignore[arg-type]
    groups = split_keys(train, spec).to_numpy() if spec.columns.entity else None
    stratified, plain = (StratifiedKFold, KFold) if groups is None else (StratifiedGroupKFold, GroupKFold)
    most = min(train.num_rows, len(set(groups)) if groups is not None else train.num_rows)
    if most < 2:  # noqa: PLR2004 - nothing to deal
        return
    splitter = (stratified if spec.classifies else plain)(n_splits=min(parts, most), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is rarer than the folds: `_complete` looks at what came of it
        try:
            made = list(splitter.split(np.zeros(len(truth)), truth, groups))
        except ValueError:  # every class is rarer than the folds
            return
    for fit, out in made[: spec.training.folds]:
        yield Fold(fit, out)


def _complete(fold: Fold, spec: ModelSpec, truth: npt.NDArray[np.generic]) -> bool:
    if not len(fold.fit) or not len(fold.held):
        return False
    if not spec.classifies:
        return True
    seen, asked = set(truth[fold.fit].tolist()), set(truth[fold.held].tolist())
    return len(asked) > 1 and asked <= seen
