"""What a batch is held against: expectations, volume, uniqueness, labels, and how many bad rows are too many."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from include.ratchet.domain.strict import Strict

Route = Literal["stop", "quarantine", "warn"]


class Expectation(Strict):
    """One Great Expectations check; whatever is not named here is passed to it as a keyword."""

    model_config = ConfigDict(extra="allow", frozen=True, defer_build=True)

    type: str
    severity: Literal["critical", "warning", "info"] = "critical"
    route: Route = "quarantine"

    @property
    def kwargs(self) -> dict[str, Any]:
        """The expectation's own arguments."""
        return dict(self.model_extra or {})

    @property
    def rule_id(self) -> str:
        """A name for this check that stays the same while its meaning does."""
        return ":".join([self.type, *(str(self.kwargs[k]) for k in ("column", "column_A", "column_B", "column_list") if k in self.kwargs)])


class Quarantine(Strict):
    """How many bad rows a batch may hold before it stops."""

    max_fraction: float = Field(0.02, ge=0, le=1)


class Volume(Strict):
    """How many rows a batch may hold: at least, at most, and as a multiple of a usual batch."""

    min_rows: int | None = Field(None, ge=1)
    max_rows: int | None = Field(None, ge=1)
    usual: tuple[float, float] | None = None
    route: Literal["stop", "warn"] = "stop"

    @model_validator(mode="after")
    def _in_order(self) -> Volume:
        low, high = self.usual or (0.0, 1.0)
        if low > high or low < 0 or (self.min_rows or 0) > (self.max_rows or float("inf")):
            message = "the first number must be at most the second, and none below 0, such as usual: [0.2, 5]"
            raise ValueError(message)
        if self.min_rows is None and self.max_rows is None and self.usual is None:
            message = "needs min_rows, max_rows or usual"
            raise ValueError(message)
        return self


class Labels(Strict):
    """What a column that models predict may hold: its values, and which share of it may be missing."""

    values: tuple[str | int | float | bool, ...] = ()
    missing: float | None = Field(None, ge=0, le=1)
    route: Route = "quarantine"


def suite_of(
    volume: Volume | None, unique: Sequence[Sequence[str]], labels: Mapping[str, Labels], usual_rows: float | None
) -> tuple[Expectation, ...]:
    """Say what these keys of a feed mean to Great Expectations.

    Args:
        volume: How many rows a batch may hold.
        unique: Columns that together name one row.
        labels: What columns that models predict may hold.
        usual_rows: Rows of a usual batch, None where they are not known: `volume.usual` says nothing then.
    """
    made = [*_volume(volume, usual_rows)] if volume else []
    for names in unique:
        kind = {"type": "expect_column_values_to_be_unique", "column": names[0]}
        several = {"type": "expect_compound_columns_to_be_unique", "column_list": list(names)}
        made.append(kind if len(names) == 1 else several)
    for name, label in labels.items():
        if label.values:
            among = {"type": "expect_column_values_to_be_in_set", "column": name, "value_set": list(label.values)}
            made.append(among | {"route": label.route})
        if label.missing is not None:  # a share is no row's fault: nothing to quarantine
            filled = {"type": "expect_column_values_to_not_be_null", "column": name, "mostly": 1 - label.missing}
            made.append(filled | {"route": "warn" if label.route == "warn" else "stop"})
    return tuple(Expectation.model_validate(each) for each in made)


def _volume(volume: Volume, usual_rows: float | None) -> list[dict[str, Any]]:
    ends: list[tuple[int | None, int | None]] = [(volume.min_rows, volume.max_rows)]
    if usual_rows is not None and volume.usual:
        ends.append((math.floor(volume.usual[0] * usual_rows), math.ceil(volume.usual[1] * usual_rows)))
    table = {"type": "expect_table_row_count_to_be_between", "route": volume.route}
    return [table | {"min_value": least, "max_value": most} for least, most in ends if (least, most) != (None, None)]
