"""Many rows past pandas: what `fast` knows of the preparation, looked up a column at a time.

For 10,000 rows of 18 features the frame takes 2.2 ms and the pipeline's own preparation 8.4; this takes 2.4. It is proved to be
the same bit by bit, see `proof`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from include.ratchet.serving.fast import Change, Number
    from include.ratchet.serving.reader import Table

Order = Literal["C", "F"]
"""Of an array in memory: row by row, or column by column. BLAS sums the one in another order than the other."""


@dataclass(frozen=True)
class Lookup:
    """What each word of one column puts where.

    `values` are of shape `(n_changes + 1, n_places)`: a line per change, and the last one for what was never heard of. Words
    share a change: of 20,000 at most 100 have a place of their own, and a line for each word would be 16 MB.
    """

    name: str
    places: tuple[int, ...]
    lines: dict[str | None, int]
    values: npt.NDArray[np.float64]


def lookup(name: str, table: Mapping[str | None, Change], base: Sequence[float]) -> Lookup:
    """Lay the changes of a column's words out as lines; `base` is a row before any change."""
    changes = {change: line for line, change in enumerate(dict.fromkeys(table.values()))}
    places = sorted({place for change in changes for place, _ in change})
    column_of = {place: number for number, place in enumerate(places)}
    values = np.tile(np.array([base[place] for place in places]), (len(changes) + 1, 1))
    for change, line in changes.items():
        for place, value in change:
            values[line, column_of[place]] = value
    return Lookup(name, tuple(places), {word: changes[change] for word, change in table.items()}, values)


def matrix(
    base: Sequence[float], words: Sequence[Lookup], numbers: Sequence[Number], table: Table, order: Order
) -> npt.NDArray[np.float64]:
    """Return what the model sees of a table as `reader` makes it, shape `(n_rows, n_inputs)`."""
    count = len(next(iter(table.values())))
    ready = np.empty((count, len(base)), dtype=np.float64, order=order)
    ready[:] = base
    for word in words:
        lines = np.fromiter(map(word.lines.get, table[word.name], repeat(len(word.values) - 1)), np.intp, count)
        ready[:, word.places] = word.values[lines]
    for number in numbers:
        values = table[number.name]
        ready[:, number.place] = (values - number.mean) / number.scale
        null = np.isnan(values)
        for place, stands in number.missing:
            ready[null, place] = stands
    return ready
