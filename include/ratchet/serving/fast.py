"""Rows past pandas: the pipeline's own preparation as tables and sums, used only where it is proved the same.

scikit-learn takes 3 to 5 ms to predict one row, nearly all of it for making and checking frames. Here the preparation is
read into dictionaries once, when a version is loaded, and compared with the pipeline bit by bit on rows that reach every
category, null, threshold and its neighbours. Where anything differs, or a part is not known, the pipeline itself answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from include.ratchet.domain.modelspec import Columns
from include.ratchet.serving import trees
from include.ratchet.serving.edges import UNHEARD
from include.ratchet.serving.frames import to_frame
from include.ratchet.serving.matrix import Lookup, Order, lookup, matrix
from include.ratchet.serving.proof import is_same
from include.ratchet.serving.reader import Table

_STEPS = ["prepare", "model"]
Change = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Number:
    """Where a numeric column goes: its place, what stands there for null, and the shift and scale of a value."""

    name: str
    place: int
    missing: Change
    mean: float
    scale: float


@dataclass(frozen=True)
class Fast:
    """One pipeline for one row at a time, and its preparation for many."""

    base: tuple[float, ...]
    words: tuple[tuple[str, dict[str | None, Change]], ...]
    numbers: tuple[Number, ...]
    model: Any
    trees: trees.Trees | None
    order: Order
    """In which the pipeline's own preparation lays out many rows."""

    def predict_proba(self, row: Mapping[str, Any]) -> npt.NDArray[np.float64]:
        """Return the probabilities of one checked row, shape `(1, n_classes)`."""
        ready = self.prepared(row)
        found: npt.NDArray[np.float64] = self.trees.predict_proba(ready) if self.trees else self.model.predict_proba(np.array([ready]))
        return found

    def predict(self, row: Mapping[str, Any]) -> npt.NDArray[Any]:
        """Return the decision on one checked row, shape `(1,)`."""
        ready = self.prepared(row)
        found: npt.NDArray[Any] = self.trees.predict(ready) if self.trees else self.model.predict(np.array([ready]))
        return found

    def prepared(self, row: Mapping[str, Any]) -> list[float]:
        """Return what the model sees of a row."""
        ready = list(self.base)
        for name, table in self.words:
            for place, value in table.get(row[name], ()):
                ready[place] = value
        for each in self.numbers:
            value = row[each.name]
            if value is None:
                for place, stands in each.missing:
                    ready[place] = stands
            else:
                ready[each.place] = (value - each.mean) / each.scale
        return ready

    @cached_property
    def lookups(self) -> tuple[Lookup, ...]:
        """The words of every column, as `matrix` takes them."""
        return tuple(lookup(name, table, self.base) for name, table in self.words)

    def matrix(self, table: Table) -> npt.NDArray[np.float64]:
        """Return what the model sees of many rows, shape `(n_rows, n_inputs)`."""
        return matrix(self.base, self.lookups, self.numbers, table, self.order)


def compiled(pipeline: Any, columns: Columns) -> Fast | None:
    """Return the fast way of a pipeline, None where there is none or it is not proved to be the same."""
    try:
        found = _read(pipeline, columns)
        return found if found is not None and is_same(found, pipeline, columns) else None
    except Exception:  # noqa: BLE001 - a part of another kind than training makes: whatever it raises, the pipeline itself answers
        return None


def _read(pipeline: Any, columns: Columns) -> Fast | None:
    if list(getattr(pipeline, "named_steps", {})) != _STEPS or columns.text:
        return None
    prepare, model = pipeline.named_steps["prepare"], pipeline.named_steps["model"]
    base: list[float] = []
    words: list[tuple[str, dict[str | None, Change]]] = []
    numbers: list[Number] = []
    for name, part, chosen in prepare.transformers_:
        if name == "categorical":
            started, tables = _tables(part, list(chosen), columns, len(base))
            base += started
            words = list(zip(chosen, tables, strict=True))
        elif name == "numeric":
            started, numbers = _numbers(part, list(chosen), columns, len(base))
            base += started
        elif part != "drop":
            return None
    walked = trees.of_model(model) if type(model).__name__.startswith("HistGradientBoosting") else None
    return Fast(tuple(base), tuple(words), tuple(numbers), model, walked, _order(prepare, columns))


def _order(prepare: Any, columns: Columns) -> Order:
    """Return how prepared rows lie in memory: numbers alone by columns, as a frame has them; with words beside them by rows."""
    made = np.asarray(prepare.transform(to_frame(columns, [dict.fromkeys(columns.features)] * 2)))
    return "C" if made.flags.c_contiguous else "F"


def _tables(encoder: Any, names: Sequence[str], columns: Columns, offset: int) -> tuple[list[float], list[dict[str | None, Change]]]:
    """Ask the encoder what every category changes in a row of unheard words: columns do not know each other."""
    rows: list[dict[str, Any]] = [dict.fromkeys(names, UNHEARD)]
    asked: list[tuple[int, str | None]] = []
    for number, name in enumerate(names):
        known = [None if pd.isna(each) else each for each in encoder.categories_[number]]
        for category in dict.fromkeys([*known, None]):
            rows.append({**rows[0], name: category})
            asked.append((number, category))
    only = columns.model_copy(update={"numeric": (), "categorical": tuple(names), "text": ()})
    made = np.asarray(encoder.transform(to_frame(only, rows)), dtype=float)
    base, tables = made[0], [dict[str | None, Change]() for _ in names]
    for (number, category), line in zip(asked, made[1:], strict=True):
        places = np.flatnonzero(~((line == base) | (np.isnan(line) & np.isnan(base))))
        tables[number][category] = tuple((offset + int(place), float(line[place])) for place in places)
    return base.tolist(), tables


def _numbers(part: Any, names: Sequence[str], columns: Columns, offset: int) -> tuple[list[float], list[Number]]:
    steps = dict(part.steps) if hasattr(part, "steps") else {"fill": part}
    if not all(isinstance(each, FunctionTransformer | SimpleImputer | StandardScaler) for each in steps.values()):
        raise TypeError(f"a numeric preparation of {', '.join(type(each).__name__ for each in steps.values())}")
    scaler, fill = steps.get("scale"), steps["fill"]
    only = columns.model_copy(update={"numeric": tuple(names), "categorical": (), "text": ()})
    empty = np.asarray(part.transform(to_frame(only, [dict.fromkeys(names)])), dtype=float)[0].tolist()
    flags = fill.indicator_.features_.tolist() if fill.add_indicator else []
    found = []
    for number, name in enumerate(names):
        places = [number, *([len(names) + flags.index(number)] if number in flags else [])]
        mean, scale = (float(scaler.mean_[number]), float(scaler.scale_[number])) if scaler is not None else (0.0, 1.0)
        found.append(Number(name, offset + number, tuple((offset + each, empty[each]) for each in places), mean, scale))
    return [0.0] * len(empty), found
