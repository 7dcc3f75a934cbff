"""Measuring: jackknife against theory, replicates against scikit-learn, and error rates by simulation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from scipy.stats import binom, ttest_1samp
from scipy.stats import t as student
from sklearn.metrics import accuracy_score, mean_absolute_error, roc_auc_score

from include.ratchet.domain.gate import Measured, decide
from include.ratchet.steps import compare
from include.ratchet.steps.compare import Answers

CLASSES = np.array([0, 1])
DAYS = 28
ALPHA = 0.05


def scores(rows: int = 300, seed: int = 0) -> tuple[Answers, npt.NDArray[Any], npt.NDArray[np.int_]]:
    """Draw truth, scores that follow it a little, and unequal blocks."""
    draw = np.random.default_rng(seed)
    truth = draw.integers(0, 2, rows)
    positive = np.clip(0.3 * truth + draw.uniform(0, 0.7, rows), 0, 1)
    answers = Answers((positive >= 0.5).astype(int), np.column_stack([1 - positive, positive]), CLASSES)
    return answers, truth, np.sort(draw.integers(0, 12, rows))


def test_jackknife_of_the_mean_is_the_classical_error() -> None:
    """For blocks of one size the error of a mean is s / sqrt(n) of the block means, and the interval is Student's."""
    values = np.random.default_rng(1).normal(size=200)
    block = np.repeat(np.arange(20), 10)
    made = compare.measure("mean", compare.replicate(lambda rows: float(values[rows].mean()), block), ALPHA, null=-1.0)
    means = values.reshape(20, 10).mean(axis=1)
    error = means.std(ddof=1) / np.sqrt(20)
    assert made.error == pytest.approx(error)
    assert made.estimate == pytest.approx(values.mean())
    reach = student.ppf(0.95, 19) * error
    assert [made.low, made.high] == pytest.approx([values.mean() - reach, values.mean() + reach])
    assert made.p_above == pytest.approx(ttest_1samp(means, -1.0, alternative="greater").pvalue)
    assert made.p_below == pytest.approx(1 - (made.p_above or 0))


def test_unequal_blocks_weigh_by_their_rows() -> None:
    """A mean over blocks of different sizes has the error of Busing's formula, computed here by hand for three."""
    values, block = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 9.0]), np.array([0, 1, 1, 2, 2, 2])
    made = compare.measure("mean", compare.replicate(lambda rows: float(values[rows].mean()), block), ALPHA)
    whole, pseudo, centre = 4.0, [], 3 * 4.0
    for size, left_out in ((1, 23 / 5), (2, 19 / 4), (3, 6 / 3)):
        share = 6 / size
        pseudo.append((share, share * whole - (share - 1) * left_out))
        centre -= (1 - size / 6) * left_out
    assert made.error == pytest.approx(np.sqrt(np.mean([(p - centre) ** 2 / (s - 1) for s, p in pseudo])))


def auc_of(answers: Answers, truth: npt.NDArray[Any], keep: npt.NDArray[np.bool_]) -> float:
    """Ask scikit-learn for the AUC of some rows."""
    return float(roc_auc_score(truth[keep], np.asarray(answers.probabilities)[keep, 1]))


def accuracy_of(answers: Answers, truth: npt.NDArray[Any], keep: npt.NDArray[np.bool_]) -> float:
    """Ask scikit-learn for the accuracy of some rows."""
    return float(accuracy_score(truth[keep], answers.predicted[keep]))


@pytest.mark.parametrize(("name", "theirs"), [("roc_auc", auc_of), ("accuracy", accuracy_of)])
def test_replicates_are_scikit_learns_on_the_subsets(name: str, theirs: Callable[..., float]) -> None:
    """AUC and accuracy with each block left out are what scikit-learn says about the other rows."""
    answers, truth, block = scores()
    made = compare.replicate(compare.metric(name, answers, truth), block)
    assert made.whole == pytest.approx(theirs(answers, truth, block >= 0))
    assert made.without == pytest.approx([theirs(answers, truth, block != each) for each in np.unique(block)])
    assert made.sizes.sum() == len(block)


def test_a_metric_of_errors_is_negative() -> None:
    """Higher is better for every metric; a number that is recorded is scored as a regression."""
    truth = np.array([1.0, 2.0, 4.0])
    statistic = compare.metric("neg_mean_absolute_error", Answers(truth + 1), truth)
    assert statistic(np.arange(3)) == -mean_absolute_error(truth, truth + 1) == -1.0


def test_a_block_without_which_nothing_can_be_measured() -> None:
    """When all positives are in one block, the AUC without it is undefined: an estimate, and no p-value."""
    answers, _, block = scores()
    truth = (block == 3).astype(int)
    with pytest.warns(match="Only one class"):
        made = compare.measure("auc", compare.replicate(compare.metric("roc_auc", answers, truth), block), ALPHA)
    assert made.estimate is not None
    assert made.p_above is None


def test_one_block_has_no_error() -> None:
    """A single day says nothing about days."""
    made = compare.measure("mean", compare.replicate(lambda rows: float(len(rows)), np.zeros(9, dtype=int)), ALPHA)
    assert (made.blocks, made.error, made.p_above) == (1, None, None)


def test_a_figure_without_noise_is_certain() -> None:
    """The same on every block: above the null it is shown, at the null it is not."""
    same = compare.replicate(lambda _: 0.0, np.repeat(np.arange(20), 5))
    above, at = compare.measure("gain", same, ALPHA, null=-0.02), compare.measure("gain", same, ALPHA, null=0.0)
    assert (above.p_above, above.p_below) == (0.0, 1.0)
    assert (at.p_above, at.p_below) == (1.0, 1.0)


def test_blocks_are_days_or_forty_groups() -> None:
    """Rows of one UTC day share a block; without time there are forty groups of one size, drawn by the seed."""
    times = pd.Series(pd.to_datetime(["2013-01-01T00:00Z", "2013-01-01T23:59Z", "2013-01-02T00:00Z"]))
    assert compare.blocks(times, 3, 7).tolist() == [0, 0, 1]
    drawn = compare.blocks(None, 400, 7)
    assert np.bincount(drawn).tolist() == [10] * 40
    assert (compare.blocks(None, 400, 7) == drawn).all()
    assert (compare.blocks(None, 400, 8) != drawn).any()


class Fixed:
    """A fitted binary model that answers with fixed probabilities."""

    classes_ = np.array(["no", "yes"])

    def __init__(self, *positive: float) -> None:
        """Keep the probabilities of "yes"."""
        self._positive = np.array(positive)

    def predict_proba(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Return both columns."""
        return np.column_stack([1 - self._positive, self._positive])[: len(frame)]


@pytest.mark.parametrize(("threshold", "expected"), [(0.5, ["no", "yes", "yes"]), (0.7, ["no", "no", "yes"]), (0.1, ["yes", "yes", "yes"])])
def test_decisions_are_made_at_the_threshold(threshold: float, expected: list[str]) -> None:
    """A probability at or above the threshold is a yes."""
    said = compare.answer(Fixed(0.1, 0.5, 0.7), pd.DataFrame(index=range(3)), threshold)
    assert said.predicted.tolist() == expected


def test_calibration_error_against_the_hand() -> None:
    """Two bins: scores of 0.15 with no positive, of 0.95 with half: (2 * 0.15 + 2 * 0.45) / 4."""
    positive = np.array([0.15, 0.15, 0.95, 0.95])
    answers = Answers(np.zeros(4), np.column_stack([1 - positive, positive]), CLASSES)
    error = compare.calibration_error(answers, np.array([0, 0, 0, 1]))
    assert error(np.arange(4)) == pytest.approx(0.3)
    assert error(np.array([0, 1])) == pytest.approx(0.15)


@pytest.mark.parametrize(("measure", "expected"), [("true_positive_rate", 0.5), ("false_positive_rate", 1 / 3), ("positive_rate", 0.4)])
def test_rates(measure: str, expected: float) -> None:
    """Each rate is over its own rows, and undefined where there are none."""
    rate = compare.rate(Answers(np.array([1, 0, 1, 0, 0]), None, CLASSES), np.array([1, 1, 0, 0, 0]), measure)
    assert rate(np.arange(5)) == pytest.approx(expected)
    assert np.isnan(rate(np.array([], dtype=int)))


@dataclass(frozen=True)
class Rates:
    """How often each rule promoted."""

    gate: int
    naive: int
    rowwise: int
    of: int


def share_of(right: npt.NDArray[np.bool_]) -> compare.Statistic:
    """Return the accuracy as a function of rows."""
    return lambda rows: float(right[rows].mean())


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
        figures = [compare.replicate(share_of(right), block) for right in (mine, theirs)]
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
    assert made.gate >= binom.ppf(0.001, made.of, ALPHA)
    assert made.rowwise > limit
    assert binom.ppf(0.001, made.of, 0.5) <= made.naive <= binom.ppf(0.999, made.of, 0.5)


def test_a_big_gain_is_found() -> None:
    """A challenger that is eight points better is promoted nearly always; one that is as much worse, never."""
    assert simulate(0.08, 100, seed=2).gate >= 95
    assert simulate(-0.08, 100, seed=3).gate == 0
