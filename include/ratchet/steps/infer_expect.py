"""Propose what must hold for every row: Great Expectations names, with generous margins."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from include.ratchet.steps.infer_bound import rounded
from include.ratchet.steps.infer_key import is_identifier, is_row_counter

if TYPE_CHECKING:
    from include.ratchet.steps.infer_key import Key
    from include.ratchet.steps.infer_roles import Features, Target
    from include.ratchet.steps.infer_time import EventTimes
    from include.ratchet.steps.infer_types import Column

MOSTLY = 0.95
_MARGIN = 0.5  # of the range seen, beyond either end
_LARGEST_SET = 20
_LARGEST_CODE = 60  # minutes and seconds are the longest cycle that is counted without a gap
_COMMON = 0.25  # the last code is common when it has this much of an even share


def expectations(
    columns: Mapping[str, Column], target: Target, key: Key, features: Features, times: EventTimes | None
) -> list[dict[str, Any]]:
    """List the expectations: the key, the label, then every column in its order.

    That a column is not null is the schema's to say (a type without `?`), so it is not said again here.
    """
    found = [_key_is_unique(key)]
    if target.task != "regression" and target.column.kind != "bool":
        found.append(
            {"type": "expect_column_values_to_be_in_set", "column": target.column.name, "value_set": _classes(target), "route": "stop"}
        )
    for name, column in columns.items():
        if name in features.categorical and column.kind == "string" and 1 < column.distinct <= _LARGEST_SET:
            values = sorted(column.cells.dropna().unique())
            found.append({"type": "expect_column_values_to_be_in_set", "column": name, "value_set": values, "mostly": MOSTLY})
        elif column.numeric and column.distinct > 1 and _has_a_range(column, target):
            found.append({"type": "expect_column_values_to_be_between", "column": name, **_range(column, grows=_grows(column, times))})
    return found


def _key_is_unique(key: Key) -> dict[str, Any]:
    if len(key.names) == 1:
        return {"type": "expect_column_values_to_be_unique", "column": key.names[0], "route": "stop"}
    return {"type": "expect_compound_columns_to_be_unique", "column_list": list(key.names), "route": "stop"}


def _classes(target: Target) -> list[Any]:
    return [_plain(value) for value in sorted(target.column.cells.dropna().unique())]


def _has_a_range(column: Column, target: Target) -> bool:
    is_class = target.task != "regression" and column.name == target.column.name
    return not (is_class or is_row_counter(column) or is_identifier(column))


def _grows(column: Column, times: EventTimes | None) -> bool:
    """Whether the column only ever grows with time (a year, a meter): it will pass any maximum."""
    if times is None:
        return False
    return bool((np.diff(column.floats[times.order]) >= 0).all())


def _range(column: Column, *, grows: bool) -> dict[str, float]:
    low, high = float(np.nanmin(column.floats)), float(np.nanmax(column.floats))
    if _is_code(column, low, high) and not grows:
        return {"min_value": int(low), "max_value": int(high)}
    reach = _MARGIN * (high - low)
    natural_top = low >= 0 and (high in (1.0, 100.0) or ("%" in column.name and high <= 100))  # noqa: PLR2004
    bottom = 0.0 if low >= 0 else rounded(low - reach, up=False)
    top = (100.0 if high > 1 else 1.0) if natural_top else 0.0 if high <= 0 else rounded(high + reach, up=True)
    if column.kind == "int64":
        bottom, top = math.floor(bottom), math.ceil(top)
    return {"min_value": _plain(bottom)} if grows else {"min_value": _plain(bottom), "max_value": _plain(top)}


def _is_code(column: Column, low: float, high: float) -> bool:
    """Whether the numbers count something closed (an hour, a flag): no gap, and the last ones are not rare."""
    if column.kind != "int64" or column.distinct != high - low + 1 or column.distinct > _LARGEST_CODE:
        return False
    return bool((column.floats == high).mean() >= _COMMON / column.distinct)


def _plain(value: Any) -> Any:
    """Return a value that YAML writes as people do."""
    if isinstance(value, str):
        return str(value)
    return int(value) if float(value).is_integer() else float(value)
