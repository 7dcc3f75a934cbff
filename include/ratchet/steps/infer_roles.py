"""Find what each column of a sample is for: label, key, feature, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from include.ratchet.domain.errors import DataError, SpecError

if TYPE_CHECKING:
    from include.ratchet.steps.infer_time import EventTimes
    from include.ratchet.steps.infer_types import Column

MIN_ROWS = 50
_MOST_CLASSES = 50
_INT_CLASSES = 10  # more different whole numbers than this are an amount, not classes
_ROWS_PER_CLASS = 20
_CATEGORIES = 50
_MOST_CATEGORIES = 250  # histogram gradient boosting takes 255 at most
_ROWS_PER_CATEGORY = 50
_WORDS = 4
_ID_WORDS = frozenset({"id", "ids", "uuid", "guid", "identifier"})
_COUNTER_WORDS = frozenset({*_ID_WORDS, "index", "idx", "row", "rowid", "rownum", "instant", "no", "nr", "number", "key", "code"})
_PERSONAL = re.compile(
    r"e?mail(address)?|(mobile|cell|tele)?phone(number|no)?|(first|last|full|sur|family|given)name|surname|ssn|passport(number|no)?|iban|"
    r"(home|street|postal)?address|dob|dateofbirth|birth(date|day)|(customer|user|patient|person|member|employee|passenger)(id|name|email|no|number)?"
)


@dataclass(frozen=True)
class Target:
    """What is predicted.

    `shares` holds the share of each class [0-1], the commonest first; empty for regression.
    """

    column: Column
    task: str
    shares: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Key:
    """What names a row, and why."""

    names: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class Features:
    """What a model may see; `left_out` holds the reason for each column that it may not."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All features."""
        return (*self.numeric, *self.categorical, *self.text)

    def without(self, gone: Mapping[str, str]) -> Features:
        """Return the features less those named."""
        kept = [tuple(name for name in names if name not in gone) for names in (self.numeric, self.categorical, self.text)]
        return Features(*kept, left_out=self.left_out)


def words(name: str) -> list[str]:
    """Cut a column's name into lower-case words: customerID, customer_id and "Customer Id" are the same two."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W_]+", spaced.lower())


def target_of(column: Column) -> Target:
    """Say what kind of task the target makes.

    Raises:
        SpecError: The target is empty, constant, a time, or a text of many values.
    """
    values = column.values.dropna()
    if column.distinct < 2:  # noqa: PLR2004
        found = f"found {'no value' if values.empty else f'one value only, {values.iloc[0]!r}'} in {len(column.values):,} rows"
        raise SpecError(f"--target {column.name}: nothing to learn", [f"{found}; allowed are at least two"], "Name another target, or a fuller sample.")
    if column.kind in ("date", "timestamp"):
        found = f"found a {column.kind}; allowed are numbers and classes"
        raise SpecError(f"--target {column.name}: not a label", [found], "Name another target, or make a number of it first.")
    if _is_amount(column):
        return Target(column, "regression")
    if column.distinct > _MOST_CLASSES:
        found = f"found {column.distinct:,} different texts; allowed are numbers, or at most {_MOST_CLASSES} classes"
        raise SpecError(f"--target {column.name}: too many classes", [found], "Name another target, or group its values first.")
    counts = values.astype(str).value_counts()
    if counts.iloc[0] == 1:
        raise SpecError(f"--target {column.name}: nothing to learn", ["found each class once; allowed is twice and more"], "Name another target.")
    shares = {str(name): float(count) / len(values) for name, count in counts.items()}
    return Target(column, "binary" if column.distinct == 2 else "multiclass", shares)  # noqa: PLR2004


def _is_amount(column: Column) -> bool:
    if not column.numeric:
        return False
    known = column.floats[~np.isnan(column.floats)]
    if column.distinct == 2:  # noqa: PLR2004
        return False
    classes = bool((known == np.round(known)).all()) and column.distinct <= min(_INT_CLASSES, len(known) // _ROWS_PER_CLASS)
    return not classes


def is_row_counter(column: Column) -> bool:
    """Whether the column numbers the rows: whole numbers, each once, none skipped."""
    if column.kind != "int64" or not column.unique:
        return False
    return float(column.floats.max() - column.floats.min()) == len(column.floats) - 1


def is_identifier(column: Column) -> bool:
    """Whether the column names a row: each value once, and a text, a counter, or called an id."""
    if not column.unique or column.kind not in ("string", "int64"):
        return False
    return column.kind == "string" or is_row_counter(column) or words(column.name)[-1:] and words(column.name)[-1] in _COUNTER_WORDS  # type: ignore[return-value]


def is_personal(column: Column) -> bool:
    """Whether the name says that it may be about a person."""
    return _PERSONAL.fullmatch("".join(words(column.name))) is not None


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
        return Key((identifiers[0].name,), "a row counter: a next file that counts from the start again would overwrite these rows")
    found = _composite(columns, when, [c.name for c in others if c.kind in ("string", "int64", "date", "timestamp") and not is_row_counter(c)])
    if found:
        return Key(found, "unique together in the sample, perhaps by chance")
    if identifiers:
        return Key((identifiers[0].name,), "a row counter: a next file that counts from the start again would overwrite these rows")
    repeated = int(pd.DataFrame({name: column.raw.astype(str) for name, column in columns.items()}).duplicated().sum())
    raise DataError(
        f"the sample has no key: found no column, and no {'event time with two more columns' if when else 'three columns'}, that differ on every row "
        f"({repeated:,} rows repeat another in full); allowed is a key that names each row. Add an id column to the file"
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
    rows = len(columns[names[0]].values)
    if any(columns[name].nulls for name in names) or float(np.prod([float(columns[name].distinct) for name in names])) < rows:
        return False
    return not pd.DataFrame({name: columns[name].raw for name in names}).astype(str).duplicated().any()


def features_of(columns: Mapping[str, Column], target: str, key: Key, times: EventTimes | None) -> Features:
    """Sort every column into numeric, categorical, text, or left out with the reason."""
    sorted_: dict[str, list[str]] = {"numeric": [], "categorical": [], "text": []}
    left_out: dict[str, str] = {}
    for name, column in columns.items():
        if name == target:
            continue
        place, reason = _place(column, alone_key=key.names == (name,), is_time=bool(times and name in times.names))
        if place:
            sorted_[place].append(name)
        else:
            left_out[name] = reason
    return Features(tuple(sorted_["numeric"]), tuple(sorted_["categorical"]), tuple(sorted_["text"]), left_out)


def _place(column: Column, *, alone_key: bool, is_time: bool) -> tuple[str, str]:
    """Return the kind of feature, or no kind and the reason."""
    reason = _no_feature(column, alone_key=alone_key, is_time=is_time)
    if reason:
        return "", reason
    if column.kind == "bool":
        return "categorical", ""
    called_id = words(column.name)[-1:] and words(column.name)[-1] in _ID_WORDS
    if column.numeric and not called_id:
        return "numeric", ""
    if column.kind == "int64" or column.kind == "string":
        return _place_text(column)
    return "numeric", ""


def _no_feature(column: Column, *, alone_key: bool, is_time: bool) -> str:
    if not column.distinct:
        return "empty in every row"
    if column.distinct == 1 and not column.nulls:
        return "the same in every row"
    if is_row_counter(column):
        return "numbers the rows"
    if alone_key or is_identifier(column):
        return "names the row"
    if is_personal(column):
        return "may be personal data"
    if column.kind in ("date", "timestamp"):
        return "the event time" if is_time else f"a {column.kind}; a transform can take parts of it"
    return "part of the event time" if is_time and not column.numeric else ""


def _place_text(column: Column) -> tuple[str, str]:
    known = column.values.dropna().astype(str)
    per_value = len(known) / column.distinct
    if per_value >= 2 and (column.distinct <= _CATEGORIES or (column.distinct <= _MOST_CATEGORIES and per_value >= _ROWS_PER_CATEGORY)):  # noqa: PLR2004
        return "categorical", ""
    if column.kind == "string" and float(known.str.split().str.len().median()) >= _WORDS:
        return "text", ""
    if known.str.replace(r"[\s$€£%,.'+-]", "", regex=True).str.fullmatch(r"\d+").mean() > 0.95 and column.kind == "string":  # noqa: PLR2004
        return "", f"reads as text ({known.iloc[0]!r}); a transform can make numbers of it"
    return "", f"{column.distinct:,} different values are too many for a category"


def entity_of(columns: Mapping[str, Column], key: Key, times: EventTimes | None) -> tuple[str, ...]:
    """Find a column that names what several rows are about, where rows are split at random."""
    few, most_rows = 20, 50
    if times:
        return ()
    for name, column in columns.items():
        called_id = words(name)[-1:] and words(name)[-1] in _ID_WORDS
        if called_id and name not in key.names and not column.nulls and column.distinct >= few and 1.2 <= len(column.values) / column.distinct <= most_rows:  # noqa: PLR2004
            return (name,)
    return ()
