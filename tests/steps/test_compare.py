"""Measuring: errors against theory, units, and error rates by simulation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, ttest_1samp
from scipy.stats import t as student

from include.ratchet.domain.gate import Measured, decide
from include.ratchet.steps import compare, influence
from include.ratchet.steps.answers import Answers
from include.ratchet.steps.compare import Figure, Units

DAYS = 28
ALPHA = 0.05


def mean_of(values: np.ndarray, sampled: Units) -> Figure:
    """Measure a mean."""
    return compare.summed(*influence.mean(values), sampled)


def test_rows_have_the_classical_error() -> None:
    """Without time the error of a mean is s / sqrt(n), and the interval is Student's."""
    values = np.random.default_rng(1).normal(size=50)
    made = compare.measure("mean", mean_of(values, compare.units(None, 50)), ALPHA, null=-1.0)
    error = values.std(ddof=1) / np.sqrt(50)
    assert made.error == pytest.approx(error)
    reach = student.ppf(0.95, 49) * error
    assert [made.low, made.high] == pytest.approx([values.mean() - reach, values.mean() + reach])
    assert made.p_above == pytest.approx(ttest_1samp(values, -1.0, alternative="greater").pvalue)
    assert made.p_below == pytest.approx(1 - (made.p_above or 0))
    assert (made.blocks, made.rows, made.freedom) == (50, 50, 49)


def test_units_are_days_in_their_order_entities_or_rows() -> None:
    """Rows of one UTC day share a unit, in order of time; without time those of one entity do, else each is its own."""
    times = pd.Series(pd.to_datetime(["2013-01-02T00:00Z", "2013-01-01T00:00Z", "2013-01-01T23:59Z"]))
    days = compare.units(times, 3)
    assert (days.of.tolist(), days.serial, days.count) == ([1, 0, 0], True, 2)
    assert compare.units(None, 3, pd.Series(["b", "a", "b"])).of.tolist() == [0, 1, 0]
    assert compare.units(None, 3).of.tolist() == [0, 1, 2]


def test_units_of_some_rows_are_numbered_anew() -> None:
    """A day without rows of a segment is no day of it."""
    some = Units(np.array([0, 0, 1, 2, 2]), serial=True).among(np.array([True, False, False, True, True]))
    assert some.of.tolist() == [0, 1, 1]


def test_a_metric_without_a_formula_leaves_out_groups() -> None:
    """Rows are put into 40 groups of one size by the seed; days stay days."""
    rows = compare.units(None, 400)
    assert np.bincount(rows.grouped(7).of).tolist() == [10] * 40
    assert (rows.grouped(7).of == rows.grouped(7).of).all()
    assert (rows.grouped(7).of != rows.grouped(8).of).any()
    days = Units(np.arange(100) // 2, serial=True)
    assert days.grouped(7) is days
    draw = np.random.default_rng(2)
    truth, score = draw.integers(0, 2, 400), draw.uniform(size=400)
    said = Answers(truth, np.column_stack([1 - score, score]), np.array([0, 1]))
    made = compare.measure("ap", compare.figure("average_precision", said, truth, rows, 7), ALPHA)
    assert (made.blocks, made.freedom, made.rows) == (40, 39, 400)
    assert 0.01 < (made.error or 0) < 0.05


def test_leaving_out_and_influence_agree() -> None:
    """The error of an accuracy by days is the same either way."""
    draw = np.random.default_rng(3)
    right = draw.uniform(size=3000) < 0.8
    days = Units(np.sort(draw.integers(0, 30, 3000)), serial=True)
    by_formula = compare.measure("a", mean_of(right.astype(float), days), ALPHA)
    by_leaving = compare.measure("a", compare.by_leaving_out(lambda rows: float(right[rows].mean()), days), ALPHA)
    assert by_leaving.error == pytest.approx(by_formula.error, rel=1e-6)


def test_a_unit_without_which_nothing_can_be_measured() -> None:
    """When a metric is undefined without one day there is an estimate, and no p-value."""
    days = Units(np.arange(90) // 3, serial=True)
    undefined = compare.by_leaving_out(lambda rows: 1.0 if 0 in rows else float("nan"), days)
    made = compare.measure("auc", undefined, ALPHA)
    assert (made.estimate, made.p_above) == (1.0, None)
    nothing = compare.measure("auc", Figure(float("nan"), np.full(30, np.nan), serial=True, rows=90), ALPHA)
    assert nothing.estimate is None


def test_one_block_has_no_error() -> None:
    """A single day says nothing about days."""
    made = compare.measure("mean", mean_of(np.arange(9.0), Units(np.zeros(9, dtype=int), serial=True)), ALPHA)
    assert (made.blocks, made.error, made.p_above) == (1, None, None)


def test_a_figure_without_noise_is_certain() -> None:
    """The same on every day: above the null it is shown, at the null it is not."""
    same = mean_of(np.zeros(100), Units(np.arange(100) // 5, serial=True))
    above, at = compare.measure("gain", same, ALPHA, null=-0.02), compare.measure("gain", same, ALPHA, null=0.0)
    assert (above.p_above, above.p_below) == (0.0, 1.0)
    assert (at.p_above, at.p_below) == (1.0, 1.0)


def test_a_figure_turned_around() -> None:
    """Lower is better becomes higher is better; nothing stays nothing."""
    turned = mean_of(np.array([0.0, 1.0]), compare.units(None, 2)).times(-1.0)
    assert (turned.whole, turned.influence.tolist()) == (-0.5, [0.25, -0.25])
    assert str(mean_of(np.zeros(2), compare.units(None, 2)).times(-1.0).whole) == "0.0"


@dataclass(frozen=True)
class Rates:
    """How often each rule promoted."""

    gate: int
    naive: int
    rowwise: int
    of: int


def simulate(gain: float, times: int, seed: int) -> Rates:
    """Judge challengers by the superior proof on 28 days of about 40 rows, whose difficulty differs by day and model.

    `naive` promotes when the accuracy is not lower; `rowwise` is a paired t-test that takes rows for independent.
    """
    draw = np.random.default_rng(seed)
    promoted = naive = rowwise = 0
    for _ in range(times):
        block = np.repeat(np.arange(DAYS), draw.poisson(40, DAYS) + 1)
        shared, own, other = draw.normal(0, [[0.08], [0.06], [0.06]], (3, DAYS))
        mine = draw.uniform(size=len(block)) < 0.75 + gain + (shared + own)[block]
        theirs = draw.uniform(size=len(block)) < 0.75 + (shared + other)[block]
        figures = [mean_of(right.astype(float), Units(block, serial=True)) for right in (mine, theirs)]
        measured = compare.measure("gain over the champion", figures[0] - figures[1], ALPHA)
        business = Measured("business accuracy", 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, DAYS)
        promoted += decide([business, measured], [], [], ALPHA, ALPHA).outcome == "promote"
        naive += int(mine.mean() >= theirs.mean())
        rowwise += int(ttest_1samp(mine.astype(float) - theirs, 0.0, alternative="greater").pvalue <= ALPHA)
    return Rates(promoted, naive, rowwise, times)


def test_equal_challengers_are_promoted_at_most_at_alpha() -> None:
    """Over 400 draws the false promotions stay under the 0.1 % limit of the binomial at alpha.

    The naive rule promotes about half of them, and a test that takes rows for independent exceeds the limit: so
    this limit tells a right gate from a wrong one.
    """
    made = simulate(0.0, 400, seed=20130101)
    limit = binom.ppf(0.999, made.of, ALPHA)
    assert made.gate <= limit
    assert made.gate >= binom.ppf(0.001, made.of, 0.03)  # it errs on the safe side, and not by far
    assert made.rowwise > limit
    assert binom.ppf(0.001, made.of, 0.5) <= made.naive <= binom.ppf(0.999, made.of, 0.5)


def test_a_big_gain_is_found() -> None:
    """A challenger that is eight points better is promoted nearly always; one that is as much worse, never."""
    assert simulate(0.08, 100, seed=2).gate >= 95
    assert simulate(-0.08, 100, seed=3).gate == 0
