"""Find what each column of a sample is for: label, key, feature, or nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from include.ratchet.domain.errors import SpecError
from include.ratchet.steps.infer_key import WORDS, is_called_id, is_identifier, is_row_counter, word_count, words

if TYPE_CHECKING:
    from include.ratchet.steps.infer_key import Key
    from include.ratchet.steps.infer_time import EventTimes
    from include.ratchet.steps.infer_types import Column

MIN_ROWS = 50
_MOST_CLASSES = 50
_INT_CLASSES = 10  # more different whole numbers than this are an amount, not classes
_ROWS_PER_CLASS = 20
_CATEGORIES = 50
_MOST_CATEGORIES = 250  # histogram gradient boosting takes 255 at most
_ROWS_PER_CATEGORY = 50
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
        numeric, categorical, text = (tuple(n for n in names if n not in gone) for names in (self.numeric, self.categorical, self.text))
        return Features(numeric, categorical, text, self.left_out)


def target_of(column: Column) -> Target:
    """Say what kind of task the target makes.

    Raises:
        SpecError: The target is empty, constant, a time, or a text of many values.
    """
    values = column.cells.dropna()
    if column.distinct < 2:  # noqa: PLR2004
        found = f"found {'no value' if values.empty else f'one value only, {values.iloc[0]!r}'} in {len(column.cells):,} rows"
        raise SpecError(
            f"--target {column.name}: nothing to learn", [f"{found}; allowed are at least two"], "Name another target, or a fuller sample."
        )
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
        raise SpecError(
            f"--target {column.name}: nothing to learn", ["found each class once; allowed is twice and more"], "Name another target."
        )
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


def is_personal(column: Column) -> bool:
    """Whether the name says that it may be about a person; "name" does where most rows have one of their own."""
    if words(column.name) == ["name"]:
        return column.distinct * 2 > len(column.cells)
    return _PERSONAL.fullmatch("".join(words(column.name))) is not None


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
    if column.kind == "string" or (column.kind == "int64" and is_called_id(column)):
        return _place_text(column)
    return "numeric", ""


def _no_feature(column: Column, *, alone_key: bool, is_time: bool) -> str:
    if column.distinct < 2 and not (column.distinct and column.nulls):  # noqa: PLR2004
        return "the same in every row" if column.distinct else "empty in every row"
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
    known = column.cells.dropna().astype(str)
    per_value = len(known) / column.distinct
    if per_value >= 2 and (column.distinct <= _CATEGORIES or (column.distinct <= _MOST_CATEGORIES and per_value >= _ROWS_PER_CATEGORY)):  # noqa: PLR2004
        return "categorical", ""
    if column.kind == "string" and word_count(column) >= WORDS:
        return "text", ""
    if known.str.replace(r"[\s$€£%,.'+-]", "", regex=True).str.fullmatch(r"\d+").mean() > 0.95 and column.kind == "string":  # noqa: PLR2004
        return "", f"reads as text ({known.iloc[0]!r}); a transform can make numbers of it"
    return "", f"{column.distinct:,} different values are too many for a category"
