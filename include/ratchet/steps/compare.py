"""Estimate a figure of test rows with its error, by the unit that it was sampled in.

Where there is time the unit is the UTC day, and the error allows for days that resemble the days before them
(`steps/series.py`). Flights of one day share their weather: DeLong's standard error of a paired AUC difference is
0.003 there and the day-clustered one 0.011 to 0.014. Where there is no time it is the row, or the entity whose rows
belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import t as student

from include.ratchet.domain.gate import FEWEST_BLOCKS, Measured
from include.ratchet.steps import influence, series
from include.ratchet.steps.answers import Answers
from include.ratchet.steps.recorded import Statistic, metric

GROUPS = 40
"""A metric without influence values, and without time: so many random groups of units are left out, one after another."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Units:
    """What was sampled as one.

    Attributes:
        of: The unit of each row, shape `(n_rows,)`, from 0; days in order of time.
        serial: Whether a unit may resemble the one before it: days do, rows and entities do not.
    """

    of: npt.NDArray[np.int_]
    serial: bool

    def among(self, inside: Mask) -> Units:
        """Return the units of some rows; one that has no row there is none."""
        kept = self.of[inside]
        anew = np.cumsum(np.bincount(kept, minlength=self.count) > 0) - 1
        return Units(anew[kept], self.serial)

    @property
    def count(self) -> int:
        """How many there are."""
        return int(self.of.max()) + 1 if len(self.of) else 0

    def grouped(self, seed: int) -> Units:
        """Return days as they are, and other units in at most 40 random groups."""
        if self.serial or self.count <= GROUPS:
            return self
        group = np.random.default_rng(seed).permutation(np.arange(self.count) % GROUPS)
        return Units(group[self.of], serial=False)


@dataclass(frozen=True)
class Figure:
    """A statistic, higher is better, and what each unit adds to its error, shape `(n_units,)`, summing to zero."""

    whole: float
    influence: Floats
    serial: bool
    rows: int

    def __sub__(self, other: Figure) -> Figure:
        """Pair two models on the same rows."""
        return Figure(self.whole - other.whole, self.influence - other.influence, self.serial, self.rows)

    def times(self, sign: float) -> Figure:
        """Turn a figure where lower is better around."""
        return Figure(sign * self.whole + 0.0, sign * self.influence, self.serial, self.rows)


def units(times: pd.Series | None, rows: int, entity: pd.Series | None = None) -> Units:
    """Return what was sampled as one: the day, the entity where there is no time, else the row."""
    if times is not None:
        days = times.to_numpy(dtype="datetime64[us]").astype("datetime64[D]").astype(np.int64)  # UTC; 1 s less than by pandas on a million
        return Units(pd.factorize(days, sort=True)[0], serial=True)
    return Units(np.arange(rows) if entity is None else pd.factorize(entity)[0], serial=False)


def figure(name: str, answers: Answers, truth: npt.NDArray[Any], sampled: Units, seed: int = 0) -> Figure:
    """Measure a metric: by its influence values, or by leaving out one day, or one of 40 groups, at a time."""
    formula = influence.known(name, answers)
    if formula is None:
        return by_leaving_out(metric(name, answers, truth), sampled, seed)
    return summed(*formula(answers, truth), sampled)


def summed(whole: float, values: Floats, sampled: Units) -> Figure:
    """Add each row's influence up by unit."""
    by_unit: Floats = np.bincount(sampled.of, weights=values, minlength=sampled.count).astype(float)
    return Figure(whole, by_unit, sampled.serial, len(values))


def by_leaving_out(statistic: Statistic, sampled: Units, seed: int = 0) -> Figure:
    """Measure any statistic of row positions."""
    grouped = sampled.grouped(seed)
    whole, values = influence.left_out(statistic, grouped.of, grouped.count)
    return Figure(whole, values, grouped.serial, len(grouped.of))


def measure(rule: str, found: Figure, alpha: float, null: float = 0.0) -> Measured:
    """Estimate a statistic with its error.

    Args:
        rule: Name of the rule that it is for.
        found: The statistic, higher is better, with its units' influence.
        alpha: The interval is one-sided at `alpha` on each end.
        null: What must be exceeded.

    Returns:
        Estimate, interval, the p-value [0-1] of "not above `null`" and of "not below `null`", and the units used.
        A statistic that is undefined, or is so without some unit, yields no p-values.
    """
    count, rows = len(found.influence), found.rows
    if not np.isfinite(found.whole):
        return Measured(rule, None, null, blocks=count, rows=rows)
    if count < 2 or not np.isfinite(found.influence).all():  # noqa: PLR2004
        return Measured(rule, found.whole, null, blocks=count, rows=rows)
    error, freedom = _error(found)
    reach = float(student.isf(alpha, freedom)) * error
    return Measured(
        rule,
        found.whole,
        null,
        low=found.whole - reach,
        high=found.whole + reach,
        error=error,
        p_above=_tail(found.whole - null, error, freedom),
        p_below=_tail(null - found.whole, error, freedom),
        blocks=count,
        rows=rows,
        freedom=freedom,
    )


def _error(found: Figure) -> tuple[float, int]:
    """Return the error and its degrees of freedom; the likeness of fewer days than the gate decides by cannot be told."""
    count = len(found.influence)
    if found.serial and count >= FEWEST_BLOCKS:
        return series.long_run(found.influence)
    return float(np.sqrt(count / (count - 1) * (found.influence**2).sum())), count - 1


def _tail(distance: float, error: float, freedom: int) -> float:
    if error == 0.0:
        return 0.0 if distance > 0 else 1.0
    return float(student.sf(distance / error, freedom))
