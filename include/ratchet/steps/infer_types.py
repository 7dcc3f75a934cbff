"""Find the type of each column, and which strings stand for null."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from include.ratchet.domain.errors import DataError
from include.ratchet.domain.feedspec import NULL_STRINGS

if TYPE_CHECKING:
    from include.ratchet.steps.infer_read import Sample

NUMERIC = ("int64", "float64")
# Always a gap, in any column; and a gap where every other cell of the column is a number.
_ALWAYS_NULL = frozenset({"?", "#n/a", "#na", "n/a", "\\n", "<na>"})
_NULL_AMONG_NUMBERS = frozenset({*_ALWAYS_NULL, "-", "--", ".", "..", "*", "nil", "na", "none", "missing", "unknown", "n.a."})
_INT = re.compile(r"[-+]?\d+")
_FLOAT = {sign: re.compile(rf"[-+]?(\d+({re.escape(sign)}\d*)?|{re.escape(sign)}\d+)([eE][-+]?\d+)?") for sign in ".,"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
ISO_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?")
_READ: dict[str, tuple[Callable[[str], Any], str]] = {
    "bool": (lambda token: token.lower() == "true", "boolean"),
    "int64": (int, "Int64"),
    "float64": (float, "float64"),
}
_INT64_MAX = 2**63 - 1


@dataclass(frozen=True)
class Column:
    """One column of the sample.

    `cells` are typed, with missing values; `raw` is as delivered. Both have one element per row of the sample.
    """

    name: str
    kind: str
    cells: pd.Series[Any]
    raw: pd.Series[Any]

    @cached_property
    def nulls(self) -> int:
        """Count the empty cells."""
        return int(self.cells.isna().sum())

    @cached_property
    def distinct(self) -> int:
        """Count the different values, without null."""
        return int(self.cells.nunique())

    @property
    def spec(self) -> str:
        """The type as a feed's schema writes it."""
        return self.kind + ("?" if self.nulls else "")

    @property
    def numeric(self) -> bool:
        """Whether it holds numbers."""
        return self.kind in NUMERIC

    @cached_property
    def floats(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The values as floats, missing as NaN; shape `(n_rows,)`. Only for numbers and booleans."""
        return np.asarray(self.cells.astype("Float64").to_numpy(dtype="float64", na_value=np.nan), dtype=np.float64)

    @property
    def unique(self) -> bool:
        """Whether every row has a value of its own."""
        return not self.nulls and self.distinct == len(self.cells)


def find_nulls(sample: Sample) -> dict[str, list[str]]:
    """Find strings that stand for null beyond the usual ones, each with the columns where it was seen.

    A blank cell is never a value. A placeholder such as `-` is null only where the rest of its column are numbers.
    """
    if sample.form.format != "csv":
        return {}
    found: dict[str, list[str]] = {}
    for name in sample.cells:
        tokens = {str(token) for token in sample.cells[name].unique()} - set(NULL_STRINGS)
        placeholders = {token for token in tokens if token.strip().lower() in _NULL_AMONG_NUMBERS}
        others = [token for token in tokens - placeholders if token.strip()]
        numbers = bool(others) and _all(_FLOAT[sample.form.decimal], others)
        for token in sorted(tokens):
            if not token.strip() or token.strip().lower() in _ALWAYS_NULL or (numbers and token in placeholders):
                found.setdefault(token, []).append(str(name))
    return found


def columns_of(sample: Sample, nulls: Iterable[str]) -> dict[str, Column]:
    """Type every column of the sample, in its order."""
    gaps = set(nulls)
    if sample.form.format == "csv":
        return {str(name): _from_text(str(name), sample.cells[name], gaps, sample.form.decimal) for name in sample.cells}
    return {str(name): _from_values(str(name), sample.cells[name]) for name in sample.cells}


def _from_text(name: str, raw: pd.Series[Any], nulls: set[str], decimal: str) -> Column:
    known = raw.astype(object).where(~raw.isin(list(nulls)), None)
    tokens = [str(token).strip() for token in known.dropna().unique()]
    kind = _text_kind(tokens, decimal)
    return Column(name, kind, _converted(known, kind, decimal), raw)


def _text_kind(tokens: list[str], decimal: str) -> str:
    if not tokens:
        return "string"
    if {token.lower() for token in tokens} <= {"true", "false"}:
        return "bool"
    if _all(_INT, tokens):
        # 01234 is a code (a postcode, an account): as a number it would lose its zeros.
        code = any(len(token.lstrip("+-")) > 1 and token.lstrip("+-")[0] == "0" for token in tokens)
        return "string" if code or max(abs(int(token)) for token in tokens) > _INT64_MAX else "int64"
    if _all(_FLOAT[decimal], tokens):
        return "float64"
    return _date_kind(tokens)


def _date_kind(tokens: list[str]) -> str:
    """Say date or timestamp where every token is ISO and is on the calendar, else string."""
    if (
        not tokens
        or not _all(ISO_TIMESTAMP, tokens)
        or pd.to_datetime(pd.Series(tokens), format="ISO8601", utc=True, errors="coerce").isna().any()
    ):
        return "string"
    return "date" if _all(_DATE, tokens) else "timestamp"


def _converted(known: pd.Series[Any], kind: str, decimal: str = ".") -> pd.Series[Any]:
    if kind in _READ:
        read, dtype = _READ[kind]
        lookup = {token: read(str(token).strip().replace(decimal, ".")) for token in known.dropna().unique()}
        return pd.Series(known.map(lookup).array, index=known.index, dtype=pd.api.types.pandas_dtype(dtype))
    if kind in ("date", "timestamp"):
        return pd.to_datetime(known, format="ISO8601", utc=True)
    return known.astype("str")


def _from_values(name: str, raw: pd.Series[Any]) -> Column:
    """Type a column of jsonl or parquet by what its cells are.

    Raises:
        DataError: The cells are of several types.
    """
    if isinstance(raw.dtype, pd.DatetimeTZDtype) or raw.dtype.kind == "M":
        return Column(name, "timestamp", pd.to_datetime(raw, utc=True), raw)
    known = raw.astype(object).where(raw.notna(), None)
    types = {type(cell) for cell in known.dropna()}
    for allowed, kind in (
        (set(), "string"),
        ({bool, np.bool_}, "bool"),
        ({int, np.int64, np.int32, np.int16, np.int8}, "int64"),
        ({int, float, np.float64, np.float32, np.int64}, "float64"),
        ({dt.date}, "date"),
        ({str}, "string"),
    ):
        if types <= allowed:
            return Column(name, *_typed_cells(known, kind), raw)
    if all(isinstance(cell, int | float) or hasattr(cell, "as_tuple") for cell in known.dropna()) and bool not in types:
        return Column(name, "float64", known.map(float, na_action="ignore").astype("float64"), raw)
    seen = ", ".join(sorted(each.__name__ for each in types))
    raise DataError(f"column {name!r} of the sample holds several types: found {seen}; allowed is one type per column. Mend the export.")


def _typed_cells(known: pd.Series[Any], kind: str) -> tuple[str, pd.Series[Any]]:
    if kind == "date":
        return kind, pd.to_datetime(known.map(str, na_action="ignore"), utc=True)
    if kind == "bool":
        return kind, known.astype("boolean")
    if kind == "int64":
        return kind, known.astype("Int64")
    if kind == "float64":
        return kind, known.map(float, na_action="ignore").astype("float64")
    text = _date_kind([str(cell) for cell in known.dropna().unique()])
    return text, _converted(known, text)


def _all(pattern: re.Pattern[str], tokens: Iterable[str]) -> bool:
    return all(pattern.fullmatch(token.strip()) for token in tokens)
