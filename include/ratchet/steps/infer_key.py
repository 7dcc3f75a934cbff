"""Find what names a row: an identifier, its event time, or a few columns together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.ratchet.domain.errors import DataError

if TYPE_CHECKING:
    from include.ratchet.steps.infer_time import EventTimes
    from include.ratchet.steps.infer_types import Column

WORDS = 4  # a text of so many words is language, not a name
_ID_WORDS = frozenset({"id", "ids", "uuid", "guid", "identifier"})
_COUNTER_WORDS = frozenset({*_ID_WORDS, "index", "idx", "row", "rowid", "rownum", "instant", "no", "nr", "number", "key", "code"})
_NUMBER_THE_ROWS = """.venv/bin/python -c "import pandas; pandas.read_csv('old.csv').rename_axis('row_id').to_csv('new.csv')\""""
_COUNTER = "a row counter: a file that counts from the start again would overwrite these rows"


@dataclass(frozen=True)
class Key:
    """What names a row, and why."""

    names: tuple[str, ...]
    why: str
    sure: bool = True


def words(name: str) -> list[str]:
    """Cut a column's name into lower-case words: customerID, customer_id and "Customer Id" are the same two."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W_]+", spaced.lower())


def is_row_counter(column: Column) -> bool:
    """Whether the column numbers the rows: whole numbers, each once, none skipped."""
    if column.kind != "int64" or not column.unique:
        return False
    return float(column.floats.max() - column.floats.min()) == len(column.floats) - 1


def is_identifier(column: Column) -> bool:
    """Whether the column names a row: each value once, and a short text, a counter, or called an id."""
    if not column.unique or column.kind not in ("string", "int64"):
        return False
    if column.kind == "string":
        return word_count(column) < WORDS
    return is_row_counter(column) or _last_word(column.name) in _COUNTER_WORDS


def word_count(column: Column) -> float:
    """Return how many words a text of the column has, by the median."""
    return float(np.median([len(str(text).split()) for text in column.cells.dropna()]))


def is_called_id(column: Column) -> bool:
    """Whether the name ends in id, or a word for it."""
    return _last_word(column.name) in _ID_WORDS


def key_of(columns: Mapping[str, Column], target: str, times: EventTimes | None) -> Key:
    """Find what names a row.

    An identifier comes first, then event time, then event time or a category with one or two more columns. A row
    counter comes only after event time: a next file that starts at 1 again would overwrite these rows.

    Raises:
        DataError: No such set of columns is unique.
    """
    others = [column for name, column in columns.items() if name != target and not column.nulls]
    identifiers = [column for column in others if is_identifier(column)]
    when = times.names if times else ()
    proper = [column.name for column in identifiers if not is_row_counter(column) and column.name not in when]
    if proper:
        return Key((proper[0],), "each value stands once in the sample")
    if when and _unique(columns, when):
        return Key(when, "one row per event time in the sample")
    if identifiers and not when:
        return Key((identifiers[0].name,), _COUNTER, sure=False)
    found = _composite(
        columns, when, [c.name for c in others if c.kind in ("string", "int64", "date", "timestamp") and not is_row_counter(c)]
    )
    if found:
        return Key(found, "unique together in the sample, perhaps by chance", sure=False)
    if identifiers:
        return Key((identifiers[0].name,), _COUNTER, sure=False)
    repeated = int(pd.DataFrame({name: column.raw.astype(str) for name, column in columns.items()}).duplicated().sum())
    tried = "the event time with up to two more columns" if when else "up to three columns"
    raise DataError(
        f"the sample has no key: found no column that differs on every row, nor {tried} ({repeated:,} rows repeat another in full); "
        f"allowed is a key that names each row. Add an id column, for example by {_NUMBER_THE_ROWS}"
    )


def _composite(columns: Mapping[str, Column], base: Sequence[str], candidates: Sequence[str]) -> tuple[str, ...]:
    limit = 14  # 14 columns are 91 pairs and 364 triples: seconds, not minutes
    free = [name for name in candidates if name not in base][:limit]
    for size in (1, 2) if base else (2, 3):
        for some in combinations(free, size):
            names = (*base, *some)
            if _unique(columns, names):
                return names
    return ()


def _unique(columns: Mapping[str, Column], names: Sequence[str]) -> bool:
    rows = len(columns[names[0]].cells)
    if any(columns[name].nulls for name in names) or float(np.prod([float(columns[name].distinct) for name in names])) < rows:
        return False
    return not pd.DataFrame({name: columns[name].raw for name in names}).astype(str).duplicated().any()


def entity_of(columns: Mapping[str, Column], key: Key, times: EventTimes | None) -> tuple[str, ...]:
    """Find a column that names what several rows are about, where rows are split at random."""
    few, fewest_rows, most_rows = 20, 1.2, 50
    if times:
        return ()
    for name, column in columns.items():
        if not is_called_id(column) or name in key.names or column.nulls or column.distinct < few:
            continue
        if fewest_rows <= len(column.cells) / column.distinct <= most_rows:
            return (name,)
    return ()


def _last_word(name: str) -> str:
    return (words(name) or [""])[-1]
